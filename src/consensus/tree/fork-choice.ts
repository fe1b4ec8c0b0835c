import { compareWork, type ForkChoiceName, firstSeen, lowestId } from './fork-choice-rules.ts';
import type { BlockTree, TreeEntry } from './tree.ts';

/** Where the chain should go, kept up to date as blocks arrive, are condemned and become the tip. */
export interface ForkChoice {
  /** Which rule decides; see fork-choice-rules.ts. */
  readonly name: ForkChoiceName;
  /** Where the chain should go. The tip itself when there is nothing better. */
  readonly best: TreeEntry;
  /** An entry got its arrival. */
  add(entry: TreeEntry): void;
  /** As preciousblock asks: wins a tie, even against the tip, until the tip has moved. */
  prefer(entry: TreeEntry): void;
  /** The chain arrived at a new tip. */
  moved(tip: TreeEntry): void;
  /** Condemnations came. */
  condemned(): void;
  /** From the whole tree: when competitors with less work than before come into question. */
  rebuild(): void;
}

/** Only blocks whose bodies, and all ancestors' bodies, are here and not condemned compete. */
export function competes(entry: TreeEntry): boolean {
  return entry.arrival !== undefined && entry.condemned === undefined;
}

/**
 * Most work. At equal work the stored tip stays, else the lower arrival; with `lowest-id` the lower id, tip or not. Core:
 * FindMostWorkChain, setBlockIndexCandidates.
 */
export class MostWork implements ForkChoice {
  readonly name: 'first-seen' | 'lowest-id';
  readonly #tree: BlockTree;
  /** All competitors with at least the tip's work. No loop over it depends on its order. */
  readonly #candidates = new Set<TreeEntry>();
  #preferred: TreeEntry | undefined;
  #tip: TreeEntry;
  #best: TreeEntry;

  constructor(tree: BlockTree, tip: TreeEntry, name: 'first-seen' | 'lowest-id' = 'first-seen') {
    this.name = name;
    this.#tree = tree;
    this.#tip = tip;
    this.#best = tip;
    this.rebuild();
  }

  get best(): TreeEntry {
    return this.#best;
  }

  /** A total order. */
  #beats(a: TreeEntry, b: TreeEntry): boolean {
    const byWork = compareWork(a.work, b.work);
    if (byWork !== 0) return byWork > 0;
    if (a === b) return false;
    if (a === this.#preferred || b === this.#preferred) return a === this.#preferred;
    if (this.name === 'lowest-id') return lowestId(a.id, b.id) > 0;
    return firstSeen(a === this.#tip, a.arrival, b === this.#tip, b.arrival) > 0;
  }

  add(entry: TreeEntry): void {
    if (!competes(entry)) return;
    if (competes(this.#tip) && entry.work < this.#tip.work) return;
    this.#candidates.add(entry);
    if (this.#beats(entry, this.#best)) this.#best = entry;
  }

  prefer(entry: TreeEntry): void {
    this.#preferred = entry;
    this.add(entry);
    this.#choose();
  }

  moved(tip: TreeEntry): void {
    this.#tip = tip;
    this.#preferred = undefined;
    for (const entry of this.#candidates) if (entry.work < tip.work) this.#candidates.delete(entry);
    this.#candidates.add(tip);
    this.#choose();
  }

  /** Competitors only leave, unless the tip itself is among the condemned. */
  condemned(): void {
    if (!competes(this.#tip)) {
      this.rebuild();
      return;
    }
    for (const entry of this.#candidates) if (!competes(entry)) this.#candidates.delete(entry);
    this.#choose();
  }

  rebuild(): void {
    const least = competes(this.#tip) ? this.#tip.work : 0n;
    this.#candidates.clear();
    for (const entry of this.#tree.entries()) {
      if (competes(entry) && entry.work >= least) this.#candidates.add(entry);
    }
    this.#choose();
  }

  #choose(): void {
    let best = this.#tree.genesis;
    for (const entry of this.#candidates) if (this.#beats(entry, best)) best = entry;
    this.#best = best;
  }
}
