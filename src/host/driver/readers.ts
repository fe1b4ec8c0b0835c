/**
 * What a reader wants to look at: `view` is the node's memory alone, `all` the disk as well.
 */
export type Looks = 'view' | 'all';

/** The node has stopped, or is about to: nobody reads any more. */
export class NodeStopped extends Error {
  override readonly name = 'NodeStopped';
}

interface Waiting {
  readonly looks: Looks;
  readonly run: () => void;
  readonly reject: (error: Error) => void;
}

/** Who may look at a node now. Reads that may not yet wait, and run one after the other as soon as they may. */
export class Readers {
  #open: Looks | 'none' = 'all';
  #waiting: Waiting[] = [];
  #shut: NodeStopped | undefined;

  /** Runs `read` in one go, at once if that is allowed; its throw is the caller's. */
  read<T>(looks: Looks, read: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => {
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      };
      if (this.#shut !== undefined) reject(this.#shut);
      else if (this.#may(looks)) run();
      else this.#waiting.push({ looks, run, reject });
    });
  }

  /** `none`: memory holds what is not durable. `view`: it holds less than the disk. `all`: they agree. */
  open(to: Looks | 'none'): void {
    this.#open = to;
    if (to === 'none' || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ looks }) => !this.#may(looks));
    for (const { looks, run } of waiting) if (this.#may(looks)) run();
  }

  /** Whoever waits, or comes later, is rejected with a {@link NodeStopped} that says why. */
  shut(why: string): void {
    this.#shut ??= new NodeStopped(why);
    for (const { reject } of this.#waiting) reject(this.#shut);
    this.#waiting = [];
  }

  #may(looks: Looks): boolean {
    return this.#open === 'all' || this.#open === looks;
  }
}
