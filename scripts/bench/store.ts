import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decodeHeader } from '../../src/bitcoin/header.ts';
import { Chain } from '../../src/consensus/chain.ts';
import type { Params } from '../../src/consensus/params.ts';
import { OPENING_PREFIXES } from '../../src/consensus/records.ts';
import { openStore } from '../../src/host/store.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { BENCH_TIME_S, benchParams } from './blocks.ts';
import { headerChain } from './header-source.ts';
import { inTempDir } from './processes.ts';
import { type BenchTable, median } from './table.ts';

const HEADERS = 100_000;
const ROUNDS = 5;
const HEADERS_PER_COMMIT = 2_000;

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
    return {
      suite: 'store',
      says: `A data directory with ${HEADERS.toLocaleString('en')} headers: from opening the database to a node that is ready for its first step, ${ROUNDS} rounds; and what the node then holds in memory, garbage collected.`,
      rows: [
        { what: `opening ${HEADERS.toLocaleString('en')} headers`, median: median(took), unit: 'ms' },
        { what: 'memory of a node with them', median: median(memory), unit: 'MB' },
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

function heapMb(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}
