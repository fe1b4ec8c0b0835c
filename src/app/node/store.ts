import { join } from 'node:path';
import type { Params } from '../../consensus/params/params.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { checkCoins } from '../../host/store/coin-check.ts';
import { type DiskStore, openStore } from '../../host/store/store.ts';
import { idOf } from '../../util/bytes.ts';

export interface NodeStore {
  readonly store: DiskStore;
  /** What was done to it at opening, a sentence each. */
  readonly notes: readonly string[];
}

/** Opens a node's database and compares coins with their sums. Throws as `openStore` and `checkCoins` do. */
export async function openNodeStore(datadir: string, params: Params): Promise<NodeStore> {
  const notes: string[] = [];
  const store = await openStore(join(datadir, 'db'), { params, note: (sentence) => notes.push(sentence) });
  try {
    await checkCoins(store);
    return { store, notes };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What a database has lost, as far as it is known, once its tip is. */
export function lossSentence({ loss }: DiskStore, tip: BlockEntry): string | undefined {
  if (loss === undefined) return undefined;
  const before = loss.tip === undefined ? '' : `, and its tip was ${idOf(loss.tip)}`;
  const count = loss.batches === 1 ? 'last durable batch' : `last ${loss.batches} durable batches`;
  return (
    `the database has lost its ${count}: the end of its write log is damaged or gone${before}. ` +
    `The node starts from height ${tip.height}, tip ${tip.id}, and fetches the rest from its peers`
  );
}
