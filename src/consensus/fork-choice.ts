import type { BlockTree, TreeEntry } from './tree.ts';

/**
 * Which branch to follow: most work; at equal work the stored tip stays; else the lower arrival. Only blocks whose
 * bodies, and all ancestors' bodies, are here and not condemned compete. Core: FindMostWorkChain, setBlockIndexCandidates.
 */
export class ForkChoice {
  readonly #tree: BlockTree;
  /** All competitors with at least the tip's work. No loop over it depends on its order. */
  readonly #candidates = new Set<TreeEntry>();
  /** As preciousblock asked: wins a tie, even against the tip. */
  #preferred: TreeEntry | undefined;
  #tip: TreeEntry;
  #best: TreeEntry;

  constructor(tree: BlockTree, tip: TreeEntry) {
    this.#tree = tree;
    this.#tip = tip;
    this.#best = tip;
    this.rebuild();
  }

  /** Where the chain should go. The tip itself when there is nothing better. */
  get best(): TreeEntry {
    return this.#best;
  }

  #competes(entry: TreeEntry): boolean {
    return entry.arrival !== undefined && entry.condemned === undefined;
  }

  /** A total order: arrivals differ. */
  #better(a: TreeEntry, b: TreeEntry): boolean {
    if (a.work !== b.work) return a.work > b.work;
    if (a === b) return false;
    if (a === this.#preferred || b === this.#preferred) return a === this.#preferred;
    if (a === this.#tip || b === this.#tip) return a === this.#tip;
    return a.arrival! < b.arrival!;
  }

  /** An entry got its arrival. */
  add(entry: TreeEntry): void {
    if (!this.#competes(entry)) return;
    if (this.#competes(this.#tip) && entry.work < this.#tip.work) return;
    this.#candidates.add(entry);
    if (this.#better(entry, this.#best)) this.#best = entry;
  }

  prefer(entry: TreeEntry): void {
    this.#preferred = entry;
    this.add(entry);
    this.#choose();
  }

  /** The chain arrived at a new tip. */
  moved(tip: TreeEntry): void {
    this.#tip = tip;
    this.#preferred = undefined;
    for (const entry of this.#candidates) if (entry.work < tip.work) this.#candidates.delete(entry);
    this.#candidates.add(tip);
    this.#choose();
  }

  /** Condemnations came: competitors only leave, unless the tip itself is among them. */
  condemned(): void {
    if (!this.#competes(this.#tip)) {
      this.rebuild();
      return;
    }
    for (const entry of this.#candidates) if (!this.#competes(entry)) this.#candidates.delete(entry);
    this.#choose();
  }

  /** From the whole tree: at opening, and when competitors with less work than before come into question. */
  rebuild(): void {
    const least = this.#competes(this.#tip) ? this.#tip.work : 0n;
    this.#candidates.clear();
    for (const entry of this.#tree.entries()) {
      if (this.#competes(entry) && entry.work >= least) this.#candidates.add(entry);
    }
    this.#choose();
  }

  #choose(): void {
    let best = this.#tree.genesis;
    for (const entry of this.#candidates) if (this.#better(entry, best)) best = entry;
    this.#best = best;
  }
}
