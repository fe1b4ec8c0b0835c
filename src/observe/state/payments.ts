import type { LogEvent } from '../../events/events.ts';
import { defined } from '../../util/defined.ts';
import type { Forest } from './forest.ts';

/** Where one payment stands on one node, told from the log. */
export type Standing =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'waiting'; readonly returned: boolean }
  | { readonly kind: 'confirmed'; readonly block: string; readonly depth: number }
  /** It was here and is not: another transaction has its coin, or it was replaced, evicted or expired. */
  | { readonly kind: 'gone'; readonly why: string; readonly by?: string; readonly block?: string };

export interface Payments {
  apply(event: LogEvent): void;
  standing(txid: string, node: string): Standing;
  /** The highest number of confirmations that this node ever saw for it. */
  deepest(txid: string, node: string): number;
  /** Did this node take the payment back into its pool after a reorg? */
  wasReturned(txid: string, node: string): boolean;
}

type PoolState = Extract<Standing, { kind: 'waiting' | 'gone' }>;

/** Payments that one follower remembers; the oldest are forgotten first. */
const KEPT_PAYMENTS = 20_000;

/** Follows payments over the same events as `forest`, which must be given each event first. */
export function newPayments(forest: Forest): Payments {
  return new PaymentLog(forest);
}

class PaymentLog implements Payments {
  readonly #forest: Forest;
  readonly #states = new Map<string, Map<string, PoolState>>();
  readonly #blocksOf = new Map<string, Set<string>>();
  readonly #deepest = new Map<string, number>();
  readonly #returned = new Set<string>();

  constructor(forest: Forest) {
    this.#forest = forest;
  }

  apply(event: LogEvent): void {
    switch (event.kind) {
      case 'tx-seen':
        this.#set(event.txid, event.node, { kind: 'waiting', returned: false });
        break;
      case 'connected':
        for (const txid of event.txids) {
          let inBlocks = this.#blocksOf.get(txid);
          if (inBlocks === undefined) {
            inBlocks = new Set();
            this.#blocksOf.set(txid, inBlocks);
          }
          inBlocks.add(event.id);
          this.#set(txid, event.node, undefined);
        }
        break;
      case 'tip':
        this.#noteDepths(event.node, event.height);
        break;
      case 'tx-returned':
        this.#returned.add(`${event.txid} ${event.node}`);
        this.#set(event.txid, event.node, { kind: 'waiting', returned: true });
        break;
      case 'tx-lost':
        this.#set(event.txid, event.node, {
          kind: 'gone',
          why: 'its coin was spent by another payment',
          ...defined({ by: event.by, block: event.block }),
        });
        break;
      case 'tx-removed':
        this.#set(event.txid, event.node, {
          kind: 'gone',
          why: event.why,
          ...defined({ by: event.by }),
        });
        break;
      default:
        break;
    }
  }

  standing(txid: string, node: string): Standing {
    const tip = this.#forest.blocks.get(this.#forest.tips.get(node) ?? '');
    for (const id of this.#blocksOf.get(txid) ?? []) {
      const block = this.#forest.blocks.get(id);
      if (tip !== undefined && block !== undefined && this.#forest.isOnBranch(id, tip.id)) {
        return { kind: 'confirmed', block: id, depth: tip.height - block.height + 1 };
      }
    }
    return this.#states.get(txid)?.get(node) ?? { kind: 'unknown' };
  }

  deepest(txid: string, node: string): number {
    return this.#deepest.get(`${txid} ${node}`) ?? 0;
  }

  wasReturned(txid: string, node: string): boolean {
    return this.#returned.has(`${txid} ${node}`);
  }

  #set(txid: string, node: string, state: PoolState | undefined): void {
    let byNode = this.#states.get(txid);
    if (byNode === undefined) {
      byNode = new Map();
      this.#states.set(txid, byNode);
      this.#forgetOldest();
    }
    if (state === undefined) byNode.delete(node);
    else byNode.set(node, state);
  }

  #forgetOldest(): void {
    for (const map of [this.#states, this.#blocksOf, this.#deepest]) {
      const first = map.size > KEPT_PAYMENTS ? map.keys().next().value : undefined;
      if (first !== undefined) map.delete(first);
    }
    if (this.#returned.size > KEPT_PAYMENTS) this.#returned.clear();
  }

  #noteDepths(node: string, height: number): void {
    for (const txid of this.#states.keys()) {
      const at = this.standing(txid, node);
      if (at.kind !== 'confirmed') continue;
      const key = `${txid} ${node}`;
      this.#deepest.set(key, Math.max(this.#deepest.get(key) ?? 0, Math.min(at.depth, height)));
    }
  }
}
