import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { type Claim, claimYard, ownerOf } from '../../src/lab/yard/claim.ts';

/** A worker thread of claim.test.ts: in each round it claims the same yard as the others, at the same moment. */

export interface RacerData {
  readonly dir: string;
  readonly racers: number;
  readonly rounds: number;
  /** Three counters: arrivals of threads, owners at this moment, meetings that are over. */
  readonly shared: SharedArrayBuffer;
  /** A pid that nobody has: a launcher that was killed. */
  readonly gone: number;
  readonly index: number;
}

export interface RacerAnswer {
  readonly wins: readonly number[];
  /** Rounds in which two owned the yard at the same time. */
  readonly doubled: readonly number[];
  readonly refusals: readonly string[];
}

const { dir, racers, rounds, shared, gone, index } = workerData as RacerData;
const cells = new Int32Array(shared);

/** Returns when all threads have come here; the last one wakes the others together. */
function meet(): void {
  const meeting = Atomics.load(cells, 2);
  if (Atomics.add(cells, 0, 1) % racers === racers - 1) {
    Atomics.add(cells, 2, 1);
    Atomics.notify(cells, 2);
  } else Atomics.wait(cells, 2, meeting);
}

const wins: number[] = [];
const doubled: number[] = [];
const refusals = new Set<string>();

for (let round = 0; round < rounds; round++) {
  const yard = join(dir, String(round));
  if (index === 0) {
    mkdirSync(join(yard, 'launchers'), { recursive: true });
    for (const kind of ['asks', 'owns'])
      writeFileSync(join(yard, 'launchers', `${gone}-0-${Date.now()}-0123456789abcdef.${kind}`), '');
  }
  meet();
  let claim: Claim | undefined;
  try {
    claim = await claimYard(yard);
    if (Atomics.add(cells, 1, 1) > 0) doubled.push(round);
    wins.push(round);
    if (ownerOf(yard) !== process.pid) refusals.add('the owner is not named');
  } catch (error) {
    refusals.add((error as Error).message.replace(yard, 'YARD'));
  }
  meet();
  if (claim !== undefined) {
    Atomics.sub(cells, 1, 1);
    claim.release();
  }
  meet();
  if (ownerOf(yard) !== undefined) refusals.add('it is owned after its release');
}
parentPort!.postMessage({ wins, doubled, refusals: [...refusals] } satisfies RacerAnswer);
