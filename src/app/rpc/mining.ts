import { compactToTarget } from '../../bitcoin/target.ts';
import { nextBits } from '../../consensus/params/retarget.ts';
import { withCoinbaseWitness } from '../../consensus/validate/check.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import type { Arguments, RpcMethod } from '../../host/http/methods.ts';
import type { NodeContext } from './context.ts';
import { hex256, MAX_INT, parseHash } from './context.ts';
import { generate } from './generate.ts';
import type { MiningRequest } from './mining-control.ts';
import { asDouble, bitsHex, difficultyJson, feeRate } from './render.ts';
import { addressScript } from './script.ts';
import { blockArgument, submit, submitHeader } from './submit.ts';
import { Templates } from './template.ts';

const category = 'Mining';
/** Blocks that one generate call may ask for; Core has no bound. */
const GENERATE_LIMIT = 100_000;
/** A rate no laptop reaches. */
const MAX_THREADS = 256;
const HASHRATE_LIMIT = 1e15;
/** Core: getnetworkhashps looks back this far. */
const HASHPS_BLOCKS = 120;

/** Making blocks. Core: rpc/mining.cpp; setmining and getminerinfo are ours. */
export function miningMethods(context: NodeContext): RpcMethod[] {
  const templates = new Templates(context);
  return [
    getmininginfo(context, templates),
    getnetworkhashps(context),
    generatetoaddress(context),
    generateblock(context),
    submitblock(context),
    submitheader(context),
    templates.method,
    setmining(context),
    getminerinfo(context),
  ];
}

function getmininginfo(context: NodeContext, templates: Templates): RpcMethod {
  return {
    name: 'getmininginfo',
    category,
    summary: 'What is being mined, at which difficulty, and the estimated hash rate of the network.',
    args: [],
    example: '',
    looks: 'view',
    run: () => miningInfo(context, templates.last),
  };
}

function getnetworkhashps(context: NodeContext): RpcMethod {
  return {
    name: 'getnetworkhashps',
    category,
    summary: 'Estimated hashes a second of the whole network, from the work and times of recent blocks.',
    args: [
      { name: 'nblocks', type: 'number', default: String(HASHPS_BLOCKS), says: 'Blocks to look back.' },
      { name: 'height', type: 'number', default: '-1', says: 'Height of the last of them; -1 is the tip.' },
    ],
    example: '30',
    looks: 'view',
    run: (args) =>
      networkHashps(
        context,
        args.integer('nblocks', { min: 1, max: MAX_INT, fallback: HASHPS_BLOCKS }),
        args.integer('height', { min: -1, max: MAX_INT, fallback: -1 }),
      ),
  };
}

function generatetoaddress(context: NodeContext): RpcMethod {
  return {
    name: 'generatetoaddress',
    category,
    summary: 'Mines blocks now, with real proof of work, paid to an address. Answers their ids.',
    args: [
      { name: 'nblocks', type: 'number', says: 'How many.' },
      { name: 'address', type: 'string', says: 'Who is paid.' },
      {
        name: 'maxtries',
        type: 'number',
        default: '1000000, or 200 times the expected tries if that is more',
        says: 'Give a block up after so many hashes.',
      },
    ],
    example: '11 "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"',
    run: (args, call) =>
      generate(context, {
        blocks: args.integer('nblocks', { min: 0, max: GENERATE_LIMIT }),
        payout: addressScript(args.string('address'), context.view.params.hrp),
        maxTries: triesArgument(args),
        signal: call.signal,
      }),
  };
}

function generateblock(context: NodeContext): RpcMethod {
  return {
    name: 'generateblock',
    category,
    summary: 'Mines one block with exactly these transactions of the mempool, paid to an address.',
    args: [
      { name: 'output', type: 'string', says: 'Address that is paid.' },
      { name: 'transactions', type: 'array', says: 'Transaction ids in the mempool, parents first.' },
    ],
    example: '"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080" \'[]\'',
    run: async (args, call) => {
      const txids = args.array('transactions').map((id) => {
        if (typeof id !== 'string')
          throw new RpcError(RPC.TYPE_ERROR, 'transactions must be an array of ids');
        const hash = parseHash(id, 'transaction id');
        if (context.view.mempool.get(hash) === undefined)
          throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, `Transaction ${id} not in mempool.`);
        return hash;
      });
      const [hash] = await generate(context, {
        blocks: 1,
        payout: addressScript(args.string('output'), context.view.params.hrp),
        maxTries: undefined,
        signal: call.signal,
        txids,
      });
      if (hash === undefined) throw new RpcError(RPC.MISC_ERROR, 'no block was found');
      return { hash };
    },
  };
}

function submitblock(context: NodeContext): RpcMethod {
  return {
    name: 'submitblock',
    category,
    summary:
      'Hands a mined block to this node. Answers null if it is the tip now, otherwise why not (BIP22).',
    args: [
      { name: 'hexdata', type: 'string', says: 'The block in hex.' },
      { name: 'dummy', type: 'any', default: 'ignored', says: 'For compatibility with BIP22.' },
    ],
    example: '"00000020…"',
    run: async (args) => {
      const block = blockArgument(args.string('hexdata'));
      // Core completes a block only where it knows the parent; elsewhere it is refused for that.
      const known = context.view.chain.entry(block.header.prev) !== undefined;
      return submit(context, known ? withCoinbaseWitness(block) : block);
    },
  };
}

