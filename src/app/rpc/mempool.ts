import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import type { RpcMethod } from '../../host/http/methods.ts';
import type { PoolEntry } from '../../node/mempool/entry.ts';
import { hashOfId, idOf } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';
import { hashArgument } from './context.ts';
import { feeRate } from './render.ts';

const category = 'Mempool';

/** What waits for a block. Core: rpc/mempool.cpp. */
export function mempoolMethods(context: NodeContext): RpcMethod[] {
  return [
    getmempoolinfo(context),
    getrawmempool(context),
    getmempoolentry(context),
    gettxspendingprevout(context),
  ];
}

function getmempoolinfo(context: NodeContext): RpcMethod {
  return {
    name: 'getmempoolinfo',
    category,
    summary: 'Size of the mempool and what it asks of a newcomer.',
    args: [],
    example: '',
    looks: 'view',
    run: () => {
      const { limits } = context.view;
      let fees = 0;
      for (const entry of context.view.mempool.entries()) fees += entry.fee;
      return {
        loaded: true,
        size: context.view.mempool.size,
        bytes: context.view.mempool.bytes,
        usage: context.view.mempool.usage,
        total_fee: coins(fees),
        maxmempool: limits.mempoolBytes,
        mempoolminfee: feeRate(Math.max(context.view.mempool.minFeeRate, limits.minRelayFeeRate)),
        minrelaytxfee: feeRate(limits.minRelayFeeRate),
        incrementalrelayfee: feeRate(limits.incrementalFeeRate),
        unbroadcastcount: 0,
        fullrbf: true,
      };
    },
  };
}

function getrawmempool(context: NodeContext): RpcMethod {
  return {
    name: 'getrawmempool',
    category,
    summary: 'Ids of all transactions in the mempool, in order of arrival; or what is known of each.',
    args: [
      {
        name: 'verbose',
        type: 'bool',
        default: 'false',
        says: 'true: an object with one member per transaction.',
      },
    ],
    example: 'true',
    run: async (args) => {
      const entries = [...context.view.mempool.entries()];
      if (!args.bool('verbose', false)) return entries.map((entry) => entry.tx.id);
      const all: { [txid: string]: Json } = {};
      for (const [i, entry] of entries.entries()) {
        all[entry.tx.id] = entryJson(entry);
        if (i % 2_000 === 1_999) await new Promise((resolve) => setImmediate(resolve));
      }
      return all;
    },
  };
}

function getmempoolentry(context: NodeContext): RpcMethod {
  return {
    name: 'getmempoolentry',
    category,
    summary: 'What is known of one transaction in the mempool.',
    args: [{ name: 'txid', type: 'string', says: 'The transaction id.' }],
    example: '"f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"',
    looks: 'view',
    run: (args) => {
      const entry = context.view.mempool.get(hashArgument(args, 'txid'));
      if (entry === undefined) throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Transaction not in mempool');
      return entryJson(entry);
    },
  };
}

function gettxspendingprevout(context: NodeContext): RpcMethod {
  return {
    name: 'gettxspendingprevout',
    category,
    summary: 'For each coin, which transaction in the mempool spends it.',
    args: [{ name: 'outputs', type: 'array', says: 'Objects {"txid", "vout"}.' }],
    example: '\'[{"txid":"f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16","vout":0}]\'',
    looks: 'view',
    run: (args) =>
      args.array('outputs').map((item) => {
        const { txid, vout } = (item ?? {}) as { txid?: unknown; vout?: unknown };
        const hash = typeof txid === 'string' ? hashOfId(txid) : undefined;
        if (hash === undefined || !Number.isSafeInteger(vout) || (vout as number) < 0)
          throw new RpcError(
            RPC.INVALID_PARAMETER,
            'each of outputs must be {"txid": 64 hex digits, "vout": n}',
          );
        const spender = context.view.mempool.spender({ txid: hash, index: vout as number });
        return { txid: idOf(hash), vout: vout as number, spendingtxid: spender?.tx.id };
      }),
  };
}

/** Core: entryToJSON. */
function entryJson(entry: PoolEntry): Json {
  return {
    vsize: entry.tx.vsize,
    weight: entry.tx.weight,
    time: entry.wallS,
    height: entry.height,
    descendantcount: entry.descendantCount,
    descendantsize: entry.descendantVsize,
    ancestorcount: entry.ancestorCount,
    ancestorsize: entry.ancestorVsize,
    wtxid: entry.tx.wid,
    fees: {
      base: coins(entry.fee),
      modified: coins(entry.fee),
      ancestor: coins(entry.ancestorFees),
      descendant: coins(entry.descendantFees),
    },
    depends: [...entry.parents].map((parent) => parent.tx.id),
    spentby: [...entry.children].map((child) => child.tx.id),
    'bip125-replaceable': signalsReplacement(entry),
    unbroadcast: false,
  };
}

/** BIP125: it, or an unconfirmed ancestor, has a sequence below 0xfffffffe. Here all may be replaced all the same. */
export function signalsReplacement(entry: PoolEntry): boolean {
  const family = new Set([entry]);
  // A set's iteration reaches what is added meanwhile; families are bounded.
  for (const one of family) {
    if (one.tx.inputs.some(({ sequence }) => sequence < 0xffff_fffe)) return true;
    for (const parent of one.parents) family.add(parent);
  }
  return false;
}
