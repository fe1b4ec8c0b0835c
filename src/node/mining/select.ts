import { compare } from '../../util/bytes.ts';
import { Heap } from '../../util/heap.ts';
import type { Pace, Steps } from '../../util/steps.ts';
import { type PoolEntry, parentsFirst } from '../mempool/entry.ts';

/** Core: MAX_CONSECUTIVE_FAILURES. Near a full block, so many misfits in a row mean that nothing will fit any more. */
const MAX_MISSES = 1_000;
/** ... "near": so much weight or less is left. Core: BLOCK_FULL_ENOUGH_WEIGHT_DELTA. */
const NEARLY_FULL = 4_000;

/** What it costs to rank or choose one, in bytes hashed. */
const RANK_WORK = 150;

/** What an entry still needs: itself and those of its ancestors that are not chosen yet. */
interface Need {
  fees: number;
  vsize: number;
  revision: number;
}

interface Line {
  readonly entry: PoolEntry;
  readonly rate: number;
  readonly revision: number;
}

/** Best rate first; equal rates by txid, so that two nodes with the same pool make the same block. */
function bestFirst(a: Line, b: Line): number {
  if (a.rate !== b.rate) return b.rate - a.rate;
  if (a.entry !== b.entry) return compare(a.entry.tx.txid, b.entry.tx.txid);
  return a.revision - b.revision;
}

/**
 * Ancestor fee-rate selection (Core: BlockAssembler::addPackageTxs). A transaction is worth, with the ancestors it
 * needs, what all of them pay by size (so a child can pay for its parent), but no more than it pays itself. Whenever
 * ancestors are chosen, their descendants need less and are ranked anew. Every family is bounded, so this is
 * O(n log n) for n entries. Answers them in block order, in pieces of about `pace` bytes hashed. Whoever is `allowed` must
 * have allowed ancestors. Members may come meanwhile; if one leaves, the answer may hold it still.
 */
export function* selectSteps(
  entries: Iterable<PoolEntry>,
  maxWeight: number,
  pace: Pace,
  allowed: (entry: PoolEntry) => boolean = () => true,
): Steps<PoolEntry[]> {
  const changed = new Map<PoolEntry, Need>();
  const heap = new Heap(bestFirst);
  for (const entry of entries) {
    if (!allowed(entry)) continue;
    heap.push({ entry, rate: rateOf(entry, entry.ancestorFees, entry.ancestorVsize), revision: 0 });
    if (pace.due(RANK_WORK)) yield;
  }
  const chosen = new Set<PoolEntry>();
  const order: PoolEntry[] = [];
  let left = maxWeight;
  let misses = 0;
  for (let line = heap.pop(); line !== undefined; line = heap.pop()) {
    if (pace.due(RANK_WORK)) yield;
    const { entry } = line;
    if (chosen.has(entry) || line.revision !== (changed.get(entry)?.revision ?? 0)) continue;
    const family = missingFamily(entry, chosen);
    let weight = 0;
    for (const member of family) weight += member.tx.weight;
    if (weight > left) {
      misses++;
      if (misses > MAX_MISSES && left < NEARLY_FULL) break;
      continue;
    }
    misses = 0;
    left -= weight;
    for (const member of family) {
      chosen.add(member);
      order.push(member);
    }
    for (const member of family) {
      for (const entry of below(member))
        if (!chosen.has(entry) && allowed(entry)) relieve(entry, member, changed, heap);
    }
  }
  return order;
}

function rateOf(entry: PoolEntry, fees: number, vsize: number): number {
  return Math.min(entry.fee / entry.tx.vsize, fees / vsize);
}

/** The entry and its ancestors that are not chosen yet, parents first. */
function missingFamily(entry: PoolEntry, chosen: ReadonlySet<PoolEntry>): PoolEntry[] {
  const family = new Set([entry]);
  for (const member of family) {
    for (const parent of member.parents) if (!chosen.has(parent)) family.add(parent);
  }
  return [...family].sort(parentsFirst);
}

/** All descendants. */
function below(entry: PoolEntry): Set<PoolEntry> {
  const found = new Set(entry.children);
  for (const one of found) for (const child of one.children) found.add(child);
  return found;
}

/** A descendant needs that much less than before, now that `ancestor` is chosen. */
function relieve(
  entry: PoolEntry,
  ancestor: PoolEntry,
  changed: Map<PoolEntry, Need>,
  heap: Heap<Line>,
): void {
  let need = changed.get(entry);
  if (need === undefined) {
    need = { fees: entry.ancestorFees, vsize: entry.ancestorVsize, revision: 0 };
    changed.set(entry, need);
  }
  need.fees -= ancestor.fee;
  need.vsize -= ancestor.tx.vsize;
  need.revision++;
  heap.push({ entry, rate: rateOf(entry, need.fees, need.vsize), revision: need.revision });
}
