import type { Tx } from '../../bitcoin/tx.ts';
import { ancestorAt, type BlockEntry } from '../../consensus/tree/tree.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json, JsonInput } from '../../host/http/json.ts';
import { coins } from '../../host/http/json.ts';
import type { Arguments, RpcMethod } from '../../host/http/methods.ts';
import { blockOf } from './chain.ts';
import type { NodeContext } from './context.ts';
import { entryArgument, hashArgument, MAX_INT, turn } from './context.ts';
import { type JsonMembers, wireHex } from './render.ts';
import {
  blockTxs,
  concerns,
  feeJson,
  findWalletTx,
  looseTx,
  tellTx,
  UndoneTxs,
  type WalletTx,
} from './wallet-tx.ts';
import { WatchList } from './watch.ts';

/**
 * What wallets and payment servers call to follow payments over reorgs. A node has no wallet, so these tell what watch.ts
 * watches; a payment that was never in a block and lost its coin is not known here any more. Core: wallet/rpc/.
 */

const category = 'Wallet';
/** Blocks in one answer: above it the caller is not following but reading the chain. */
const MOST_BLOCKS = 20_000;
const BLOCKS_PER_TURN = 16;

export function walletMethods(context: NodeContext): RpcMethod[] {
  let list: WatchList | undefined;
  const watch = () => {
    list ??= new WatchList(context);
    return list;
  };
  return [listsinceblock(context, watch), gettransaction(context, watch), importdescriptors(watch)];
}

function listsinceblock(context: NodeContext, watch: () => WatchList): RpcMethod {
  return {
    name: 'listsinceblock',
    category,
    summary:
      'Payments of watched addresses since a block. If a reorg has undone that block, `removed` has those of the undone blocks. Watched: the ten well-known keys, the payout of this node, and what importdescriptors added.',
    args: [
      { name: 'blockhash', type: 'string', default: 'the genesis block', says: 'A block on any branch.' },
      {
        name: 'target_confirmations',
        type: 'number',
        default: '1',
        says: 'lastblock of the answer is so deep, for the next call.',
      },
      { name: 'include_watchonly', type: 'bool', default: 'true', says: 'Accepted; nothing else is told.' },
      { name: 'include_removed', type: 'bool', default: 'true', says: 'Tell undone blocks too.' },
      { name: 'include_change', type: 'bool', default: 'false', says: 'Tell change too.' },
    ],
    example: '"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09" 6',
    run: (args) => listSinceBlock(context, watch(), args),
  };
}

function gettransaction(context: NodeContext, watch: () => WatchList): RpcMethod {
  return {
    name: 'gettransaction',
    category,
    summary:
      'A payment of a watched address. Confirmations below zero: another payment took its coin, so many blocks ago.',
    args: [
      { name: 'txid', type: 'string', says: 'The transaction id.' },
      { name: 'include_watchonly', type: 'bool', default: 'true', says: 'Accepted; nothing else is told.' },
      { name: 'verbose', type: 'bool', default: 'false', says: 'Accepted; decoderawtransaction decodes.' },
    ],
    example: '"f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"',
    run: async (args) => {
      const { tip } = context.view.chain;
      const undone = new UndoneTxs(context);
      const found = findWalletTx(context, hashArgument(args, 'txid'), undone);
      if (found === undefined || !concerns(watch(), found))
        throw new RpcError(
          RPC.INVALID_ADDRESS_OR_KEY,
          `Invalid or non-wallet transaction id${found === undefined ? '' : ': no watched address has part in it (importdescriptors adds some)'}`,
        );
      const { net, fee, details, common } = await tellTx(context, watch(), found, {
        undone,
        change: true,
      });
      return {
        amount: coins(net),
        fee: feeJson(fee),
        ...common,
        details: [...details],
        hex: wireHex(found.tx.bytes),
        lastprocessedblock: { hash: tip.id, height: tip.height },
      };
    },
  };
}

