import { parseNetworks } from '../../../consensus/params/params.ts';
import type { RetargetTemplate } from '../../../consensus/params/retarget-json.ts';
import { assert } from '../../../util/assert.ts';
import { naturalLog } from '../../../util/random.ts';
import { rateFor, simParams } from '../../world/params.ts';
import type { SimNode } from '../../world/sim-node.ts';
import { World } from '../../world/world.ts';
import type { DifficultyFigures, DifficultyInput } from '../reduced/difficulty.ts';
import { FOREVER_MS, INTERVAL_MS, type WholeInput } from './pair.ts';

export interface WholeDifficulty extends WholeInput {
  readonly retarget: RetargetTemplate;
  readonly blocks: number;
}

export interface WholeDifficultyFigures {
  /** Mean time between blocks of each of 25 stretches, in intended intervals. */
  readonly intervals: readonly number[];
  /** Mean square of log2(target ÷ the one that is right for the hash rate). */
  readonly spread: number;
}

export interface WholeJumps
  extends WholeInput,
    Pick<DifficultyInput, 'factor' | 'jumps' | 'looks' | 'by'>,
    Pick<WholeDifficulty, 'retarget'> {}

const BATCHES = 25;
/** Enough that the target can grow and shrink in small steps; really ground, so few. */
const TRIES = 256;
/** At the easiest target of a jump: the power of a miner who does whole hashes is off by up to one in so many. */
const TRIES_UP = 64;
const TRIES_DOWN = 128;
/** A jump by a large factor ends at a target that takes many more; it may begin at an easier one. */
const TRIES_UP_MOST = 640;
const LEAST_TRIES = 8;
/** Long against the five seconds for which a job keeps its time. */
const JUMP_INTERVAL_MS = 60_000;
/** Blocks 1 and 2 do not count under `ema`: the jump comes at the third. */
const BEFORE = 2;

/** One mining whole node under a steady hash rate. */
export function runWholeDifficulty(
  input: WholeDifficulty,
  progress: (part: number) => void,
): WholeDifficultyFigures {
  const { node, world, ease } = alone(input, input.seed, INTERVAL_MS, TRIES);
  const size = Math.ceil(input.blocks / BATCHES);
  const intervals: number[] = [];
  let squares = 0;
  const grow = (to: number, found: () => void = () => undefined) => {
    for (let height = node.tip.height; height < to; height = node.tip.height) {
      world.until(() => node.tip.height > height, FOREVER_MS);
      found();
    }
  };
  grow(size);
  for (let batch = 1; batch <= BATCHES; batch++) {
    const began = world.now;
    grow((batch + 1) * size, () => {
      const log2 = naturalLog(ease()) / Math.LN2;
      squares += log2 * log2;
    });
    intervals.push((world.now - began) / 1_000 / size / INTERVAL_MS);
    progress(batch / BATCHES);
  }
  return { intervals, spread: squares / size / BATCHES };
}

/** Jumps as in the reduced model: the power of a node becomes another one, and what its own rules make of the target is read. */
export function runWholeJumps(
  input: WholeJumps,
  progress: (part: number) => void,
): DifficultyFigures['speeds'] {
  const { factor, jumps, looks } = input;
  const up = Math.max(LEAST_TRIES, Math.min(TRIES_UP, TRIES_UP_MOST / factor));
  const speeds: number[][] = looks.map(() => []);
  for (let i = 0; i < jumps; i++) {
    const tries = factor > 1 ? up : TRIES_DOWN / factor;
    const { node, world, ease } = alone(input, `${input.seed}/${i}`, JUMP_INTERVAL_MS, tries);
    world.until(() => node.tip.height >= BEFORE, FOREVER_MS);
    const began = world.now;
    node.mine({ hashrate: rateFor(world.params, factor) });
    for (const [j, look] of looks.entries()) {
      if (input.by === 'blocks') world.until(() => node.tip.height >= look, FOREVER_MS);
      else world.run((began - world.now) / 1_000 + look * JUMP_INTERVAL_MS);
      speeds[j]!.push(factor * ease());
    }
    progress((i + 1) / jumps);
  }
  return speeds;
}

/** A node that mines for itself, and how many times as easy the target is as the first one, which is right for its power. */
function alone(
  { networks, retarget }: Pick<WholeDifficulty, 'networks' | 'retarget'>,
  seed: string,
  intervalMs: number,
  tries: number,
): { readonly world: World; readonly node: SimNode; readonly ease: () => number } {
  const parsed = parseNetworks(networks);
  const lab = parsed.ok ? parsed.value.get('lab') : undefined;
  assert(lab !== undefined, 'genesis.json has the network lab');
  const params = simParams({ ...lab, retarget }, { intervalMs, tries });
  const world = new World({ params, seed, keepBodies: 200 });
  const node = world.add('A', { hashrate: rateFor(params, 1) });
  const first = partOf(node);
  return { world, node, ease: () => partOf(node) / first };
}

/** The part of all hashes that meets the target of the job at hand. */
function partOf(node: SimNode): number {
  assert(node.job !== undefined, 'the node mines');
  let part = 0;
  for (const byte of [...node.job.target].reverse()) part = (part + byte) / 256;
  return part;
}
