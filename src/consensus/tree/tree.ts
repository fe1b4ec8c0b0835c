import { encodeHeader, type Header, headerHash } from '../../bitcoin/header.ts';
import { compactToTarget, workOf } from '../../bitcoin/target.ts';
import { assert } from '../../util/assert.ts';
import { idOf, keyOf, ownBytes } from '../../util/bytes.ts';
import type { RuleName } from '../params/rules.ts';
import type { EntryRecord } from '../store/records.ts';

/** One block of the tree, body here or not. What others see of it; only the chain changes it. */
export interface BlockEntry {
  /** Internal byte order. */
  readonly hash: Uint8Array;
  /** Display hex. */
  readonly id: string;
  readonly header: Header;
  readonly height: number;
  /** Undefined for the genesis alone. */
  readonly parent: BlockEntry | undefined;
  /** An ancestor far down: see `ancestorAt`. */
  readonly skip: BlockEntry | undefined;
  /** Expected hashes behind the whole branch, this block included. */
  readonly work: bigint;
  /** Median time of this block and its last 10 ancestors: what a child's time must be past. */
  readonly medianTime: number;
  /** Number of transactions; 0 until the body is here. */
  readonly txs: number;
  /** Bytes of the whole block; 0 until the body is here. */
  readonly size: number;
  /** Letter or name from the coinbase tag; '' if there is none or the body is unknown. */
  readonly miner: string;
  readonly hasBody: boolean;
  /** Given when this body and those of all ancestors were first here: counts up. */
  readonly arrival: number | undefined;
  /** Its scripts were valid at least once. */
  readonly connectedOnce: boolean;
  /** Why no chain may contain it: its own rule, or `bad-prevblk` below a condemned block. */
  readonly condemned: RuleName | undefined;
}

const MEDIAN_SPAN = 11;
const times = new Float64Array(MEDIAN_SPAN);

/** What the median time reads of a block. */
export interface Timed {
  readonly header: { readonly time: number };
  readonly parent: Timed | undefined;
}

/**
 * Median time of a block and its last 10 ancestors, in seconds since 1970 (BIP113). Core: GetMedianTimePast. Of fewer than
 * 11 blocks the upper median, as Core takes it.
 */
export function medianTimePast({ header, parent }: Timed): number {
  let count = 0;
  let next = header.time;
  for (let at = parent; ; at = at.parent) {
    // Insertion keeps them sorted, the latest first; times mostly fall on the way down, so the place is the end.
    let i = count++;
    for (; i > 0 && times[i - 1]! < next; i--) times[i] = times[i - 1]!;
    times[i] = next;
    if (at === undefined || count === MEDIAN_SPAN) break;
    next = at.header.time;
  }
  return times[(count - 1) >> 1]!;
}

/** Clears the lowest set bit. */
const lower = (n: number): number => n & (n - 1);

/** Where an entry's skip pointer leads: about log(height) jumps reach any ancestor. Core: GetSkipHeight. */
function skipHeight(height: number): number {
  if (height < 2) return 0;
  return height % 2 === 1 ? lower(lower(height - 1)) + 1 : lower(height);
}

/** The ancestor at that height, or the entry itself. Core: GetAncestor. */
export function ancestorAt(entry: BlockEntry, height: number): BlockEntry {
  assert(height >= 0 && height <= entry.height, 'no ancestor at this height');
  let at = entry;
  while (at.height > height) {
    const skip = skipHeight(at.height);
    const skipPrevious = skipHeight(at.height - 1);
    const goodSkip =
      skip === height || (skip > height && !(skipPrevious < skip - 2 && skipPrevious >= height));
    at = at.skip !== undefined && goodSkip ? at.skip : at.parent!;
  }
  return at;
}

/** Is `ancestor` on the branch of `entry`, itself included? */
export function isAncestor(ancestor: BlockEntry, entry: BlockEntry): boolean {
  return ancestor.height <= entry.height && ancestorAt(entry, ancestor.height) === ancestor;
}

/** The last block that two branches share. */
export function forkPoint(a: BlockEntry, b: BlockEntry): BlockEntry {
  let x = a.height > b.height ? ancestorAt(a, b.height) : a;
  let y = b.height > x.height ? ancestorAt(b, x.height) : b;
  while (x !== y) {
    // Skips of equal heights end at equal heights: where they still differ, the fork is below both.
    if (x.skip !== y.skip && x.skip !== undefined && y.skip !== undefined) {
      x = x.skip;
      y = y.skip;
    } else {
      assert(x.parent !== undefined && y.parent !== undefined, 'two branches of one tree share the genesis');
      x = x.parent;
      y = y.parent;
    }
  }
  return x;
}

