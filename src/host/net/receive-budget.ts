/** One that holds bytes which are not a whole frame yet, or which we have not taken. */
export interface Holder {
  /** Set while it waits for the rest of a frame; undefined while it waits for us. */
  readonly partialSince: number | undefined;
  /** Bytes a second that came in lately. */
  readonly pace: number;
  shed(): void;
}

/**
 * The bytes of half frames over all peers. Above the bound the one goes whose frame makes least progress: an honest peer
 * is sending, a hostile one waits. What waits for us is bounded by the windows and is nobody's fault.
 */
export class ReceiveBudget {
  readonly #most: number;
  /** Who holds less is of no interest when room is needed. */
  readonly #small: number;
  readonly #held = new Map<Holder, number>();
  #total = 0;

  constructor(most: number, small: number) {
    this.#most = most;
    this.#small = small;
  }

  get total(): number {
    return this.#total;
  }

  /** The holder has so many bytes now. */
  hold(holder: Holder, bytes: number): void {
    this.#total += bytes - (this.#held.get(holder) ?? 0);
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    while (this.#total > this.#most) {
      const slowest = this.#slowest();
      if (slowest === undefined) return;
      this.remove(slowest);
      slowest.shed();
    }
  }

  remove(holder: Holder): void {
    this.#total -= this.#held.get(holder) ?? 0;
    this.#held.delete(holder);
  }

  #slowest(): Holder | undefined {
    let slowest: Holder | undefined;
    for (const [holder, bytes] of this.#held) {
      if (holder.partialSince === undefined || bytes <= this.#small) continue;
      if (slowest === undefined || holder.pace < slowest.pace) slowest = holder;
    }
    return slowest;
  }
}
