import { constants, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openTree } from '../../consensus/chain/opening.ts';
import type { Params } from '../../consensus/params/params.ts';
import { COIN_SHARDS, CoinSums } from '../../consensus/store/coin-sums.ts';
import { type DamagedKind, StoreDamage } from '../../consensus/store/damage.ts';
import {
  bodyKey,
  coinKey,
  encodeCoin,
  encodeTxPlace,
  encodeUndo,
  heightKey,
  OPENING_PREFIXES,
  PREFIX,
  sumKey,
  txKey,
  undoKey,
} from '../../consensus/store/records.ts';
import type { Row } from '../../consensus/store/store.ts';
import type { BlockEntry, BlockTree } from '../../consensus/tree/tree.ts';
import { storedBody } from '../../consensus/validate/check.ts';
import { CoinReplay } from '../../consensus/validate/coin-replay.ts';
import { checkHeader } from '../../consensus/validate/context.ts';
import { isLocked } from '../../host/store/files.ts';
import { checkFiles } from '../../host/store/leveldb-files.ts';
import { nameOf } from '../../host/store/row-seal.ts';
import { type DiskStore, openStore } from '../../host/store/store.ts';
import { formatBytes } from '../../observe/words/units.ts';
import { equal } from '../../util/bytes.ts';
import { getWell } from '../node/problem.ts';
import type { DoctorRow } from './checks.ts';
import type { DoctorReport } from './doctor.ts';

export interface DeepOptions {
  /** A node's directory, and what its rows are called. */
  readonly nodes: readonly { readonly name: string; readonly datadir: string }[];
  readonly params: Params;
  readonly onRow?: (row: DoctorRow) => void;
}

/** Damage that is listed by name; the rest is counted. */
const NAMED = 3;

/**
 * Reads whole databases: every file, every row, every header and body, and replays the chain from the genesis. It reads a
 * copy, so the node finds its database as it was.
 */
export async function runDeepDoctor(o: DeepOptions): Promise<DoctorReport> {
  const rows: DoctorRow[] = [];
  const tell = (row: DoctorRow): void => {
    rows.push(row);
    o.onRow?.(row);
  };
  for (const { name, datadir } of o.nodes) await examine(name, datadir, o.params, tell);
  return { ok: rows.every((row) => row.state !== 'bad'), rows };
}

