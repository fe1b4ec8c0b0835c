import { nobleVerify } from '../../bitcoin/secp.ts';
import type { Checked } from '../../consensus/params/rules.ts';
import { type BlockReading, bytesOf, plainReading, type SaneBlock } from '../../consensus/validate/check.ts';
import type { Verify } from '../../consensus/validate/verify.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import { keyOf } from '../../util/bytes.ts';
import { simLimits } from './limits.ts';

/** What all nodes of one world compute alike, computed once: pure functions of bytes that the nodes share by reference. */

/** Each signature once for all nodes. The answer is a pure function, so `false` may be kept as well as `true`. */
export function sharedVerify(): Verify {
  const known = new BoundedMap<string, boolean>(simLimits.signatures);
  return (check) => {
    const key = check.scheme + keyOf(check.key) + keyOf(check.message) + keyOf(check.signature);
    let valid = known.get(key);
    if (valid === undefined) known.set(key, (valid = nobleVerify(check)));
    return valid;
  };
}

interface Read {
  readonly checked: Checked<SaneBlock>;
  /** How often checking paused, which is part of what a node's steps are. */
  readonly pauses: number;
}

/** A parsed block so much smaller than a piece is checked without a pause, and so are its bytes. */
const SMALL_PART = 16;

/**
 * Each block's bytes once for all nodes. Known by the identity of the byte array, which every node gets as it was
 * published: comparing contents would cost what it saves. Other bytes are other arrays, so a mutated body is its own.
 * All nodes of a world have the same limits, so an answer from here pauses where a fresh one would.
 */
export function sharedReading(): BlockReading {
  const plain = plainReading();
  const headers = new BoundedMap<Uint8Array, ReturnType<BlockReading['header']>>(simLimits.readBlocks);
  const read = new BoundedMap<Uint8Array, Read>(simLimits.readBlocks);
  return {
    header(bytes) {
      let known = headers.get(bytes);
      if (known === undefined) headers.set(bytes, (known = plain.header(bytes)));
      return known;
    },
    *check(source, params, piece) {
      const bytes = bytesOf(source);
      const known = read.get(bytes);
      if (known !== undefined) {
        for (let i = 0; i < known.pauses; i++) yield;
        return known.checked;
      }
      const steps = plain.check(source, params, piece);
      for (let pauses = 0; ; pauses++) {
        const next = steps.next();
        if (next.done === true) {
          // A block that was never bytes pauses less often than its bytes would.
          if (source instanceof Uint8Array || SMALL_PART * bytes.length < piece)
            read.set(bytes, { checked: next.value, pauses });
          return next.value;
        }
        yield;
      }
    },
  };
}
