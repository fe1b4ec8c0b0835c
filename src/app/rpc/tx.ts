import { COIN, parseAmount } from '../../bitcoin/amount.ts';
import { isUnspendable } from '../../bitcoin/lock.ts';
import type { Tx } from '../../bitcoin/tx.ts';
import { decodeTx } from '../../bitcoin/tx.ts';
import type { Refusal } from '../../consensus/params/rules.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import type { Arguments, RpcArgument, RpcMethod } from '../../host/http/methods.ts';
import { MAX_PACKAGE_COUNT } from '../../node/mempool/package.ts';
import { feeAt } from '../../node/mempool/policy.ts';
import type { PackageVerdicts } from '../../node/types.ts';
import { equal, hashOfId } from '../../util/bytes.ts';
import { err, ok } from '../../util/result.ts';
import { blockOf } from './chain.ts';
import type { NodeContext } from './context.ts';
import { confirmations, entryArgument, hashArgument } from './context.ts';
import { blockSpends, confirmedIn } from './lookup.ts';
import type { JsonMembers } from './render.ts';
import { txJson, wireHex } from './render.ts';
import { hexBytes } from './script.ts';

const category = 'Rawtransactions';
/** An output's number has 32 bits. */
const MAX_INDEX = 0xffff_ffff;
/** Core: DEFAULT_MAX_RAW_TX_FEE_RATE, 0.10 coins per 1,000 vbytes. */
const DEFAULT_MAX_FEE_RATE = COIN / 10;

const maxfeerate: RpcArgument = {
  name: 'maxfeerate',
  type: 'amount',
  default: '0.10',
  says: 'Refuse a fee above this many coins per 1,000 vbytes; 0 takes any.',
};

const maxburnamount: RpcArgument = {
  name: 'maxburnamount',
  type: 'amount',
  default: '0',
  says: 'Refuse an OP_RETURN output that holds more coins than this: nobody can ever spend them.',
};

/** Transactions in, out, and looked at. Core: rpc/rawtransaction.cpp, rpc/mempool.cpp. */
export function txMethods(context: NodeContext): RpcMethod[] {
  return [
    getrawtransaction(context),
    decoderawtransaction(context),
    sendrawtransaction(context),
    testmempoolaccept(context),
  ];
}

function getrawtransaction(context: NodeContext): RpcMethod {
  return {
    name: 'getrawtransaction',
    category,
    summary:
      'A transaction of the mempool or of the most-work chain (by our index), or of a named block on any branch.',
    args: [
      { name: 'txid', type: 'string', says: 'The transaction id.' },
      {
        name: 'verbosity',
        alias: 'verbose',
        type: 'flag',
        default: '0',
        says: '0: hex. 1: object. 2: with the fee and the coins that it spends, if it is on the most-work chain.',
      },
      { name: 'blockhash', type: 'string', default: 'mempool and index', says: 'Look in this block only.' },
    ],
    example: '"f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16" 1',
    run: (args) => rawTransaction(context, args),
  };
}

function decoderawtransaction(context: NodeContext): RpcMethod {
  return {
    name: 'decoderawtransaction',
    category,
    summary: 'Takes the bytes of a transaction apart. Nothing is judged but the encoding.',
    args: [
      { name: 'hexstring', type: 'string', says: 'The transaction in hex.' },
      {
        name: 'iswitness',
        type: 'bool',
        default: 'by its bytes',
        says: 'Accepted for compatibility; the bytes decide.',
      },
    ],
    example: '"0200000001…"',
    run: (args) => {
      const { hex: _, ...rest } = txJson(decoded(args.string('hexstring')), context.view.params.hrp);
      return rest;
    },
  };
}

function sendrawtransaction(context: NodeContext): RpcMethod {
  return {
    name: 'sendrawtransaction',
    category,
    summary: 'Hands a signed transaction to this node, which checks it and tells its peers. Answers its id.',
    args: [{ name: 'hexstring', type: 'string', says: 'The transaction in hex.' }, maxfeerate, maxburnamount],
    example: '"0200000001…"',
    run: async (args) => {
      const tx = decoded(args.string('hexstring'));
      checkBurn(tx, amountArgument(args, 'maxburnamount') ?? 0);
      const result = await context.command({ kind: 'send-tx', bytes: tx.bytes, ...feeLimit(args) });
      if (result.kind === 'refused') throw sendError(result.refusal);
      return tx.id;
    },
  };
}

