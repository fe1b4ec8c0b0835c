import type { Block } from '../bitcoin/block.ts';
import { isUnspendable } from '../bitcoin/lock.ts';
import { outpointKey } from '../bitcoin/tx.ts';
import { assert } from '../util/assert.ts';
import type { ChainStore } from './chain-store.ts';
import { CoinsOverlay } from './coins.ts';
import type { ConnectTask } from './connect-task.ts';
import type { ForkChoiceName } from './fork-choice-rules.ts';
import type { Params } from './params.ts';
import {
  bodyKey,
  encodeMeta,
  encodeTxPlace,
  encodeUndo,
  heightKey,
  META_KEY,
  TIP_KEY,
  txKey,
  undoKey,
} from './records.ts';
import { type BlockEntry, forkPoint, type TreeEntry } from './tree.ts';

/** The batches that move the tip: coins, undo, height and transaction index, and the tip, all or nothing. */

export interface TipChange {
  readonly old: BlockEntry;
  readonly tip: BlockEntry;
  readonly fork: BlockEntry;
  /** Disconnected blocks, the old tip first. */
  readonly out: readonly Block[];
  /** Connected blocks, the one on the fork point first. */
  readonly in: readonly Block[];
  readonly outEntries: readonly BlockEntry[];
  readonly inEntries: readonly BlockEntry[];
  /** `work`: by the fork choice itself, which for experiments may be another than most work. */
  readonly because: 'work' | 'invalidated' | 'precious';
}

/** The first batch of a fresh data directory. The genesis index entry is the chain's to write. */
export function writeGenesis(store: ChainStore, params: Params): void {
  const { genesis, genesisHash } = params;
  store.write(META_KEY, encodeMeta(genesisHash));
  store.write(bodyKey(genesisHash), genesis.bytes);
  store.write(heightKey(0), genesisHash);
  store.write(TIP_KEY, genesisHash);
  if (!params.genesisSpendable) return;
  const overlay = new CoinsOverlay(store);
  for (const [position, tx] of genesis.txs.entries()) {
    store.write(txKey(tx.txid), encodeTxPlace(genesisHash, position));
    for (const [index, { value, script }] of tx.outputs.entries()) {
      if (isUnspendable(script)) continue;
      overlay.add(outpointKey({ txid: tx.txid, index }), { value, script, height: 0, coinbase: false });
    }
  }
  store.commitCoins(overlay);
}

function pathDown(from: BlockEntry, fork: BlockEntry): BlockEntry[] {
  const path: BlockEntry[] = [];
  for (let at = from; at !== fork; at = at.parent!) path.push(at);
  return path;
}

/** Writes all that the task did since the stored tip, in one batch, and says what changed. */
export function commitTask(store: ChainStore, task: ConnectTask, rule: ForkChoiceName): TipChange {
  const old = task.from;
  const tip = task.at;
  const because: TipChange['because'] =
    old.condemned !== undefined
      ? 'invalidated'
      : tip.work === old.work && rule === 'first-seen'
        ? 'precious'
        : 'work';
  assert(
    tip !== old && (tip.work >= old.work || because === 'invalidated' || rule === 'ghost'),
    'the work of a valid tip never decreases',
  );
  const fork = forkPoint(old, tip);
  const outEntries = pathDown(old, fork);
  const inEntries = pathDown(tip, fork).reverse();
  const block = (entry: BlockEntry): Block => {
    const found = task.blocks.get(entry as TreeEntry);
    assert(found !== undefined, 'every block on the way was read');
    return found;
  };
  const change = {
    old,
    tip,
    fork,
    out: outEntries.map(block),
    in: inEntries.map(block),
    outEntries,
    inEntries,
    because,
  };
  // Deletions first: a transaction may be on both sides, and a height is on both wherever the new branch reaches it.
  for (const [i, entry] of outEntries.entries()) {
    store.write(undoKey(entry.hash), undefined);
    if (entry.height > tip.height) store.write(heightKey(entry.height), undefined);
    for (const tx of change.out[i]!.txs) store.write(txKey(tx.txid), undefined);
  }
  for (const [i, entry] of inEntries.entries()) {
    const undo = task.undo.get(entry as TreeEntry);
    assert(undo !== undefined, 'every connected block has its undo');
    store.write(undoKey(entry.hash), encodeUndo(undo));
    store.write(heightKey(entry.height), entry.hash);
    for (const [position, tx] of change.in[i]!.txs.entries()) {
      store.write(txKey(tx.txid), encodeTxPlace(entry.hash, position));
    }
  }
  store.commitCoins(task.overlay);
  store.write(TIP_KEY, tip.hash);
  return change;
}
