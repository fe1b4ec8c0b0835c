/**
 * Long work that can pause: a generator that yields wherever it may, and returns its result. Whoever runs it in a step
 * asks for the next piece later; whoever cannot wait takes it at once with `finish`.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All of it, without a pause. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Says when a piece is done: `due` after each bit of work, in whatever unit the work is counted. */
export class Pace {
  readonly #piece: number;
  #left: number;

  constructor(piece: number) {
    this.#piece = piece;
    this.#left = piece;
  }

  /** Counts work that was done; true when it is time to pause. */
  due(work: number): boolean {
    this.#left -= work;
    if (this.#left > 0) return false;
    this.#left = this.#piece;
    return true;
  }
}

/** Never pauses. */
export const noPace = (): Pace => new Pace(Number.POSITIVE_INFINITY);
