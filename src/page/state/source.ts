import type { LogEvent } from '../../events/events.ts';
import { eventIn } from './answers.ts';
import type { YardFacts } from './facts.ts';

/** What comes with the page itself: the log of an exported file, the token in the address. */

export interface Exported {
  readonly facts: YardFacts;
  readonly events: readonly LogEvent[];
}

/** The log inside an exported file; undefined on the live page. */
export async function exported(): Promise<Exported | undefined> {
  const holder = document.getElementById('run');
  if (holder === null) return undefined;
  const packed = Uint8Array.from(atob(holder.textContent ?? ''), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const text = await new Response(stream).text();
  const [head = '', ...lines] = text.split('\n');
  return {
    facts: JSON.parse(head) as YardFacts,
    events: lines.map(eventIn).filter((event) => event !== undefined),
  };
}

const TOKEN_KEY = 'forkyard-token';

/** The token comes behind `#`, and leaves the address at once, so that a copied address does not hand it on. */
export function takeToken(): string | undefined {
  const given = /[#&]k=([\w-]+)/.exec(location.hash)?.[1];
  try {
    if (given !== undefined) {
      sessionStorage.setItem(TOKEN_KEY, given);
      const rest = location.hash.replace(/[#&]k=[\w-]+/, '').replace(/^&/, '#');
      history.replaceState(null, '', `${location.pathname}${rest}`);
    }
    return given ?? sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  } catch (error) {
    // A file from disk may have no storage; it has nothing to act on either.
    if (error instanceof DOMException) return given;
    throw error;
  }
}
