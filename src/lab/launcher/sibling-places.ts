import type { YardClient } from '../client/client.ts';
import type { YardFile } from '../yard/check.ts';
import { dialledBy } from './node-arguments.ts';

/**
 * Tells these nodes to keep a place for the siblings that dial them. For those that they dial themselves they have one;
 * without this, strangers that take all places would keep a sibling out that was started again.
 */
export async function keepPlaces(
  client: YardClient,
  yard: YardFile,
  letters: Iterable<string>,
): Promise<void> {
  const calls: Promise<unknown>[] = [];
  for (const letter of letters) {
    for (const other of yard.nodes.filter((n) => n.letter !== letter && n.address !== '')) {
      if (!dialledBy(yard, other.letter).some((n) => n.letter === letter)) continue;
      calls.push(client.call(letter, 'addnode', [other.address, 'protect']));
    }
  }
  await Promise.all(calls);
}
