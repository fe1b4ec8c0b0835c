import type { SigCheck, Verify } from '../../consensus/validate/verify.ts';
import { hostLimits } from '../limits.ts';
import { Ahead, type Warming } from './ahead.ts';
import { type BackendLoaders, type BackendNames, Backends, LOADERS } from './backends.ts';
import { SignatureCache } from './cache.ts';
import { Helpers } from './threads.ts';

interface VerifyStats {
  /** Checks answered from the cache. */
  readonly hits: number;
  /** Checks that a back end of this thread answered when the node asked. */
  readonly misses: number;
  /** Signatures remembered. */
  readonly cached: number;
  /** Threads that help. */
  readonly helpers: number;
}

export interface HostVerify {
  /** Injected into the node. */
  readonly verify: Verify;
  /** Which library answers, for logs and status. */
  readonly backends: BackendNames;
  /** What the user should hear so far. */
  readonly notes: readonly string[];
  /** Hears those, and each that comes later. */
  onNote(listener: (text: string) => void): void;
  /** Checks ahead of need, so that the node finds the answers in the cache. */
  warm(foreseen: readonly SigCheck[]): Warming;
  stats(): VerifyStats;
  /** Lets the helpers go. */
  close(): void;
}

export interface VerifySettings {
  readonly cacheEntries?: number;
  readonly loaders?: Partial<BackendLoaders>;
  /** How many threads may help now: cores that nobody else keeps busy. None unless told. */
  readonly helpers?: () => number;
  /** The helpers' file, if not the built one. */
  readonly helperFile?: string;
}

/** The fastest checks that this machine has, behind one cache of successes. */
export function createVerify(settings: VerifySettings = {}): HostVerify {
  const cache = new SignatureCache(settings.cacheEntries ?? hostLimits.signatureCacheEntries);
  const notes: string[] = [];
  const listeners: ((text: string) => void)[] = [];
  const note = (text: string): void => {
    notes.push(text);
    for (const listener of listeners) listener(text);
  };
  const backends = new Backends({ ...LOADERS, ...settings.loaders }, note);
  const helpers = new Helpers(settings.helpers ?? (() => 0), note, settings.helperFile);
  let hits = 0;
  let misses = 0;

  const verify: Verify = (check) => {
    assertLengths(check);
    const key = cache.keyOf(check);
    if (cache.has(key)) {
      hits++;
      return true;
    }
    misses++;
    const valid = backends.verify(check);
    if (valid) cache.add(key);
    return valid;
  };
  const ahead = new Ahead({ verify, uncached: backends.verify, cache, helpers });

  return {
    verify,
    get backends() {
      return backends.names;
    },
    notes,
    onNote: (listener) => {
      for (const text of notes) listener(text);
      listeners.push(listener);
    },
    warm: (foreseen) => ahead.warm(foreseen),
    stats: () => ({ hits, misses, cached: cache.size, helpers: helpers.count }),
    close: () => helpers.stop(),
  };
}

/** A wrong length is a bug of the caller; back ends would each treat it in a way of their own. */
function assertLengths({ scheme, key, message, signature }: SigCheck): void {
  if (key.length !== (scheme === 'ecdsa' ? 33 : 32) || message.length !== 32 || signature.length !== 64) {
    throw new Error(
      `a ${scheme} check with ${key.length} bytes of key, ${message.length} of message, ${signature.length} of signature`,
    );
  }
}
