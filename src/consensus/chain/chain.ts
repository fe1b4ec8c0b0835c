import type { Block } from '../../bitcoin/block.ts';
import { type Header, headerHash } from '../../bitcoin/header.ts';
import { type OutPoint, outpointKey } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import { compare, equal, idOf, keyOf } from '../../util/bytes.ts';
import { ok } from '../../util/result.ts';
import type { Steps } from '../../util/steps.ts';
import type { Params } from '../params/params.ts';
import { nextBits } from '../params/retarget.ts';
import { type Checked, type Refusal, type RuleName, refuse, ruleOf } from '../params/rules.ts';
import type { Coin, CoinsView } from '../store/coin.ts';
import { StoreDamage } from '../store/damage.ts';
import { decodeTxPlace, encodeEntry, entryKey, txKey } from '../store/records.ts';
import type { Row, Store, Write } from '../store/store.ts';
import { competes, type ForkChoice, MostWork } from '../tree/fork-choice.ts';
import { Ghost } from '../tree/fork-choice-ghost.ts';
import type { ForkChoiceName } from '../tree/fork-choice-rules.ts';
import {
  ancestorAt,
  type BlockEntry,
  type BlockTree,
  forkPoint,
  isAncestor,
  type TreeEntry,
  workAfter,
} from '../tree/tree.ts';
import { type ChainTip, chainTips, findFork, locatorOf } from '../tree/walk.ts';
import type { SaneBlock } from '../validate/check.ts';
import { checkBlockContext, checkHeader, type JudgedHeader, knownBad } from '../validate/context.ts';
import { type ProposalOptions, proposalSteps } from '../validate/proposal.ts';
import type { SpendContext } from '../validate/spend.ts';
import { minerTag } from '../validate/tag.ts';
import type { SigCheck, Verify } from '../validate/verify.ts';
import { CHAIN_BOUNDS, type ChainBounds } from './bounds.ts';
import { ChainStore, type CoinCacheFigures } from './chain-store.ts';
import {
  type ConnectResult,
  connectedBy,
  type Sealed,
  Sealing,
  type TipChange,
  tipChange,
  writeGenesis,
} from './commit.ts';
import { ConnectTask } from './connect-task.ts';
import { openTree } from './opening.ts';
import { Foresight, type Standing } from './prefetch.ts';

/** A body this far behind the best header comes in a long sync: the next piece that is connected makes it durable too. */
const SYNC_DISTANCE = 24;

/**
 * The block tree, and the active chain through it. Header and body go in by `addHeader` and `addBlock`, which never
 * connect; `connectPiece` walks towards the best branch in bounded steps. All changes gather until `takeWrites`. What only
 * looks may be called between two steps (while the chain is `ahead`, only what reads no coins and no index from the store),
 * and `coinsView` apart it leaves no trace.
 */
export class Chain {
  readonly params: Params;
  readonly #store: ChainStore;
  readonly #tree: BlockTree;
  /** The active chain by height. */
  readonly #active: TreeEntry[] = [];
  readonly #verify: Verify;
  readonly #bounds: ChainBounds;
  readonly #choice: ForkChoice;
  readonly #foresight: Foresight;
  /** Entries to write, each once however often it changed. */
  readonly #dirty = new Set<TreeEntry>();
  #durable = false;
  #nextArrival: number;
  #task: ConnectTask | undefined;
  /** The task has arrived, and its rows are being made. */
  #sealing: Sealing | undefined;
  /** Handed over with the last step's writes, and not yet to be seen here. */
  #ahead: { readonly task: ConnectTask; readonly sealed: Sealed } | undefined;

  /** Throws `StoreMismatch` if `index` is not of this network and format. */
  constructor(o: {
    readonly params: Params;
    readonly store: Store;
    readonly index: Iterable<Row>;
    readonly verify: Verify;
    readonly bounds?: Partial<ChainBounds>;
    /** For experiments; see consensus/tree/fork-choice-rules.ts. */
    readonly forkChoice?: ForkChoiceName;
  }) {
    const opened = openTree(o.params, o.index);
    const bounds = { ...CHAIN_BOUNDS, ...o.bounds };
    this.params = o.params;
    this.#store = new ChainStore(o.store, bounds, opened.sums);
    this.#tree = opened.tree;
    this.#verify = o.verify;
    this.#bounds = bounds;
    this.#foresight = new Foresight(this.#store);
    this.#nextArrival = opened.nextArrival;
    if (opened.fresh) this.#plantGenesis();
    for (let at: TreeEntry | undefined = opened.tip; at !== undefined; at = at.parent)
      this.#active[at.height] = at;
    const rule = o.forkChoice ?? 'first-seen';
    this.#choice =
      rule === 'ghost' ? new Ghost(this.#tree, opened.tip) : new MostWork(this.#tree, opened.tip, rule);
  }

  #plantGenesis(): void {
    const { genesis } = this.#tree;
    writeGenesis(this.#store, this.params);
    genesis.txs = this.params.genesis.txs.length;
    genesis.size = this.params.genesis.size;
    genesis.hasBody = true;
    genesis.connectedOnce = true;
    genesis.arrival = this.#nextArrival++;
    this.#touch(genesis, true);
  }

  #touch(entry: TreeEntry, durable: boolean): void {
    this.#dirty.add(entry);
    if (durable) this.#durable = true;
  }

