import type { LogEvent } from '../consensus/news.ts';
import type { Forest } from '../observe/forest.ts';

/** One payment on every node over time: spans of one state each, from the log. Pure. */

export type LaneState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'waiting'; readonly returned: boolean }
  | { readonly kind: 'confirmed'; readonly depth: number; readonly block: string }
  | { readonly kind: 'undone'; readonly by?: string; readonly block?: string }
  | { readonly kind: 'gone'; readonly why: string };

export interface Span {
  readonly t: number;
  readonly state: LaneState;
}

export interface Lanes {
  readonly from: number;
  /** Spans by node, in order of time; each lasts until the next one begins. */
  readonly byNode: ReadonlyMap<string, readonly Span[]>;
}

/** After a change of branch, a node decides within this what becomes of the payments that fell out. */
const SETTLING_MS = 250;

/** Confirmations that are told apart; beyond, one waits for nothing. */
export const DEEP = 12;

/**
 * `events` up to the shown moment. The forest may be of a later time: whether one block lies below another does not
 * change.
 */
export function lanesOf(
  events: readonly LogEvent[],
  count: number,
  forest: Forest,
  txid: string,
  nodes: readonly string[],
): Lanes {
  const inBlocks = new Set<string>();
  const pool = new Map<string, LaneState>();
  const tips = new Map<string, string>();
  const byNode = new Map<string, Span[]>(nodes.map((node) => [node, []]));
  let from: number | undefined;

  const now = (node: string): LaneState => {
    const tip = forest.blocks.get(tips.get(node) ?? '');
    for (const id of inBlocks) {
      const block = forest.blocks.get(id);
      if (tip === undefined || block === undefined || !forest.isOnBranch(id, tip.id)) continue;
      return { kind: 'confirmed', depth: Math.min(DEEP, tip.height - block.height + 1), block: id };
    }
    return pool.get(node) ?? { kind: 'unknown' };
  };
  const note = (node: string, t: number) => {
    const spans = byNode.get(node);
    if (spans === undefined || from === undefined) return;
    const state = now(node);
    let last = spans.at(-1);
    if (last?.state.kind === 'unknown' && t - last.t < SETTLING_MS) {
      spans.pop();
      last = spans.at(-1);
    }
    if (last === undefined || !same(last.state, state)) spans.push({ t, state });
  };

  for (let i = 0; i < count; i++) {
    const event = events[i]!;
    switch (event.kind) {
      case 'start':
      case 'tip':
        tips.set(event.node, event.id);
        break;
      case 'connected':
        if (!event.txids.includes(txid)) continue;
        // The tip that follows shows it.
        inBlocks.add(event.id);
        pool.delete(event.node);
        if (from === undefined) from = event.t;
        continue;
      case 'tx-seen':
        if (event.txid !== txid) continue;
        pool.set(event.node, { kind: 'waiting', returned: false });
        break;
      case 'tx-returned':
        if (event.txid !== txid) continue;
        pool.set(event.node, { kind: 'waiting', returned: true });
        break;
      case 'tx-lost':
        if (event.txid !== txid) continue;
        pool.set(event.node, {
          kind: 'undone',
          ...(event.by === undefined ? {} : { by: event.by }),
          ...(event.block === undefined ? {} : { block: event.block }),
        });
        break;
      case 'tx-removed':
        if (event.txid !== txid) continue;
        pool.set(
          event.node,
          event.why === 'conflict'
            ? { kind: 'undone', ...(event.by === undefined ? {} : { by: event.by }) }
            : { kind: 'gone', why: event.why },
        );
        break;
      case 'tx-refused':
        if (event.txid !== txid || pool.has(event.node)) continue;
        pool.set(event.node, { kind: 'gone', why: `refused: ${event.rule}` });
        break;
      default:
        continue;
    }
    if (from === undefined && event.kind.startsWith('tx-')) from = event.t;
    note(event.node, event.t);
  }
  return { from: from ?? 0, byNode };
}

function same(a: LaneState, b: LaneState): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'confirmed') return b.kind === 'confirmed' && a.depth === b.depth && a.block === b.block;
  if (a.kind === 'waiting') return b.kind === 'waiting' && a.returned === b.returned;
  return true;
}

/** The lane's last state in plain words. */
export function laneWords(state: LaneState, forest: Forest, nameOf: (txid: string) => string): string {
  switch (state.kind) {
    case 'unknown':
      return 'unknown here';
    case 'waiting':
      return state.returned ? 'returned: waiting again' : 'waiting';
    case 'confirmed': {
      const many = state.depth >= DEEP ? `${DEEP} or more` : String(state.depth);
      return `${many} confirmation${state.depth === 1 ? '' : 's'} (in ${forest.nameOf(state.block)})`;
    }
    case 'undone': {
      const by = state.by === undefined ? '' : ` by ${nameOf(state.by)}`;
      const where = state.block === undefined ? '' : ` in ${forest.nameOf(state.block)}`;
      return `undone: its coin is spent${by}${where}`;
    }
    case 'gone':
      return state.why;
  }
}
