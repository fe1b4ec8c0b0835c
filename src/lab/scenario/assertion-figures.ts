/** The figures that a scenario can speak of, each with its unit. What they are is told from the event log alone. */

export interface FigureInfo {
  readonly unit: 'blocks' | 'reorgs' | 'heights' | 'payments' | '%' | 'ms' | 'times';
  /** Is it of one node, of one payment, of a node if one is named, or of the whole yard? */
  readonly of: 'none' | 'node' | 'node?' | 'payment';
  readonly says: string;
}

export const FIGURES = {
  blocks: { unit: 'blocks', of: 'node?', says: 'blocks found (by one node, if named)' },
  share: { unit: '%', of: 'node', says: 'how many of all blocks one node found' },
  revenue: {
    unit: '%',
    of: 'node',
    says: "how many blocks of the branch with most work are one node's: what it is paid for",
  },
  'stale blocks': { unit: 'blocks', of: 'none', says: 'blocks that no node stands on any more' },
  'stale share': { unit: '%', of: 'none', says: 'the same as a share of all blocks' },
  'forked heights': { unit: 'heights', of: 'none', says: 'heights with two blocks or more' },
  height: { unit: 'blocks', of: 'none', says: 'of the branch with most work' },
  reorgs: { unit: 'reorgs', of: 'node?', says: 'times that a node undid blocks' },
  'deepest reorg': { unit: 'blocks', of: 'node?', says: 'most blocks undone at once' },
  'conflict depth': {
    unit: 'blocks',
    of: 'none',
    says: 'blocks by which branches differ now: 0 when one chain is a prefix of the other',
  },
  'deepest conflict': { unit: 'blocks', of: 'none', says: 'the most that it has been' },
  'agreement share': { unit: '%', of: 'none', says: 'of the time, all nodes on one tip' },
  'longest disagreement': { unit: 'ms', of: 'none', says: 'longest time with different tips' },
  'time to agreement': { unit: 'ms', of: 'none', says: 'from the last heal until all had one tip' },
  propagation: {
    unit: 'ms',
    of: 'none',
    says: 'median time from a block being found until the last node has it',
  },
  'mean interval': { unit: 'ms', of: 'none', says: 'mean time between blocks of the branch with most work' },
  'difficulty change': { unit: 'times', of: 'none', says: 'work of the newest block over that of the first' },
  'payments returned': { unit: 'payments', of: 'none', says: 'undone, and waiting again on some node' },
  'payments lost': { unit: 'payments', of: 'none', says: 'undone, and their coin spent otherwise' },
  'confirmations undone': {
    unit: 'blocks',
    of: 'payment',
    says: 'most confirmations that some node saw of a payment that it has no longer confirmed',
  },
} as const satisfies Readonly<Record<string, FigureInfo>>;

export type FigureKind = keyof typeof FIGURES;

export function figureNames(): FigureKind[] {
  return Object.keys(FIGURES) as FigureKind[];
}