/** Work of a branch whose next header has these bits: mostly its parent's, so that nothing is divided. */
export function workAfter(parent: BlockEntry, bits: number): bigint {
  const before = parent.parent;
  const same = before !== undefined && parent.header.bits === bits;
  return parent.work + (same ? parent.work - before.work : workOf(compactToTarget(bits).target));
}

/** A pruned branch ends above the place where the skip would lead: then there is none. */
function skipFrom(parent: TreeEntry, height: number): TreeEntry | undefined {
  if (parent.bottom > height) return undefined;
  return ancestorAt(parent, height) as TreeEntry;
}

/** The one implementation of `BlockEntry`; nothing outside of src/consensus names it. */
export class TreeEntry implements BlockEntry {
  readonly hash: Uint8Array;
  readonly header: Header;
  readonly height: number;
  parent: TreeEntry | undefined;
  skip: TreeEntry | undefined;
  readonly work: bigint;
  readonly medianTime: number;
  txs = 0;
  size = 0;
  miner = '';
  hasBody = false;
  connectedOnce = false;
  arrival: number | undefined = undefined;
  /** Its own; `condemned` also knows the ancestors'. */
  ownFault: RuleName | undefined = undefined;
  /** In no tree: see `detachedEntry`. */
  detached = false;
  /** Some ancestor has an `ownFault`. */
  badAncestor = false;
  /** Children as a linked list: most blocks have one, and 100,000 arrays would be mostly overhead. */
  child: TreeEntry | undefined = undefined;
  sibling: TreeEntry | undefined = undefined;
  /** Height of the lowest ancestor that can be reached: above 0 on a pruned branch only. */
  bottom: number;
  #id: string | undefined = undefined;

  /** Header and hash are kept apart from the bytes that they came in: a view would keep a whole block in memory. */
  constructor(header: Header, hash: Uint8Array, parent: TreeEntry | undefined) {
    this.hash = ownBytes(hash);
    const { version, merkleRoot, time, bits, nonce } = header;
    const prev = parent === undefined ? ownBytes(header.prev) : parent.hash;
    this.header = { version, prev, merkleRoot: ownBytes(merkleRoot), time, bits, nonce };
    this.parent = parent;
    this.height = parent === undefined ? 0 : parent.height + 1;
    this.bottom = parent === undefined ? 0 : parent.bottom;
    this.skip = parent === undefined ? undefined : skipFrom(parent, skipHeight(this.height));
    this.work =
      parent === undefined ? workOf(compactToTarget(header.bits).target) : workAfter(parent, header.bits);
    this.medianTime = medianTimePast(this);
  }

  get id(): string {
    this.#id ??= idOf(this.hash);
    return this.#id;
  }

  /** Its id, where somebody has made that text already. */
  named(id: string): void {
    this.#id ??= id;
  }

  /** What is stored of it. */
  record(): EntryRecord {
    const { header, height, txs, size, hasBody, arrival, connectedOnce, miner } = this;
    return { header, height, txs, size, hasBody, arrival, connectedOnce, miner, condemned: this.ownFault };
  }

  get condemned(): RuleName | undefined {
    return this.ownFault ?? (this.badAncestor ? 'bad-prevblk' : undefined);
  }
}

/**
 * An entry outside of any tree, on top of an entry of one or of another such entry: a peer's header buffer computes
 * heights, work, median times and expected bits this way, and costs the tree nothing.
 */
export function detachedEntry(header: Header, hash: Uint8Array, parent: BlockEntry): BlockEntry {
  const entry = new TreeEntry(header, hash, parent as TreeEntry);
  entry.detached = true;
  entry.badAncestor = parent.condemned !== undefined;
  return entry;
}

/**
 * Cuts a branch of detached entries below the last `keep` of them, which then need no more memory than those: what is left
 * knows its heights and work, and enough ancestors for the rules. Entries of a tree are never cut.
 */
export function pruneDetached(last: BlockEntry, keep: number): void {
  const kept: TreeEntry[] = [];
  let at: TreeEntry | undefined = last as TreeEntry;
  for (; at?.detached === true && kept.length < keep; at = at.parent) kept.push(at);
  const root = kept.at(-1);
  if (root === undefined || at === undefined || !at.detached) return;
  root.parent = undefined;
  for (const entry of kept) {
    entry.bottom = root.height;
    if (entry.skip !== undefined && entry.skip.height < root.height) entry.skip = undefined;
  }
}