function testmempoolaccept(context: NodeContext): RpcMethod {
  return {
    name: 'testmempoolaccept',
    category,
    summary:
      'Whether the mempool would take these transactions, without leaving a trace. Several are a package: parents come first, none may conflict with the mempool or another one, and what is not validated after a failure has no `allowed`.',
    args: [
      { name: 'rawtxs', type: 'array', says: `Transactions in hex, at most ${MAX_PACKAGE_COUNT}.` },
      maxfeerate,
    ],
    example: '\'["0200000001…"]\'',
    run: async (args) => {
      const raw = args.array('rawtxs');
      if (raw.length < 1 || raw.length > MAX_PACKAGE_COUNT)
        throw new RpcError(
          RPC.INVALID_PARAMETER,
          `Array must contain between 1 and ${MAX_PACKAGE_COUNT} transactions.`,
        );
      const txs = raw.map((hex) => {
        if (typeof hex !== 'string') throw new RpcError(RPC.TYPE_ERROR, 'rawtxs must be an array of strings');
        return decoded(hex, `TX decode failed: ${hex.slice(0, 80)}`);
      });
      return testAccept(context, txs, feeLimit(args).maxFeeRate);
    },
  };
}

function decoded(hex: string, refusal = 'TX decode failed. Make sure the tx has at least one input.'): Tx {
  const tx = decodeTx(hexBytes(hex, refusal));
  if (!tx.ok)
    throw new RpcError(RPC.DESERIALIZATION_ERROR, `${refusal} (${tx.error.what} at byte ${tx.error.at})`);
  return tx.value;
}

/** `maxfeerate` in satoshis per 1,000 vbytes; none at all for 0. */
function feeLimit(args: Arguments): { maxFeeRate?: number } {
  const rate = amountArgument(args, 'maxfeerate') ?? DEFAULT_MAX_FEE_RATE;
  if (rate > COIN)
    throw new RpcError(RPC.INVALID_PARAMETER, 'Fee rates larger than 1BTC/kvB are not accepted');
  return rate === 0 ? {} : { maxFeeRate: rate };
}

/** In satoshis. */
function amountArgument(args: Arguments, name: string): number | undefined {
  const given = args.value(name);
  if (given === undefined) return undefined;
  const amount = parseAmount(amountText(given));
  if (!amount.ok) throw new RpcError(RPC.TYPE_ERROR, `Invalid amount for ${name}: ${amount.error}`);
  return amount.value;
}

/** What an OP_RETURN output holds is gone for good, so a caller must say that this is meant. */
function checkBurn({ outputs }: Tx, most: number): void {
  for (const [n, { script, value }] of outputs.entries())
    if (isUnspendable(script) && value > most)
      throw new RpcError(
        RPC.VERIFY_ERROR,
        `Unspendable output exceeds maximum configured by user (maxburnamount): output ${n}`,
      );
}

/** A JSON number comes back as the digits that were typed (up to 15 of them), 1e-8 as 0.00000001. */
function amountText(value: unknown): string {
  if (typeof value === 'string') return value;
  const text = String(value);
  return text.includes('e-') ? Number(value).toFixed(20).replace(/0+$/, '') : text;
}

/** Core: JSONRPCTransactionError over TransactionError. */
function sendError({ rule, detail }: Refusal): RpcError {
  if (rule === 'missing-inputs')
    return new RpcError(RPC.VERIFY_ERROR, withDetail('bad-txns-inputs-missingorspent', detail));
  if (rule === 'txn-already-known')
    return new RpcError(RPC.VERIFY_ALREADY_IN_UTXO_SET, 'Transaction outputs already in utxo set');
  if (rule === 'max-fee-exceeded')
    return new RpcError(
      RPC.VERIFY_ERROR,
      withDetail('Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)', detail),
    );
  return new RpcError(RPC.VERIFY_REJECTED, withDetail(rule, detail));
}

function withDetail(rule: string, detail: string): string {
  return detail === '' ? rule : `${rule}, ${detail}`;
}

/** Core: testmempoolaccept. More than one transaction is a package: they count together, and replace nothing. */
async function testAccept(context: NodeContext, txs: readonly Tx[], maxFeeRate = 0): Promise<Json[]> {
  const { refusal, verdicts } = await verdictsOn(context, txs);
  let tooDear = false;
  return txs.map((tx, i) => {
    const ids = {
      txid: tx.id,
      wtxid: tx.wid,
      ...(refusal === undefined ? {} : { 'package-error': withDetail(refusal.rule, refusal.detail) }),
    };
    const verdict = verdicts[i];
    // What comes behind one that is too dear would not be submitted, so nothing is said of it.
    if (verdict === undefined || tooDear) return ids;
    if (!verdict.ok) return { ...ids, ...refusedJson(verdict.error) };
    const { fee } = verdict.value;
    tooDear = maxFeeRate > 0 && fee > feeAt(maxFeeRate, tx.vsize);
    if (tooDear) return { ...ids, allowed: false, 'reject-reason': 'max-fee-exceeded' };
    const rate = coins(Math.floor((fee * 1000) / tx.vsize));
    const fees = { base: coins(fee), 'effective-feerate': rate, 'effective-includes': [tx.wid] };
    return { ...ids, allowed: true, vsize: tx.vsize, fees };
  });
}

