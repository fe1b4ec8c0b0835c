import type { Block } from '../../bitcoin/block.ts';
import { compactToTarget } from '../../bitcoin/target.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import type { RpcMethod } from '../../host/http/methods.ts';
import type { NodeContext } from './context.ts';
import { entryArgument, hex256, MAX_INT } from './context.ts';
import { blockSpends } from './lookup.ts';
import { bitsHex, blockJson, difficultyJson, headerHex, headerJson, txJson, wireHex } from './render.ts';

/** Inputs and outputs turned into JSON between two turns of the event loop: a few milliseconds. */
const PARTS_PER_TURN = 500;

const category = 'Blockchain';

/** What the chain looks like. Core: rpc/blockchain.cpp. */
export function chainMethods(context: NodeContext): RpcMethod[] {
  return [
    getblockchaininfo(context),
    getblockcount(context),
    getbestblockhash(context),
    getblockhash(context),
    getblockheader(context),
    getblock(context),
    getchaintips(context),
    getdifficulty(context),
    getblocktree(context),
  ];
}

function getblockchaininfo(context: NodeContext): RpcMethod {
  return {
    name: 'getblockchaininfo',
    category,
    summary: 'State of the chain: tip, work, difficulty, what is known by headers only.',
    args: [],
    example: '',
    looks: 'view',
    run: async () => {
      const { view } = context;
      const { tip, bestHeader } = view.chain;
      return {
        chain: view.params.name,
        blocks: tip.height,
        headers: bestHeader.height,
        bestblockhash: tip.id,
        bits: bitsHex(tip.header.bits),
        target: hex256(compactToTarget(tip.header.bits).target),
        difficulty: difficultyJson(tip.header.bits),
        time: tip.header.time,
        mediantime: tip.medianTime,
        verificationprogress:
          bestHeader.work === 0n ? 1 : Number((tip.work * 10_000n) / bestHeader.work) / 10_000,
        initialblockdownload: view.initialSync,
        chainwork: hex256(tip.work),
        size_on_disk: await context.diskUsage(),
        pruned: false,
        warnings: [],
      };
    },
  };
}

function getblockcount(context: NodeContext): RpcMethod {
  return {
    name: 'getblockcount',
    category,
    summary: 'Height of the tip of the most-work chain; genesis has height 0.',
    args: [],
    example: '',
    looks: 'view',
    run: () => context.view.chain.tip.height,
  };
}

function getbestblockhash(context: NodeContext): RpcMethod {
  return {
    name: 'getbestblockhash',
    category,
    summary: 'Id of the tip of the most-work chain.',
    args: [],
    example: '',
    looks: 'view',
    run: () => context.view.chain.tip.id,
  };
}

function getblockhash(context: NodeContext): RpcMethod {
  return {
    name: 'getblockhash',
    category,
    summary: 'Id of the block at a height of the most-work chain.',
    args: [{ name: 'height', type: 'number', says: 'Height on the most-work chain.' }],
    example: '1000',
    looks: 'view',
    run: (args) => {
      const height = args.integer('height', { min: -MAX_INT, max: MAX_INT });
      const entry = height < 0 ? undefined : context.view.chain.atHeight(height);
      if (entry === undefined) throw new RpcError(RPC.INVALID_PARAMETER, 'Block height out of range');
      return entry.id;
    },
  };
}

function getblockheader(context: NodeContext): RpcMethod {
  return {
    name: 'getblockheader',
    category,
    summary: "A block's header, as an object or as 80 bytes of hex.",
    args: [
      { name: 'blockhash', type: 'string', says: 'The block id.' },
      { name: 'verbose', type: 'bool', default: 'true', says: 'false gives hex.' },
    ],
    example: '"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09"',
    looks: 'view',
    run: (args) => {
      const entry = entryArgument(context, args, 'blockhash');
      return args.bool('verbose', true) ? headerJson(context.view, entry) : headerHex(entry);
    },
  };
}

function getblock(context: NodeContext): RpcMethod {
  return {
    name: 'getblock',
    category,
    summary: 'A whole block. Off the most-work chain its confirmations are -1.',
    args: [
      { name: 'blockhash', type: 'string', says: 'The block id.' },
      {
        name: 'verbosity',
        alias: 'verbose',
        type: 'flag',
        default: '1',
        says: '0: hex. 1: object with transaction ids. 2: object with whole transactions and their fees. 3: with the coins that they spend too (fees and coins of blocks on the most-work chain alone).',
      },
    ],
    example: '"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09" 2',
    run: async (args) => {
      const entry = entryArgument(context, args, 'blockhash');
      const verbosity = args.flag('verbosity', 1);
      const block = blockOf(context, entry);
      if (verbosity <= 0) return wireHex(block.bytes);
      const ids = block.txs.map((tx) => tx.id);
      // Before the turns of a large one: in the middle of a commit memory has blocks that a crash could take back.
      const json = blockJson(context.view, entry, block, ids);
      return verbosity === 1 ? json : { ...json, tx: await wholeTxs(context, entry, block, verbosity >= 3) };
    },
  };
}

