import { Chain } from '../../src/consensus/chain.ts';
import { checkBlock, type SaneBlock } from '../../src/consensus/check.ts';
import type { Params } from '../../src/consensus/params.ts';
import type { Store, Write } from '../../src/consensus/store.ts';
import type { Verify } from '../../src/consensus/verify.ts';
import { createVerify } from '../../src/host/verify.ts';
import { keyOf } from '../../src/util/bytes.ts';
import { BENCH_TIME_S, benchParams, blockOn, genesisSpends } from './blocks.ts';
import { type BenchTable, rowOf } from './table.ts';

const SPENDS = 4000;
const ROUNDS = 9;
const WALL_S = BENCH_TIME_S + 60;
/** What a node allows a step; see node/limits.ts. */
const PIECE_WEIGHT = 400_000;

/** A block of P2WPKH spends becomes the tip: from the parsed block to the batch of writes. */
export async function connectSuite(): Promise<BenchTable> {
  const params = benchParams(SPENDS);
  const genesis = { hash: params.genesisHash, height: 0, time: BENCH_TIME_S };
  const { bytes } = blockOn(genesis, genesisSpends(params, 0, SPENDS), params);
  const cold: number[] = [];
  const cached: number[] = [];
  const parse: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = performance.now();
    const checked = checkBlock(bytes, params);
    const parsed = performance.now() - before;
    if (!checked.ok) throw new Error(`${checked.error.rule}: ${checked.error.detail}`);
    const { verify } = createVerify();
    const first = connect(params, checked.value, verify);
    const second = connect(params, again(bytes, params), verify);
    if (round === 0) continue; // the engine optimises
    parse.push(parsed);
    cold.push(first);
    cached.push(second);
  }
  const rate = (times: readonly number[]): number[] => times.map((ms) => ((SPENDS + 1) / ms) * 1000);
  return {
    suite: 'connect',
    says: `One block of ${SPENDS} P2WPKH spends, 1 input and 2 outputs each, ${ROUNDS} rounds, one thread, coins in memory.`,
    rows: [
      rowOf('connect, no signature known', rate(cold), 'tx/s'),
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

/** Milliseconds from addBlock to the batch, on a chain that knows nothing but its genesis. */
function connect(params: Params, block: SaneBlock, verify: Verify): number {
  const store = new MemoryStore();
  const chain = new Chain({ params, store, index: [], verify });
  store.commit(chain.takeWrites().writes);
  const start = performance.now();
  const added = chain.addBlock(block, WALL_S);
  if (!added.ok) throw new Error(`${added.error.rule}: ${added.error.detail}`);
  for (;;) {
    const result = chain.connectPiece(PIECE_WEIGHT);
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
