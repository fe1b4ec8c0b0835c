import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigCheck, Verify } from '../../consensus/validate/verify.ts';
import { hostLimits } from '../limits.ts';
import type { SignatureCache } from './cache.ts';
import { CHECKS_PER_SLOT, type SigSlots } from './slots.ts';
import type { Helpers } from './threads.ts';

/** Checks that a piece of connecting is about to ask for. */
export interface Warming {
  /** Works until all is known or that moment (of `performance.now()`) has come; true: all is known. */
  go(until: number): boolean | Promise<boolean>;
}

interface Placed {
  readonly checks: readonly SigCheck[];
  readonly keys: readonly string[];
}

/**
 * Fills the cache before the node asks: on this thread, a slice at a time, and where there are helpers by all of them.
 * They work on what is foreseen beyond the next piece while this thread connects. A verdict reaches nobody but the
 * cache, and only a good one: what is not there when it is asked for is checked then.
 */
export class Ahead {
  readonly #verify: Verify;
  readonly #uncached: Verify;
  readonly #cache: SignatureCache;
  readonly #helpers: Helpers;
  #slots: SigSlots | undefined;
  readonly #placed = new Map<number, Placed>();
  readonly #slotOf = new Map<SigCheck, number>();
  /** Known to be in the cache, or given to a slot. */
  #seen = new WeakSet<SigCheck>();

  constructor(parts: { verify: Verify; uncached: Verify; cache: SignatureCache; helpers: Helpers }) {
    this.#verify = parts.verify;
    this.#uncached = parts.uncached;
    this.#cache = parts.cache;
    this.#helpers = parts.helpers;
  }

  /** `foreseen`: in the order in which they will be asked; the first `warmChecks` of them must be known before. */
  warm(foreseen: readonly SigCheck[]): Warming {
    const must = foreseen.slice(0, hostLimits.warmChecks);
    const slots = this.#offer(foreseen);
    let at = 0;
    const alone = (until: number): boolean => {
      while (at < must.length && performance.now() < until) {
        const end = Math.min(at + CHECKS_PER_SLOT, must.length);
        for (; at < end; at++) if (!this.#slotOf.has(must[at]!)) this.#verify(must[at]!);
      }
      return at === must.length;
    };
    if (slots === undefined) return { go: alone };
    return {
      go: async (until) => (await this.#together(slots, must, until)) && alone(until),
    };
  }

  /** Puts what is unknown into free slots. */
  #offer(foreseen: readonly SigCheck[]): SigSlots | undefined {
    this.#collect();
    const open: SigCheck[] = [];
    const keys = new Map<SigCheck, string>();
    for (const check of foreseen) {
      if (this.#seen.has(check)) continue;
      const key = this.#cache.keyOf(check);
      if (this.#cache.has(key)) {
        this.#seen.add(check);
        continue;
      }
      open.push(check);
      keys.set(check, key);
    }
    const slots =
      open.length < hostLimits.helperChecks && this.#placed.size === 0 ? undefined : this.#helpers.call();
    this.#use(slots);
    if (slots === undefined) return undefined;
    let from = 0;
    for (let slot = 0; slot < slots.count && from < open.length; slot++) {
      if (!slots.isEmpty(slot)) continue;
      const checks = open.slice(from, from + CHECKS_PER_SLOT);
      from += checks.length;
      for (const check of checks) {
        this.#seen.add(check);
        this.#slotOf.set(check, slot);
      }
      this.#placed.set(slot, { checks, keys: checks.map((check) => keys.get(check)!) });
      slots.fill(slot, checks);
    }
    return slots;
  }

  /** Other slots than before, or none: what lies in the old ones is forgotten. */
  #use(slots: SigSlots | undefined): void {
    if (slots === this.#slots) return;
    this.#slots = slots;
    this.#placed.clear();
    this.#slotOf.clear();
    this.#seen = new WeakSet();
  }

  /** Until every slot with one of these checks is done; meanwhile this thread does its share. */
  async #together(slots: SigSlots, must: readonly SigCheck[], until: number): Promise<boolean> {
    for (;;) {
      this.#collect();
      if (slots !== this.#slots) return true;
      const wanted = new Set<number>();
      for (const check of must) {
        const slot = this.#slotOf.get(check);
        if (slot !== undefined) wanted.add(slot);
      }
      if (wanted.size === 0) return true;
      if (performance.now() >= until) return false;
      // Its own first; while helpers finish those, whatever else lies there.
      if (this.#workOnOne(slots, wanted) || this.#workOnOne(slots, this.#placed.keys())) continue;
      await sleep(1);
    }
  }

  #workOnOne(slots: SigSlots, among: Iterable<number>): boolean {
    for (const slot of among) {
      if (!slots.claim(slot, 0)) continue;
      slots.work(slot, this.#uncached);
      return true;
    }
    return false;
  }

  /** Verdicts that are there go to the cache, the good ones. */
  #collect(): void {
    if (this.#slots === undefined) return;
    for (const [slot, { checks, keys }] of this.#placed) {
      const valid = this.#slots.take(slot);
      if (valid === undefined) continue;
      this.#placed.delete(slot);
      for (let i = 0; i < checks.length; i++) {
        this.#slotOf.delete(checks[i]!);
        if ((valid & (1 << i)) !== 0) this.#cache.add(keys[i]!);
      }
    }
  }
}
