import { decodeHeader } from '../../bitcoin/header.ts';
import { assert } from '../../util/assert.ts';
import { compare } from '../../util/bytes.ts';
import type { StepContext } from '../step-context.ts';
import { type Micros, NEVER, type PeerId } from '../types.ts';

export interface EarlyBlock {
  readonly header: Uint8Array;
  readonly hash: Uint8Array;
  readonly peer: PeerId;
  /** Wall clock, seconds: from then on the header's time is acceptable. */
  readonly readyS: number;
  /** The whole block, if it came and there was room for it. */
  readonly block: Uint8Array | undefined;
}

/**
 * Headers and blocks that are `time-too-new`: nobody's fault (our clock may be the wrong one), so they wait, bounded in
 * number, bytes and hours, and are judged again at their time.
 */
export class FutureBlocks {
  readonly #context: StepContext;
  /** By time, then hash: a total order that arrival does not touch. */
  #waiting: EarlyBlock[] = [];

  constructor(context: StepContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(header: Uint8Array, hash: Uint8Array, peer: PeerId, block?: Uint8Array): void {
    const { limits, params, wallS } = this.#context;
    // Without a clock everything is too new; whoever is right will tell us again.
    if (this.#context.offset === undefined) return;
    const decoded = decodeHeader(header);
    assert(decoded.ok, 'any 80 bytes are a header');
    const readyS = decoded.value.time - params.futureBoundS;
    if (readyS - wallS > limits.futureHorizonSeconds) return;
    const before = this.#waiting.find((early) => compare(early.hash, hash) === 0);
    if (before !== undefined) {
      if (before.block !== undefined || block === undefined) return;
      this.#waiting = this.#waiting.filter((early) => early !== before);
    }
    const own = this.#waiting.filter((early) => early.peer === peer);
    if (own.length >= limits.futureHeadersPerPeer) return;
    const bytes = this.#waiting.reduce((sum, early) => sum + (early.block?.length ?? 0), 0);
    const kept = block !== undefined && bytes + block.length <= limits.futureBlockBytes ? block : undefined;
    this.#waiting.push({ header, hash, peer, readyS, block: kept });
    this.#waiting.sort((a, b) => a.readyS - b.readyS || compare(a.hash, b.hash));
    // Full: the one furthest ahead is the least use.
    if (this.#waiting.length > limits.futureHeaders) this.#waiting.pop();
  }

  /** Removes and returns those whose time has come, at most `limits.rejudgePerStep`. */
  takeDue(): readonly EarlyBlock[] {
    const { wallS, limits, offset } = this.#context;
    if (offset === undefined) return [];
    let due = 0;
    while (due < Math.min(this.#waiting.length, limits.rejudgePerStep) && this.#waiting[due]!.readyS <= wallS)
      due++;
    return this.#waiting.splice(0, due);
  }

  due(): Micros {
    const first = this.#waiting[0];
    const { offset } = this.#context;
    if (first === undefined || offset === undefined) return NEVER;
    return Math.max(this.#context.now, first.readyS * 1_000_000 - offset);
  }
}
