import { STRATEGIES } from '../sim/strategy/shipped.ts';
import type { Strategy } from '../sim/strategy/strategy.ts';
import { WorldAttack } from '../sim/strategy/world-attack.ts';
import type { SimYard } from '../sim/yard.ts';
import type { RunningYard } from './launch.ts';
import { failed } from './problem.ts';
import { LiveStrategy, summaryLine } from './strategy-live.ts';

/** The step `strategy: C selfish`, on processes and on simulated nodes; `strategy: C stop` ends it. */

const live = new WeakMap<RunningYard, Map<string, LiveStrategy>>();
const simulated = new WeakMap<SimYard, Map<string, WorldAttack>>();

function strategyOf(play: string): Strategy {
  const shipped = STRATEGIES[play];
  if (shipped === undefined) throw failed(`there is no strategy '${play}'`);
  return shipped.strategy;
}

/** Takes `letter` out of those that play; a Problem if it is not among them. */
function take<T>(playing: Map<string, T>, letter: string): T {
  const one = playing.get(letter);
  if (one === undefined) throw failed(`${letter} plays no strategy that could be stopped`);
  playing.delete(letter);
  return one;
}

function mustRest(playing: ReadonlyMap<string, unknown>, letter: string): void {
  if (playing.has(letter))
    throw failed(`${letter} plays a strategy already`, `Stop it first: - strategy: ${letter} stop`);
}

export async function playLive(
  { yard, programPath }: { readonly yard: RunningYard; readonly programPath: string },
  letter: string,
  play: string,
): Promise<string> {
  const playing = live.get(yard) ?? new Map<string, LiveStrategy>();
  live.set(yard, playing);
  if (play === 'stop') {
    const one = take(playing, letter);
    const line = summaryLine(await one.summary());
    await one.stop();
    return line;
  }
  mustRest(playing, letter);
  const one = await LiveStrategy.start(yard.client, {
    node: letter,
    name: play,
    strategy: strategyOf(play),
    programPath,
    // What it does is in the yard's log, as notes.
    say: () => undefined,
  });
  one.failed.catch((error: unknown) =>
    yard.launcher.log.tell({ kind: 'action', text: `${letter} plays no more: ${(error as Error).message}` }),
  );
  playing.set(letter, one);
  return `${letter} plays ${play}`;
}

/** Before the nodes go. */
export async function endStrategies(yard: RunningYard): Promise<void> {
  const playing = [...(live.get(yard)?.values() ?? [])];
  live.delete(yard);
  await Promise.all(playing.map((one) => one.stop()));
}

export function playSimulated(yard: SimYard, letter: string, play: string): string {
  const playing = simulated.get(yard) ?? new Map<string, WorldAttack>();
  simulated.set(yard, playing);
  if (play === 'stop') {
    take(playing, letter).stop();
    return `${letter} is honest again`;
  }
  mustRest(playing, letter);
  if (!yard.node(letter).up) throw failed(`node ${letter} is down`, `Start it first: - start: ${letter}`);
  playing.set(letter, new WorldAttack(yard.world, letter, strategyOf(play)));
  return `${letter} plays ${play}`;
}
