import type { Block } from '../../bitcoin/block.ts';
import type { Coin } from '../../consensus/store/coin.ts';
import { decodeTxPlace, decodeUndo, txKey, undoKey } from '../../consensus/store/records.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { NodeContext } from './context.ts';

/** The block of the active chain that holds a transaction, by the index. */
export function confirmedIn(context: NodeContext, txid: Uint8Array): BlockEntry | undefined {
  const row = context.stored(txKey(txid));
  const place = row === undefined ? undefined : decodeTxPlace(row);
  const entry = place === undefined ? undefined : context.view.chain.entry(place.blockHash);
  // Memory may be one batch ahead of the disk, on another branch already.
  return entry !== undefined && context.view.chain.isActive(entry) ? entry : undefined;
}

/**
 * The coins that each transaction of a block spent, from the block's undo record, none for the coinbase; undefined where
 * there is no record (a block that was never connected, or is off the active chain now).
 */
export function blockSpends(
  context: NodeContext,
  entry: BlockEntry,
  block: Block,
): readonly (readonly Coin[])[] | undefined {
  const row = context.stored(undoKey(entry.hash));
  const spent = row === undefined ? undefined : decodeUndo(row);
  if (spent === undefined) return undefined;
  let at = 0;
  return block.txs.map((tx, i) => {
    const count = i === 0 ? 0 : tx.inputs.length;
    at += count;
    return spent.slice(at - count, at);
  });
}