/** All blocks whose header passed, each with its parent; and which of them have most work. */
export class BlockTree {
  readonly genesis: TreeEntry;
  readonly #entries = new Map<string, TreeEntry>();
  readonly #leaves = new Set<TreeEntry>();
  #bestHeader: TreeEntry;

  constructor(genesis: Header) {
    this.genesis = new TreeEntry(genesis, headerHash(encodeHeader(genesis)), undefined);
    this.#entries.set(keyOf(this.genesis.hash), this.genesis);
    this.#leaves.add(this.genesis);
    this.#bestHeader = this.genesis;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Most work of what is not condemned; the first seen stays at equal work. */
  get bestHeader(): TreeEntry {
    return this.#bestHeader;
  }

  get(hash: Uint8Array): TreeEntry | undefined {
    return this.#entries.get(keyOf(hash));
  }

  /** The same by `keyOf(hash)`. */
  byKey(key: string): TreeEntry | undefined {
    return this.#entries.get(key);
  }

  /** In the order in which they entered: not for anything that must not depend on arrival. */
  entries(): IterableIterator<TreeEntry> {
    return this.#entries.values();
  }

  leaves(): readonly TreeEntry[] {
    return [...this.#leaves];
  }

  /** `key`: of the hash, for those who have it already. */
  insert(header: Header, hash: Uint8Array, parent: TreeEntry, key: string = keyOf(hash)): TreeEntry {
    const entry = new TreeEntry(header, hash, parent);
    const { size } = this.#entries;
    this.#entries.set(key, entry);
    assert(this.#entries.size > size, 'a block enters the tree once');
    entry.sibling = parent.child;
    parent.child = entry;
    this.#leaves.delete(parent);
    this.#leaves.add(entry);
    entry.badAncestor = parent.condemned !== undefined;
    if (entry.condemned === undefined && entry.work > this.#bestHeader.work) this.#bestHeader = entry;
    return entry;
  }

  /** As `insert`, with what was stored about it. */
  restore(record: EntryRecord, hash: Uint8Array, parent: TreeEntry): TreeEntry {
    const entry = this.insert(record.header, hash, parent);
    fill(entry, record);
    return entry;
  }

  /** After condemnations came or went. A scan: rare, and cheap beside the work that it takes to be condemned. */
  chooseBestHeader(): void {
    let best = this.genesis;
    for (const entry of this.#entries.values()) {
      if (entry.condemned === undefined && better(entry, best)) best = entry;
    }
    this.#bestHeader = best;
  }

  /** No chain may contain it any more, nor what builds on it. */
  condemn(entry: TreeEntry, rule: RuleName): void {
    entry.ownFault = rule;
    for (const below of this.descendants(entry)) if (below !== entry) below.badAncestor = true;
    if (this.#bestHeader.condemned !== undefined) this.chooseBestHeader();
  }

  /** Forgets the faults of an entry, of its ancestors and of its descendants. Answers whose those were. */
  pardon(entry: TreeEntry): readonly TreeEntry[] {
    const pardoned: TreeEntry[] = [];
    for (let at: TreeEntry | undefined = entry; at !== undefined; at = at.parent)
      if (at.ownFault !== undefined) pardoned.push(at);
    const top = pardoned.at(-1) ?? entry;
    for (const below of this.descendants(entry))
      if (below !== entry && below.ownFault !== undefined) pardoned.push(below);
    for (const at of pardoned) at.ownFault = undefined;
    for (const below of this.descendants(top)) below.badAncestor = below.parent?.condemned !== undefined;
    this.chooseBestHeader();
    return pardoned;
  }

  /** `entry` and all below it, each parent before its children. */
  *descendants(entry: TreeEntry): IterableIterator<TreeEntry> {
    const stack: TreeEntry[] = [entry];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      yield at;
      for (let child = at.child; child !== undefined; child = child.sibling) stack.push(child);
    }
  }
}

/** A total order on what does not depend on arrival: bodies do, headers need not. */
function better(a: TreeEntry, b: TreeEntry): boolean {
  if (a.work !== b.work) return a.work > b.work;
  return (a.arrival ?? Number.POSITIVE_INFINITY) < (b.arrival ?? Number.POSITIVE_INFINITY);
}

export function fill(entry: TreeEntry, record: Omit<EntryRecord, 'header' | 'height'>): void {
  entry.txs = record.txs;
  entry.size = record.size;
  entry.miner = record.miner;
  entry.hasBody = record.hasBody;
  entry.arrival = record.arrival;
  entry.connectedOnce = record.connectedOnce;
  entry.ownFault = record.condemned;
}
