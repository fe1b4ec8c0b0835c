import type { Block } from '../../bitcoin/block.ts';
import { decodeTx, outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { fromHex, idOf } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { buildTx, describeFault } from '../../wallet/build.ts';
import { KeyRing } from '../../wallet/keys.ts';
import { signTx } from '../../wallet/sign.ts';
import { tailOf } from '../../yard/names.ts';
import { failed, misuse } from '../../yard/problem.ts';
import type { Awaitable, Yard, YardNode } from '../port.ts';

/** What becomes of the transactions in blocks that are about to be undone. */

/**
 * `keep`: in the block that replaces its own (the default). `drop`: in none, so it waits again. `{ later: n }`: n blocks
 * above where it was. `{ conflict: address }`: another transaction takes its first coin, pays that address and stands in its
 * place, so it is lost; the coin's key must be one of the yard's. `{ by: hex }`: the same with a transaction of your own.
 */
export type TxFate =
  | 'keep'
  | 'drop'
  | { readonly later: number }
  | { readonly conflict: string }
  | { readonly by: string };

/** `a91f=drop`, `a91f=keep`, `a91f=later:2`, `a91f=conflict:ADDRESS`: a payment by its tail, and what becomes of it. */
export function parseFate(text: string): Result<{ readonly tail: string; readonly fate: TxFate }, string> {
  const match = /^([^=]+)=(keep|drop|(later|conflict):(.+))$/.exec(text);
  if (match === null) {
    const form = 'write a91f=keep, a91f=drop, a91f=later:2 or a91f=conflict:ADDRESS';
    return err(`'${text}' does not say what becomes of which payment: ${form}`);
  }
  const [, tail = '', word = '', kind, value = ''] = match;
  if (kind === undefined) return ok({ tail, fate: word as 'keep' | 'drop' });
  if (kind === 'conflict') return ok({ tail, fate: { conflict: value } });
  if (!/^\d{1,3}$/.test(value)) return err(`'${text}': ${value} is not a number of blocks`);
  return ok({ tail, fate: { later: Number(value) } });
}

const CONFLICT_FEE_RATE = 5_000;

interface Place {
  readonly tx: Tx;
  /** Index of the replacing block; Infinity for one that is in none. */
  readonly at: number;
}

/**
 * The transactions of each replacing block, parents before children. A transaction whose parent comes later or not at all
 * follows it.
 */
export async function placeTxs(
  yard: Yard,
  node: YardNode,
  undone: readonly Block[],
  count: number,
  fates: Readonly<Record<string, TxFate>>,
): Promise<Tx[][]> {
  const known = new Set(undone.flatMap((block) => block.txs.slice(1).map((tx) => tx.id)));
  const stranger = Object.keys(fates).find((txid) => !known.has(txid));
  if (stranger !== undefined)
    throw misuse(
      `transaction ${stranger} is in none of the ${undone.length} blocks that are undone`,
      `${known.size === 0 ? 'They hold no payment.' : `They hold ${[...known].map(tailOf).join(' ')}.`} A deeper reorg reaches further.`,
    );
  const blocks: Tx[][] = Array.from({ length: count }, () => []);
  /** Where each transaction, or the coinbase of an undone block, has gone. */
  const goneTo = new Map<string, number>();
  const places: Place[] = [];
  for (const [index, block] of undone.entries()) {
    goneTo.set(block.txs[0]!.id, Number.POSITIVE_INFINITY);
    for (const tx of block.txs.slice(1)) {
      const fate = fates[tx.id] ?? 'keep';
      const wished = wishedPlace(fate, index, count, tx.id);
      const parents = tx.inputs.map((input) => goneTo.get(idOf(input.prevout.txid)) ?? -1);
      const at = Math.max(wished, ...parents);
      goneTo.set(tx.id, at);
      places.push({ tx, at });
      if (typeof fate === 'object' && !('later' in fate))
        blocks[index]!.push(await rivalOf(yard, node, tx, fate, undone));
    }
  }
  for (const { tx, at } of places) if (at < count) blocks[at]!.push(tx);
  return blocks;
}

function wishedPlace(fate: TxFate, index: number, count: number, txid: string): number {
  if (fate === 'keep') return index;
  if (fate === 'drop' || !('later' in fate)) return Number.POSITIVE_INFINITY;
  if (!Number.isInteger(fate.later) || fate.later < 0)
    throw misuse(`later: ${fate.later} of ${tailOf(txid)} is not a number of blocks`);
  if (index + fate.later >= count)
    throw misuse(
      `${tailOf(txid)} cannot come ${fate.later} blocks later: the new branch has ${count} and it was in the ${index + 1}. of them`,
      'Ask for a greater lead.',
    );
  return index + fate.later;
}

async function rivalOf(
  yard: Yard,
  node: YardNode,
  tx: Tx,
  fate: { readonly conflict: string } | { readonly by: string },
  undone: readonly Block[],
): Promise<Tx> {
  if ('by' in fate) {
    const bytes = fromHex(fate.by);
    const given = bytes === undefined ? undefined : decodeTx(bytes);
    if (given?.ok !== true) throw misuse(`by: what should replace ${tailOf(tx.id)} is not a transaction`);
    const spent = new Set(tx.inputs.map((input) => outpointKey(input.prevout)));
    if (!given.value.inputs.some((input) => spent.has(outpointKey(input.prevout))))
      throw misuse(`by: ${tailOf(given.value.id)} spends no coin of ${tailOf(tx.id)}, so both would stand`);
    return given.value;
  }
  const { prevout } = tx.inputs[0]!;
  const source = await findTx(node, idOf(prevout.txid), undone);
  const output = source?.outputs[prevout.index];
  if (output === undefined) throw failed(`nobody knows the coin that ${tailOf(tx.id)} spends`);
  const keys = yard.keys.all();
  const ring = new KeyRing(keys.map((k) => k.key));
  if (ring.find(output.script) === undefined)
    throw failed(
      `the yard has no key for the coin that ${tailOf(tx.id)} spends, so it cannot sign a conflict`,
      'Sign one yourself and pass it: { by: hex }',
    );
  const payee = yard.keys.payee(fate.conflict);
  const coin = { outpoint: prevout, value: output.value, script: output.script };
  const built = buildTx({
    recipients: [{ value: Math.floor(output.value / 2), script: payee.script }],
    coins: [],
    fixed: [coin],
    changeScript: payee.script,
    feeRate: CONFLICT_FEE_RATE,
  });
  if (!built.ok) throw failed(`no conflict with ${tailOf(tx.id)}: ${describeFault(built.error)}`);
  const signed = signTx(built.value.tx, [output], ring);
  if (!signed.ok) throw failed(`no conflict with ${tailOf(tx.id)}: ${signed.error}`);
  return signed.value;
}

/** A transaction by id, in the undone blocks or in the node's chain. */
function findTx(node: YardNode, txid: string, undone: readonly Block[]): Awaitable<Tx | undefined> {
  const here = undone.flatMap((block) => block.txs).find((tx) => tx.id === txid);
  return here ?? node.transaction(txid);
}
