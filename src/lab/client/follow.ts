import type { LogEvent } from '../../events/events.ts';
import { followEvents, type RpcAuth, RpcFailure } from '../../host/http/client.ts';

/** Follows one event stream and picks it up again, without gap or repeat, when it breaks. */

export interface FollowOptions {
  readonly url: string;
  readonly auth: RpcAuth;
  /** Deliver events with a greater sequence number. */
  readonly after: number;
  readonly onEvent: (event: LogEvent) => void;
  /** Told at each change; `why` when the stream broke. */
  readonly onState?: (connected: boolean, why?: string) => void;
}

export interface Follower {
  readonly last: number;
  close(): void;
}

const RETRY_MS = 150;

export function follow(options: FollowOptions): Follower {
  const stop = new AbortController();
  let last = options.after;
  let up = false;

  function state(now: boolean, why?: string): void {
    if (up === now) return;
    up = now;
    options.onState?.(now, why);
  }

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      let why = 'the stream ended';
      try {
        await followEvents(options.url, options.auth, { after: last, signal: stop.signal }, (event) => {
          state(true);
          if (stop.signal.aborted || event.seq <= last) return;
          last = event.seq;
          options.onEvent(event);
        });
      } catch (error) {
        if (!(error instanceof RpcFailure)) throw error;
        why = error.message;
      }
      if (stop.signal.aborted) return;
      state(false, why);
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }

  loop().catch((error: unknown) => {
    // Only a bug gets here (an exception in onEvent): let it surface instead of going silent.
    queueMicrotask(() => {
      throw error;
    });
  });
  return {
    get last() {
      return last;
    },
    close: () => stop.abort(),
  };
}
