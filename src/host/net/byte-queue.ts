/** A piece of at least so many bytes is kept as it came, if it is most of the memory behind it. */
const KEEP_WHOLE = 16 << 10;
const SMALLEST = 512;
const LARGEST = 64 << 10;

/**
 * Bytes in the order in which they came, copied together: a peer that sends single bytes must not cost an object each.
 * Memory is at most twice the bytes, and a segment.
 */
export class ByteQueue {
  /** The last one may have room behind `#tail`. */
  readonly #segments: Uint8Array[] = [];
  /** Bytes read of the first segment, and written into the last. */
  #head = 0;
  #tail = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes of memory behind it. */
  get memory(): number {
    return this.#segments.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }

  append(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (bytes.length >= KEEP_WHOLE && 2 * bytes.length >= bytes.buffer.byteLength) {
      this.#close();
      this.#segments.push(bytes);
      this.#tail = bytes.length;
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      let last = this.#segments.at(-1);
      if (last === undefined || this.#tail === last.length) {
        last = new Uint8Array(Math.min(LARGEST, Math.max(SMALLEST, this.#length)));
        this.#segments.push(last);
        this.#tail = 0;
      }
      const part = bytes.subarray(at, at + last.length - this.#tail);
      last.set(part, this.#tail);
      this.#tail += part.length;
      at += part.length;
    }
  }

  /** A copy of the first `n` bytes, or of fewer when there are not so many. */
  peek(n: number): Uint8Array {
    const out = new Uint8Array(Math.min(n, this.#length));
    let at = 0;
    for (let i = 0; at < out.length; i++) {
      const part = this.#part(i).subarray(0, out.length - at);
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  /** Takes `n` bytes off the front, as an array of their own. There must be so many. */
  take(n: number): Uint8Array {
    const out = this.peek(n);
    this.skip(n);
    return out;
  }

  skip(n: number): void {
    this.#length -= n;
    for (let left = n; left > 0; ) {
      const part = this.#part(0).length;
      if (left < part) {
        this.#head += left;
        return;
      }
      left -= part;
      this.#segments.shift();
      this.#head = 0;
    }
    // An empty queue keeps no segment.
    if (this.#length === 0) this.clear();
  }

  clear(): void {
    this.#segments.length = 0;
    this.#head = this.#tail = this.#length = 0;
  }

  /** What is unread of a segment. */
  #part(i: number): Uint8Array {
    const whole = this.#segments[i]!;
    const end = i === this.#segments.length - 1 ? this.#tail : whole.length;
    return whole.subarray(i === 0 ? this.#head : 0, end);
  }

  /** Cuts the last segment where its bytes end, so that another may follow. */
  #close(): void {
    const last = this.#segments.length - 1;
    if (last >= 0) this.#segments[last] = this.#segments[last]!.subarray(0, this.#tail);
  }
}
