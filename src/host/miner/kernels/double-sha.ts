import { Dag, type Node } from './dag.ts';
import { choose, extend, padded, rounds, type State, withConstants } from './sha-graph.ts';
import { type HeaderJob, IV, K } from './sha256.ts';

/** The functions that a kernel is cut into. */
export const STAGE = { schedule: 0, first: 1, second: 2 } as const;

/**
 * SHA-256d of an 80-byte header as a graph, down to its last digest word: the one that decides nearly every nonce.
 * Inputs: `m0`…`m7` (midstate) and `w0`…`w2` per job, `w3` (the nonce, bytes swapped) per nonce.
 * Rounds 61–63 of the second hash do not reach that word and are absent.
 */
export function lastWordGraph(): { dag: Dag; output: Node } {
  const dag = new Dag();
  dag.stage = STAGE.schedule;
  const tail = [0, 1, 2].map((i) => dag.input(`w${i}`, 'job'));
  const schedule = extend(dag, padded(dag, [...tail, dag.input('w3', 'nonce')], 640));
  const added = withConstants(dag, schedule);

  dag.stage = STAGE.first;
  const midstate = IV.map((_, i) => dag.input(`m${i}`, 'job'));
  const end = rounds(dag, midstate, added, 64);
  const digest = midstate.map((word, i) => dag.sum(word, end[i]!));

  dag.stage = STAGE.second;
  const last = extend(dag, padded(dag, digest, 256));
  const [, , , d, e, f, g, h] = rounds(
    dag,
    IV.map((word) => dag.static(word)),
    withConstants(dag, last),
    60,
  ) as State;
  // Round 60 makes `e`; three rounds later it is `h`, the last word. So that round needs no `a`, and the rest nothing.
  const output = dag.sum(
    dag.static(IV[7]! + K[60]!),
    last[60]!,
    h,
    d,
    choose(dag, e, f, g),
    dag.sigma('bigSigma1', e),
  );
  return { dag, output };
}

/** The graph's job inputs. */
export function jobInputs(job: HeaderJob): (name: string) => number {
  return (name) => (name.startsWith('m') ? job.midstate : job.tail)[Number(name.slice(1))]!;
}
