import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeAddress } from '../../src/bitcoin/address.ts';
import type { Tx } from '../../src/bitcoin/tx.ts';
import type { LogEvent } from '../../src/consensus/news.ts';
import { type Params, paramsToJson } from '../../src/consensus/params.ts';
import { toHex } from '../../src/util/bytes.ts';
import { benchParams, genesisSpends } from './blocks.ts';
import { BenchNode, inTempDir, sleep, until } from './processes.ts';
import { KEY_HASH, spend } from './spends.ts';
import { type BenchRow, type BenchTable, quantile } from './table.ts';

const NODES = 5;
const SMALL_ROUNDS = 30;
const BIG_ROUNDS = 4;
/** 222 bytes each: a block of them is a megabyte, the largest that gossip carries. */
const PAYMENTS = 4_500;
/** Payments on their way by RPC at a time, to each node. */
const AT_ONCE = 8;
/** gossipsub's heartbeat, and time to breathe. */
const PAUSE_MS = 600;

/** How long after a node has found a block the others have it checked and on disk, and as their tip. */
export async function gossipSuite(): Promise<BenchTable> {
  return inTempDir(async (dir) => {
    const params = benchParams(PAYMENTS);
    const nodes = await startNodes(dir, params);
    const small: string[] = [];
    const big: string[] = [];
    for (let round = 0; round < SMALL_ROUNDS; round++) small.push(await mineOne(nodes, params));
    let payments: readonly Tx[] = genesisSpends(params, 0, PAYMENTS);
    for (let round = 0; round < BIG_ROUNDS; round++) {
      await pay(nodes, payments);
      big.push(await mineOne(nodes, params));
      // The next round spends the change of this one.
      payments = payments.map(({ txid, outputs }) => spend({ txid, index: 1 }, outputs[1]!.value));
    }
    await Promise.all(nodes.map((node) => node.stop()));
    const logs = nodes.map((node) => node.events());
    return {
      suite: 'gossip',
      says: `${NODES} node processes on loopback, each linked with all others. From the moment at which one has found a block (in its log) to that at which each of the ${NODES - 1} others has checked it and has it on disk (it forwards it a little earlier), and at which it is its tip. ${SMALL_ROUNDS} empty blocks; ${BIG_ROUNDS} blocks of ${PAYMENTS} payments (1 MB) that all nodes had in their mempools.`,
      rows: [...rows('an empty block', small, logs), ...rows('a block of 1 MB', big, logs)],
    };
  });
}

async function startNodes(dir: string, params: Params): Promise<BenchNode[]> {
  const genesis = join(dir, 'genesis.json');
  writeFileSync(genesis, JSON.stringify(paramsToJson(params)));
  const nodes: BenchNode[] = [];
  for (let i = 0; i < NODES; i++) {
    const name = String.fromCharCode(65 + i);
    const connect = nodes.flatMap(({ address }) => ['--connect', address]);
    nodes.push(await BenchNode.start(join(dir, name), name, ['--genesis', genesis, ...connect]));
  }
  await until('all nodes are linked', () =>
    all(nodes, async (node) => (await node.call<number>('getconnectioncount')) === NODES - 1),
  );
  return nodes;
}

async function all(
  nodes: readonly BenchNode[],
  isSo: (node: BenchNode) => Promise<boolean>,
): Promise<boolean> {
  return (await Promise.all(nodes.map(isSo))).every(Boolean);
}

/** The first node mines one block; when all have it, its id. */
async function mineOne(nodes: readonly BenchNode[], params: Params): Promise<string> {
  const [miner] = nodes;
  await sleep(PAUSE_MS);
  const before = await miner!.call<string>('getbestblockhash');
  const payout = encodeAddress({ kind: 'p2wpkh', hash: KEY_HASH }, params.hrp);
  await miner!.call('setmining', { on: true, blocks: 1, payout });
  await until('the block is found', async () => (await miner!.call('getbestblockhash')) !== before);
  const id = await miner!.call<string>('getbestblockhash');
  await until('all nodes have the block', () =>
    all(nodes, async (node) => (await node.call('getbestblockhash')) === id),
  );
  return id;
}

/** Sends the payments to the nodes in equal shares, and waits until every node has all of them. */
async function pay(nodes: readonly BenchNode[], payments: readonly Tx[]): Promise<void> {
  const queues = nodes.map((node, i) => ({ node, txs: payments.filter((_, at) => at % nodes.length === i) }));
  const send = async ({ node, txs }: { node: BenchNode; txs: Tx[] }): Promise<void> => {
    for (let tx = txs.pop(); tx !== undefined; tx = txs.pop()) {
      await node.call('sendrawtransaction', toHex(tx.bytes));
    }
  };
  await Promise.all(queues.flatMap((queue) => Array.from({ length: AT_ONCE }, () => send(queue))));
  await until('every node has all payments', () =>
    all(nodes, async (node) => {
      const { size } = await node.call<{ size: number }>('getmempoolinfo');
      return size === payments.length;
    }),
  );
}

function rows(what: string, ids: readonly string[], logs: readonly (readonly LogEvent[])[]): BenchRow[] {
  const [miner, ...others] = logs;
  const after = (kind: 'block' | 'tip') =>
    ids.map((id) => {
      const found = timeOf(miner!, 'mined', id);
      return others.map((log) => timeOf(log, kind, id) - found);
    });
  const figures = (kind: 'block' | 'tip', does: string): BenchRow[] => {
    const last = after(kind).map((times) => Math.max(...times));
    return [
      { what: `${what} ${does}, p50`, median: quantile(last, 0.5), unit: 'ms' },
      { what: `${what} ${does}, p95`, median: quantile(last, 0.95), unit: 'ms' },
    ];
  };
  return [...figures('block', 'checked by all'), ...figures('tip', 'is the tip of all')];
}

function timeOf(log: readonly LogEvent[], kind: LogEvent['kind'], id: string): number {
  const event = log.find((e) => e.kind === kind && 'id' in e && e.id === id);
  if (event === undefined) throw new Error(`no '${kind}' of ${id} in the log of a node`);
  return event.t;
}
