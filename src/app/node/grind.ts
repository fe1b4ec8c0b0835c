import type { Miner, MinerOptions } from '../../host/miner/kernels/types.ts';
import type { Job } from '../../node/types.ts';
import type { Grind } from '../rpc/context.ts';

const POLL_MS = 100;

/**
 * Grinds one job at a time on threads of its own, at full speed, beside the node's continuous mining: what generatetoaddress
 * uses on networks whose target is hard. The threads live as long as the grind.
 */
export function createGrind(create: (options: Pick<MinerOptions, 'solved' | 'exhausted'>) => Miner): Grind {
  return async (job: Job, maxTries: number, signal: AbortSignal) => {
    let end: (found: { nonce?: number; tries: number }) => void = () => undefined;
    const ended = new Promise<{ nonce?: number; tries: number }>((resolve) => {
      end = resolve;
    });
    const miner = create({
      solved: (_job, nonce, tries) => end({ nonce, tries }),
      // All 2^32 nonces: the caller takes a fresh template, which has another extra nonce.
      exhausted: () => end({ tries: 0x1_0000_0000 }),
    });
    const giveUp = () => end({ tries: miner.stats().hashes });
    signal.addEventListener('abort', giveUp, { once: true });
    const watch = setInterval(() => {
      if (miner.stats().hashes >= maxTries) giveUp();
    }, POLL_MS);
    try {
      if (signal.aborted) return { tries: 0 };
      miner.work(job);
      return await ended;
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', giveUp);
      await miner.close();
    }
  };
}
