import { availableParallelism } from 'node:os';
import { Chain } from '../../src/consensus/chain/chain.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import type { Store, Write } from '../../src/consensus/store/store.ts';
import { checkBlock, type SaneBlock } from '../../src/consensus/validate/check.ts';
import { hostLimits } from '../../src/host/limits.ts';
import { createVerify, type HostVerify } from '../../src/host/verify/verify.ts';
import { limits } from '../../src/node/limits.ts';
import { keyOf } from '../../src/util/bytes.ts';
import { BENCH_TIME_S, benchParams, blockOn, genesisSpends } from './blocks.ts';
import { lure } from './lure.ts';
import { type BenchTable, median, rowOf } from './table.ts';

const SPENDS = 4000;
const ROUNDS = 9;
const WALL_S = BENCH_TIME_S + 60;

/** A block of P2WPKH spends becomes the tip: from the parsed block to the batch of writes. */
export async function connectSuite(): Promise<BenchTable> {
  const params = benchParams(SPENDS);
  const genesis = { hash: params.genesisHash, height: 0, time: BENCH_TIME_S };
  const { bytes } = blockOn(genesis, genesisSpends(params, 0, SPENDS), params);
  const cold: number[] = [];
  const cached: number[] = [];
  const helped: number[] = [];
  const parse: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = performance.now();
    const checked = checkBlock(bytes, params);
    const parsed = performance.now() - before;
    if (!checked.ok) throw new Error(`${checked.error.rule}: ${checked.error.detail}`);
    const host = createVerify();
    const first = await connect(params, checked.value, host);
    const second = await connect(params, again(bytes, params), host);
    const pool = createVerify({ helpers: () => availableParallelism() - 1 });
    await lure(pool);
    const third = await connect(params, again(bytes, params), pool);
    pool.close();
    if (round === 0) continue; // the engine optimises
    helped.push(third);
    parse.push(parsed);
    cold.push(first);
    cached.push(second);
  }
  const rate = (times: readonly number[]): number[] => times.map((ms) => ((SPENDS + 1) / ms) * 1000);
  return {
    suite: 'connect',
    says: `One block of ${SPENDS} P2WPKH spends, 1 input and 2 outputs each, ${ROUNDS} rounds, coins in memory: from the parsed block to the batch that the store would get, in pieces as a node does it, one thread unless it says otherwise.`,
    rows: [
      rowOf('connect, no signature known', rate(cold), 'tx/s'),
      rowOf('connect, no signature known, helper threads on the other cores', rate(helped), 'tx/s', {
        name: 'one thread',
        value: median(rate(cold)),
      }),
      rowOf('connect, every signature cached', rate(cached), 'tx/s'),
      rowOf('parse and check, before it', rate(parse), 'tx/s'),
    ],
  };
}

/** A copy without the ids that the first one has computed. */
function again(bytes: Uint8Array, params: Params): SaneBlock {
  const checked = checkBlock(bytes.slice(), params);
  if (!checked.ok) throw new Error(checked.error.rule);
  return checked.value;
}

/** Milliseconds from addBlock to the batch, on a chain that knows nothing but its genesis; warmed ahead as the driver does. */
async function connect(params: Params, block: SaneBlock, host: HostVerify): Promise<number> {
  const store = new MemoryStore();
  const chain = new Chain({ params, store, index: [], verify: host.verify });
  store.commit(chain.takeWrites().writes);
  const start = performance.now();
  const added = chain.addBlock(block, WALL_S);
  if (!added.ok) throw new Error(`${added.error.rule}: ${added.error.detail}`);
  for (;;) {
    const warming = host.warm(chain.signaturesAhead(limits.prefetchChecks));
    while (!(await warming.go(performance.now() + hostLimits.warmMs)));
    const result = chain.connectPiece(limits.connectWeightPerStep);
    if (result.kind === 'refused') throw new Error(`${result.refusal.rule}: ${result.refusal.detail}`);
    if (result.kind !== 'more') break;
  }
  const { writes } = chain.takeWrites();
  const took = performance.now() - start;
  if (chain.tip.height !== 1 || writes.length < SPENDS) throw new Error('the block is not connected');
  return took;
}

class MemoryStore implements Store {
  readonly #rows = new Map<string, Uint8Array>();

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(keyOf(key));
  }

  commit(writes: readonly Write[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#rows.delete(keyOf(key));
      else this.#rows.set(keyOf(key), value);
    }
  }
}
