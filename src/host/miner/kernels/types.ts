import type { Job } from '../../../node/types.ts';

/**
 * A hash kernel scans nonces from..from+count−1 (wrapping at 2^32) of an 80-byte header for SHA-256d(header) ≤ target,
 * the hash read as a little-endian number.
 */
export interface Kernel {
  readonly name: string;
  /** Must be called before `scan` whenever header or target change. `header`: the first 76 bytes; `target`: 32 bytes, big endian. */
  prepare(header: Uint8Array, target: Uint8Array): void;
  /** All nonces found, ascending in scan order. */
  scan(from: number, count: number): readonly number[];
  /** The same code for a job of its own: the two may be called by turns. */
  another(): Kernel;
}

export interface MinerOptions {
  /** Worker threads; 0 is refused. */
  readonly threads: number;
  /** Hashes a second over all threads; 0 = no cap. */
  readonly hashrate: number;
  /** A kernel's name, or 'auto': fastest of those that pass their self-test. */
  readonly kernel: string;
  readonly solved: (job: number, nonce: number, tries: number, ms: number) => void;
  readonly exhausted: (job: number) => void;
  readonly note: (text: string) => void;
}

export interface MinerStats {
  readonly kernel: string;
  readonly threads: number;
  /** The cap, 0 = none. */
  readonly cap: number;
  /** Measured over the last seconds, per worker and in sum, H/s. */
  readonly rate: number;
  readonly rates: readonly number[];
  readonly hashes: number;
  readonly working: boolean;
}

export interface Miner {
  /** Switches every worker within milliseconds; undefined idles them. */
  work(job: Job | undefined): void;
  setHashrate(perSecond: number): void;
  /** Held: keeps the job, grinds nothing. */
  hold(on: boolean): void;
  stats(): MinerStats;
  close(): Promise<void>;
}
