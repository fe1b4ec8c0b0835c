import type { Tx } from '../../bitcoin/tx.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { PoolEntry } from './entry.ts';

/** What a change of the tip does to the mempool. */

/** A payment undone: `by` took a coin that it needed, in `block` unless it is unconfirmed itself. */
export interface LostTx {
  readonly tx: Tx;
  readonly by: Tx | undefined;
  readonly block: BlockEntry | undefined;
}

export interface RemovedTx {
  readonly entry: PoolEntry;
  readonly why: 'replaced' | 'evicted' | 'expired' | 'conflict';
  readonly by: Tx | undefined;
  readonly block: BlockEntry | undefined;
}

/** What a change did besides confirming: transactions of disconnected blocks back in the pool, lost, and removals. */
export interface PoolChange {
  readonly returned: readonly Tx[];
  readonly lost: readonly LostTx[];
  readonly removed: readonly RemovedTx[];
}
