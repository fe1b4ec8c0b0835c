import { compare } from '../../util/bytes.ts';
import { ancestorAt, type BlockEntry, forkPoint } from './tree.ts';

/** Ways through the tree that peers and people ask for. */

export interface ChainTip {
  readonly entry: BlockEntry;
  /**
   * As Core's getchaintips: `valid-fork` was valid once to the last script, `valid-headers` has all bodies but was
   * never connected, `headers-only` lacks a body, `invalid` is condemned or has a condemned ancestor.
   */
  readonly status: 'active' | 'valid-fork' | 'valid-headers' | 'headers-only' | 'invalid';
  /** Blocks above the active chain; 0 for the active tip. */
  readonly branchLength: number;
}

function statusOf(entry: BlockEntry, tip: BlockEntry): ChainTip['status'] {
  if (entry === tip) return 'active';
  if (entry.condemned !== undefined) return 'invalid';
  if (entry.arrival === undefined) return 'headers-only';
  return entry.connectedOnce ? 'valid-fork' : 'valid-headers';
}

export function chainTips(leaves: readonly BlockEntry[], tip: BlockEntry): readonly ChainTip[] {
  const ends = leaves.includes(tip) ? leaves : [...leaves, tip];
  return ends
    .map((entry) => ({
      entry,
      status: statusOf(entry, tip),
      branchLength: entry.height - forkPoint(entry, tip).height,
    }))
    .sort((a, b) => b.entry.height - a.entry.height || compare(a.entry.hash, b.entry.hash));
}

/** The first dozen one by one, then steps that double, the genesis last. Core: LocatorEntries. */
export function locatorOf(from: BlockEntry): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  let at = from;
  for (let step = 1; at.height > 0; ) {
    hashes.push(at.hash);
    at = ancestorAt(at, Math.max(at.height - step, 0));
    if (hashes.length > 10) step *= 2;
  }
  hashes.push(at.hash);
  return hashes;
}

interface ActiveChain {
  readonly genesis: BlockEntry;
  readonly tip: BlockEntry;
  entry(hash: Uint8Array): BlockEntry | undefined;
  isActive(entry: BlockEntry): boolean;
}

export function findFork(chain: ActiveChain, locator: readonly Uint8Array[]): BlockEntry {
  const { tip } = chain;
  for (const hash of locator) {
    const entry = chain.entry(hash);
    if (entry === undefined) continue;
    if (chain.isActive(entry)) return entry;
    if (entry.height > tip.height && ancestorAt(entry, tip.height) === tip) return tip;
  }
  return chain.genesis;
}
