import { forkPointOf } from './block.ts';
import { clusterRace, INTERVAL } from './clusters.ts';

export interface PartitionInput {
  /** How long the cut lasts, in blocks that the whole network finds in that time. */
  readonly blocks: number;
  /** Hash power on the first side. */
  readonly share: number;
  readonly runs: number;
  /** One-way delay between the sides, in block intervals. */
  readonly delay: number;
  readonly seed: string;
}

export interface PartitionRuns {
  readonly ties: number;
  /** The second side had the longer branch. */
  readonly secondWins: number;
  /** Of each run, blocks that the losers disconnected. */
  readonly reorgs: readonly number[];
  /** Of each run, from healing to equal tips, in block intervals. */
  readonly agreement: readonly number[];
}

export function runPartitions(input: PartitionInput, progress: (part: number) => void): PartitionRuns {
  const reorgs: number[] = [];
  const agreement: number[] = [];
  let ties = 0;
  let secondWins = 0;
  for (let run = 0; run < input.runs; run++) {
    let deepest = 0;
    const race = clusterRace(
      { x: input.delay, share: input.share, seed: `${input.seed}/${run}` },
      {
        tip: (node, old) => {
          deepest = Math.max(deepest, old.height - forkPointOf(old, race.tips[node]!).height);
        },
      },
    );
    race.cut([0, 1]);
    race.runUntil(Math.round(input.blocks * INTERVAL));
    const [first, second] = race.tips;
    if (first!.height === second!.height) ties++;
    if (second!.height > first!.height) secondWins++;
    race.heal();
    const healed = race.now;
    race.runToAgreement();
    reorgs.push(deepest);
    agreement.push((race.now - healed) / INTERVAL);
    if (run % 100 === 0) progress(run / input.runs);
  }
  return { ties, secondWins, reorgs, agreement };
}