async function verdictsOn(context: NodeContext, txs: readonly Tx[]): Promise<PackageVerdicts> {
  const [tx, ...more] = txs;
  if (tx !== undefined && more.length === 0) {
    const result = await context.command({ kind: 'test-tx', bytes: tx.bytes });
    if (result.kind === 'refused') return { refusal: undefined, verdicts: [err(result.refusal)] };
    if (result.kind !== 'tx') throw new TypeError(`test-tx answered ${result.kind}`);
    return { refusal: undefined, verdicts: [ok({ fee: result.fee })] };
  }
  const result = await context.command({ kind: 'test-package', txs: txs.map(({ bytes }) => bytes) });
  if (result.kind === 'refused') return { refusal: undefined, verdicts: txs.map(() => err(result.refusal)) };
  if (result.kind !== 'package') throw new TypeError(`test-package answered ${result.kind}`);
  return result.verdicts;
}

/** Core says no more of missing inputs. */
function refusedJson({ rule, detail }: Refusal): JsonMembers {
  if (rule === 'missing-inputs') return { allowed: false, 'reject-reason': rule };
  return { allowed: false, 'reject-reason': rule, 'reject-details': withDetail(rule, detail) };
}

function rawTransaction(context: NodeContext, args: Arguments): Json {
  const txid = hashArgument(args, 'txid');
  const verbosity = args.flag('verbosity', 0);
  const { view } = context;
  const inBlock = args.has('blockhash') ? entryArgument(context, args, 'blockhash') : undefined;
  const { genesis } = view.chain;
  if (!view.params.genesisSpendable && equal(txid, view.params.genesis.txs[0]!.txid) && inBlock !== genesis)
    throw new RpcError(
      RPC.INVALID_ADDRESS_OR_KEY,
      'The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved',
    );
  const pooled = inBlock === undefined ? view.mempool.get(txid) : undefined;
  if (pooled !== undefined)
    return verbosity <= 0 ? wireHex(pooled.tx.bytes) : txJson(pooled.tx, view.params.hrp);
  const entry = inBlock ?? confirmedIn(context, txid);
  const block = entry === undefined ? undefined : blockOf(context, entry);
  const at = block?.txs.findIndex((tx) => equal(tx.txid, txid)) ?? -1;
  if (entry === undefined || block === undefined || at < 0)
    throw new RpcError(
      RPC.INVALID_ADDRESS_OR_KEY,
      inBlock === undefined
        ? 'No such mempool or blockchain transaction. Use gettransaction for wallet transactions.'
        : 'No such transaction found in the provided block. Use gettransaction for wallet transactions.',
    );
  const tx = block.txs[at]!;
  if (verbosity <= 0) return wireHex(tx.bytes);
  const spent = verbosity >= 2 ? blockSpends(context, entry, block)?.[at] : undefined;
  return {
    ...(inBlock === undefined ? {} : { in_active_chain: view.chain.isActive(entry) }),
    ...txJson(tx, view.params.hrp, spent && { coins: spent, shown: true }),
    ...placeJson(context, entry),
  };
}

function placeJson({ view }: NodeContext, entry: BlockEntry): JsonMembers {
  const place: JsonMembers = { blockhash: entry.id };
  if (!view.chain.isActive(entry)) return { ...place, confirmations: 0 };
  return {
    ...place,
    confirmations: confirmations(view, entry),
    time: entry.header.time,
    blocktime: entry.header.time,
  };
}

/** An outpoint named by a caller. */
export function outpointArgument(args: Arguments): { txid: Uint8Array; index: number } {
  hashArgument(args, 'txid');
  const index = args.integer('n', { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
  if (index < 0 || index > MAX_INDEX)
    throw new RpcError(
      RPC.MISC_ERROR,
      `JSON integer out of range: n must be in 0..${MAX_INDEX} (not ${index})`,
    );
  return { txid: hashOfId(args.string('txid'))!, index };
}
