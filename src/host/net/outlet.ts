/** A queue whose one reader is a `for await`: what is pushed comes out in order. */
export class Outlet<T> {
  readonly #items: T[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #emptied: (() => void)[] = [];

  /** Settles when the reader has taken all, or no longer reads. */
  push(item: T): Promise<void> {
    this.#items.push(item);
    this.#rouse();
    return new Promise((resolve) => {
      if (this.#ended) resolve();
      else this.#emptied.push(resolve);
    });
  }

  /** After what was pushed nothing more comes; with an error, the reader gets that. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#rouse();
    this.#tellEmpty();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          yield item;
          continue;
        }
        this.#tellEmpty();
        if (this.#error !== undefined) throw this.#error;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.end();
    }
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #tellEmpty(): void {
    const told = this.#emptied;
    this.#emptied = [];
    for (const resolve of told) resolve();
  }
}
