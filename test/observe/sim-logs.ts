import type { LogEvent } from '../../src/events/events.ts';
import { playOf, STRATEGIES } from '../../src/sim/strategy/shipped.ts';
import { WorldAttack } from '../../src/sim/strategy/world-attack.ts';
import { SimYard } from '../../src/sim/yard.ts';
import { seeded } from '../../src/util/random.ts';
import { templates } from '../dsl/networks.ts';

/** Event logs of whole simulated nodes, the same for the same seed. */

const PACE_MS = 1_000;

interface Scene {
  readonly yard: SimYard;
  /** Lets so many mean intervals pass. */
  readonly blocks: (count: number) => void;
}

interface SimLogOptions {
  readonly seed: string;
  readonly nodes?: number;
  readonly delayMs?: number;
}

/** What `play` does to a yard that mines, as its log has it. */
function simLog({ seed, nodes = 4, delayMs = 300 }: SimLogOptions, play: (scene: Scene) => void): LogEvent[] {
  const events: LogEvent[] = [];
  const yard = new SimYard({
    template: templates().get('lab')!,
    seed,
    nodes: Array.from({ length: nodes }, (_, i) => ({
      letter: String.fromCharCode(65 + i),
      hashrate: 50_000,
      mines: true,
    })),
    paceMs: PACE_MS,
    delayMs,
    onEvent: (event) => events.push(event),
  });
  yard.startMining();
  play({ yard, blocks: (count) => yard.world.run(count * PACE_MS) });
  return events;
}

/** One after the other, as `down` does. */
function stopAll({ yard, blocks }: Scene, seed: string): void {
  const random = seeded(`${seed}|order`);
  const left = [...yard.letters];
  while (left.length > 0) {
    const [letter] = left.splice(random.below(left.length), 1);
    yard.kill(letter!, 'clean');
    blocks(random.unit() * 0.2);
  }
}

/** The usual kinds of run, each with the end of `down` where a yard has one. */
export const RUNS: Readonly<Record<string, (seed: string) => LogEvent[]>> = {
  'live-like': (seed) => simLog({ seed }, ({ blocks }) => blocks(60)),
  stopped: (seed) =>
    simLog({ seed, delayMs: 500 }, (scene) => {
      scene.blocks(50);
      stopAll(scene, seed);
    }),
  'killed and back': (seed) =>
    simLog({ seed, delayMs: 400 }, (scene) => {
      const random = seeded(`${seed}|kills`);
      for (let i = 0; i < 8; i++) {
        scene.blocks(5);
        const letter = scene.yard.letters[random.below(4)]!;
        if (scene.yard.node(letter).up) scene.yard.kill(letter);
        else scene.yard.start(letter);
      }
      stopAll(scene, seed);
    }),
  partitioned: (seed) =>
    simLog({ seed }, (scene) => {
      scene.blocks(20);
      scene.yard.partition([
        ['A', 'B'],
        ['C', 'D'],
      ]);
      scene.blocks(15);
      scene.yard.heal();
      scene.blocks(20);
      scene.yard.partition([['A'], ['B', 'C', 'D']]);
      scene.blocks(8);
      stopAll(scene, seed);
    }),
  selfish: (seed) => attacked(seed, 'selfish'),
  'double spend': (seed) => attacked(seed, 'double-spend'),
};

/** C plays for a while, and is honest again. */
function attacked(seed: string, name: 'selfish' | 'double-spend'): LogEvent[] {
  return simLog({ seed, nodes: 3, delayMs: 100 }, (scene) => {
    const { yard } = scene;
    for (const letter of ['A', 'B']) yard.node(letter).mine({ hashrate: 40_000 });
    yard.node('C').mine({ hashrate: 70_000 });
    scene.blocks(10);
    const play = playOf(STRATEGIES[name]!, { confirmations: 1 });
    const attack = new WorldAttack(yard.world, 'C', play, { name });
    scene.blocks(50);
    attack.stop();
    scene.blocks(10);
    stopAll(scene, seed);
  });
}
