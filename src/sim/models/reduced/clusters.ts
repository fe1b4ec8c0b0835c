import type { Stretch } from '../../../observe/figures/judge.ts';
import { NOBODY, opinionOf } from '../../../observe/figures/opinion.ts';
import { type Figures, Tally } from '../../../observe/figures/tally.ts';
import { seeded } from '../../../util/random.ts';
import { conflictOf, firstSeenTie, forkPointOf, lowestIdTie } from './block.ts';
import { Race, type RaceWatcher } from './race.ts';

/** Two clusters of miners, no delay within, one between: each is one node here. */
export interface ClusterInput {
  /** Blocks of the whole network per delay. */
  readonly x: number;
  /** Hash power of the first cluster, in (0, 1). */
  readonly share: number;
  readonly blocks: number;
  readonly seed: string;
  readonly tie?: 'first-seen' | 'lowest-id';
}

/** Mean time between blocks: long against a microsecond, so that rounding moves nothing. */
export const INTERVAL = 10_000_000;
const TREE = { conflict: conflictOf };
/** Stretches of a run, for standard errors. */
export const STRETCHES = 50;

export interface ClusterFigures extends Figures {
  /** Levels that forks reached, and how many of them had another one above: in so many stretches of the run. */
  readonly stretches: readonly Stretch[];
}

/** Figures by the same definitions as those of a live yard; durations are microseconds. */
export function runClusters(input: ClusterInput, progress: (part: number) => void): ClusterFigures {
  const tally = new Tally(0);
  let opinion = NOBODY;
  const perHeight = new HeightCounter();
  const race = clusterRace(input, {
    found: (block) => {
      tally.found('', 1, 0);
      perHeight.count(block.height);
    },
    tip: (node, old, now) => {
      tally.integrate(opinion, now);
      const depth = old.height - forkPointOf(old, race.tips[node]!).height;
      if (depth > 0) tally.reorganised(depth, false);
      opinion = opinionOf(race.tips, TREE);
      tally.inConflict(opinion.deepest > 0, opinion.deepest);
      tally.tipChanges++;
    },
  });
  opinion = opinionOf(race.tips, TREE);
  const piece = Math.ceil(input.blocks / STRETCHES);
  const levels = new ForkLevels();
  while (race.mined < input.blocks) {
    race.runBlocks(Math.min(piece, input.blocks - race.mined));
    if (race.mined === input.blocks) race.drain();
    levels.close(tally.read(NOBODY_PENDING).reorgs);
    progress(race.mined / input.blocks);
  }
  tally.integrate(opinion, race.now);
  tally.heights = perHeight.heights;
  tally.forkedHeights = perHeight.forked;
  // Whatever is not on the branch with most work when all have heard of everything.
  tally.stale = race.mined - race.best.height;
  return { ...tally.read(NOBODY_PENDING), stretches: levels.stretches };
}

const NOBODY_PENDING: ReadonlyMap<string, number> = new Map();

/** Cuts the count of reorgs into stretches: a fork ends in one, as deep as the fork was. */
export class ForkLevels {
  readonly stretches: Stretch[] = [];
  #reached = 0;
  #deeper = 0;

  /** All reorgs so far. */
  close(reorgs: Figures['reorgs']): void {
    let reached = 0;
    let deeper = 0;
    for (const { depth, count } of reorgs) {
      reached += depth * count;
      deeper += (depth - 1) * count;
    }
    this.stretches.push({ cases: reached - this.#reached, hits: deeper - this.#deeper });
    this.#reached = reached;
    this.#deeper = deeper;
  }
}

export function clusterRace(input: Omit<ClusterInput, 'blocks'>, watcher: RaceWatcher = {}): Race {
  const delay = Math.round(input.x * INTERVAL);
  return new Race(
    {
      shares: [input.share, 1 - input.share],
      delays: Float64Array.of(0, delay, delay, 0),
      interval: INTERVAL,
      random: seeded(input.seed),
      tie: input.tie === 'lowest-id' ? lowestIdTie : firstSeenTie,
    },
    watcher,
  );
}

/** How many heights have a block, and how many more than one. */
export class HeightCounter {
  readonly #blocks: number[] = [];
  heights = 0;
  forked = 0;

  count(height: number): void {
    const before = this.#blocks[height] ?? 0;
    this.#blocks[height] = before + 1;
    if (before === 0) this.heights++;
    if (before === 1) this.forked++;
  }
}
