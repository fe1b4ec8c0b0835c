/** What streams' windows have grown by, over all peers. One that gets no more is slower over a long wire, and no worse. */
export class WindowPool {
  readonly #lent = new WeakMap<object, number>();
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return this.#left;
  }

  /** How much of `bytes` the stream may have: all or nothing. */
  borrow(stream: object, bytes: number): number {
    if (bytes <= 0 || bytes > this.#left) return 0;
    this.#left -= bytes;
    this.#lent.set(stream, (this.#lent.get(stream) ?? 0) + bytes);
    return bytes;
  }

  /** The stream has ended; again does nothing. */
  release(stream: object): void {
    this.#left += this.#lent.get(stream) ?? 0;
    this.#lent.delete(stream);
  }
}