function submitheader(context: NodeContext): RpcMethod {
  return {
    name: 'submitheader',
    category,
    summary: 'Hands a block header to this node, which checks it on its parent and keeps it. Answers null.',
    args: [{ name: 'hexdata', type: 'string', says: 'The header: 80 bytes in hex.' }],
    example: '"00000020…"',
    run: (args) => submitHeader(context, args.string('hexdata')),
  };
}

function setmining(context: NodeContext): RpcMethod {
  return {
    name: 'setmining',
    category: 'Yard',
    summary:
      'Starts, stops, holds or caps continuous mining. With blocks: mines so many own blocks, then all is as before.',
    args: [
      { name: 'on', type: 'bool', default: 'unchanged', says: 'Mine until told otherwise, or stop.' },
      {
        name: 'hashrate',
        type: 'number',
        default: 'unchanged',
        says: 'Cap in hashes a second; 0 takes it away.',
      },
      {
        name: 'uncapped',
        type: 'bool',
        default: 'unchanged',
        says: 'Ignore the cap (until blocks are done).',
      },
      { name: 'blocks', type: 'number', default: 'no end', says: 'Mine so many own blocks.' },
      { name: 'payout', type: 'string', default: 'unchanged', says: 'Address that is paid.' },
      {
        name: 'held',
        type: 'bool',
        default: 'unchanged',
        says: 'true keeps everything and grinds nothing.',
      },
      { name: 'threads', type: 'number', default: 'unchanged', says: 'Worker threads, 1 or more.' },
      { name: 'kernel', type: 'string', default: 'unchanged', says: "A kernel's name, or auto." },
    ],
    oneObject: true,
    example: '\'{"on":true,"hashrate":50000}\'',
    run: async (args) => {
      await context.mining.set(miningRequest(args, context.view.params.hrp));
      return context.mining.json();
    },
  };
}

function getminerinfo(context: NodeContext): RpcMethod {
  return {
    name: 'getminerinfo',
    category: 'Yard',
    summary: 'Own miner: on or held, cap, measured rate per thread, kernel, blocks found since the start.',
    args: [],
    example: '',
    looks: 'view',
    run: () => context.mining.json(),
  };
}

function triesArgument(args: Arguments): number | undefined {
  return args.has('maxtries')
    ? args.integer('maxtries', { min: 0, max: Number.MAX_SAFE_INTEGER })
    : undefined;
}

function miningRequest(args: Arguments, hrp: string): MiningRequest {
  return {
    ...(args.has('on') ? { on: args.bool('on', false) } : {}),
    ...(args.has('held') ? { held: args.bool('held', false) } : {}),
    ...(args.has('uncapped') ? { uncapped: args.bool('uncapped', false) } : {}),
    ...(args.has('hashrate') ? { hashrate: args.integer('hashrate', { min: 0, max: HASHRATE_LIMIT }) } : {}),
    ...(args.has('threads') ? { threads: args.integer('threads', { min: 1, max: MAX_THREADS }) } : {}),
    ...(args.has('kernel') ? { kernel: args.string('kernel') } : {}),
    ...(args.has('blocks') ? { blocks: args.integer('blocks', { min: 1, max: GENERATE_LIMIT }) } : {}),
    ...(args.has('payout') ? { payout: addressScript(args.string('payout'), hrp) } : {}),
  };
}

/** `last`: the template that getblocktemplate gave last, told while our own miner has no job. */
function miningInfo(context: NodeContext, last: Templates['last']): Json {
  const { view } = context;
  const { tip } = view.chain;
  const bits = nextBits(tip, view.params);
  const { job, txs, weight } = view.mining;
  const current = job === undefined ? last : { txs, weight };
  return {
    blocks: tip.height,
    ...(current === undefined ? {} : { currentblockweight: current.weight, currentblocktx: current.txs }),
    bits: bitsHex(tip.header.bits),
    difficulty: difficultyJson(tip.header.bits),
    target: hex256(compactToTarget(tip.header.bits).target),
    networkhashps: networkHashps(context, HASHPS_BLOCKS, -1),
    pooledtx: view.mempool.size,
    blockmintxfee: feeRate(view.limits.minRelayFeeRate),
    chain: view.params.name,
    next: {
      height: tip.height + 1,
      bits: bitsHex(bits),
      difficulty: difficultyJson(bits),
      target: hex256(compactToTarget(bits).target),
    },
    warnings: [],
  };
}

/** Core: GetNetworkHashPS. */
function networkHashps({ view }: NodeContext, blocks: number, height: number): number {
  const { chain } = view;
  const last = height < 0 ? chain.tip : chain.atHeight(height);
  if (last === undefined)
    throw new RpcError(RPC.INVALID_PARAMETER, 'Block does not exist at specified height');
  const first = chain.atHeight(Math.max(0, last.height - blocks));
  if (first === undefined || first === last) return 0;
  let min = first.header.time;
  let max = first.header.time;
  for (let at = last; at !== first && at.parent !== undefined; at = at.parent) {
    min = Math.min(min, at.header.time);
    max = Math.max(max, at.header.time);
  }
  return min === max ? 0 : asDouble(Number(last.work - first.work) / (max - min));
}
