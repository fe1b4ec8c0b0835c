import type { Block } from '../../bitcoin/block.ts';
import { isUnspendable } from '../../bitcoin/lock.ts';
import { outpointKey } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import { Pace, type Steps } from '../../util/steps.ts';
import type { Params } from '../params/params.ts';
import type { Refusal } from '../params/rules.ts';
import type { CoinSums } from '../store/coin-sums.ts';
import { CoinsOverlay } from '../store/coins.ts';
import {
  bodyKey,
  encodeMeta,
  encodeTxPlace,
  heightKey,
  META_KEY,
  TIP_KEY,
  txKey,
  undoKey,
} from '../store/records.ts';
import type { Write } from '../store/store.ts';
import type { ForkChoiceName } from '../tree/fork-choice-rules.ts';
import { type BlockEntry, forkPoint, type TreeEntry } from '../tree/tree.ts';
import { type ChainStore, type CoinChange, sealCoin, sealSums } from './chain-store.ts';
import type { ConnectTask } from './connect-task.ts';

/** The batches that move the tip: coins, undo, height and transaction index, and the tip, all or nothing. */

export interface TipChange {
  readonly old: BlockEntry;
  readonly tip: BlockEntry;
  readonly fork: BlockEntry;
  /** Disconnected blocks, the old tip first. */
  readonly outEntries: readonly BlockEntry[];
  /** Connected blocks, the one on the fork point first. */
  readonly inEntries: readonly BlockEntry[];
  /** One of those, from memory or read from the disk: a long reorg does not fit into memory whole. */
  readonly blockOf: (entry: BlockEntry) => Block;
  /** `work`: by the fork choice itself, which for experiments may be another than most work. */
  readonly because: 'work' | 'invalidated' | 'precious';
}

/** What one piece of connecting came to. */
export type ConnectResult =
  /** There is nothing to do. */
  | { readonly kind: 'idle' }
  /** The step is used up; go on in the next one. */
  | { readonly kind: 'more' }
  /** The tip moved, in one batch. */
  | { readonly kind: 'tip'; readonly change: TipChange }
  /** Its batch is handed over, and the tip moves with `catchUp`: the first thing in the next step. */
  | { readonly kind: 'ahead' }
  /** A block failed and is condemned; its valid ancestors stand. Go on: there may be a next best. */
  | { readonly kind: 'refused'; readonly entry: BlockEntry; readonly refusal: Refusal };

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

function pathDown(from: TreeEntry, fork: TreeEntry): TreeEntry[] {
  const path: TreeEntry[] = [];
  for (let at = from; at !== fork; at = at.parent!) path.push(at);
  return path;
}

/** Rows that one step makes of a task that has arrived: a full block's take three. */
const SEAL_ROWS = 5_000;
/** Changed coins up to which they are made in the step that arrives. */
const SEAL_AT_ONCE = 1_000;

/** All rows of a task, and its coins as the cache shall have them: ready to be handed over at once. */
export interface Sealed {
  readonly writes: readonly Write[];
  readonly coins: readonly CoinChange[];
}

/**
 * Encodes all that the task did since the stored tip, in pieces of about `pace` rows. Nothing is written yet: until the
 * caller hands it over, the store is as it was.
 */
function* sealSteps(task: ConnectTask, sums: CoinSums, pace: Pace): Steps<Sealed> {
  const { outEntries, inEntries } = pathOf(task);
  const writes: Write[] = [];
  const txidsOf = (entry: TreeEntry): readonly Uint8Array[] => {
    const found = task.txids.get(entry);
    assert(found !== undefined, 'every block on the way was read');
    return found;
  };
  // Deletions first: a transaction may be on both sides, and a height is on both wherever the new branch reaches it.
  for (const entry of outEntries) {
    writes.push({ key: undoKey(entry.hash), value: undefined });
    if (entry.height > task.at.height) writes.push({ key: heightKey(entry.height), value: undefined });
    for (const txid of txidsOf(entry)) writes.push({ key: txKey(txid), value: undefined });
    if (pace.due(txidsOf(entry).length)) yield;
  }
  for (const entry of inEntries) {
    const undo = task.undo.get(entry);
    assert(undo !== undefined, 'every connected block has its undo');
    writes.push(
      { key: undoKey(entry.hash), value: undo },
      { key: heightKey(entry.height), value: entry.hash },
    );
    for (const [position, txid] of txidsOf(entry).entries()) {
      writes.push({ key: txKey(txid), value: encodeTxPlace(entry.hash, position) });
    }
    if (pace.due(txidsOf(entry).length)) yield;
  }
  const coins: CoinChange[] = [];
  for (const [outpoint, coin] of task.overlay.changes()) {
    coins.push(sealCoin(outpoint, coin, writes));
    if (pace.due(1)) yield;
  }
  sealSums(sums, task.overlay.sums, writes);
  writes.push({ key: TIP_KEY, value: task.at.hash });
  return { writes, coins };
}

/** A task that has arrived, and its rows on the way. */
export class Sealing {
  readonly task: ConnectTask;
  readonly #steps: Steps<Sealed>;

  /** `sums`: of the stored coins, which do not change before this is done. */
  constructor(task: ConnectTask, sums: CoinSums) {
    this.task = task;
    this.#steps = sealSteps(task, sums, new Pace(SEAL_ROWS));
  }

  /** So little that it can be done in the step that arrives. */
  get short(): boolean {
    return this.task.overlay.size <= SEAL_AT_ONCE;
  }

  /** One piece; the whole when it is done. */
  step(): Sealed | undefined {
    const { done, value } = this.#steps.next();
    return done === true ? value : undefined;
  }
}

function pathOf(task: ConnectTask): { fork: TreeEntry; outEntries: TreeEntry[]; inEntries: TreeEntry[] } {
  const fork = forkPoint(task.from, task.at) as TreeEntry;
  return { fork, outEntries: pathDown(task.from, fork), inEntries: pathDown(task.at, fork).reverse() };
}

/** The blocks that a task has connected, the one on the fork point first. */
export function connectedBy(task: ConnectTask): readonly TreeEntry[] {
  return pathOf(task).inEntries;
}

/** What a task that has arrived changes. */
export function tipChange(task: ConnectTask, rule: ForkChoiceName): TipChange {
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
  const { fork, outEntries, inEntries } = pathOf(task);
  const blockOf = (entry: BlockEntry): Block => task.block(entry as TreeEntry);
  return { old, tip, fork, outEntries, inEntries, because, blockOf };
}
