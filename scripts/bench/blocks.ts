import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Block, makeBlock } from '../../src/bitcoin/block.ts';
import { headerOver } from '../../src/bitcoin/coinbase.ts';
import { encodeHeader, type Header } from '../../src/bitcoin/header.ts';
import { compactToTarget, targetBytes } from '../../src/bitcoin/target.ts';
import type { Tx } from '../../src/bitcoin/tx.ts';
import { buildBody } from '../../src/consensus/build.ts';
import {
  deriveParams,
  type NetworkTemplates,
  type Params,
  parseNetworks,
} from '../../src/consensus/params/params.ts';
import { javascriptKernel } from '../../src/host/miner/kernels/javascript.ts';
import { FEE, SCRIPT, spend } from './spends.ts';

const COIN = 1e8;
/** When the benches' own network began. */
export const BENCH_TIME_S = 1_700_000_000;
/** Half of all hashes meet it. */
export const EASIEST_BITS = 0x207f_ffff;

/** Tried at a time. */
const NONCES = 8;
const kernel = javascriptKernel();

/** The package's networks file, as JSON. */
export function networksJson(): unknown {
  // From scripts/bench and from the bundle in dist alike.
  const files = ['../genesis.json', '../../genesis.json'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return JSON.parse(readEither(files));
}

function networks(): NetworkTemplates {
  const parsed = parseNetworks(networksJson());
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
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

/** A network at the easiest target whose genesis gives the benches' key so many coins. */
export function benchParams(coins: number): Params {
  const allocations = Array.from({ length: coins }, () => ({ value: COIN, script: SCRIPT }));
  return deriveParams(networks().get('lab')!, {
    label: 'bench',
    timeS: BENCH_TIME_S,
    bits: EASIEST_BITS,
    allocations,
  });
}

/** Each genesis coin from `from` on spent once. */
export function genesisSpends(params: Params, from: number, count: number): Tx[] {
  const [genesisTx] = params.genesis.txs;
  return genesisTx!.outputs
    .slice(from, from + count)
    .map(({ value }, i) => spend({ txid: genesisTx!.txid, index: from + i }, value));
}

/** A block with these payments (of `spend`, see its fee) on a parent, its proof of work done. */
export function blockOn(
  parent: { readonly hash: Uint8Array; readonly height: number; readonly time: number },
  txs: readonly Tx[],
  params: Params,
): Block {
  const height = parent.height + 1;
  const fees = txs.length * FEE;
  const all = buildBody({ params, height, tag: 'bench', payout: SCRIPT, fees, txs, commit: true });
  const header = headerOver(all, { prev: parent.hash, time: parent.time + 1, bits: EASIEST_BITS });
  return makeBlock(solved(header), all);
}

/** The header with a nonce that meets its target. */
export function solved(header: Omit<Header, 'nonce'>): Header {
  const bytes = encodeHeader({ ...header, nonce: 0 });
  kernel.prepare(bytes.subarray(0, 76), targetBytes(compactToTarget(header.bits).target));
  for (let from = 0; ; from += NONCES) {
    const [nonce] = kernel.scan(from, NONCES);
    if (nonce !== undefined) return { ...header, nonce };
  }
}
