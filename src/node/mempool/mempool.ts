import type { Block } from '../../bitcoin/block.ts';
import { isCoinbase, type OutPoint, type Tx } from '../../bitcoin/tx.ts';
import type { Chain } from '../../consensus/chain/chain.ts';
import type { TipChange } from '../../consensus/chain/commit.ts';
import type { Params } from '../../consensus/params/params.ts';
import type { Checked, Refusal } from '../../consensus/params/rules.ts';
import type { Row, Write } from '../../consensus/store/store.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { Verify } from '../../consensus/validate/verify.ts';
import { keyOf } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';
import type { Pace, Steps } from '../../util/steps.ts';
import type { Limits } from '../limits.ts';
import type { Micros, PackageVerdicts } from '../types.ts';
import { type AdmitContext, type Admitted, admit, stillFits } from './admit.ts';
import { type NewEntry, type PoolEntry, PoolNode, parentsFirst } from './entry.ts';
import { FeeFloor } from './fee-floor.ts';
import { PoolGraph } from './graph.ts';
import type { PoolIds } from './ids.ts';
import { judgePackage } from './package.ts';
import { type Cause, ReadmissionQueue, type Waiting } from './readmission.ts';
import { PoolRows, readSaved } from './rows.ts';

/** A payment undone: `by` took a coin that it needed, in `block` unless it is unconfirmed itself. */
export interface LostTx {
  readonly tx: Tx;
  readonly by: Tx | undefined;
  readonly block: BlockEntry | undefined;
}

export interface RemovedTx {
  readonly entry: PoolEntry;
  readonly why: 'replaced' | 'evicted' | 'expired' | 'conflict';
  readonly by: Tx | undefined;
  readonly block: BlockEntry | undefined;
}

/** What a change did besides confirming: transactions of disconnected blocks back in the pool, lost, and removals. */
export interface PoolChange {
  readonly returned: readonly Tx[];
  readonly lost: readonly LostTx[];
  readonly removed: readonly RemovedTx[];
}

export type { PoolEntry } from './entry.ts';

export interface AcceptOptions {
  /** Seconds since 1970. */
  readonly wallS: number;
  /** Refuse a fee above so many satoshis per 1,000 vbytes; absent or 0: no limit. */
  readonly maxFeeRate?: number;
  /** Judge only: the pool stays as it is, and nothing is written. */
  readonly test?: boolean;
}

export interface Accepted {
  readonly entry: PoolEntry;
  /** Conflicts, with their descendants, that it took the place of; parents first. */
  readonly replaced: readonly PoolEntry[];
  /** Low payers that had to go because the pool is full; parents first. */
  readonly evicted: readonly PoolEntry[];
}

/** A refusal; with `mempool full` others may have gone before the newcomer itself turned out to pay least. */
export interface PoolRefusal extends Refusal {
  readonly replaced?: readonly PoolEntry[];
  readonly evicted?: readonly PoolEntry[];
}

/**
 * Transactions that the next block could hold: the same rules as in a block on the active tip, and a little policy
 * (policy.ts). A tip change takes out what is confirmed or contradicted; what a reorg undid waits in a queue and
 * passes admission again in bounded pieces (`readmit`), parents first, together with the members that depended on it.
 */
export class Mempool {
  readonly #chain: Chain;
  readonly #verify: Verify;
  readonly #limits: Limits;
  readonly #graph = new PoolGraph();
  readonly #queue: ReadmissionQueue;
  readonly #floor: FeeFloor;
  #seq = 0;
  readonly #rows = new PoolRows();
  #behind = false;

  constructor(o: { params: Params; chain: Chain; verify: Verify; limits: Limits }) {
    this.#chain = o.chain;
    this.#verify = o.verify;
    this.#limits = o.limits;
    this.#queue = new ReadmissionQueue(o.limits.returnedBytes);
    this.#floor = new FeeFloor(o.limits, o.params.spacingMs);
  }

  get size(): number {
    return this.#graph.size;
  }

  /** Sum of virtual sizes (Core: getmempoolinfo.bytes). */
  get bytes(): number {
    return this.#graph.vsize;
  }

  /** Members that have left so far. */
  get removals(): number {
    return this.#graph.removals;
  }

