import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { type Params, paramsToJson } from '../../src/consensus/params/params.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { benchParams, genesisSpends } from './blocks.ts';
import { headerChain, serveHeaders } from './header-source.ts';
import { BenchNode, inTempDir, until } from './processes.ts';
import { spend } from './spends.ts';
import { storeChain } from './stored-chain.ts';
import { type BenchTable, quantileRow, rowOf } from './table.ts';

const HEADERS = 100_000;
const BLOCKS = 10_000;
const FULL_BLOCKS = 6;
const PAYMENTS = 4_000;
const ROUNDS = 3;
/** A caller who asks again and again while full blocks are connected. */
const ASK_EVERY_MS = 5;

interface Measured {
  readonly perSecond: number;
  readonly longestStepMs: number;
  /** Milliseconds that each answer took, where somebody asked. */
  readonly answers: readonly number[];
}

/** A node process that knows only its genesis catches up with one peer, over the real network. */
export async function syncSuite(): Promise<BenchTable> {
  return inTempDir(async (dir) => {
    const params = benchParams(1);
    const genesis = join(dir, 'genesis.json');
    writeFileSync(genesis, JSON.stringify(paramsToJson(params)));
    const headers: Measured[] = await headerSync(dir, genesis, params);
    const blocks: Measured[] = await blockSync(dir, genesis, params);
    const full: Measured[] = await fullSync(dir);
    const answers = full.flatMap((m) => m.answers);
    const rows = (what: string, unit: string, measured: readonly Measured[]) => [
      rowOf(
        what,
        measured.map((m) => m.perSecond),
        unit,
      ),
      rowOf(
        `${what}: longest step of the node`,
        measured.map((m) => m.longestStepMs),
        'ms',
      ),
    ];
    return {
      suite: 'sync',
      says: `A fresh node process and one peer on loopback, ${ROUNDS} rounds, from the exchanged hellos on: ${HEADERS.toLocaleString('en')} headers of a peer that has no bodies; ${BLOCKS.toLocaleString('en')} empty blocks, and ${FULL_BLOCKS} blocks of ${PAYMENTS.toLocaleString('en')} payments, of a node process, to the tip on disk. While the latter are connected somebody asks for the height over RPC, every ${ASK_EVERY_MS} ms.`,
      rows: [
        ...rows('header sync', 'headers/s', headers),
        ...rows('sync of empty blocks', 'blocks/s', blocks),
        ...rows('sync of full blocks', 'tx/s', full),
        quantileRow('RPC answers meanwhile, p50', answers, 0.5, 'ms'),
        quantileRow('RPC answers meanwhile, p99', answers, 0.99, 'ms'),
      ],
    };
  });
}

async function headerSync(dir: string, genesis: string, params: Params): Promise<Measured[]> {
  const source = await serveHeaders(dir, params, headerChain(params, HEADERS));
  const measured: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    measured.push(
      await catchUp(join(dir, `headers-${round}`), genesis, source.addresses[0]!, {
        target: HEADERS,
        reached: async (node) => (await node.call<{ headers: number }>('getblockchaininfo')).headers,
        isLast: (event) => (event.kind === 'header' || event.kind === 'headers') && event.height === HEADERS,
      }),
    );
  }
  await source.close();
  return measured;
}

async function blockSync(dir: string, genesis: string, params: Params): Promise<Measured[]> {
  const full = join(dir, 'full');
  await storeChain(full, params, BLOCKS);
  const server = await BenchNode.start(full, 'A', ['--genesis', genesis]);
  const measured: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    measured.push(
      await catchUp(join(dir, `blocks-${round}`), genesis, server.address, {
        target: BLOCKS,
        reached: (node) => node.call<number>('getblockcount'),
        isLast: (event) => event.kind === 'tip' && event.height === BLOCKS,
      }),
    );
  }
  await server.stop();
  return measured;
}

async function fullSync(dir: string): Promise<Measured[]> {
  const params = benchParams(PAYMENTS);
  const genesis = join(dir, 'full-genesis.json');
  writeFileSync(genesis, JSON.stringify(paramsToJson(params)));
  let payments: readonly Tx[] = [];
  const stored = join(dir, 'payments');
  await storeChain(stored, params, FULL_BLOCKS, (parent) => {
    // Each block spends the change of the one before.
    payments =
      parent === 0
        ? genesisSpends(params, 0, PAYMENTS)
        : payments.map(({ txid, outputs }) => spend({ txid, index: 1 }, outputs[1]!.value));
    return payments;
  });
  const server = await BenchNode.start(stored, 'A', ['--genesis', genesis]);
  const measured: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const one = await catchUp(join(dir, `payments-${round}`), genesis, server.address, {
      target: FULL_BLOCKS,
      everyMs: ASK_EVERY_MS,
      reached: (node) => node.call<number>('getblockcount'),
      isLast: (event) => event.kind === 'tip' && event.height === FULL_BLOCKS,
    });
    measured.push({ ...one, perSecond: one.perSecond * PAYMENTS });
  }
  await server.stop();
  return measured;
}

interface Goal {
  readonly target: number;
  /** How far it is; asked rarely unless told otherwise, so that asking costs nothing. */
  readonly reached: (node: BenchNode) => Promise<number>;
  readonly everyMs?: number;
  readonly isLast: (event: LogEvent) => boolean;
}

/** Starts a node on an empty directory with that peer, and measures by its own event log. */
async function catchUp(datadir: string, genesis: string, peer: string, goal: Goal): Promise<Measured> {
  const node = await BenchNode.start(datadir, 'B', ['--genesis', genesis, '--connect', peer]);
  const answers: number[] = [];
  const isThere = async (): Promise<boolean> => {
    const asked = performance.now();
    const height = await goal.reached(node);
    answers.push(performance.now() - asked);
    return height >= goal.target;
  };
  await until(`at ${goal.target}`, isThere, goal.everyMs ?? 100);
  const longestStepMs = await node.longestStepMs();
  await node.stop();
  const events = node.events();
  const first = events.find(({ kind }) => kind === 'peer-ready');
  const last = events.find(goal.isLast);
  if (first === undefined || last === undefined)
    throw new Error('the event log lacks the beginning or the end');
  return { perSecond: (goal.target / (last.t - first.t)) * 1_000, longestStepMs, answers };
}