function getchaintips(context: NodeContext): RpcMethod {
  return {
    name: 'getchaintips',
    category,
    summary:
      'All branch ends in the block tree. branchlen: blocks since the most-work chain. status: active, valid-fork, valid-headers, headers-only or invalid.',
    args: [],
    example: '',
    looks: 'view',
    run: () =>
      context.view.chain
        .tips()
        .map(({ entry, status, branchLength }) => ({
          height: entry.height,
          hash: entry.id,
          branchlen: branchLength,
          status,
        }))
        .sort((a, b) => b.height - a.height || (a.hash < b.hash ? -1 : 1)),
  };
}

function getdifficulty(context: NodeContext): RpcMethod {
  return {
    name: 'getdifficulty',
    category,
    summary: "The tip's difficulty as a multiple of Bitcoin's minimum (far below 1 on our networks).",
    args: [],
    example: '',
    looks: 'view',
    run: () => difficultyJson(context.view.chain.tip.header.bits),
  };
}

function getblocktree(context: NodeContext): RpcMethod {
  return {
    name: 'getblocktree',
    category,
    summary:
      'Every block that the node knows above a height near the tip, on all branches, with its total work.',
    args: [{ name: 'last', type: 'number', default: '20', says: 'Heights below the tip to go back.' }],
    example: '12',
    looks: 'view',
    run: (args) => {
      const { tip, tips, blocks } = tree(
        context,
        args.integer('last', { min: 1, max: 10_000, fallback: 20 }),
      );
      return { tip, tips, blocks };
    },
  };
}

/** The block of an entry whose body is here. */
export function blockOf(context: NodeContext, entry: BlockEntry): Block {
  const block = context.view.chain.block(entry);
  if (block === undefined)
    throw new RpcError(RPC.MISC_ERROR, 'Block not available (not fully downloaded: only its header is here)');
  return block;
}

async function wholeTxs(
  context: NodeContext,
  entry: BlockEntry,
  block: Block,
  shown: boolean,
): Promise<Json[]> {
  const { hrp } = context.view.params;
  const spends = blockSpends(context, entry, block);
  const txs: Json[] = [];
  let parts = 0;
  for (const [i, tx] of block.txs.entries()) {
    txs.push(txJson(tx, hrp, spends && { coins: spends[i]!, shown }));
    parts += tx.inputs.length + tx.outputs.length;
    if (parts < PARTS_PER_TURN) continue;
    parts = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return txs;
}

/** The answer of getblocktree, bounded by the branches that can exist there; sorted by height, then arrival, then id. */
function tree(context: NodeContext, last: number) {
  const { chain } = context.view;
  const floor = chain.tip.height - last;
  const wanted: BlockEntry[] = [];
  const seen = new Set<BlockEntry>();
  for (const { entry } of chain.tips()) {
    for (let at: BlockEntry | undefined = entry; at !== undefined && at.height > floor; at = at.parent) {
      if (seen.has(at)) break;
      seen.add(at);
      wanted.push(at);
    }
  }
  wanted.sort(
    (a, b) =>
      a.height - b.height ||
      (a.arrival ?? Number.MAX_SAFE_INTEGER) - (b.arrival ?? Number.MAX_SAFE_INTEGER) ||
      (a.id < b.id ? -1 : 1),
  );
  return {
    tip: chain.tip.id,
    tips: chain.tips().map(({ entry, status }) => ({ id: entry.id, height: entry.height, status })),
    blocks: wanted.map((entry) => ({
      id: entry.id,
      prev: entry.parent?.id ?? '',
      height: entry.height,
      work: entry.work.toString(16),
      miner: entry.miner,
      txs: entry.txs,
      time: entry.header.time,
      active: chain.isActive(entry),
      status: blockStatus(context, entry),
    })),
  };
}

export function blockStatus(
  context: NodeContext,
  entry: BlockEntry,
): 'active' | 'valid' | 'headers-only' | 'invalid' {
  if (context.view.chain.isActive(entry)) return 'active';
  if (entry.condemned !== undefined) return 'invalid';
  return entry.hasBody ? 'valid' : 'headers-only';
}
