import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chain } from '../../src/consensus/chain/chain.ts';
import { openTree, StoreMismatch } from '../../src/consensus/chain/opening.ts';
import { StoreDamage } from '../../src/consensus/store/damage.ts';
import { mempoolKey, OPENING_PREFIXES, PREFIX } from '../../src/consensus/store/records.ts';
import { checkBlock } from '../../src/consensus/validate/check.ts';
import { checkCoins } from '../../src/host/store/coin-check.ts';
import { MARK_FILE } from '../../src/host/store/mark.ts';
import { type DiskStore, openStore, StoreError } from '../../src/host/store/store.ts';
import { type Random, seeded } from '../../src/util/random.ts';
import { ALICE, BOB, outputOf, payTo, type Spendable, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

/**
 * A database whose every state is known, and damage drawn from a seed. What opens must hold one of those states, row by
 * row; an older one than was durable must be told; and everything else must end in a sentence.
 */

const BLOCKS = 70;
/** Openings on the way: each makes a table of what the log held; LevelDB would make one of four. */
const OPENINGS = [12, 24, 36];
const OUTPUTS = 60;

export interface KnownDatabase {
  readonly dir: string;
  /** The number of each state, by the digest of all its rows. */
  readonly states: ReadonlyMap<string, number>;
  /** States from this one on lost nothing that was durable. */
  readonly durable: number;
  close(): void;
}

/** All rows of the chain and the mempool, without the store's own. */
export async function digestOf(store: DiskStore): Promise<string> {
  const hash = createHash('sha256');
  for await (const { key, value } of store.between(Uint8Array.of(2), Uint8Array.of(255))) {
    hash.update(Uint8Array.of(key.length)).update(key);
    hash.update(String(value.length)).update(value);
  }
  return hash.digest('hex');
}

export async function knownDatabase(): Promise<KnownDatabase> {
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-damage-'));
  const db = join(dir, 'db');
  const states = new Map<string, number>();
  const world = new World(LAB);
  let coins: Spendable[] = [world.genesisCoin(0)];
  let store = await openStore(db);
  let durable = 0;
  const commit = async (writes: Parameters<DiskStore['commit']>[0], sync: boolean) => {
    await store.commit(writes, sync);
    states.set(await digestOf(store), states.size);
    if (sync) durable = states.size - 1;
  };
  const open = async () =>
    new Chain({ params: LAB, store, index: await store.opening(OPENING_PREFIXES), verify: () => true });
  let chain = await open();
  await commit(chain.takeWrites().writes, true);
  for (let n = 1; n <= BLOCKS; n++) {
    if (OPENINGS.includes(n)) {
      await store.close();
      store = await openStore(db);
      chain = await open();
    }
    const [coin, ...rest] = coins as [Spendable, ...Spendable[]];
    const value = Math.floor(coin.value / (OUTPUTS + 1));
    const tx = spend(
      [coin],
      Array.from({ length: OUTPUTS }, (_, i) => ({ value, script: payTo(i < 30 ? ALICE : BOB) })),
    );
    coins = [...rest, ...Array.from({ length: 30 }, (_, i) => outputOf(tx, i, ALICE))].slice(-400);
    const { block } = world.add(`b${n}`, world.get(n === 1 ? 'G' : `b${n - 1}`), { txs: [tx] });
    const checked = checkBlock(block.bytes, LAB);
    if (!checked.ok) throw new Error(checked.error.rule);
    chain.addBlock(checked.value, world.wallS);
    while (chain.connectPiece(4_000_000).kind !== 'idle');
    await commit(chain.takeWrites(true).writes, true);
    // A payment that nobody was promised: not synced.
    if (n % 3 === 0) await commit([{ key: mempoolKey(tx.txid), value: Uint8Array.of(n) }], false);
  }
  await store.close();
  return { dir, states, durable, close: () => rmSync(dir, { recursive: true, force: true }) };
}

interface Damage {
  readonly file: string;
  readonly words: string;
}

/** Damages one file of the directory in one drawn way. */
function damage(db: string, random: Random): Damage {
  const files = readdirSync(db)
    .filter((name) => statSync(join(db, name)).isFile())
    .sort();
  const file = files[random.below(files.length)]!;
  const at = join(db, file);
  const { size } = statSync(at);
  const kind =
    size === 0
      ? 'remove'
      : (['flip', 'flip', 'flip', 'zeros', 'cut', 'burst', 'remove'] as const)[random.below(7)]!;
  if (kind === 'remove') rmSync(at);
  else if (kind === 'cut') truncateSync(at, random.below(size));
  else {
    const bytes = readFileSync(at);
    const from = random.below(size);
    if (kind === 'flip') bytes[from]! ^= 1 << random.below(8);
    if (kind === 'zeros') bytes.fill(0, from - (from % 512), Math.min(size, from - (from % 512) + 512));
    if (kind === 'burst') for (let i = from; i < Math.min(size, from + 64); i++) bytes[i] = random.below(256);
    writeFileSync(at, bytes);
    return { file, words: `${kind} at byte ${from} of ${size} in ${file}` };
  }
  return { file, words: `${kind} ${file} (${size} bytes)` };
}

/** What became of one damage. */
type Outcome = 'refused' | 'whole' | 'older, and it says so' | 'older, and it cannot know';

/**
 * Opens a damaged database as a node does, and reads every row.
 * @throws for whatever must not be.
 */
async function outcomeOf(db: string, known: KnownDatabase, { file, words }: Damage): Promise<Outcome> {
  let store: DiskStore | undefined;
  try {
    store = await openStore(db, { params: LAB });
    await checkCoins(store);
    openTree(
      LAB,
      (await store.opening(OPENING_PREFIXES)).filter(({ key }) => key[0] !== PREFIX.mempool),
    );
    const state = known.states.get(await digestOf(store));
    if (state === undefined) throw new Error('it holds what it never held');
    if (state >= known.durable) return 'whole';
    if (store.loss !== undefined) return 'older, and it says so';
    if (file === MARK_FILE) return 'older, and it cannot know';
    throw new Error(`it is back at state ${state} of ${known.durable} and does not say so`);
  } catch (error) {
    if (error instanceof StoreDamage || error instanceof StoreError || error instanceof StoreMismatch) {
      if (!/\w{3,}.*\w{3,}/.test(error.message)) throw new Error(`${words}: no sentence: ${error.message}`);
      return 'refused';
    }
    throw new Error(`${words}: ${(error as Error).message}`, { cause: error });
  } finally {
    await store?.close();
  }
}

/** How many damages came to what, and which came to what must not be. */
export interface Outcomes {
  readonly count: Readonly<Record<Outcome, number>>;
  readonly wrong: readonly string[];
}

/** Draws so many damages, each of a fresh copy of the database. */
export async function manyDamages(known: KnownDatabase, seed: number, count: number): Promise<Outcomes> {
  const wrong: string[] = [];
  const outcomes = { refused: 0, whole: 0, 'older, and it says so': 0, 'older, and it cannot know': 0 };
  const random = seeded(seed);
  for (let n = 0; n < count; n++) {
    const copy = join(known.dir, `copy-${n}`);
    cpSync(join(known.dir, 'db'), copy, { recursive: true });
    try {
      outcomes[await outcomeOf(copy, known, damage(copy, random))]++;
    } catch (error) {
      wrong.push(`seed ${seed}, number ${n}: ${(error as Error).message}`);
    }
    rmSync(copy, { recursive: true, force: true });
  }
  return { count: outcomes, wrong };
}
