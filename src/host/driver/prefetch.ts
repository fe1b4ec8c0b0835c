import { performance } from 'node:perf_hooks';
import type { SigCheck } from '../../consensus/validate/verify.ts';
import { hostLimits } from '../limits.ts';
import type { Warming } from '../verify/ahead.ts';

/** A node whose coming signatures can be known before. */
export interface PrefetchingNode {
  /** False: asked again, it has more at hand. */
  prefetch?(): boolean;
  signaturesAhead?(): readonly SigCheck[];
  readonly view: { readonly chain: { readonly connecting: boolean } };
}

/** What the next piece of connecting will verify, checked before, so that its step is short whatever the back end. */
export class SignaturePrefetch {
  readonly #node: PrefetchingNode;
  readonly #verifyAhead: ((foreseen: readonly SigCheck[]) => Warming) | undefined;
  /** Undefined: not begun. */
  #warming: Warming | undefined;
  /** ... and at its end. */
  #isWarm = false;

  constructor(node: PrefetchingNode, verifyAhead: ((foreseen: readonly SigCheck[]) => Warming) | undefined) {
    this.#node = node;
    this.#verifyAhead = verifyAhead;
  }

  /** A slice of it. True when all is known, or there is nothing to connect. */
  async warm(): Promise<boolean> {
    const node = this.#node;
    if (this.#verifyAhead === undefined || node.signaturesAhead === undefined || !node.view.chain.connecting)
      return true;
    if (this.#isWarm) return true;
    if (this.#warming === undefined && node.prefetch?.() === false) return false;
    this.#warming ??= this.#verifyAhead(node.signaturesAhead());
    if (!(await this.#warming.go(performance.now() + hostLimits.warmMs))) return false;
    this.#warming = undefined;
    this.#isWarm = true;
    return true;
  }

  /** It has its step, or is another one now. */
  passed(): void {
    this.#isWarm = false;
  }
}
