/** How long it took until all tips were equal again after a partition was healed. */

export interface HealFigures {
  readonly count: number;
  /** Those after which all tips were equal again before the next cut. */
  readonly agreed: number;
  readonly meanMs: number;
  readonly maxMs: number;
  /** The newest, oldest first. `ms` from heal to agreement; absent while (or because) it has not come. */
  readonly list: readonly { readonly t: number; readonly ms?: number }[];
}

const KEPT = 1_000;

export class Heals {
  readonly #list: { t: number; ms?: number }[] = [];
  #count = 0;
  #agreed = 0;
  #ms = 0;
  #max = 0;
  #open: { t: number; ms?: number } | undefined;

  healed(t: number): void {
    this.#open = { t };
    this.#count++;
    this.#list.push(this.#open);
    if (this.#list.length > KEPT) this.#list.shift();
  }

  /** Cut again: what has not been agreed until now never will be because of that heal. */
  cut(): void {
    this.#open = undefined;
  }

  /** All tips are equal. */
  agreed(t: number): void {
    if (this.#open === undefined) return;
    const ms = t - this.#open.t;
    this.#open.ms = ms;
    this.#open = undefined;
    this.#agreed++;
    this.#ms += ms;
    this.#max = Math.max(this.#max, ms);
  }

  read(): HealFigures {
    return {
      count: this.#count,
      agreed: this.#agreed,
      meanMs: this.#agreed === 0 ? 0 : this.#ms / this.#agreed,
      maxMs: this.#max,
      list: this.#list.map((heal) => ({ ...heal })),
    };
  }
}