  // ---- what there is to see ----

  get genesis(): BlockEntry {
    return this.#tree.genesis;
  }

  get tip(): BlockEntry {
    return this.#activeTip;
  }

  get #activeTip(): TreeEntry {
    return this.#active[this.#active.length - 1]!;
  }

  /** Most work of all headers that are not condemned. */
  get bestHeader(): BlockEntry {
    return this.#tree.bestHeader;
  }

  entry(hash: Uint8Array): BlockEntry | undefined {
    return this.#tree.get(hash);
  }

  /** Every block known, each parent before its children. */
  entries(): Iterable<BlockEntry> {
    return this.#tree.entries();
  }

  atHeight(height: number): BlockEntry | undefined {
    return this.#active[height];
  }

  isActive(entry: BlockEntry): boolean {
    return this.#active[entry.height] === entry;
  }

  /** Core: getchaintips. The highest first, then by id. */
  tips(): readonly ChainTip[] {
    return chainTips(this.#tree.leaves(), this.#activeTip);
  }

  /** Hashes from `from` (the tip) down, ever sparser. Core: GetLocator. */
  locator(from: BlockEntry = this.#activeTip): Uint8Array[] {
    return locatorOf(from);
  }

  /** The first hash of a locator that is on the active chain; the genesis if none is. Core: FindForkInGlobalIndex. */
  findFork(locator: readonly Uint8Array[]): BlockEntry {
    return findFork(this, locator);
  }

  /** Headers of the active chain above `entry`; none if it is not on it. */
  headersAfter(entry: BlockEntry, max: number): Header[] {
    if (!this.isActive(entry)) return [];
    return this.#active.slice(entry.height + 1, entry.height + 1 + max).map((e) => e.header);
  }

  /** Headers of all branches above a height whose bodies are here, parents first: what GHOST weighs. */
  treeAbove(height: number, max: number): Header[] {
    // The whole tree is gone through: a branch may have left the chain far below and still grow.
    const above = [...this.#tree.entries()].filter((e) => e.height > Math.max(0, height) && competes(e));
    above.sort((a, b) => a.height - b.height || (a.id < b.id ? -1 : 1));
    return above.slice(0, max).map((e) => e.header);
  }

  /** The whole block, if its body is here: parsed from disk, so not for many at once. */
  block(of: BlockEntry | Uint8Array): Block | undefined {
    const entry = of instanceof Uint8Array ? this.#tree.get(of) : of;
    return entry?.hasBody ? this.#store.body(entry) : undefined;
  }

  /** The bytes of a block, if its body is here: what a peer is served. */
  blockBytes(entry: BlockEntry): Uint8Array | undefined {
    return entry.hasBody ? this.#store.bodyBytes(entry) : undefined;
  }

  /** The coins that an active block spent, in order of its inputs. */
  undo(entry: BlockEntry): readonly Coin[] | undefined {
    if (!this.isActive(entry)) return undefined;
    return entry.height === 0 ? [] : this.#store.undo(entry);
  }

  /** A coin of the active tip. Leaves no trace: for those who look in between steps. */
  coin(outpoint: OutPoint): Coin | undefined {
    return this.#store.peekCoin(outpoint);
  }

  /** How the bounded cache of coins does. */
  get coinCache(): CoinCacheFigures {
    return this.#store.coinCache;
  }

  /** The coins of the active tip, for use inside a step: reads fill the cache that connecting reads from. */
  coinsView(): CoinsView {
    return { get: (outpoint) => this.#store.lookup(outpointKey(outpoint)) };
  }

  /** Where a transaction of the active chain is. */
  txPlace(txid: Uint8Array): { readonly entry: BlockEntry; readonly position: number } | undefined {
    const value = this.#store.get(txKey(txid));
    if (value === undefined) return undefined;
    const place = decodeTxPlace(value);
    const entry = place === undefined ? undefined : this.#tree.get(place.blockHash);
    if (place === undefined || entry === undefined)
      throw new StoreDamage('transaction index', `the place of transaction ${idOf(txid)} is in no block`);
    return { entry, position: place.position };
  }

  /** The context in which the mempool validates a transaction: the next block on the tip. */
  spendContext(): SpendContext {
    const tip = this.#activeTip;
    return {
      height: tip.height + 1,
      medianTime: tip.medianTime,
      medianTimeAt: (height) => ancestorAt(tip, height).medianTime,
      where: 'mempool',
      maturity: this.params.maturity,
    };
  }

  /** The bits of a block on `parent`. */
  nextBits(parent: BlockEntry = this.#activeTip): number {
    return nextBits(parent, this.params);
  }

  /** The median time past that a block on `parent` must exceed, and the earliest time that it may honestly have. */
  nextTimes(parent: BlockEntry = this.#activeTip): {
    readonly medianTime: number;
    readonly earliest: number;
  } {
    return { medianTime: parent.medianTime, earliest: Math.max(parent.header.time, parent.medianTime + 1) };
  }

  /** The time of a template: now, but never before its parent's. */
  nextTime(wallS: number, parent: BlockEntry = this.#activeTip): number {
    return Math.max(wallS, this.nextTimes(parent).earliest);
  }

  // ---- headers and bodies ----

  /**
   * Judges a header and stores nothing. `parent`: an entry of the tree, or one from `detachedEntry`; without it the
   * tree is asked. `hash`: the header's, for those who have it already.
   */
  judgeHeader(
    header: Header,
    wallS: number,
    parent: BlockEntry | undefined = this.#tree.get(header.prev),
    hash: Uint8Array = headerHash(header),
  ): Checked<JudgedHeader> {
    return this.#judge(header, hash, wallS, parent);
  }

  #judge(
    header: Header,
    hash: Uint8Array,
    wallS: number,
    parent: BlockEntry | undefined,
  ): Checked<JudgedHeader> {
    if (parent === undefined) return refuse('prev-blk-not-found', `parent ${idOf(header.prev)} is unknown`);
    assert(equal(parent.hash, header.prev), 'a header is judged on its own parent');
    const checked = checkHeader(header, hash, parent, this.params, wallS);
    if (!checked.ok) return checked;
    return ok({ parent, hash, work: workAfter(parent, header.bits) });
  }

  /**
   * Judges a header and takes it into the tree; one that is known already is answered as it stands. `hash`, `parent`: its
   * own, for those who have them already.
   */
  addHeader(
    header: Header,
    wallS: number,
    hash: Uint8Array = headerHash(header),
    parent?: BlockEntry,
  ): Checked<BlockEntry> {
    return this.#addHeader(header, hash, wallS, parent as TreeEntry | undefined);
  }

  #addHeader(header: Header, hash: Uint8Array, wallS: number, parent?: TreeEntry): Checked<TreeEntry> {
    const key = keyOf(hash);
    const known = this.#tree.byKey(key);
    if (known !== undefined) return known.condemned === undefined ? ok(known) : knownBad(known);
    const judged = this.#judge(header, hash, wallS, parent ?? this.#tree.get(header.prev));
    if (!judged.ok) return judged;
    const entry = this.#tree.insert(header, hash, judged.value.parent as TreeEntry, key);
    this.#touch(entry, true);
    return ok(entry);
  }

  /**
   * Judges a block by its ancestors and stores its body. Never connects: `connecting` tells whether there is now
   * something to do. A body that fails here is proven to be the committed one, so its block is condemned.
   */
  addBlock(
    block: SaneBlock,
    wallS: number,
  ): Checked<{ readonly entry: BlockEntry; readonly isNew: boolean }> {
    const added = this.#addHeader(block.header, block.hash, wallS);
    if (!added.ok) return added;
    const entry = added.value;
    if (entry.hasBody) return ok({ entry, isNew: false });
    assert(entry.parent !== undefined, 'the genesis body is always here');
    const checked = checkBlockContext(block, entry.parent);
    if (!checked.ok) {
      if (ruleOf(checked.error.rule).condemns) this.#condemn(entry, checked.error.rule);
      return checked;
    }
    entry.hasBody = true;
    entry.named(block.id);
    entry.txs = block.txs.length;
    entry.size = block.size;
    entry.miner = minerTag(block.txs[0]!);
    this.#store.putBody(entry, block);
    this.#touch(entry, entry.height + SYNC_DISTANCE >= this.bestHeader.height);
    if (entry.parent.arrival !== undefined) this.#arrive(entry);
    return ok({ entry, isNew: true });
  }

  /**
   * This body and all before it are here now: it and the bodies that waited for it get their counters, level by level.
   * Those of one level got here together; the smaller hash counts as the earlier, so that a restart in between (which
   * forgets the order of unconnected bodies) cannot change the next choice.
   */
  #arrive(entry: TreeEntry): void {
    for (let level = [entry]; level.length > 0; ) {
      const next: TreeEntry[] = [];
      for (const at of level) {
        at.arrival = this.#nextArrival++;
        this.#dirty.add(at);
        this.#choice.add(at);
        for (let child = at.child; child !== undefined; child = child.sibling)
          if (child.hasBody) next.push(child);
      }
      level = next.sort((a, b) => compare(a.hash, b.hash));
    }
  }

  // ---- condemning ----

  /** `hash` can never be valid by this rule, which must condemn. False if the block is unknown. */
  condemn(hash: Uint8Array, rule: RuleName): boolean {
    assert(ruleOf(rule).condemns, 'only facts that header and proven body fix condemn a block');
    const entry = this.#tree.get(hash);
    if (entry === undefined || entry.parent === undefined) return false;
    this.#condemn(entry, rule);
    return true;
  }

  #condemn(entry: TreeEntry, rule: RuleName): void {
    if (entry.ownFault !== undefined) return;
    this.#tree.condemn(entry, rule);
    this.#touch(entry, true);
    this.#choice.condemned();
  }

  /** Core: invalidateblock. Connecting then leads away from it. False for the genesis block. */
  invalidate(entry: BlockEntry): boolean {
    if (entry.height === 0) return false;
    this.#condemn(entry as TreeEntry, 'invalidated');
    return true;
  }

  /** Core: reconsiderblock. The block, its ancestors and its descendants are judged anew when their turn comes. */
  reconsider(entry: BlockEntry): void {
    for (const pardoned of this.#tree.pardon(entry as TreeEntry)) this.#touch(pardoned, true);
    this.#choice.rebuild();
    // Rows that were being made to lead away from what is good again: the way to the goal is looked for anew.
    this.#sealing = undefined;
  }

  /** Core: preciousblock. At equal work this block wins over the tip, until the tip has moved. */
  precious(entry: BlockEntry): void {
    this.#choice.prefer(entry as TreeEntry);
  }

  /** Would this block be valid on the tip, its proof of work apart? In pieces; see `proposalSteps`. */
  proposal(bytes: Uint8Array, o: ProposalOptions): Steps<Refusal | undefined> {
    return proposalSteps(bytes, o, {
      params: this.params,
      coins: this.#store,
      verify: this.#verify,
      tip: () => this.#activeTip,
    });
  }

  // ---- connecting ----

  /** The rule by which branches are chosen. */
  get forkChoice(): ForkChoiceName {
    return this.#choice.name;
  }

  /** A better branch is here, or on its way into the coins. */
  get connecting(): boolean {
    return this.#choice.best !== this.#activeTip;
  }

  /** Where connecting leads: the best block whose body, and all before it, are here. The tip when there is no better. */
  get goal(): BlockEntry {
    return this.#choice.best;
  }

  /**
   * One bounded step towards the best branch, of about `maxWeight` weight units. An extension of `aheadRows` rows or more
   * goes ahead of the tip: whoever looks while a big batch is being written sees what is durable already.
   */
  connectPiece(maxWeight: number, aheadRows = Number.POSITIVE_INFINITY): ConnectResult {
    assert(this.#ahead === undefined, 'what was handed over is caught up with first');
    const goal = this.#choice.best;
    if (goal === this.#activeTip) {
      this.#task = undefined;
      this.#sealing = undefined;
      return { kind: 'idle' };
    }
    // What stands ready is written first, whatever has come since, unless it turned out to be worth nothing.
    if (this.#sealing !== undefined && this.#sealing.task.at.condemned === undefined)
      return this.#seal(this.#sealing, aheadRows);
    this.#sealing = undefined;
    const task = this.#taskTo(goal);
    const result = task.step(maxWeight, this.#bounds.pieceWeight);
    if (result.kind === 'more') return result;
    if (result.kind === 'failed') {
      this.#condemn(result.entry, result.refusal.rule);
      return { kind: 'refused', entry: result.entry, refusal: result.refusal };
    }
    this.#sealing = new Sealing(task, this.#store.sums);
    return this.#sealing.short ? this.#seal(this.#sealing, aheadRows) : { kind: 'more' };
  }

  /** The rows of a whole task, in pieces; after the last one the tip moves, or may. */
  #seal(sealing: Sealing, aheadRows: number): ConnectResult {
    const sealed = sealing.step();
    if (sealed === undefined) return { kind: 'more' };
    const { task } = sealing;
    this.#sealing = undefined;
    this.#store.handOver(sealed.writes);
    for (const entry of connectedBy(task)) if (!entry.connectedOnce) this.#dirty.add(entry);
    this.#durable = true;
    if (sealed.writes.length >= aheadRows && isAncestor(this.#activeTip, task.at)) {
      this.#ahead = { task, sealed };
      return { kind: 'ahead' };
    }
    this.#store.adopt(task.overlay, sealed.coins, 'now');
    return { kind: 'tip', change: this.#move(task) };
  }

  /** The disk is ahead of what is to be seen here. */
  get ahead(): boolean {
    return this.#ahead !== undefined;
  }

  /** Shows what the last step's writes hold. Before anything else in a step. */
  catchUp(): TipChange | undefined {
    if (this.#ahead === undefined) return undefined;
    const { task, sealed } = this.#ahead;
    this.#ahead = undefined;
    this.#store.adopt(task.overlay, sealed.coins, 'before');
    return this.#move(task);
  }

  #taskAt(goal: TreeEntry): ConnectTask | undefined {
    return this.#task?.goal === goal ? this.#task : undefined;
  }

  /** Goes on from where the task stands, unless the stored tip is nearer to the new goal. */
  #taskTo(goal: TreeEntry): ConnectTask {
    const tip = this.#activeTip;
    const task = this.#task;
    if (task !== undefined && task.goal === goal) return task;
    if (task !== undefined && forkPoint(task.at, goal).height >= forkPoint(tip, goal).height) {
      task.retarget(goal);
      return task;
    }
    this.#task = new ConnectTask(tip, goal, {
      params: this.params,
      store: this.#store,
      verify: this.#verify,
      foresight: this.#foresight,
    });
    return this.#task;
  }

  #move(task: ConnectTask): TipChange {
    const change = tipChange(task, this.#choice.name);
    this.#task = undefined;
    this.#active.length = change.fork.height + 1;
    for (const entry of change.inEntries as readonly TreeEntry[]) {
      this.#active.push(entry);
      entry.connectedOnce = true;
    }
    this.#choice.moved(task.at);
    return change;
  }

  /** What the next pieces will verify, at most `max`. Changes nothing; see Foresight. */
  signaturesAhead(max: number): readonly SigCheck[] {
    const standing = this.#standing();
    return standing === undefined ? [] : this.#foresight.look(standing, max);
  }

  /** Makes that ready, of at most `fresh` transactions a call; true when all is. Changes nothing either. */
  prefetch(max: number, fresh: number): boolean {
    const standing = this.#standing();
    return standing === undefined || this.#foresight.prepare(standing, max, fresh);
  }

  #standing(): Standing | undefined {
    const goal = this.#choice.best;
    if (goal === this.#activeTip) return undefined;
    const ahead = this.#ahead?.task;
    const task = ahead !== undefined && isAncestor(ahead.at, goal) ? ahead : this.#taskAt(goal);
    return { at: task?.at ?? this.#activeTip, goal, overlay: task?.overlay, partial: task?.partial };
  }

  /**
   * What changed since the last call: one batch, to be on disk before the next step. What need not be durable yet (the
   * bodies of a long sync) waits in memory for the next batch that must be, unless it has grown too much, or the caller
   * promises something by this batch and wants `all`.
   */
  takeWrites(all = false): { readonly writes: readonly Write[]; readonly durable: boolean } {
    if (!all && !this.#durable && this.#store.heldBytes < this.#bounds.heldBytes) {
      this.#store.settle();
      return { writes: [], durable: false };
    }
    // What goes ahead of its tip is written as it will be seen.
    const coming = new Set(this.#ahead === undefined ? [] : connectedBy(this.#ahead.task));
    for (const entry of this.#dirty) {
      const record = coming.has(entry) ? { ...entry.record(), connectedOnce: true } : entry.record();
      this.#store.write(entryKey(entry.hash), encodeEntry(record));
    }
    this.#dirty.clear();
    const durable = this.#durable;
    this.#durable = false;
    return { writes: this.#store.takeWrites(), durable };
  }
}
