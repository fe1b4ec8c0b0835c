import { byLetter } from '../words/words.ts';
import type { Forest } from './forest.ts';

/** Do the nodes give one answer now? */
export interface Agreement {
  /** Tips, that of most nodes first, each with its nodes. */
  readonly answers: readonly { readonly id: string; readonly nodes: readonly string[] }[];
  /** Conflict depth of the two tips that differ most; 0 = only lag. */
  readonly depth: number;
  /** Nodes whose tip is merely an ancestor of the best one. */
  readonly behind: readonly string[];
}

/** One opinion: a tip and who holds it. */
export interface Answer {
  readonly id: string;
  readonly nodes: readonly string[];
  /** Behind the tip; 0 for one that was never seen. */
  readonly work: bigint;
}

/** The tips of one moment, most work first, each with its nodes in their order. */
export function answersOf(forest: Forest, tips: ReadonlyMap<string, string>): Answer[] {
  const by = new Map<string, string[]>();
  for (const [node, id] of tips) {
    const known = by.get(id);
    if (known === undefined) by.set(id, [node]);
    else known.push(node);
  }
  return [...by]
    .map(([id, nodes]) => ({ id, nodes: nodes.sort(byLetter), work: forest.blocks.get(id)?.work ?? 0n }))
    .sort((a, b) => (a.work === b.work ? byLetter(a.nodes[0]!, b.nodes[0]!) : a.work > b.work ? -1 : 1));
}

/** `nodes` in the order in which they are named; those without a tip (down) hold no opinion. */
export function agreementOf(forest: Forest, nodes: readonly string[]): Agreement {
  const tips = new Map<string, string>();
  for (const node of nodes) {
    const id = forest.tips.get(node);
    if (id !== undefined) tips.set(node, id);
  }
  const byWork = answersOf(forest, tips);
  const best = byWork.find((answer) => forest.blocks.has(answer.id));
  const behind: string[] = [];
  for (const answer of byWork) {
    const tip = forest.blocks.get(answer.id);
    if (tip === undefined || best === undefined || tip.id === best.id) continue;
    const fork = forest.forkPoint(best.id, tip.id);
    if (fork?.id === tip.id) behind.push(...answer.nodes);
  }
  const answers = [...byWork].sort((a, b) => b.nodes.length - a.nodes.length);
  return { answers, depth: conflictDepth(forest, tips.values()), behind };
}

/**
 * How deep the two nodes that differ most contradict each other: m = min(height) − height(last common block); 0 when
 * one branch is only longer (lag). observe/figures/opinion.ts computes the same m
 * on its own, smaller tree.
 */
export function conflictDepth(forest: Forest, tips: Iterable<string>): number {
  const distinct = [...new Set(tips)].map((id) => forest.blocks.get(id)).filter((b) => b !== undefined);
  let deepest = 0;
  for (const [i, a] of distinct.entries()) {
    for (const b of distinct.slice(i + 1)) {
      const fork = forest.forkPoint(a.id, b.id);
      if (fork !== undefined) deepest = Math.max(deepest, Math.min(a.height, b.height) - fork.height);
    }
  }
  return deepest;
}
