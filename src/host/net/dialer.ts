import { performance } from 'node:perf_hooks';
import type { PeerId } from '../../node/types.ts';
import { type Address, parseAddress } from './address.ts';
import { netLimits } from './limits.ts';

interface Target {
  readonly address: Address;
  /** Named by the address, or learnt from who answered there. */
  peer: PeerId | undefined;
  /** Not dialled before this, by `performance.now()`. */
  notBefore: number;
  dial: AbortController | undefined;
  failingSince: number | undefined;
  told: boolean;
}

export interface DialerOptions {
  /** Connects, or rejects; `signal` stops it. */
  readonly dial: (address: Address, signal: AbortSignal) => Promise<unknown>;
  /** Not connected, not on its way, not refused; `undefined` asks whether anybody at all may be dialled. */
  readonly wanted: (peer: PeerId | undefined) => boolean;
  readonly note: (text: string) => void;
}

/**
 * Dials every wanted address for ever: twice a second, without growing pauses, so that a cut link is back
 * within a second whenever it heals. (libp2p's reconnect queue gives up after five tries and forgets the
 * peer: a cut of 45 s never heals.) Never two dials to one peer, and a bounded number at once.
 */
export class Dialer {
  readonly #o: DialerOptions;
  readonly #targets = new Map<string, Target>();
  #timer: NodeJS.Timeout | undefined;
  #running = 0;
  #started = false;

  constructor(o: DialerOptions) {
    this.#o = o;
  }

  start(): void {
    this.#started = true;
    this.#run();
  }

  /** Stops for good. */
  close(): void {
    this.#started = false;
    clearTimeout(this.#timer);
    for (const t of this.#targets.values()) t.dial?.abort();
    this.#targets.clear();
  }

  /** Throws as `parseAddress` does. Adding a known address does nothing. */
  add(text: string): void {
    const address = parseAddress(text);
    if (this.#targets.has(address.text)) return;
    this.#targets.set(address.text, {
      address,
      peer: address.peer,
      notBefore: 0,
      dial: undefined,
      failingSince: undefined,
      told: false,
    });
    this.#run();
  }

  /** Throws as `parseAddress` does. A connection that is open stays. */
  remove(text: string): void {
    const address = parseAddress(text);
    this.#targets.get(address.text)?.dial?.abort();
    this.#targets.delete(address.text);
  }

  /** Dial now whatever is wanted: the rules have changed. */
  kick(): void {
    for (const t of this.#targets.values()) t.notBefore = 0;
    this.#run();
  }

  /** A connection has ended, or somebody came: look again. */
  look(): void {
    this.#run();
  }

  cancel(peer: PeerId): void {
    for (const t of this.#targets.values()) if (t.peer === peer) t.dial?.abort();
  }

  cancelAll(): void {
    for (const t of this.#targets.values()) t.dial?.abort();
  }

  /** Leave this peer in peace for a while. */
  postpone(peer: PeerId, ms: number): void {
    for (const t of this.#targets.values()) if (t.peer === peer) t.notBefore = performance.now() + ms;
  }

  /** One of the addresses that we dial is this peer's. */
  names(peer: PeerId): boolean {
    for (const t of this.#targets.values()) if (t.peer === peer) return true;
    return false;
  }

  learn(text: string, peer: PeerId): void {
    const target = this.#targets.get(text);
    if (target !== undefined) target.peer = peer;
  }

  #run(): void {
    if (!this.#started) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const t of this.#targets.values()) {
      if (!this.#o.wanted(undefined)) break;
      if (t.dial !== undefined || this.#underWay(t) || (t.peer !== undefined && !this.#o.wanted(t.peer)))
        continue;
      if (this.#running >= netLimits.parallelDials) break;
      if (t.notBefore <= now) void this.#dial(t, now);
      else next = Math.min(next, t.notBefore);
    }
    if (next < Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#run(), Math.max(1, Math.ceil(next - now)));
    }
  }

  /** Another address of the same peer is being dialled. */
  #underWay(target: Target): boolean {
    if (target.peer === undefined) return false;
    for (const t of this.#targets.values()) if (t.peer === target.peer && t.dial !== undefined) return true;
    return false;
  }

  async #dial(t: Target, now: number): Promise<void> {
    const dial = new AbortController();
    t.dial = dial;
    t.notBefore = now + netLimits.retryMs;
    this.#running++;
    const timer = setTimeout(() => dial.abort(new Error('no answer')), netLimits.dialTimeoutMs);
    try {
      await this.#o.dial(t.address, dial.signal);
      t.failingSince = undefined;
      t.told = false;
    } catch (e) {
      if (!dial.signal.aborted || dial.signal.reason?.message === 'no answer')
        this.#failed(t, now, e as Error);
    } finally {
      clearTimeout(timer);
      t.dial = undefined;
      this.#running--;
      this.#run();
    }
  }

  /** Says once per outage that an address does not answer; while nodes start, silence is normal. */
  #failed(t: Target, now: number, error: Error): void {
    if (t.peer !== undefined && !this.#o.wanted(t.peer)) return;
    t.failingSince ??= now;
    if (t.told || performance.now() - t.failingSince < netLimits.unreachableAfterMs) return;
    t.told = true;
    this.#o.note(unreachable(t.address, error));
  }
}

/** A sentence of words that fit a line of 80 columns: without the peer ids, which are 52 characters each. */
function unreachable({ text }: Address, { message }: Error): string {
  // noise names both ids.
  const why = /remote identity key/.test(message) ? 'another node answers there' : message;
  return `cannot reach ${text.replace(/\/p2p\/.*$/, '')} (${why}); trying on`;
}
