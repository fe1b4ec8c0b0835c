import { sha256 } from '@noble/hashes/sha2.js';
import type { Kernel } from './types.ts';

/** Two calls of noble's SHA-256 a nonce: slow, and right at a glance. The others are measured against it. */
export function referenceKernel(): Kernel {
  const header = new Uint8Array(80);
  const view = new DataView(header.buffer);
  let goal = new Uint8Array(32);

  const meets = (): boolean => {
    const hash = sha256(sha256(header));
    for (let i = 0; i < 32; i++) {
      const digit = hash[31 - i]!;
      if (digit !== goal[i]!) return digit < goal[i]!;
    }
    return true;
  };

  return {
    name: 'reference',
    another: referenceKernel,
    prepare(first76, target) {
      header.set(first76.subarray(0, 76));
      goal = target.slice();
    },
    scan(from, count) {
      const found: number[] = [];
      for (let i = 0; i < count; i++) {
        const nonce = (from + i) >>> 0;
        view.setUint32(76, nonce, true);
        if (meets()) found.push(nonce);
      }
      return found;
    },
  };
}
