import { parseNetworks } from '../../consensus/params.ts';
import type { RetargetTemplate } from '../../consensus/retarget-json.ts';
import { assert } from '../../util/assert.ts';
import { rateFor, simParams } from '../params.ts';
import { World } from '../world.ts';
import { FOREVER_MS, INTERVAL_MS, type WholeInput } from './pair.ts';

export interface WholeDifficulty extends WholeInput {
  readonly retarget: RetargetTemplate;
  readonly blocks: number;
}

const BATCHES = 25;
/** Enough that the target can grow and shrink in small steps; really ground, so few. */
const TRIES = 256;

/** Mean time between blocks of one mining whole node, of each of 25 stretches, in intended intervals. */
export function runWholeDifficulty(input: WholeDifficulty, progress: (part: number) => void): number[] {
  const parsed = parseNetworks(input.networks);
  const lab = parsed.ok ? parsed.value.get('lab') : undefined;
  assert(lab !== undefined, 'genesis.json has the network lab');
  const params = simParams({ ...lab, retarget: input.retarget }, { intervalMs: INTERVAL_MS, tries: TRIES });
  const world = new World({ params, seed: input.seed, keepBodies: 200 });
  const node = world.add('A', { hashrate: rateFor(params, 1, INTERVAL_MS) });
  const size = Math.ceil(input.blocks / BATCHES);
  const intervals: number[] = [];
  const grow = (to: number) => world.until(() => node.tip.height >= to, FOREVER_MS);
  grow(size);
  for (let batch = 1; batch <= BATCHES; batch++) {
    const began = world.now;
    grow((batch + 1) * size);
    intervals.push((world.now - began) / 1_000 / size / INTERVAL_MS);
    progress(batch / BATCHES);
  }
  return intervals;
}
