import { Sha256 } from '../../bitcoin/sha256.ts';
import type { Job } from '../../node/types.ts';
import { simLimits } from './limits.ts';

const HEADER_HEAD = 64;
const HEADER_WITHOUT_NONCE = 76;

const midstate = new Sha256();
const hasher = new Sha256();
const hash = new Uint8Array(32);

/** Real proof of work: the first nonce from 0 on that meets the job's target; undefined when there is none. */
export function grind(job: Pick<Job, 'header' | 'target'>): number | undefined {
  const { header, target } = job;
  midstate.reset().update(header, 0, HEADER_HEAD);
  for (let nonce = 0; nonce < simLimits.grindTries; nonce++) {
    hasher.copyFrom(midstate).update(header, HEADER_HEAD, HEADER_WITHOUT_NONCE).u32(nonce);
    hasher.doubleDigestTo(hash, 0);
    if (meetsBytes(target)) return nonce;
  }
  return undefined;
}

/** `hash`, its last byte the most significant, is at most the big-endian target. */
function meetsBytes(target: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) {
    const digit = hash[31 - i]!;
    if (digit !== target[i]!) return digit < target[i]!;
  }
  return true;
}
