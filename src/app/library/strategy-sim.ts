import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNetworks } from '../../consensus/params/params.ts';
import type { StrategySummary } from '../../lab/strategy/story.ts';
import { StrategyError } from '../../sim/strategy/attack.ts';
import type { Play } from '../../sim/strategy/shipped.ts';
import { WorldAttack } from '../../sim/strategy/world-attack.ts';
import { rateFor, simParams } from '../../sim/world/params.ts';
import { World } from '../../sim/world/world.ts';
import { Interrupted } from '../../yard/action.ts';
import { misuse } from '../../yard/problem.ts';
import { packageRoot } from '../node/package.ts';

/** Short: what nodes tell each other every 30 seconds is most of what a long interval costs. */
const INTERVAL_MS = 20_000;
/** Far below a thousandth of the interval, as the published formulas suppose. */
const DELAY_MS = 2;
/** A look at the clock and at Ctrl-C after so many blocks' time. */
const PIECE = 20;

export interface StrategySimulation {
  readonly play: Play;
  readonly name: string;
  readonly power: number;
  /** To be found, by all together. */
  readonly blocks: number;
  readonly seed: string;
  readonly signal: AbortSignal;
  readonly progress: (share: number) => void;
}

/** C plays, A and B are honest and share the rest of the power; whole nodes on invented time. */
export async function simulateStrategy(o: StrategySimulation): Promise<StrategySummary> {
  const networks = parseNetworks(JSON.parse(readFileSync(join(packageRoot(), 'genesis.json'), 'utf8')));
  const lab = networks.ok ? networks.value.get('lab') : undefined;
  if (lab === undefined) throw misuse('genesis.json has no network lab');
  const params = simParams(lab, { intervalMs: INTERVAL_MS });
  // All bodies stay: near one half of the power a secret branch can be thousands of blocks long.
  const world = new World({ params, seed: o.seed, link: { delayMs: DELAY_MS } });
  const rate = (share: number) => rateFor(params, share, INTERVAL_MS);
  world.add('A', { hashrate: rate((1 - o.power) / 2) });
  world.add('B', { hashrate: rate((1 - o.power) / 2) });
  world.add('C', { hashrate: rate(o.power) });
  world.connectAll();
  world.run(1_000);
  try {
    const attack = new WorldAttack(world, 'C', o.play);
    for (let done = 0; done < o.blocks; done += PIECE) {
      world.run(Math.min(PIECE, o.blocks - done) * INTERVAL_MS);
      o.progress(Math.min(1, done / o.blocks));
      await new Promise((next) => setImmediate(next));
      if (o.signal.aborted) throw new Interrupted();
    }
    const { chain } = world.node('A').view;
    let own = 0;
    for (let height = 1; height <= chain.tip.height; height++)
      if (chain.atHeight(height)!.miner === 'C') own++;
    return {
      node: 'C',
      strategy: o.name,
      found: attack.found,
      shown: attack.shown,
      chain: chain.tip.height,
      own,
      power: o.power,
      ...(o.play.paid === undefined ? {} : { payments: o.play.paid.attempts }),
    };
  } catch (error) {
    throw error instanceof StrategyError ? misuse(error.message) : error;
  }
}
