import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeAddress } from '../../src/bitcoin/address.ts';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { type Params, paramsToJson } from '../../src/consensus/params/params.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { toHex } from '../../src/util/bytes.ts';
import { benchParams, genesisSpends } from './blocks.ts';
import { BenchNode, inTempDir, sleep, until } from './processes.ts';
import { KEY_HASH } from './spends.ts';
import { type BenchRow, type BenchTable, quantileRow, rowOf } from './table.ts';

/** Each node dials so many of those before it; with five, all of them. */
const DIALS = 4;
const SMALL_ROUNDS = 40;
const BIG_ROUNDS = 20;
/** Rounds before those: what a node does once a block is slow until the engine has seen it a few times. */
const WARM_UP = 6;
/** 222 bytes each: a block of so many is a megabyte. */
const PAYMENTS = 4_500;
/** Payments on their way by RPC at a time, to each node. */
const AT_ONCE = 8;
/** Times are read from the logs; to ask whether a round has ended costs the nodes processor time, so it is done rarely. */
const ASK_EVERY_MS = 150;
/** gossipsub's heartbeat, and time to breathe. */
const PAUSE_MS = 600;

interface Size {
  readonly nodes: number;
  readonly warmUp: number;
  readonly small: number;
  readonly big: number;
  readonly payments: number;
}

const FIVE: Size = { nodes: 5, warmUp: WARM_UP, small: SMALL_ROUNDS, big: BIG_ROUNDS, payments: PAYMENTS };
/** Twenty processes keep a laptop busy: fewer rounds. */
const TWENTY: Size = { nodes: 20, warmUp: 2, small: 10, big: 4, payments: PAYMENTS };

interface Mined {
  readonly id: string;
  /** Bytes over one link, both ways, from the order to mine until all have the block. */
  readonly linkBytes: number;
}

/** How long after a node has found a block the others have judged it, and have it as their tip; and what it costs. */
export async function relaySuite(): Promise<BenchTable> {
  const five = await relayIn(FIVE);
  const twenty = await relayIn(TWENTY);
  return {
    suite: 'relay',
    says: `${FIVE.nodes} node processes on loopback, each linked with all others, and ${TWENTY.nodes}, each linked with ${DIALS} of those before it. From the moment at which one has found a block (in its log) to that at which the last of the others has judged it, and so may pass it on, and to that at which it is the tip of all, on disk; bytes over one link, both ways, all traffic of that time counted. ${FIVE.small} and ${TWENTY.small} empty blocks; ${FIVE.big} and ${TWENTY.big} blocks of ${PAYMENTS} payments (1 MB) that all nodes had in their mempools, the same ones each time: the block before was invalidated everywhere. Before those, ${FIVE.warmUp} and ${TWENTY.warmUp} of each kind that are not counted. Steps are wall time, in which the processes share the cores, and all that is done in between counts: to take payments in and blocks back.`,
    rows: [...five, ...twenty],
  };
}

async function relayIn(size: Size): Promise<BenchRow[]> {
  return inTempDir(async (dir) => {
    const params = benchParams(size.payments);
    const nodes = await startNodes(dir, params, size.nodes);
    const small: Mined[] = [];
    const big: Mined[] = [];
    for (let round = 0; round < size.warmUp + size.small; round++) {
      const mined = await mineOne(nodes, params);
      if (round >= size.warmUp) small.push(mined);
    }
    await pay(nodes, genesisSpends(params, 0, size.payments));
    for (let round = 0; round < size.warmUp + size.big; round++) {
      await haveAll(nodes, size.payments);
      const mined = await mineOne(nodes, params);
      if (round >= size.warmUp) big.push(mined);
      // Its payments come back: to send as many anew takes ten times as long.
      await Promise.all(nodes.map((node) => node.call('invalidateblock', mined.id)));
    }
    const longest = await Promise.all(nodes.map((node) => node.longestStepMs()));
    await Promise.all(nodes.map((node) => node.stop()));
    const logs = nodes.map((node) => node.events());
    const where = `${size.nodes} nodes: `;
    return [
      ...rows(where + 'an empty block', small, logs),
      ...rows(where + 'a block of 1 MB', big, logs),
      rowOf(`${where}longest step of a node, from its start on`, longest, 'ms'),
    ];
  });
}

