import { Dag, type Node } from './dag.ts';
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
  const zero = dag.static(0);

  dag.stage = STAGE.schedule;
  const block = [0, 1, 2].map((i) => dag.input(`w${i}`, 'job'));
  block.push(dag.input('w3', 'nonce'), dag.static(0x80000000));
  while (block.length < 15) block.push(zero);
  block.push(dag.static(640));
  const schedule = extend(dag, block);
  const added = schedule.map((word, i) => dag.sum(dag.static(K[i]!), word));

  dag.stage = STAGE.first;
  const midstate = IV.map((_, i) => dag.input(`m${i}`, 'job'));
  const end = rounds(dag, midstate, added, 64);
  const digest = midstate.map((word, i) => dag.sum(word, end[i]!));

  dag.stage = STAGE.second;
  const inner = [...digest, dag.static(0x80000000)];
  while (inner.length < 15) inner.push(zero);
  inner.push(dag.static(256));
  const last = extend(dag, inner);
  const [, , , d, e, f, g, h] = rounds(
    dag,
    IV.map((word) => dag.static(word)),
    last.map((word, i) => dag.sum(dag.static(K[i]!), word)),
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

type State = [Node, Node, Node, Node, Node, Node, Node, Node];

function extend(dag: Dag, block: readonly Node[]): readonly Node[] {
  const w = [...block];
  for (let i = 16; i < 64; i++) {
    w.push(dag.sum(w[i - 16]!, dag.sigma('sigma0', w[i - 15]!), w[i - 7]!, dag.sigma('sigma1', w[i - 2]!)));
  }
  return w;
}

function choose(dag: Dag, e: Node, f: Node, g: Node): Node {
  return dag.xor(g, dag.and(e, dag.xor(f, g)));
}

/** Majority through a ^ b, which is the next round's b ^ c: the graph shares it. */
function majority(dag: Dag, a: Node, b: Node, c: Node): Node {
  return dag.xor(b, dag.and(dag.xor(a, b), dag.xor(b, c)));
}

/** `added`: schedule word + round constant. */
function rounds(dag: Dag, start: readonly Node[], added: readonly Node[], count: number): readonly Node[] {
  let [a, b, c, d, e, f, g, h] = start as State;
  for (let i = 0; i < count; i++) {
    const t1 = dag.sum(added[i]!, h, choose(dag, e, f, g), dag.sigma('bigSigma1', e));
    const t2 = dag.sum(majority(dag, a, b, c), dag.sigma('bigSigma0', a));
    [h, g, f, e, d, c, b, a] = [g, f, e, dag.sum(d, t1), c, b, a, dag.sum(t1, t2)];
  }
  return [a, b, c, d, e, f, g, h];
}

/** The graph's job inputs. */
export function jobInputs(job: HeaderJob): (name: string) => number {
  return (name) => (name.startsWith('m') ? job.midstate : job.tail)[Number(name.slice(1))]!;
}