async function examine(
  name: string,
  datadir: string,
  params: Params,
  tell: (row: DoctorRow) => void,
): Promise<void> {
  const db = join(datadir, 'db');
  const title = (what: string): string => `${name} ${what}`;
  if (!existsSync(db)) {
    tell({ name: title('files'), state: 'warn', figure: `${db}: no database yet` });
    return;
  }
  if (await isLocked(db)) {
    const advice = 'Stop the node first: what it writes meanwhile would look like damage.';
    tell({ name: title('files'), state: 'warn', figure: `${db} is in use, not looked at`, advice });
    return;
  }
  const verdict = (what: string, figure: string, faults: Faults): void => {
    if (faults.count === 0) tell({ name: title(what), state: 'ok', figure });
    else tell({ name: title(what), state: 'bad', figure: faults.text, advice: getWell(datadir) });
  };
  const files = new Faults();
  const found = await checkFiles(db, { bytes: Number.POSITIVE_INFINITY, from: 0 });
  for (const fault of found.faults) files.add(fault);
  for (const { file, keep, size } of found.cuts)
    files.add(`${file}: damaged at byte ${keep}, ${size - keep} bytes behind it are lost`);
  verdict('files', `${formatBytes(found.tables)} of tables, manifest and log are whole`, files);
  // LevelDB would believe damage in its files, or end this process.
  if (files.count > 0) return;
  const copy = mkdtempSync(join(datadir, '.doctor-'));
  try {
    cpSync(db, copy, { recursive: true, mode: constants.COPYFILE_FICLONE });
    const store = await openStore(copy, { params });
    try {
      await new Examination(store, params, verdict).run();
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof StoreDamage)) throw error;
    const faults = new Faults();
    faults.add(error.message);
    verdict('rows', '', faults);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What is wrong, the first few by name. */
class Faults {
  count = 0;
  readonly #first: string[] = [];

  add(fault: string): void {
    if (this.count++ < NAMED) this.#first.push(fault);
  }

  get text(): string {
    const more = this.count - this.#first.length;
    return this.#first.join('; ') + (more > 0 ? `; and ${more} more` : '');
  }
}

type Verdict = (what: string, figure: string, faults: Faults) => void;

/** One database that opens: from its rows to the chain that they say. */
class Examination {
  readonly #store: DiskStore;
  readonly #params: Params;
  readonly #verdict: Verdict;
  /** Rows of each kind that are whole. */
  readonly #counts = new Map<number, number>();

  constructor(store: DiskStore, params: Params, verdict: Verdict) {
    this.#store = store;
    this.#params = params;
    this.#verdict = verdict;
  }

  async run(): Promise<void> {
    const opening = await this.#rows();
    if (opening === undefined) return;
    const headers = new Faults();
    let opened: ReturnType<typeof openTree>;
    try {
      opened = openTree(this.#params, opening);
      for (const entry of opened.tree.entries()) this.#header(entry, headers);
    } catch (error) {
      if (!(error instanceof StoreDamage)) throw error;
      headers.add(error.message);
      this.#verdict('headers', '', headers);
      return;
    }
    const { tree, tip } = opened;
    this.#verdict('headers', `${tree.size} headers have their work, their bits and their parents`, headers);
    if (!this.#bodies(tree)) return;
    this.#chain(tip, opened.sums);
  }

  /** Every row's checksum; the rows of the opening, if all are whole. */
  async #rows(): Promise<Row[] | undefined> {
    const faults = new Faults();
    const opening: Row[] = [];
    let count = 0;
    for await (const { key, value } of this.#store.scan()) {
      count++;
      if (value === undefined) {
        faults.add(`the row ${nameOf(key)} fails its checksum`);
        continue;
      }
      this.#counts.set(key[0]!, (this.#counts.get(key[0]!) ?? 0) + 1);
      if (OPENING_PREFIXES.includes(key[0]!)) opening.push({ key, value });
    }
    const { loss } = this.#store;
    if (loss !== undefined)
      faults.add(`the last ${loss.batches} durable batches are lost: the log lacks its end`);
    this.#verdict('rows', `${count} rows, every checksum holds`, faults);
    return faults.count === 0 ? opening : undefined;
  }

  #header(entry: BlockEntry, faults: Faults): void {
    const { parent } = entry;
    if (parent === undefined || parent.condemned !== undefined) return;
    const checked = checkHeader(entry.header, entry.hash, parent, this.#params, Number.MAX_SAFE_INTEGER);
    if (!checked.ok) faults.add(`block ${entry.id}: ${checked.error.rule} (${checked.error.detail})`);
  }

  #bodies(tree: BlockTree): boolean {
    const faults = new Faults();
    let count = 0;
    for (const entry of tree.entries()) {
      if (!entry.hasBody) continue;
      count++;
      const bytes = this.#store.get(bodyKey(entry.hash));
      const body = bytes === undefined ? undefined : storedBody(entry.hash, bytes, this.#params);
      if (body === undefined) faults.add(`the body of block ${entry.id} is missing`);
      else if (!body.ok) faults.add(`the body of block ${entry.id} is not its own: ${body.error}`);
    }
    this.#verdict('bodies', `${count} bodies are those of their headers`, faults);
    return faults.count === 0;
  }

  /** Undo records, indexes, coins and sums beside a replay from the genesis. */
  #chain(tip: BlockEntry, stored: CoinSums): void {
    const path: BlockEntry[] = [];
    for (let at: BlockEntry | undefined = tip; at !== undefined; at = at.parent) path.push(at);
    path.reverse();
    const faults = new Faults();
    const replay = new CoinReplay(this.#params);
    let txs = this.#params.genesisSpendable ? this.#params.genesis.txs.length : 0;
    for (const entry of path) {
      this.#same(heightKey(entry.height), entry.hash, faults);
      if (entry.height === 0) continue;
      const body = storedBody(entry.hash, this.#store.get(bodyKey(entry.hash))!, this.#params);
      const spent = body.ok ? replay.apply(body.value, entry.height) : body;
      if (!body.ok || !spent.ok) {
        faults.add(`block ${entry.height}: ${spent.ok ? '' : spent.error}`);
        break;
      }
      this.#same(undoKey(entry.hash), encodeUndo(spent.value), faults);
      for (const [position, tx] of body.value.txs.entries())
        this.#same(txKey(tx.txid), encodeTxPlace(entry.hash, position), faults);
      txs += body.value.txs.length;
    }
    this.#count(PREFIX.height, 'height', path.length, faults);
    this.#count(PREFIX.undo, 'undo', path.length - 1, faults);
    this.#count(PREFIX.tx, 'transaction index', txs, faults);
    this.#verdict('chain', `${path.length} blocks replayed: undo records and indexes are theirs`, faults);
    this.#coins(replay, stored);
  }

  #coins({ coins }: CoinReplay, stored: CoinSums): void {
    const faults = new Faults();
    const sums = new CoinSums();
    for (const [outpoint, coin] of coins) {
      this.#same(coinKey(outpoint), encodeCoin(coin), faults);
      sums.add(outpoint, coin);
    }
    this.#count(PREFIX.coin, 'coin', coins.size, faults);
    for (let shard = 0; shard < COIN_SHARDS; shard++)
      if (!sums.sameIn(shard, stored)) faults.add(`the row ${nameOf(sumKey(shard))} is another sum`);
    this.#verdict('coins', `${coins.size} coins are those of the replay, and so are their sums`, faults);
  }

  #same(key: Uint8Array, value: Uint8Array, faults: Faults): void {
    const stored = this.#store.get(key);
    if (stored === undefined) faults.add(`the row ${nameOf(key)} is missing`);
    else if (!equal(stored, value)) faults.add(`the row ${nameOf(key)} is not what the blocks say`);
  }

  #count(prefix: number, kind: DamagedKind, expected: number, faults: Faults): void {
    const there = this.#counts.get(prefix) ?? 0;
    if (there > expected) faults.add(`${there - expected} rows of kind "${kind}" are too many`);
  }
}