function importdescriptors(watch: () => WatchList): RpcMethod {
  return {
    name: 'importdescriptors',
    category,
    summary:
      'Adds addresses to those that listsinceblock and gettransaction tell of. Past and future payments alike; nothing is rescanned, because nothing is kept.',
    args: [{ name: 'requests', type: 'array', says: '[{"desc": "addr(ADDRESS)", "timestamp": "now"}]' }],
    example: '\'[{"desc": "addr(bcrt1q…)", "timestamp": "now"}]\'',
    run: (args) => importAll(watch(), args.array('requests')),
  };
}

function importAll(watch: WatchList, requests: readonly JsonInput[]): Json[] {
  const texts = requests.map((request) => (request as { desc?: unknown } | null)?.desc);
  const given = texts.filter((text) => typeof text === 'string');
  const refused = watch.import(given);
  let at = 0;
  return texts.map((text) => {
    const error =
      typeof text === 'string' ? refused[at++] : new RpcError(RPC.INVALID_PARAMETER, 'Descriptor not found.');
    if (error === undefined) return { success: true };
    return { success: false, error: { code: error.code, message: error.message } };
  });
}

/**
 * What is told was there at one moment, the call's beginning, so that no payment is between its blocks, its mempool and
 * its `lastblock`: what comes while others have their turn is for the next call, which also sees a reorg of the tip of that
 * moment as any other. How deep a payment is, is told as it stands when its turn comes.
 */
async function listSinceBlock(context: NodeContext, watch: WatchList, args: Arguments): Promise<Json> {
  const { chain, mempool } = context.view;
  const { tip } = chain;
  const waiting = [...mempool.entries()].map(({ tx }) => looseTx(context, tx));
  const since = args.has('blockhash') ? entryArgument(context, args, 'blockhash') : chain.genesis;
  const target = args.integer('target_confirmations', { min: 1, max: MAX_INT, fallback: 1 });
  const change = args.bool('include_change', false);
  const undone: BlockEntry[] = [];
  let fork: BlockEntry = since;
  for (; !chain.isActive(fork) && fork.parent !== undefined; fork = fork.parent) undone.push(fork);
  // Without a block the genesis' own coins are told too, as Core tells everything then.
  const from = args.has('blockhash') ? fork.height + 1 : 0;
  if (tip.height - from + undone.length > MOST_BLOCKS)
    throw new RpcError(
      RPC.INVALID_PARAMETER,
      `${tip.height - from} blocks since then; ${MOST_BLOCKS} is the most in one answer, so begin at a later one`,
    );
  const transactions: Json[] = [];
  const gone: Tx[] = undone.flatMap((entry) => [...(chain.block(entry)?.txs ?? [])]);
  const undoneTxs = new UndoneTxs(context, gone);
  const tell = async (
    found: readonly WalletTx[],
    into: Json[],
    only: (depth: number) => boolean = () => true,
  ) => {
    for (const one of found.filter((f) => concerns(watch, f))) {
      const o = { undone: undoneTxs, change };
      const { details, common, confirmations } = await tellTx(context, watch, one, o);
      if (only(confirmations)) into.push(...details.map((d): JsonMembers => ({ ...d, ...common })));
    }
  };
  for (let height = from; height <= tip.height; height++) {
    const entry = ancestorAt(tip, height);
    await tell(blockTxs(context, entry, blockOf(context, entry)), transactions);
    if (height % BLOCKS_PER_TURN === 0) await turn(context);
  }
  await tell(waiting, transactions);
  const lost = gone.map((tx) => looseTx(context, tx, gone));
  await tell(lost, transactions, (depth) => depth < 0);
  const removed: Json[] = [];
  if (args.bool('include_removed', true)) await tell(lost, removed);
  return {
    transactions,
    ...(args.bool('include_removed', true) ? { removed } : {}),
    lastblock: ancestorAt(tip, Math.max(0, tip.height + 1 - target)).id,
  };
}
