import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Block } from '../../src/bitcoin/block.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { OPENING_PREFIXES } from '../../src/consensus/store/records.ts';
import { NodeDriver } from '../../src/host/driver/driver.ts';
import { openStore } from '../../src/host/store/store.ts';
import { createVerify, type HostVerify } from '../../src/host/verify/verify.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { BENCH_TIME_S, benchParams, blockOn, genesisSpends } from './blocks.ts';
import { lure } from './lure.ts';
import { inTempDir } from './processes.ts';
import { type BenchTable, rowOf } from './table.ts';

const SPENDS = 4_000;
const ROUNDS = 7;

interface Measured {
  readonly perSecond: number;
  readonly longestStepMs: number;
}

/** A whole node (state machine, driver, LevelDB) is given a full block, and answers when it is its tip, on disk. */
export async function nodeSuite(): Promise<BenchTable> {
  const params = benchParams(SPENDS);
  const genesis = { hash: params.genesisHash, height: 0, time: BENCH_TIME_S };
  const block = blockOn(genesis, genesisSpends(params, 0, SPENDS), params);
  const cold: Measured[] = [];
  const helped: Measured[] = [];
  const cached: Measured[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const verify = createVerify();
    const first = await inTempDir((dir) => connect(dir, params, block, verify));
    const second = await inTempDir((dir) => connect(dir, params, block, verify));
    const pool = createVerify({ helpers: () => availableParallelism() - 1 });
    await lure(pool);
    const third = await inTempDir((dir) => connect(dir, params, block, pool));
    pool.close();
    if (round === 0) continue; // the engine optimises
    cold.push(first);
    cached.push(second);
    helped.push(third);
  }
  const rows = (what: string, measured: readonly Measured[]) => [
    rowOf(
      what,
      measured.map((m) => m.perSecond),
      'tx/s',
    ),
    rowOf(
      `${what}: longest step`,
      measured.map((m) => m.longestStepMs),
      'ms',
    ),
  ];
  return {
    suite: 'node',
    says: `One block of ${SPENDS} P2WPKH spends of the genesis' coins, as bytes, to a node with its store in LevelDB: until it is the tip and the batch is synced to disk. ${ROUNDS} rounds, each on a new store that has been closed and opened, so that every coin is read from it.`,
    rows: [
      ...rows('no signature known', cold),
      ...rows('no signature known, with helper threads', helped),
      ...rows('every signature cached', cached),
    ],
  };
}

async function connect(dir: string, params: Params, block: Block, verify: HostVerify): Promise<Measured> {
  const genesisOnly = await openNode(dir, params, verify);
  await genesisOnly.close();
  const driver = await openNode(dir, params, verify);
  const before = performance.now();
  const result = await driver.command({ kind: 'submit-block', bytes: block.bytes.slice() });
  const took = performance.now() - before;
  if (result.kind !== 'block' || driver.view.chain.tip.id !== block.id)
    throw new Error(JSON.stringify(result));
  const { longestStepMs } = driver.stats();
  await driver.close();
  return { perSecond: (block.txs.length / took) * 1_000, longestStepMs };
}

/** Opens the store and starts the node; returns when its first step, which gives it the clock, is on disk. */
async function openNode(dir: string, params: Params, host: HostVerify): Promise<NodeDriver> {
  const store = await openStore(join(dir, 'db'));
  const index = await store.opening(OPENING_PREFIXES);
  const node = new FullNode({ params, store, index, verify: host.verify, seed: 1, name: 'bench' });
  const driver = new NodeDriver({
    node,
    store,
    log: { append: () => undefined },
    warm: host.warm,
    onFatal: (error) => {
      throw error;
    },
  });
  driver.start();
  await driver.command({ kind: 'mine', payout: undefined, tag: '' });
  return driver;
}