  /** Members that have entered or left since the start: tells whether something has changed (Core: GetTransactionsUpdated). */
  get updates(): number {
    return this.#seq + this.#graph.removals;
  }

  /** Estimate of memory, bounded by `limits.mempoolBytes`. */
  get usage(): number {
    return this.#graph.usage;
  }

  /** Satoshis per 1,000 vbytes below which nothing enters now. */
  get minFeeRate(): number {
    return this.#floor.rate;
  }

  /** Transactions wait to be readmitted. */
  get pending(): boolean {
    return this.#queue.pending;
  }

  get(txid: Uint8Array): PoolEntry | undefined {
    return this.#graph.get(keyOf(txid));
  }

  has(txid: Uint8Array): boolean {
    return this.#graph.get(keyOf(txid)) !== undefined;
  }

  /** In order of arrival. */
  entries(): Iterable<PoolEntry> {
    return this.#graph.nodes();
  }

  /** The ids of all, for whoever looks for those of a block. */
  get ids(): PoolIds {
    return this.#graph.ids;
  }

  returning(): Iterable<Tx> {
    return this.#queue.txs();
  }

  spender(outpoint: OutPoint): PoolEntry | undefined {
    return this.#graph.spender(outpoint);
  }

  /** All unconfirmed ancestors, without the entry; parents first (Core: getmempoolancestors). */
  ancestorsOf(entry: PoolEntry): PoolEntry[] {
    const node = this.#graph.get(keyOf(entry.tx.txid));
    return node === undefined ? [] : [...this.#graph.withAncestors(node.parents)].sort(parentsFirst);
  }

  /** All descendants, without the entry; parents first. */
  descendantsOf(entry: PoolEntry): PoolEntry[] {
    const node = this.#graph.get(keyOf(entry.tx.txid));
    return node === undefined ? [] : [...this.#graph.withDescendants(node.children)].sort(parentsFirst);
  }

  /** `missing-inputs` tells the caller that the transaction may be kept as an orphan. */
  accept(tx: Tx, now: Micros, o: AcceptOptions): Result<Accepted, PoolRefusal> {
    if (o.test !== true) this.#floor.decay(now, this.#graph.usage);
    const judged = this.#admit(tx, this.#floor.rate, o.maxFeeRate);
    if (!judged.ok) return judged;
    if (o.test === true) {
      return ok({
        entry: new PoolNode(this.#newEntry(tx, judged.value, now, o.wallS)),
        replaced: [],
        evicted: [],
      });
    }
    const { entry, replaced } = this.#enter(judged.value, this.#newEntry(tx, judged.value, now, o.wallS));
    const evicted = this.#trim(now);
    if (this.#graph.get(entry.key) !== entry) {
      return err({
        rule: 'mempool full',
        detail: `its rate of ${entry.fee}/${tx.vsize} sat/vB, ancestors included, is the lowest`,
        replaced,
        evicted: evicted.filter((gone) => gone !== entry),
      });
    }
    return ok({ entry, replaced, evicted });
  }

  /** Would these be accepted together? Changes nothing. */
  testPackage(txs: readonly Tx[]): PackageVerdicts {
    return judgePackage(txs, this.#context(this.#floor.rate));
  }

  /** The tip has changed, and members may still be in the new tip's blocks: `connected` has not come to its end. */
  get behind(): boolean {
    return this.#behind;
  }

  /** The change is gone through in later steps: a crash before its end must not lose what it disconnects. */
  begin(change: TipChange): void {
    this.#behind = true;
    this.#rows.owe(change.outEntries);
  }

  /** When the whole change has been gone through. */
  settled(change: TipChange, now: Micros): void {
    this.#behind = false;
    this.#rows.paid();
    if (change.inEntries.length > 0) this.#floor.block(now);
    this.#queue.settle();
  }

  /** Judges waiting transactions until about `maxWeight` is done; `pending` says whether more remain. */
  readmit(maxWeight: number, now: Micros, wallS: number): PoolChange {
    const returned: Tx[] = [];
    const lost: LostTx[] = [];
    const removed: RemovedTx[] = [];
    let weight = 0;
    while (weight < maxWeight) {
      const waiting = this.#queue.next();
      if (waiting === undefined) break;
      weight += waiting.tx.weight;
      this.#return(waiting, now, wallS, returned, lost, removed);
    }
    this.#queue.settle();
    for (const entry of this.#trim(now)) {
      removed.push({ entry, why: 'evicted', by: undefined, block: undefined });
    }
    return { returned, lost, removed };
  }

  /** What has waited too long goes, with its descendants; parents first. */
  expire(now: Micros): PoolEntry[] {
    this.#floor.decay(now, this.#graph.usage);
    const old: PoolNode[] = [];
    for (const node of this.#graph.nodes()) if (node.time + this.#limits.mempoolExpiry <= now) old.push(node);
    return old.length === 0 ? [] : this.#remove(old);
  }

  /** At opening: what the last run kept waits for admission. */
  restore(rows: Iterable<Row>, now: Micros, wallS: number): void {
    const o = { maxBytes: this.#limits.returnedBytes, now, wallS };
    const { returning, waiting, done } = readSaved(rows, (hash) => this.#chain.block(hash), o);
    for (const key of done) this.#rows.drop(key);
    for (const { key, tx } of returning) this.#rows.save(key, tx, wallS);
    this.#queue.append([...returning, ...waiting]);
    for (const { key, tx } of this.#queue.trim()) this.#rows.erase(key, tx);
  }

  /** Rows for this step's batch; see PoolRows. */
  takeWrites(all: boolean, now: Micros): Write[] {
    return this.#rows.take(all, now, this.#limits);
  }

  /** Rows that gather want a step by then. */
  get writeBy(): Micros {
    return this.#rows.writeBy(this.#limits);
  }

  #admit(tx: Tx, floor: number, maxFeeRate: number | undefined): Checked<Admitted> {
    return admit(tx, this.#context(floor, maxFeeRate));
  }

  #context(floor: number, maxFeeRate?: number): AdmitContext {
    return {
      chain: this.#chain,
      graph: this.#graph,
      verify: this.#verify,
      limits: this.#limits,
      floor,
      maxFeeRate,
    };
  }

  #newEntry(tx: Tx, { fee, sensitive }: Admitted, time: Micros, wallS: number, undone = false): NewEntry {
    return { tx, fee, time, wallS, height: this.#chain.tip.height, seq: this.#seq, sensitive, undone };
  }

  #enter(judged: Admitted, made: NewEntry): { entry: PoolNode; replaced: PoolNode[] } {
    const replaced = judged.leaving.size > 0 ? this.#remove(judged.leaving) : [];
    const entry = this.#graph.add(made);
    this.#seq++;
    this.#rows.save(entry.key, entry.tx, entry.wallS);
    return { entry, replaced };
  }

  #remove(nodes: Iterable<PoolNode>): PoolNode[] {
    const gone = this.#graph.removeWithDescendants(nodes);
    for (const node of gone) this.#rows.erase(node.key, node.tx);
    return gone;
  }

  /** Evicts the families that pay least until the pool fits, and raises the floor above what they paid. */
  #trim(now: Micros): PoolNode[] {
    const evicted: PoolNode[] = [];
    while (this.#graph.usage > this.#limits.mempoolBytes) {
      const worst = this.#graph.worst();
      if (worst === undefined) break;
      this.#floor.raise((1_000 * worst.descendantFees) / worst.descendantVsize, now);
      evicted.push(...this.#remove([worst]));
    }
    return evicted;
  }

  /** First part of a tip change: what its disconnected blocks held waits to come back, as far as there is room. */
  *disconnected(change: TipChange, now: Micros, wallS: number, lost: LostTx[], pace: Pace): Steps<void> {
    if (change.outEntries.length === 0) return;
    const fresh: Waiting[] = [];
    const pulled = new Set<PoolNode>();
    // Fork point first, so that parents come before children.
    let bytes = 0;
    for (let i = change.outEntries.length - 1; i >= 0; i--) {
      const block = change.blockOf(change.outEntries[i]!);
      this.#queue.disconnected(block);
      for (const tx of block.txs) {
        // They wait with it for its fate.
        for (const child of this.#graph.spendersOf(tx)) pulled.add(child);
        if (isCoinbase(tx)) continue;
        const item: Waiting = { tx, key: keyOf(tx.txid), from: 'block', time: now, wallS, undone: true };
        bytes += tx.bytes.length;
        // Beyond the room there is they would be given up all the same: do not keep their blocks in memory for that.
        if (bytes <= this.#limits.returnedBytes) fresh.push(item);
        else this.#lose(item, undefined, lost);
        if (pace.due(tx.weight)) yield;
      }
    }
    const { height, medianTime } = change.tip;
    for (const node of this.#graph.sensitive()) {
      if (!stillFits(node, height + 1, medianTime)) pulled.add(node);
    }
    // Some may have been replaced or evicted between two pieces.
    const still = [...pulled].filter((node) => this.#graph.get(node.key) === node);
    const waiting = this.#graph.removeWithDescendants(still).map(
      ({ tx, key, time, wallS: at, undone }): Waiting => ({
        tx,
        key,
        from: 'pool',
        time,
        wallS: at,
        undone,
      }),
    );
    for (const { key, tx } of fresh) this.#rows.save(key, tx, wallS);
    this.#queue.prepend([...fresh, ...waiting]);
    for (const dropped of this.#queue.trim()) this.#lose(dropped, undefined, lost);
  }

  /**
   * Second part, for each block connected: its payments wait no longer, and what contradicts them goes; what was in a block
   * once is lost with that, whether it has come back to the pool meanwhile or not.
   */
  *connected(block: Block, entry: BlockEntry, lost: LostTx[], removed: RemovedTx[], pace: Pace): Steps<void> {
    if (this.#queue.pending) {
      for (const { key, tx } of this.#queue.connected(block, entry)) this.#rows.erase(key, tx);
    }
    if (this.#graph.size === 0) return;
    for (const tx of block.txs) {
      if (pace.due(tx.weight)) yield;
      const node = this.#graph.get(keyOf(tx.txid));
      if (node !== undefined) {
        this.#graph.removeConfirmed(node);
        this.#rows.erase(node.key, node.tx);
        continue;
      }
      for (const { prevout } of tx.inputs) {
        const conflict = this.#graph.spender(prevout);
        if (conflict === undefined) continue;
        for (const gone of this.#remove([conflict])) {
          // It came by gossip while it waited to return: its turn in the queue tells of it.
          if (this.#queue.has(gone.key)) continue;
          if (gone.undone) lost.push({ tx: gone.tx, by: tx, block: entry });
          else removed.push({ entry: gone, why: 'conflict', by: tx, block: entry });
        }
      }
    }
  }

  #return(
    waiting: Waiting,
    now: Micros,
    wallS: number,
    returned: Tx[],
    lost: LostTx[],
    removed: RemovedTx[],
  ): void {
    const { tx } = waiting;
    const judged = this.#admit(tx, 0, undefined);
    if (judged.ok) {
      const since = waiting.from === 'block' ? { time: now, wallS } : waiting;
      const made = this.#newEntry(tx, judged.value, since.time, since.wallS, waiting.undone);
      const { replaced } = this.#enter(judged.value, made);
      for (const entry of replaced) removed.push({ entry, why: 'replaced', by: tx, block: undefined });
      if (waiting.from === 'block') returned.push(tx);
      return;
    }
    switch (judged.error.rule) {
      // It came in by another way while it waited: its row stays.
      case 'txn-already-in-mempool':
      case 'txn-same-nonwitness-data-in-mempool':
        this.#graph.noteUndone(waiting);
        if (waiting.from === 'block') returned.push(tx);
        return;
      case 'txn-already-known':
        this.#rows.erase(waiting.key, tx);
        return;
      default: {
        // What stands in its way if no block does.
        const rival = this.#graph.rivalOf(tx);
        const cause = this.#queue.causeOf(tx) ?? (rival && { by: rival.tx, block: undefined });
        this.#lose(waiting, cause, lost);
      }
    }
  }

  #lose({ key, tx }: Waiting, cause: Cause | undefined, lost: LostTx[]): void {
    this.#queue.lose(tx, cause);
    this.#rows.erase(key, tx);
    lost.push({ tx, by: cause?.by, block: cause?.block });
  }
}
