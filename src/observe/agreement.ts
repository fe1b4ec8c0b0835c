import type { LogEvent } from '../consensus/news.ts';
import type { Forest } from './forest.ts';
import { byLetter } from './words.ts';

/** Do the nodes give one answer now? */
export interface Agreement {
  /** Tips, that of most nodes first, each with its nodes. */
  readonly answers: readonly { readonly id: string; readonly nodes: readonly string[] }[];
  /** Blocks that the deepest loser would have to undo, against the tip with most work; 0 = only lag. */
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
  let depth = 0;
  const behind: string[] = [];
  for (const answer of byWork) {
    const tip = forest.blocks.get(answer.id);
    if (tip === undefined || best === undefined || tip.id === best.id) continue;
    const fork = forest.forkPoint(best.id, tip.id);
    if (fork?.id === tip.id) behind.push(...answer.nodes);
    else if (fork !== undefined) depth = Math.max(depth, tip.height - fork.height);
  }
  const answers = [...byWork].sort((a, b) => b.nodes.length - a.nodes.length);
  return { answers, depth, behind };
}

/**
 * How deep the two nodes that differ most contradict each other: m = min(height) − height(last common block); 0 when
 * one branch is only longer (lag). The same m as in the figures.
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

/** Do two nodes differ when each is asked for the block that lies `deep` below its own tip? */
export function readsDiffer(forest: Forest, nodes: readonly string[], deep: number): boolean {
  const tips = [...new Set(nodes.map((n) => forest.tips.get(n)).filter((id) => id !== undefined))];
  return tips.some((a) => {
    let block = forest.blocks.get(a);
    for (let i = 0; i < deep && block !== undefined; i++) block = forest.blocks.get(block.prev);
    return block !== undefined && tips.some((b) => b !== a && !forest.isOnBranch(block.id, b));
  });
}

/** Blocks and forks between two changes of links, power or nodes: figures never mix epochs. */
export interface Epoch {
  /** Log time of the change that began it. */
  readonly since: number;
  /** Heights that got their first block in it. */
  readonly heights: number;
  /** Of these, heights with two blocks or more. */
  readonly forks: number;
  /** Was a partition open in it? */
  readonly cut: boolean;
}

export interface Epochs {
  readonly current: Epoch;
  /** The latest one without a partition, that before the open cut: what it is to be compared with. */
  readonly uncut: Epoch | undefined;
  apply(event: LogEvent): void;
}

/** Heights that are watched for a second block. */
const WATCHED = 1_000;

/** Counts from the log alone. */
export function newEpochs(): Epochs {
  let current: Epoch = { since: 0, heights: 0, forks: 0, cut: false };
  let uncut: Epoch | undefined;
  /** Block ids by height, of this epoch; heights of an earlier one are known by their blocks. */
  let heights = new Map<number, Set<string>>();
  let highest = 0;

  function begin(t: number, cut: boolean): void {
    if (!current.cut && current.heights > 0) uncut = current;
    current = { since: t, heights: 0, forks: 0, cut };
    heights = new Map();
  }

  function block(id: string, height: number, t: number): void {
    if (current.since === 0) current = { ...current, since: t };
    const known = heights.get(height);
    if (known === undefined) {
      // A height that an earlier epoch began is that epoch's.
      if (height <= highest) return;
      highest = height;
      heights.set(height, new Set([id]));
      current = { ...current, heights: current.heights + 1 };
      if (heights.size > WATCHED) heights.delete(heights.keys().next().value ?? 0);
      return;
    }
    if (known.has(id)) return;
    known.add(id);
    if (known.size === 2) current = { ...current, forks: current.forks + 1 };
  }

  return {
    get current() {
      return current;
    },
    get uncut() {
      return uncut;
    },
    apply(event) {
      switch (event.kind) {
        case 'block':
          return block(event.id, event.height, event.t);
        case 'partition':
          return begin(event.t, true);
        case 'heal':
          return begin(event.t, false);
        case 'process':
          return begin(event.t, current.cut);
        default:
          return;
      }
    },
  };
}
