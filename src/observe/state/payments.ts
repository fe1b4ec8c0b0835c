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
  const states = new Map<string, Map<string, PoolState>>();
  const blocksOf = new Map<string, Set<string>>();
  const deepest = new Map<string, number>();
  const returned = new Set<string>();

  function forgetOldest(): void {
    for (const map of [states, blocksOf, deepest]) {
      const first = map.size > KEPT_PAYMENTS ? map.keys().next().value : undefined;
      if (first !== undefined) map.delete(first);
    }
    if (returned.size > KEPT_PAYMENTS) returned.clear();
  }

  function set(txid: string, node: string, state: PoolState | undefined): void {
    let byNode = states.get(txid);
    if (byNode === undefined) {
      byNode = new Map();
      states.set(txid, byNode);
      forgetOldest();
    }
    if (state === undefined) byNode.delete(node);
    else byNode.set(node, state);
  }

  function noteDepths(node: string, height: number): void {
    for (const txid of states.keys()) {
      const at = standing(txid, node);
      if (at.kind !== 'confirmed') continue;
      const key = `${txid} ${node}`;
      deepest.set(key, Math.max(deepest.get(key) ?? 0, Math.min(at.depth, height)));
    }
  }

  function standing(txid: string, node: string): Standing {
    const tip = forest.blocks.get(forest.tips.get(node) ?? '');
    for (const id of blocksOf.get(txid) ?? []) {
      const block = forest.blocks.get(id);
      if (tip !== undefined && block !== undefined && forest.isOnBranch(id, tip.id)) {
        return { kind: 'confirmed', block: id, depth: tip.height - block.height + 1 };
      }
    }
    return states.get(txid)?.get(node) ?? { kind: 'unknown' };
  }

  function apply(event: LogEvent): void {
    switch (event.kind) {
      case 'tx-seen':
        set(event.txid, event.node, { kind: 'waiting', returned: false });
        break;
      case 'connected':
        for (const txid of event.txids) {
          let inBlocks = blocksOf.get(txid);
          if (inBlocks === undefined) {
            inBlocks = new Set();
            blocksOf.set(txid, inBlocks);
          }
          inBlocks.add(event.id);
          set(txid, event.node, undefined);
        }
        break;
      case 'tip':
        noteDepths(event.node, event.height);
        break;
      case 'tx-returned':
        returned.add(`${event.txid} ${event.node}`);
        set(event.txid, event.node, { kind: 'waiting', returned: true });
        break;
      case 'tx-lost':
        set(event.txid, event.node, {
          kind: 'gone',
          why: 'its coin was spent by another payment',
          ...defined({ by: event.by, block: event.block }),
        });
        break;
      case 'tx-removed':
        set(event.txid, event.node, {
          kind: 'gone',
          why: event.why,
          ...defined({ by: event.by }),
        });
        break;
      default:
        break;
    }
  }

  return {
    apply,
    standing,
    deepest: (txid, node) => deepest.get(`${txid} ${node}`) ?? 0,
    wasReturned: (txid, node) => returned.has(`${txid} ${node}`),
  };
}
