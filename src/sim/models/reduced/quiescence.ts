import { clusterRace, INTERVAL } from './clusters.ts';

export interface QuiescenceInput {
  readonly x: number;
  readonly tie: 'first-seen' | 'lowest-id';
  readonly runs: number;
  readonly seed: string;
}

/** Long enough for the beginning to be forgotten, in block intervals. */
const MINING = 30;

/** In how many runs two clusters still differ after the miners have stopped and all messages have arrived. */
export function runQuiescence(input: QuiescenceInput, progress: (part: number) => void): number {
  let differ = 0;
  for (let run = 0; run < input.runs; run++) {
    const race = clusterRace({ x: input.x, share: 0.5, tie: input.tie, seed: `${input.seed}/${run}` });
    race.runUntil(Math.round((MINING + input.x) * INTERVAL));
    race.drain();
    if (!race.agree) differ++;
    if (run % 500 === 0) progress(run / input.runs);
  }
  return differ;
}
