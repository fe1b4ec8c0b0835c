import type { SigCheck } from '../../consensus/validate/verify.ts';

/**
 * Signature checks in memory that the node's thread and its helpers share. The node's thread fills slots; whoever is free
 * claims one with an atomic exchange, checks it, and leaves the verdicts. No message travels, so no thread waits for
 * another's event loop.
 */

/** A slot takes about 0.4 ms by the native library, 16 ms by the slowest: no thread is long at one. */
export const CHECKS_PER_SLOT = 8;
/** Scheme, key padded to 33, message, signature: fixed places, so that no two checks write the same bytes. */
export const CHECK_BYTES = 1 + 33 + 32 + 64;
const SCHEMES = ['ecdsa', 'schnorr'] as const;

/** Int32 words before the slots' own: what waiting helpers look at, and the order to end. */
const SIGNAL = 0;
const STOP = 1;
const WORDS = 2;
/** Int32 words of a slot: its state, how many checks, one bit for each that is valid. */
const SLOT_WORDS = 3;
const STATE = { empty: 0, ready: 1, done: 2, claimed: 3 } as const;

/** Writes the bytes that stand for a check at a place. */
export function packCheck({ scheme, key, message, signature }: SigCheck, into: Uint8Array, at: number): void {
  into.fill(0, at + 1 + key.length, at + 34);
  into[at] = scheme === 'ecdsa' ? 0 : 1;
  into.set(key, at + 1);
  into.set(message, at + 34);
  into.set(signature, at + 66);
}

function unpackCheck(from: Uint8Array, at: number): SigCheck {
  const scheme = SCHEMES[from[at]!]!;
  // Copies: not every library takes views of shared memory.
  return {
    scheme,
    key: from.slice(at + 1, at + (scheme === 'ecdsa' ? 34 : 33)),
    message: from.slice(at + 34, at + 66),
    signature: from.slice(at + 66, at + CHECK_BYTES),
  };
}

export class SigSlots {
  readonly buffer: SharedArrayBuffer;
  readonly count: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer, count: number) {
    this.buffer = buffer;
    this.count = count;
    this.#words = new Int32Array(buffer, 0, WORDS + count * SLOT_WORDS);
    this.#bytes = new Uint8Array(buffer, this.#words.byteLength);
  }

  static of(count: number): SigSlots {
    const words = WORDS + count * SLOT_WORDS;
    return new SigSlots(new SharedArrayBuffer(words * 4 + count * CHECKS_PER_SLOT * CHECK_BYTES), count);
  }

  /** Owner only: offers at most CHECKS_PER_SLOT checks in a slot that is empty. */
  fill(slot: number, checks: readonly SigCheck[]): void {
    const at = this.#word(slot);
    const base = slot * CHECKS_PER_SLOT * CHECK_BYTES;
    for (let i = 0; i < checks.length; i++) packCheck(checks[i]!, this.#bytes, base + i * CHECK_BYTES);
    this.#words[at + 1] = checks.length;
    this.#words[at + 2] = 0;
    Atomics.store(this.#words, at, STATE.ready);
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  isEmpty(slot: number): boolean {
    return Atomics.load(this.#words, this.#word(slot)) === STATE.empty;
  }

  /** Helpers are numbered from 1; the owner is 0. False: somebody else has it, or there is nothing in it. */
  claim(slot: number, who: number): boolean {
    const at = this.#word(slot);
    return Atomics.compareExchange(this.#words, at, STATE.ready, STATE.claimed + who) === STATE.ready;
  }

  /** Checks a slot that this thread has claimed. */
  work(slot: number, verify: (check: SigCheck) => boolean): void {
    const at = this.#word(slot);
    const base = slot * CHECKS_PER_SLOT * CHECK_BYTES;
    let valid = 0;
    for (let i = 0; i < this.#words[at + 1]!; i++) {
      if (verify(unpackCheck(this.#bytes, base + i * CHECK_BYTES))) valid |= 1 << i;
    }
    this.#words[at + 2] = valid;
    Atomics.store(this.#words, at, STATE.done);
  }

  /** Owner only: the verdicts of a slot that is done, one bit a check, and the slot is empty again. */
  take(slot: number): number | undefined {
    const at = this.#word(slot);
    if (Atomics.load(this.#words, at) !== STATE.done) return undefined;
    const valid = this.#words[at + 2]!;
    Atomics.store(this.#words, at, STATE.empty);
    return valid;
  }

  /** Owner only: takes back what nobody has begun. */
  withdraw(slot: number): boolean {
    const at = this.#word(slot);
    return Atomics.compareExchange(this.#words, at, STATE.ready, STATE.empty) === STATE.ready;
  }

  /** Owner only: that helper is dead, and what it had begun is offered again. */
  releaseFrom(who: number): void {
    for (let slot = 0; slot < this.count; slot++) {
      Atomics.compareExchange(this.#words, this.#word(slot), STATE.claimed + who, STATE.ready);
    }
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  /** A helper's life: works on slots until it is told to stop. */
  serve(who: number, verify: (check: SigCheck) => boolean): void {
    while (Atomics.load(this.#words, STOP) === 0) {
      const signal = Atomics.load(this.#words, SIGNAL);
      let found = false;
      for (let slot = 0; slot < this.count; slot++) {
        if (!this.claim(slot, who)) continue;
        found = true;
        this.work(slot, verify);
      }
      if (!found) Atomics.wait(this.#words, SIGNAL, signal);
    }
  }

  #word(slot: number): number {
    return WORDS + slot * SLOT_WORDS;
  }
}
