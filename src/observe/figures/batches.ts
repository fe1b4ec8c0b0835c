import { squareRoot } from '../../util/elementary.ts';

/** Batches kept; when so many are full, neighbours merge and new ones are twice as long. */
const MOST = 100;
const FIRST_MS = 250;
/** Fewer independent stretches than this say nothing about their own scatter. */
const LEAST_GROUPS = 10;
const MOST_GROUPS = 50;

/**
 * Standard errors of time averages, which are not averages of independent trials: the time is cut into batches long
 * against the memory of the process, and the scatter of their means is taken (the method of batch means).
 */
export class BatchMeans {
  readonly #width: number;
  #length = FIRST_MS;
  #batches: number[][] = [];
  #open: number[];
  #openMs = 0;

  /** `width`: how many quantities are averaged side by side. */
  constructor(width: number) {
    this.#width = width;
    this.#open = zeros(width);
  }

  /** The quantities had these values for `ms` milliseconds. */
  add(values: readonly number[], ms: number): void {
    // A long silence at once: not by thousands of short batches that merge again.
    while (ms > MOST * this.#length) this.#double();
    for (let left = ms; left > 0; ) {
      const part = Math.min(left, this.#length - this.#openMs);
      for (let i = 0; i < this.#width; i++) this.#open[i] = this.#open[i]! + (values[i] ?? 0) * part;
      this.#openMs += part;
      left -= part;
      if (this.#openMs >= this.#length) this.#close();
    }
  }

  #close(): void {
    this.#batches.push(this.#open);
    this.#open = zeros(this.#width);
    this.#openMs = 0;
    if (this.#batches.length >= MOST) this.#double();
  }

  #double(): void {
    this.#batches = merged(this.#batches, 2);
    this.#length *= 2;
  }

  /**
   * Standard error of quantity `i`'s average, from 10 to 50 groups of at least `memoryMs` each; undefined when the time
   * is too short for that.
   */
  se(i: number, memoryMs: number): number | undefined {
    const size = Math.max(
      1,
      Math.ceil(this.#batches.length / MOST_GROUPS),
      Math.ceil(memoryMs / this.#length),
    );
    const groups = merged(this.#batches, size);
    const n = groups.length;
    if (n < LEAST_GROUPS) return undefined;
    let mean = 0;
    for (const group of groups) mean += group[i]! / n;
    let squares = 0;
    for (const group of groups) squares += (group[i]! - mean) * (group[i]! - mean);
    return squareRoot(squares / (n - 1) / n) / (this.#length * size);
  }
}

function zeros(n: number): number[] {
  return Array.from({ length: n }, () => 0);
}

/** Sums of `size` neighbours; what is left over at the end is dropped. */
function merged(batches: readonly (readonly number[])[], size: number): number[][] {
  const out: number[][] = [];
  for (let at = 0; at + size <= batches.length; at += size) {
    const sum = [...batches[at]!];
    for (const other of batches.slice(at + 1, at + size)) {
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + other[i]!;
    }
    out.push(sum);
  }
  return out;
}
