/** Bytes that many holders may hold together. */
export class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  share(): ByteShare {
    let mine = 0;
    return {
      take: (bytes) => {
        if (this.#held + bytes > this.#most) return false;
        mine += bytes;
        this.#held += bytes;
        return true;
      },
      giveBack: () => {
        this.#held -= mine;
        mine = 0;
      },
    };
  }
}

/** What one holder has of the budget. */
export interface ByteShare {
  /** False, and nothing taken, when the budget has no room for so many more. */
  take(bytes: number): boolean;
  /** Returns all that was taken. */
  giveBack(): void;
}
