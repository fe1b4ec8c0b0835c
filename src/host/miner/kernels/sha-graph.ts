import type { Dag, Node } from './dag.ts';
import { K } from './sha256.ts';

/** The parts of SHA-256 (FIPS 180-4) as graphs, for whatever is to be generated from them. */

/** A last block: these words, the mark, zeros, and the message's length in bits. */
export function padded(dag: Dag, words: readonly Node[], bits: number): readonly Node[] {
  const block = [...words, dag.static(0x80000000)];
  while (block.length < 15) block.push(dag.static(0));
  return [...block, dag.static(bits)];
}

export function withConstants(dag: Dag, schedule: readonly Node[]): readonly Node[] {
  return schedule.map((word, i) => dag.sum(dag.static(K[i]!), word));
}

export type State = [Node, Node, Node, Node, Node, Node, Node, Node];

/** The first words of the schedule of a block of 16 words. */
export function extend(dag: Dag, block: readonly Node[], count = 64): readonly Node[] {
  const w = [...block];
  for (let i = 16; i < count; i++) {
    w.push(dag.sum(w[i - 16]!, dag.sigma('sigma0', w[i - 15]!), w[i - 7]!, dag.sigma('sigma1', w[i - 2]!)));
  }
  return w;
}

export function choose(dag: Dag, e: Node, f: Node, g: Node): Node {
  return dag.xor(g, dag.and(e, dag.xor(f, g)));
}

/** Majority through a ^ b, which is the next round's b ^ c: the graph shares it. */
function majority(dag: Dag, a: Node, b: Node, c: Node): Node {
  return dag.xor(b, dag.and(dag.xor(a, b), dag.xor(b, c)));
}

/** `added`: of each round, schedule word + round constant. Fewer rounds than words leave the last words unused. */
export function rounds(
  dag: Dag,
  start: readonly Node[],
  added: readonly Node[],
  count: number,
): readonly Node[] {
  let [a, b, c, d, e, f, g, h] = start as State;
  for (let i = 0; i < count; i++) {
    const t1 = dag.sum(added[i]!, h, choose(dag, e, f, g), dag.sigma('bigSigma1', e));
    const t2 = dag.sum(majority(dag, a, b, c), dag.sigma('bigSigma0', a));
    [h, g, f, e, d, c, b, a] = [g, f, e, dag.sum(d, t1), c, b, a, dag.sum(t1, t2)];
  }
  return [a, b, c, d, e, f, g, h];
}
