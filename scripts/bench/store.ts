import { join } from 'node:path';
import { decodeHeader } from '../../src/bitcoin/header.ts';
import { Chain } from '../../src/consensus/chain/chain.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { OPENING_PREFIXES } from '../../src/consensus/store/records.ts';
import { openStore } from '../../src/host/store/store.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { seeded } from '../../src/util/random.ts';
import { BENCH_TIME_S, benchParams } from './blocks.ts';
import { headerChain } from './header-source.ts';
import { heapMb, inTempDir } from './processes.ts';
import { type BenchTable, rowOf } from './table.ts';

const HEADERS = 100_000;
const ROUNDS = 5;
const HEADERS_PER_COMMIT = 2_000;
/** About what a block of payments writes. */
const ROWS = 4_000;
const ROW_BYTES = 60;
const BATCHES = 15;
const READS = 40_000;

/** A node with a long chain opens its directory: all index rows read, the tree built, ready for its first step. */
export async function storeSuite(): Promise<BenchTable> {
  return inTempDir(async (dir) => {
    const params = benchParams(1);
    await storeHeaders(dir, params);
    const took: number[] = [];
    const memory: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { ms, mb } = await open(dir, params);
      took.push(ms);
      memory.push(mb);
    }
    const rows = await writeAndRead(join(dir, 'rows'));
    return {
      suite: 'store',
      says: `A data directory with ${HEADERS.toLocaleString('en')} headers: from opening the database to a node that is ready for its first step, ${ROUNDS} rounds; and what the node then holds in memory, garbage collected. ${BATCHES} batches of ${ROWS.toLocaleString('en')} rows of ${ROW_BYTES} bytes, about a block of payments each, synced to disk; ${READS.toLocaleString('en')} of the rows read back one by one, at random.`,
      rows: [
        rowOf(`opening ${HEADERS.toLocaleString('en')} headers`, took, 'ms'),
        rowOf('memory of a node with them', memory, 'MB'),
        rowOf('commit of a batch, synced', rows.commits, 'ms'),
        rowOf('read of one row', rows.reads, 'µs'),
      ],
    };
  });
}

async function storeHeaders(dir: string, params: Params): Promise<void> {
  const store = await openStore(join(dir, 'db'));
  const chain = new Chain({ params, store, index: [], verify: () => false });
  for (const [i, bytes] of headerChain(params, HEADERS).headers.entries()) {
    const header = decodeHeader(bytes);
    if (!header.ok) throw new Error(header.error.what);
    const added = chain.addHeader(header.value, BENCH_TIME_S + HEADERS);
    if (!added.ok) throw new Error(added.error.detail);
    if (i % HEADERS_PER_COMMIT === 0) await store.commit(chain.takeWrites(true).writes, false);
  }
  await store.commit(chain.takeWrites(true).writes, true);
  await store.close();
}

async function open(dir: string, params: Params): Promise<{ ms: number; mb: number }> {
  const empty = heapMb();
  const before = performance.now();
  const store = await openStore(join(dir, 'db'));
  const index = await store.opening(OPENING_PREFIXES);
  const node = new FullNode({ params, store, index, verify: () => false, seed: 1, name: 'bench' });
  const ms = performance.now() - before;
  if (node.view.chain.bestHeader.height !== HEADERS) throw new Error('the node has another chain');
  index.length = 0;
  const mb = heapMb() - empty;
  await store.close();
  return { ms, mb };
}

async function writeAndRead(db: string): Promise<{ commits: number[]; reads: number[] }> {
  const random = seeded(1);
  const key = (i: number): Uint8Array => {
    const bytes = new Uint8Array(37).fill(i & 255);
    new DataView(bytes.buffer).setUint32(1, Math.imul(i, 0x9e37_79b1));
    bytes[0] = 0xff;
    return bytes;
  };
  const store = await openStore(db);
  const commits: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const writes = Array.from({ length: ROWS }, (_, i) => ({
      key: key(batch * ROWS + i),
      value: new Uint8Array(ROW_BYTES).fill(i & 255),
    }));
    const start = performance.now();
    await store.commit(writes, true);
    commits.push(performance.now() - start);
  }
  const reads: number[] = [];
  for (let round = 0; round < 5; round++) {
    const keys = Array.from({ length: READS / 5 }, () => key(random.below(BATCHES * ROWS)));
    const start = performance.now();
    for (const wanted of keys) if (store.get(wanted) === undefined) throw new Error('a row is lost');
    reads.push(((performance.now() - start) / keys.length) * 1000);
  }
  await store.close();
  return { commits, reads };
}
