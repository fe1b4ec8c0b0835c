import { headerHash } from '../../bitcoin/header.ts';
import { compare, equal, idOf, toHex } from '../../util/bytes.ts';
import type { Params } from '../params/params.ts';
import { CoinSums } from '../store/coin-sums.ts';
import { StoreDamage } from '../store/damage.ts';
import { decodeEntry, decodeMeta, type EntryRecord, FORMAT_VERSION, PREFIX } from '../store/records.ts';
import type { Row } from '../store/store.ts';
import { BlockTree, fill, type TreeEntry } from '../tree/tree.ts';

/** A data directory that this node must not touch. The message is a sentence for its owner. */
export class StoreMismatch extends Error {
  override readonly name = 'StoreMismatch';
  readonly kind: 'network' | 'version';

  constructor(kind: StoreMismatch['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

interface Stored {
  readonly hash: Uint8Array;
  readonly record: EntryRecord;
}

export interface Opened {
  readonly tree: BlockTree;
  readonly tip: TreeEntry;
  /** Nothing was stored: the genesis block is still to be written. */
  readonly fresh: boolean;
  readonly sums: CoinSums;
  readonly nextArrival: number;
}

/**
 * Rows to tree, in one pass by height. Rows of other prefixes are left to their owners. Throws `StoreMismatch` for
 * another network and a newer format, `StoreDamage` for every row that this program cannot have written.
 */
export function openTree(params: Params, index: Iterable<Row>): Opened {
  const { meta, tip, entries, sums } = sort(index);
  const tree = new BlockTree(params.genesis.header);
  if (meta === undefined) {
    if (tip !== undefined || entries.length > 0)
      throw new StoreDamage('format', 'it has blocks, but not the row that says of which network');
    return { tree, tip: tree.genesis, fresh: true, sums, nextArrival: 0 };
  }
  checkMeta(meta, params);
  let nextArrival = 0;
  for (const stored of entries) {
    const entry = insert(tree, stored);
    if (entry.arrival !== undefined) nextArrival = Math.max(nextArrival, entry.arrival + 1);
  }
  tree.chooseBestHeader();
  if (tree.genesis.arrival === undefined) throw new StoreDamage('header', 'the genesis block is missing');
  if (tip === undefined) throw new StoreDamage('tip', 'it does not say which block is the tip');
  const entry = tip.length === 32 ? tree.get(tip) : undefined;
  if (entry === undefined) throw new StoreDamage('tip', `the tip ${idOf(tip)} is not among its blocks`);
  if (entry.arrival === undefined)
    throw new StoreDamage('header', `the tip ${entry.id} lacks its body, or an ancestor's`);
  return { tree, tip: entry, fresh: false, sums, nextArrival };
}

interface Sorted {
  readonly meta?: Uint8Array;
  readonly tip?: Uint8Array;
  readonly entries: readonly Stored[];
  readonly sums: CoinSums;
}

function sort(index: Iterable<Row>): Sorted {
  const found: { meta?: Uint8Array; tip?: Uint8Array } = {};
  const sums = new CoinSums();
  const byHeight = new Map<number, Stored[]>();
  for (const { key, value } of index) {
    if (key[0] === PREFIX.meta) found.meta = value;
    else if (key[0] === PREFIX.tip) found.tip = value;
    else if (key[0] === PREFIX.sum) sums.load({ key, value });
    else if (key[0] === PREFIX.entry) {
      const record = decodeEntry(value);
      if (record === undefined || key.length !== 33)
        throw damagedHeader(`row ${toHex(key)} is not a block index entry`);
      const stored = { hash: key.slice(1), record };
      const level = byHeight.get(record.height);
      if (level === undefined) byHeight.set(record.height, [stored]);
      else level.push(stored);
    }
  }
  // Parents first; then by hash: a total order, whatever order the rows come in.
  const entries: Stored[] = [];
  for (const height of [...byHeight.keys()].sort((a, b) => a - b)) {
    entries.push(...byHeight.get(height)!.sort((a, b) => compare(a.hash, b.hash)));
  }
  return { ...found, entries, sums };
}

function checkMeta(value: Uint8Array, params: Params): void {
  const meta = decodeMeta(value);
  if (meta === undefined) throw new StoreDamage('format', 'the row that names its network does not decode');
  if (meta.version > FORMAT_VERSION) {
    throw new StoreMismatch(
      'version',
      `the data directory has format ${meta.version}, written by a newer version; this one knows format ${FORMAT_VERSION}`,
    );
  }
  // The host brings an older format to this one before anybody reads it.
  if (meta.version < FORMAT_VERSION)
    throw new StoreDamage('format', `format ${meta.version} was not converted, or never existed`);
  if (!equal(meta.genesisHash, params.genesisHash)) {
    throw new StoreMismatch(
      'network',
      `the data directory belongs to another network: its genesis is ${idOf(meta.genesisHash)}, ` +
        `that of ${params.label} is ${params.genesisId}`,
    );
  }
}

function damagedHeader(what: string): StoreDamage {
  return new StoreDamage('header', what);
}

function insert(tree: BlockTree, { hash, record }: Stored): TreeEntry {
  const name = `block ${idOf(hash)}`;
  if (!equal(headerHash(record.header), hash)) throw damagedHeader(`the header of ${name} has another hash`);
  if (record.height === 0) {
    if (!equal(hash, tree.genesis.hash)) throw damagedHeader(`${name} has height 0 and is not the genesis`);
    fill(tree.genesis, record);
    return tree.genesis;
  }
  const parent = tree.get(record.header.prev);
  if (parent === undefined) throw damagedHeader(`the parent of ${name} is missing`);
  if (parent.height + 1 !== record.height)
    throw damagedHeader(`${name} says height ${record.height} on ${parent.height}`);
  if (record.arrival !== undefined && (!record.hasBody || parent.arrival === undefined)) {
    throw damagedHeader(`${name} has arrived before its body or its parent`);
  }
  return tree.restore(record, hash, parent);
}
