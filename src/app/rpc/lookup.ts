import type { Block } from '../../bitcoin/block.ts';
import { decodeTxPlace, decodeUndo, txKey, undoKey } from '../../consensus/records.ts';
import type { BlockEntry } from '../../consensus/tree.ts';
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
 * What each transaction of a block paid, in satoshis, from the block's undo record; undefined where there is none (a block
 * that was never connected, or is off the active chain now).
 */
export function blockFees(
  context: NodeContext,
  entry: BlockEntry,
  block: Block,
): (number | undefined)[] | undefined {
  const row = context.stored(undoKey(entry.hash));
  const spent = row === undefined ? undefined : decodeUndo(row);
  if (spent === undefined) return undefined;
  let at = 0;
  return block.txs.map((tx, i) => {
    if (i === 0) return undefined;
    let fee = 0;
    for (let n = 0; n < tx.inputs.length; n++) fee += spent[at++]?.value ?? 0;
    for (const output of tx.outputs) fee -= output.value;
    return fee;
  });
}
