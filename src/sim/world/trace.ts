import { sha256 } from '../../bitcoin/hash.ts';
import { encodeValue } from '../../node/record/encode-step.ts';
import type { Input, Micros, Step } from '../../node/types.ts';
import { concat, toHex } from '../../util/bytes.ts';

/**
 * One hash over every step of every node, in the order in which they happened: two runs that agree in it did the same,
 * to the byte. Each link covers the one before, so nothing has to be kept.
 */
export class Trace {
  #link: Uint8Array = new Uint8Array(32);

  add(node: string, now: Micros, input: Input, step: Step): void {
    const { writes, durable, effects } = step;
    this.#link = sha256(concat(this.#link, encodeValue([node, now, input, writes, durable, effects])));
  }

  get hex(): string {
    return toHex(this.#link);
  }
}
