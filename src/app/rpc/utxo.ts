import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import type { Arguments, RpcMethod } from '../../host/http/methods.ts';
import { equal, idOf } from '../../util/bytes.ts';
import { allCoins, bogoSize, CoinsHasher, CoinsMuHash, type SetHasher, snapshotTip } from './coins.ts';
import { type NodeContext, type Snapshot, turn } from './context.ts';
import { ScanSlots } from './scan.ts';
import { scriptJson } from './script.ts';
import { outpointArgument } from './tx.ts';

const category = 'Blockchain';

/** The coins. Core: gettxout, gettxoutsetinfo, scantxoutset of rpc/blockchain.cpp. */
export function utxoMethods(context: NodeContext): RpcMethod[] {
  const scans = new ScanSlots(context);
  return [gettxout(context), gettxoutsetinfo(context), scantxoutset(scans)];
}

function gettxout(context: NodeContext): RpcMethod {
  return {
    name: 'gettxout',
    category,
    summary: 'One coin, or null if it does not exist or is spent.',
    args: [
      { name: 'txid', type: 'string', says: 'The transaction that made it.' },
      { name: 'n', type: 'number', says: 'Number of the output.' },
      {
        name: 'include_mempool',
        type: 'bool',
        default: 'true',
        says: 'Count transactions of the mempool; a coin that one of them spends is gone.',
      },
    ],
    example: '"f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16" 1',
    run: (args) => txOut(context, args),
  };
}

function gettxoutsetinfo(context: NodeContext): RpcMethod {
  return {
    name: 'gettxoutsetinfo',
    category,
    summary: 'Sums over all coins of the most-work chain, on a snapshot: the node goes on meanwhile.',
    args: [
      {
        name: 'hash_type',
        type: 'string',
        default: 'hash_serialized_3',
        says: 'hash_serialized_3 or muhash (each equal on nodes with the same coins, and to Bitcoin Core on regtest), or none.',
      },
    ],
    example: '"none"',
    run: async (args, call) => {
      const type = args.has('hash_type') ? args.string('hash_type') : 'hash_serialized_3';
      const hasher = hasherOf(type);
      const snapshot = context.snapshot();
      try {
        return await setInfo(context, snapshot, hasher, call.signal);
      } finally {
        await snapshot.close();
      }
    },
  };
}

function scantxoutset(scans: ScanSlots): RpcMethod {
  return {
    name: 'scantxoutset',
    category,
    summary: 'Searches all coins for some locks: the whole wallet of somebody who knows only his addresses.',
    args: [
      { name: 'action', type: 'string', says: 'start, status or abort.' },
      {
        name: 'scanobjects',
        type: 'array',
        default: 'none',
        says: 'For start: descriptors addr(ADDRESS), raw(HEX), wpkh(KEY), tr(KEY), rawtr(KEY).',
      },
    ],
    example: 'start \'["addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)"]\'',
    run: (args, call) => {
      const action = args.string('action');
      if (action === 'status') return scans.status();
      if (action === 'abort') return scans.abort();
      if (action !== 'start')
        throw new RpcError(RPC.INVALID_PARAMETER, `Invalid action '${action.slice(0, 40)}'`);
      if (!args.has('scanobjects'))
        throw new RpcError(RPC.MISC_ERROR, 'scanobjects argument is required for the start action');
      return scans.start(args.array('scanobjects'), call.signal);
    },
  };
}

function txOut(context: NodeContext, args: Arguments): Json {
  const outpoint = outpointArgument(args);
  const { chain, mempool, params } = context.view;
  const withPool = args.bool('include_mempool', true);
  if (withPool && mempool.spender(outpoint) !== undefined) return null;
  const coin = chain.coin(outpoint);
  const pooled = withPool ? mempool.get(outpoint.txid)?.tx.outputs[outpoint.index] : undefined;
  const found = coin ?? pooled;
  if (found === undefined) return null;
  return {
    bestblock: chain.tip.id,
    confirmations: coin === undefined ? 0 : chain.tip.height - coin.height + 1,
    value: coins(found.value),
    scriptPubKey: scriptJson(found.script, params.hrp),
    coinbase: coin?.coinbase ?? false,
  };
}

function hasherOf(type: string): SetHasher | undefined {
  if (type === 'hash_serialized_3') return new CoinsHasher();
  if (type === 'muhash') return new CoinsMuHash();
  if (type === 'none') return undefined;
  throw new RpcError(RPC.INVALID_PARAMETER, `'${type.slice(0, 40)}' is not a valid hash_type`);
}

/** Coins between two turns of others where each is multiplied: about two milliseconds. */
const MUHASH_COINS = 64;

async function setInfo(
  context: NodeContext,
  snapshot: Snapshot,
  hasher: SetHasher | undefined,
  signal: AbortSignal,
): Promise<Json> {
  const tip = snapshotTip(context, snapshot);
  let count = 0;
  let bogo = 0;
  let total = 0;
  let transactions = 0;
  let last: Uint8Array = new Uint8Array(0);
  for await (const batch of allCoins(snapshot, signal)) {
    for (const { txid, index, coin } of batch) {
      count++;
      bogo += bogoSize(coin);
      total += coin.value;
      if (!equal(last, txid)) transactions++;
      last = txid;
      hasher?.add(txid, index, coin);
      if (hasher?.name === 'muhash' && count % MUHASH_COINS === 0) await turn(context);
    }
  }
  return {
    height: tip.height,
    bestblock: tip.id,
    txouts: count,
    bogosize: bogo,
    ...(hasher === undefined ? {} : { [hasher.name]: idOf(hasher.digest()) }),
    total_amount: coins(total),
    transactions,
    disk_size: await context.diskUsage(),
  };
}
