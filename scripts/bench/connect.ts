import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeBlock } from '../../src/bitcoin/block.ts';
import { encodeHeader, type Header } from '../../src/bitcoin/header.ts';
import { commitmentOf, merkleRoot, witnessRoot } from '../../src/bitcoin/merkle.ts';
import { compactToTarget, targetBytes } from '../../src/bitcoin/target.ts';
import { makeTx, type Tx } from '../../src/bitcoin/tx.ts';
import { Chain } from '../../src/consensus/chain.ts';
import { checkBlock, type SaneBlock } from '../../src/consensus/check.ts';
import { deriveParams, type Params, parseNetworks } from '../../src/consensus/params.ts';
import type { Store, Write } from '../../src/consensus/store.ts';
import { coinbaseScript } from '../../src/consensus/tag.ts';
import type { Verify } from '../../src/consensus/verify.ts';
import { KERNELS } from '../../src/host/kernels/select.ts';
import { createVerify } from '../../src/host/verify.ts';
import { concat, keyOf } from '../../src/util/bytes.ts';
import { SCRIPT, spend } from './spends.ts';
import { type BenchTable, median } from './table.ts';

const SPENDS = 4000;
const ROUNDS = 9;
const COIN = 1e8;
const TIME_S = 1_700_000_000;
const WALL_S = TIME_S + 60;
/** What a node allows a step; see node/limits.ts. */
const PIECE_WEIGHT = 400_000;

/** A block of P2WPKH spends becomes the tip: from the parsed block to the batch of writes. */
export async function connectSuite(): Promise<BenchTable> {
  const params = benchParams();
  const bytes = fullBlock(params);
  const cold: number[] = [];
  const cached: number[] = [];
  const parse: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = performance.now();
    const checked = checkBlock(bytes, params);
    const parsed = performance.now() - before;
    if (!checked.ok) throw new Error(`${checked.error.rule}: ${checked.error.detail}`);
    const { verify } = await createVerify();
    const first = connect(params, checked.value, verify);
    const second = connect(params, again(bytes, params), verify);
    if (round === 0) continue; // the engine optimises
    parse.push(parsed);
    cold.push(first);
    cached.push(second);
  }
  const rate = (times: readonly number[]): number => ((SPENDS + 1) / median(times)) * 1000;
  return {
    suite: 'connect',
    says: `One block of ${SPENDS} P2WPKH spends, 1 input and 2 outputs each, ${ROUNDS} rounds, one thread, coins in memory.`,
    rows: [
      { what: 'connect, no signature known', median: rate(cold), unit: 'tx/s' },
      { what: 'connect, every signature cached', median: rate(cached), unit: 'tx/s' },
      { what: 'parse and check, before it', median: rate(parse), unit: 'tx/s' },
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

/** A yard whose genesis gives the benches' key as many coins as the block spends, at the easiest target. */
function benchParams(): Params {
  // From scripts/bench and from the bundle in dist alike.
  const file = ['../genesis.json', '../../genesis.json'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const networks = parseNetworks(JSON.parse(readEither(file)));
  if (!networks.ok) throw new Error(networks.error);
  const allocations = Array.from({ length: SPENDS }, () => ({ value: COIN, script: SCRIPT }));
  return deriveParams(networks.value.get('lab')!, {
    label: 'bench',
    timeS: TIME_S,
    bits: 0x207f_ffff,
    allocations,
  });
}

function readEither(files: readonly string[]): string {
  for (const file of files) {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`none of ${files.join(', ')} is there`);
}

function fullBlock(params: Params): Uint8Array {
  const [genesisTx] = params.genesis.txs;
  const txs = genesisTx!.outputs.map(({ value }, index) => spend({ txid: genesisTx!.txid, index }, value));
  const coinbase = coinbaseFor(txs, params.subsidy + txs.length * 1000);
  const all = [coinbase, ...txs];
  const { root } = merkleRoot(all.map((tx) => tx.txid));
  const header: Header = {
    version: 0x2000_0000,
    prev: params.genesisHash,
    merkleRoot: root,
    time: TIME_S + 10,
    bits: params.genesis.header.bits,
    nonce: 0,
  };
  const kernel = KERNELS.at(-1)!.make();
  kernel.prepare(encodeHeader(header).subarray(0, 76), targetBytes(compactToTarget(header.bits).target));
  const [nonce] = kernel.scan(0, 10_000);
  return makeBlock({ ...header, nonce: nonce! }, all).bytes;
}

function coinbaseFor(txs: readonly Tx[], value: number): Tx {
  const reserved = new Uint8Array(32);
  const witnesses = [{ wtxid: new Uint8Array(32) }, ...txs];
  const commitment = commitmentOf(witnessRoot(witnesses), reserved);
  return makeTx({
    version: 2,
    inputs: [
      {
        prevout: { txid: new Uint8Array(32), index: 0xffff_ffff },
        script: coinbaseScript(1, 0, 'bench'),
        sequence: 0xffff_ffff,
        witness: [reserved],
      },
    ],
    outputs: [
      { value, script: SCRIPT },
      { value: 0, script: concat(Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed), commitment) },
    ],
    lockTime: 0,
  });
}
