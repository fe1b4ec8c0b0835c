import { NOBODY, opinionOf } from '../../observe/figures-opinion.ts';
import { type Figures, Tally } from '../../observe/figures-tally.ts';
import { seeded } from '../../util/random.ts';
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

/** Figures by the same definitions as those of a live yard; durations are microseconds. */
export function runClusters(input: ClusterInput, progress: (part: number) => void): Figures {
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
  const piece = Math.ceil(input.blocks / 50);
  while (race.mined < input.blocks) {
    race.runBlocks(Math.min(piece, input.blocks - race.mined));
    progress(race.mined / input.blocks);
  }
  race.drain();
  tally.integrate(opinion, race.now);
  tally.heights = perHeight.heights;
  tally.forkedHeights = perHeight.forked;
  // Whatever is not on the branch with most work when all have heard of everything.
  tally.stale = race.mined - race.best.height;
  return tally.read(new Map());
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
