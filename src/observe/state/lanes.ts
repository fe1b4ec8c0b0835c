import type { LogEvent } from '../../events/events.ts';
import { defined } from '../../util/defined.ts';
import { refusalWords } from '../words/refusals.ts';
import { tail } from '../words/words.ts';
import type { Forest } from './forest.ts';

/** One payment on every node over time: spans of one state each, from the log. */

export type LaneState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'waiting'; readonly returned: boolean }
  | { readonly kind: 'confirmed'; readonly depth: number; readonly block: string }
  | { readonly kind: 'undone'; readonly by?: string; readonly block?: string }
  | { readonly kind: 'gone'; readonly why: string };

export interface LaneSpan {
  readonly t: number;
  readonly state: LaneState;
}

export interface Lanes {
  readonly txid: string;
  /** When the log first knew of it; undefined before. */
  readonly from: number | undefined;
  /** Spans by node, in order of time; each lasts until the next one begins. */
  readonly byNode: ReadonlyMap<string, readonly LaneSpan[]>;
  /** The next event; `forest` has been given it, and may already know later ones. */
  apply(event: LogEvent, forest: Forest): void;
}

/** After a change of branch, a node decides within this what becomes of the payments that fell out. */
const SETTLING_MS = 250;

/** Confirmations that are told apart; beyond, one waits for nothing. */
const DEEP = 12;

export function newLanes(txid: string, nodes: readonly string[]): Lanes {
  return new PaymentLanes(txid, nodes);
}

class PaymentLanes implements Lanes {
  readonly txid: string;
  readonly byNode: Map<string, LaneSpan[]>;
  #from: number | undefined;
  readonly #inBlocks = new Set<string>();
  readonly #pool = new Map<string, LaneState>();
  readonly #tips = new Map<string, string>();
  /** The block that holds it on the node's branch. */
  readonly #holder = new Map<string, string>();

  constructor(txid: string, nodes: readonly string[]) {
    this.txid = txid;
    this.byNode = new Map(nodes.map((node) => [node, []]));
  }

  get from(): number | undefined {
    return this.#from;
  }

  apply(event: LogEvent, forest: Forest): void {
    switch (event.kind) {
      case 'start':
      case 'tip':
        this.#moved(event.node, event.id, forest);
        break;
      case 'connected':
        if (!event.txids.includes(this.txid)) return;
        // The tip that follows shows it.
        this.#inBlocks.add(event.id);
        this.#pool.delete(event.node);
        this.#from ??= event.t;
        return;
      default: {
        const state = stateOf(event, this.txid);
        if (state === undefined) return;
        // What was refused because it is known already says nothing new.
        if (event.kind === 'tx-refused' && this.#pool.has(event.node)) return;
        this.#pool.set(event.node, state);
        this.#from ??= event.t;
      }
    }
    this.#note(event.node, event.t, forest);
  }

  /** A branch that only grows keeps what it holds: the walk down to it is for jumps. */
  #moved(node: string, id: string, forest: Forest): void {
    const before = this.#tips.get(node);
    this.#tips.set(node, id);
    const held = this.#holder.get(node);
    const tip = forest.blocks.get(id);
    if (held !== undefined && tip !== undefined && tip.prev === before) return;
    if (this.#inBlocks.has(id)) this.#holder.set(node, id);
    else if (held !== undefined || tip?.prev !== before) {
      const found = [...this.#inBlocks].find((block) => forest.isOnBranch(block, id));
      if (found === undefined) this.#holder.delete(node);
      else this.#holder.set(node, found);
    }
  }

  #now(node: string, forest: Forest): LaneState {
    const tip = forest.blocks.get(this.#tips.get(node) ?? '');
    const block = forest.blocks.get(this.#holder.get(node) ?? '');
    if (tip !== undefined && block !== undefined) {
      return { kind: 'confirmed', depth: Math.min(DEEP, tip.height - block.height + 1), block: block.id };
    }
    return this.#pool.get(node) ?? { kind: 'unknown' };
  }

  #note(node: string, t: number, forest: Forest): void {
    const spans = this.byNode.get(node);
    if (spans === undefined || this.#from === undefined) return;
    const state = this.#now(node, forest);
    let last = spans.at(-1);
    if (last?.state.kind === 'unknown' && t - last.t < SETTLING_MS) {
      spans.pop();
      last = spans.at(-1);
    }
    if (last === undefined || !same(last.state, state)) spans.push({ t, state });
  }
}

/** What an event says of the payment's place in a node's pool; undefined when it speaks of something else. */
function stateOf(event: LogEvent, txid: string): LaneState | undefined {
  switch (event.kind) {
    case 'tx-seen':
      return event.txid === txid ? { kind: 'waiting', returned: false } : undefined;
    case 'tx-returned':
      return event.txid === txid ? { kind: 'waiting', returned: true } : undefined;
    case 'tx-lost':
      if (event.txid !== txid) return undefined;
      return {
        kind: 'undone',
        ...defined({ by: event.by, block: event.block }),
      };
    case 'tx-removed':
      if (event.txid !== txid) return undefined;
      if (event.why !== 'conflict') return { kind: 'gone', why: event.why };
      return { kind: 'undone', ...defined({ by: event.by }) };
    case 'tx-refused':
      return event.txid === txid ? { kind: 'gone', why: `refused: ${refusalWords(event.rule)}` } : undefined;
    default:
      return undefined;
  }
}

function same(a: LaneState, b: LaneState): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'confirmed') return b.kind === 'confirmed' && a.depth === b.depth && a.block === b.block;
  if (a.kind === 'waiting') return b.kind === 'waiting' && a.returned === b.returned;
  return true;
}

/** The other payment of the same coin, as far as a lane's words need it. */
export interface Rivalry {
  readonly nameOf: (txid: string) => string;
  /** Where the rival stands on this node now, if there is one. */
  readonly rival?: { readonly txid: string; readonly state: LaneState } | undefined;
}

/** The lane's last state in plain words. */
export function laneWords(state: LaneState, forest: Forest, { nameOf, rival }: Rivalry): string {
  switch (state.kind) {
    case 'unknown':
      if (rival?.state.kind === 'confirmed')
        return `its coin is spent by ${tail(rival.txid)} in ${forest.nameOf(rival.state.block)}`;
      return rival?.state.kind === 'waiting' ? `its coin is promised to ${tail(rival.txid)}` : 'unknown here';
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