async function startNodes(dir: string, params: Params, count: number): Promise<BenchNode[]> {
  const genesis = join(dir, 'genesis.json');
  writeFileSync(genesis, JSON.stringify(paramsToJson(params)));
  const nodes: BenchNode[] = [];
  for (let i = 0; i < count; i++) {
    const name = String.fromCharCode(65 + i);
    // The last one and others spread over those before, so that every block has a few hops at most.
    const stride = Math.max(1, Math.floor(i / DIALS));
    const dialled = nodes.filter((_, at) => (i - 1 - at) % stride === 0 && (i - 1 - at) / stride < DIALS);
    const connect = dialled.flatMap(({ address }) => ['--connect', address]);
    nodes.push(await BenchNode.start(join(dir, name), name, ['--genesis', genesis, ...connect]));
  }
  let links = 0;
  for (let i = 0; i < count; i++) links += Math.min(i, DIALS);
  await until('all nodes are linked', async () => {
    const counts = await Promise.all(nodes.map((node) => node.call<number>('getconnectioncount')));
    return counts.reduce((sum, n) => sum + n, 0) === 2 * links;
  });
  return nodes;
}

/** Bytes sent by all nodes so far, by link. */
async function sentPerLink(nodes: readonly BenchNode[]): Promise<number> {
  const peers = await Promise.all(nodes.map((node) => node.call<{ bytessent: number }[]>('getpeerinfo')));
  const all = peers.flat();
  return all.reduce((sum, { bytessent }) => sum + bytessent, 0) / (all.length / 2);
}

async function all(
  nodes: readonly BenchNode[],
  isSo: (node: BenchNode) => Promise<boolean>,
): Promise<boolean> {
  return (await Promise.all(nodes.map(isSo))).every(Boolean);
}

/** The first node mines one block, and all get it. */
async function mineOne(nodes: readonly BenchNode[], params: Params): Promise<Mined> {
  const [miner] = nodes;
  await sleep(PAUSE_MS);
  const before = await miner!.call<string>('getbestblockhash');
  const payout = encodeAddress({ kind: 'p2wpkh', hash: KEY_HASH }, params.hrp);
  const sent = await sentPerLink(nodes);
  await miner!.call('setmining', { on: true, blocks: 1, payout });
  const isFound = async () => (await miner!.call('getbestblockhash')) !== before;
  await until('the block is found', isFound, ASK_EVERY_MS);
  const id = await miner!.call<string>('getbestblockhash');
  const haveIt = () => all(nodes, async (node) => (await node.call('getbestblockhash')) === id);
  await until('all nodes have the block', haveIt, ASK_EVERY_MS);
  return { id, linkBytes: (await sentPerLink(nodes)) - sent };
}

/** Sends the payments to the nodes in equal shares; gossip brings each of them to all. */
async function pay(nodes: readonly BenchNode[], payments: readonly Tx[]): Promise<void> {
  const queues = nodes.map((node, i) => ({ node, txs: payments.filter((_, at) => at % nodes.length === i) }));
  const send = async ({ node, txs }: { node: BenchNode; txs: Tx[] }): Promise<void> => {
    for (let tx = txs.pop(); tx !== undefined; tx = txs.pop()) {
      await node.call('sendrawtransaction', toHex(tx.bytes));
    }
  };
  await Promise.all(queues.flatMap((queue) => Array.from({ length: AT_ONCE }, () => send(queue))));
}

async function haveAll(nodes: readonly BenchNode[], payments: number): Promise<void> {
  const hasAll = async (node: BenchNode) =>
    (await node.call<{ size: number }>('getmempoolinfo')).size === payments;
  await until('every node has all payments', () => all(nodes, hasAll), ASK_EVERY_MS);
}

function rows(what: string, mined: readonly Mined[], logs: readonly (readonly LogEvent[])[]): BenchRow[] {
  const [miner, ...others] = logs;
  const after = (kind: 'block' | 'tip') =>
    mined.map(({ id }) => {
      const found = timeOf(miner!, 'mined', id);
      return others.map((log) => timeOf(log, kind, id) - found);
    });
  const figures = (kind: 'block' | 'tip', does: string): BenchRow[] => {
    const last = after(kind).map((times) => Math.max(...times));
    return [
      quantileRow(`${what} ${does}, p50`, last, 0.5, 'ms'),
      quantileRow(`${what} ${does}, p95`, last, 0.95, 'ms'),
    ];
  };
  return [
    ...figures('block', 'judged by all'),
    ...figures('tip', 'is the tip of all'),
    rowOf(
      `${what}, bytes a link`,
      mined.map(({ linkBytes }) => linkBytes),
      'B',
    ),
  ];
}

function timeOf(log: readonly LogEvent[], kind: LogEvent['kind'], id: string): number {
  const event = log.find((e) => e.kind === kind && 'id' in e && e.id === id);
  if (event === undefined) throw new Error(`no '${kind}' of ${id} in the log of a node`);
  return event.t;
}
