import type { Block } from '../../src/bitcoin/block.ts';
import { headerHash } from '../../src/bitcoin/header.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import { meets } from '../../src/bitcoin/target.ts';
import { outpointKey, type Tx, type TxOut } from '../../src/bitcoin/tx.ts';
import { Chain } from '../../src/consensus/chain/chain.ts';
import type { TipChange } from '../../src/consensus/chain/commit.ts';
import { type WellKnown, wellKnownScript, wellKnownSecret } from '../../src/consensus/params/genesis.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { checkBlock } from '../../src/consensus/validate/check.ts';
import type { Verify } from '../../src/consensus/validate/verify.ts';
import { type Limits, limits } from '../../src/node/limits.ts';
import { usageOf } from '../../src/node/mempool/entry.ts';
import type { PoolIds } from '../../src/node/mempool/ids.ts';
import {
  type Accepted,
  type AcceptOptions,
  Mempool,
  type PoolChange,
  type PoolEntry,
} from '../../src/node/mempool/mempool.ts';
import { buildTemplate, type Template, type TemplateOptions } from '../../src/node/mining/template.ts';
import { concat, equal, toHex, writeU32LE } from '../../src/util/bytes.ts';
import { finish, noPace } from '../../src/util/steps.ts';
import { outputOf, type Spendable, type SpendOptions, spend } from '../dsl/keys.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { GENESIS_TIME, LAB } from '../dsl/networks.ts';

/** Noble is slow, and the same transactions are judged again and again. */
const known = new Map<string, boolean>();
const rememberingVerify: Verify = (check) => {
  const key = toHex(check.key) + toHex(check.message) + toHex(check.signature);
  let valid = known.get(key);
  if (valid === undefined) {
    valid = nobleVerify(check);
    known.set(key, valid);
  }
  return valid;
};

export interface RigOptions {
  readonly params?: Params;
  readonly limits?: Partial<Limits>;
  readonly store?: MemoryStore;
  readonly tag?: string;
  readonly wallS?: number;
}

/** A chain and its mempool on a disk in memory, driven as a node would, with blocks that are really mined. */
export class PoolRig {
  readonly params: Params;
  readonly limits: Limits;
  readonly store: MemoryStore;
  readonly chain: Chain;
  readonly pool: Mempool;
  readonly tag: string;
  readonly changes: TipChange[] = [];
  now = 0;
  wallS: number;
  #extraNonce = 0;

  constructor(o: RigOptions = {}) {
    this.params = o.params ?? LAB;
    this.limits = { ...limits, ...o.limits };
    this.store = o.store ?? new MemoryStore();
    this.tag = o.tag ?? 'A';
    this.wallS = o.wallS ?? GENESIS_TIME + 1_000;
    const rows = this.store.rows();
    this.chain = new Chain({
      params: this.params,
      store: this.store,
      index: rows.filter((row) => row.key[0] !== PREFIX.mempool),
      verify: rememberingVerify,
    });
    this.pool = new Mempool({
      params: this.params,
      chain: this.chain,
      verify: rememberingVerify,
      limits: this.limits,
    });
    this.pool.restore(
      rows.filter((row) => row.key[0] === PREFIX.mempool),
      this.now,
      this.wallS,
    );
    this.commit();
  }

  /** The `n`-th coin that the genesis block gives this person. */
  coin(who: WellKnown, n = 0): Spendable {
    const [coinbase] = this.params.genesis.txs;
    const script = wellKnownScript(who);
    const own = coinbase!.outputs.flatMap((output, i) => (equal(output.script, script) ? [i] : []));
    return outputOf(coinbase!, own[n]!, wellKnownSecret(who));
  }

  accept(tx: Tx, o: Partial<AcceptOptions> = {}): ReturnType<Mempool['accept']> {
    const result = this.pool.accept(tx, this.now, { wallS: this.wallS, ...o });
    this.commit();
    return result;
  }

  /** Accepted, or the test fails with the refusal. */
  take(tx: Tx): Accepted {
    const result = this.accept(tx);
    if (!result.ok) throw new Error(`${result.error.rule}: ${result.error.detail}`);
    return result.value;
  }

  /** The rule that refuses it, or 'accepted'. */
  ruleFor(tx: Tx, o: Partial<AcceptOptions> = {}): string {
    const result = this.accept(tx, o);
    return result.ok ? 'accepted' : result.error.rule;
  }

  template(o: Partial<TemplateOptions> = {}): Template {
    return buildTemplate({
      chain: this.chain,
      mempool: this.pool,
      payout: wellKnownScript('judy'),
      tag: this.tag,
      wallS: this.wallS,
      extraNonce: this.#extraNonce++,
      maxWeight: this.limits.templateWeight,
      ...o,
    });
  }

  /** Mines one block from a template and takes it. */
  mine(o: Partial<TemplateOptions> = {}): { block: Block; change: PoolChange } {
    this.wallS += 2;
    this.now += 2_000_000;
    const bytes = grind(this.template(o));
    return this.receive(bytes);
  }

  /** Takes a block, connects what is best, and tells the pool; nothing is readmitted yet. */
  receive(bytes: Uint8Array): { block: Block; change: PoolChange } {
    const checked = checkBlock(bytes, this.params);
    if (!checked.ok) throw new Error(`${checked.error.rule}: ${checked.error.detail}`);
    const added = this.chain.addBlock(checked.value, this.wallS + 60);
    if (!added.ok) throw new Error(`${added.error.rule}: ${added.error.detail}`);
    return { block: checked.value, change: this.connect() };
  }

  connect(): PoolChange {
    const sum = {
      returned: [] as Tx[],
      lost: [] as PoolChange['lost'][number][],
      removed: [] as PoolChange['removed'][number][],
    };
    while (this.chain.connecting) {
      const result = this.chain.connectPiece(200_000);
      if (result.kind === 'refused') throw new Error(`${result.refusal.rule}: ${result.refusal.detail}`);
      if (result.kind === 'tip') {
        this.changes.push(result.change);
        add(sum, this.changed(result.change));
      }
      this.commit();
    }
    return sum;
  }

  /** As the node does in the steps after a tip change, here at once. */
  changed(change: TipChange): PoolChange {
    const removed: PoolChange['removed'][number][] = [];
    const lost: PoolChange['lost'][number][] = [];
    finish(this.pool.disconnected(change, this.now, this.wallS, lost, noPace()));
    for (const entry of change.inEntries) {
      finish(this.pool.connected(change.blockOf(entry), entry, lost, removed, noPace()));
    }
    this.pool.settled(change, this.now);
    return { returned: [], lost, removed };
  }

  /** Blocks of another rig, above a height. */
  follow(other: PoolRig, from = 1): PoolChange {
    this.wallS = Math.max(this.wallS, other.wallS);
    const sum = {
      returned: [] as Tx[],
      lost: [] as PoolChange['lost'][number][],
      removed: [] as PoolChange['removed'][number][],
    };
    for (let height = from; height <= other.chain.tip.height; height++) {
      add(sum, this.receive(other.chain.block(other.chain.atHeight(height)!)!.bytes).change);
    }
    return sum;
  }

  /** Readmits all that waits, in pieces. */
  settle(pieceWeight = 1_000): PoolChange {
    const sum = {
      returned: [] as Tx[],
      lost: [] as PoolChange['lost'][number][],
      removed: [] as PoolChange['removed'][number][],
    };
    while (this.pool.pending) {
      add(sum, this.pool.readmit(pieceWeight, this.now, this.wallS));
      this.commit();
    }
    return sum;
  }

  commit(): void {
    this.store.commit([...this.chain.takeWrites().writes, ...this.pool.takeWrites(true, 0)]);
  }

  ids(): string[] {
    return [...this.pool.entries()].map((entry) => entry.tx.id);
  }

  /** Everything that must hold of a pool at rest, computed anew. Throws with what does not. */
  check(): void {
    const entries = [...this.pool.entries()];
    checkIds(entries, this.pool.ids);
    const spent = new Set<string>();
    let bytes = 0;
    let usage = 0;
    for (const entry of entries) {
      const parents = new Set<PoolEntry>();
      let paid = 0;
      for (const { prevout } of entry.tx.inputs) {
        const key = outpointKey(prevout);
        must(!spent.has(key), `${entry.tx.id} spends a coin that another member spends`);
        spent.add(key);
        must(this.pool.spender(prevout) === entry, 'spender() names another');
        const parent = this.pool.get(prevout.txid);
        const coin = parent?.tx.outputs[prevout.index] ?? this.chain.coin(prevout);
        must(coin !== undefined, `${entry.tx.id} spends a coin that is not there`);
        paid += coin.value;
        if (parent !== undefined) parents.add(parent);
      }
      for (const { value } of entry.tx.outputs) paid -= value;
      must(paid === entry.fee, 'the fee is wrong');
      must(sameSet(parents, entry.parents), 'parents are wrong');
      for (const parent of parents) must(parent.children.has(entry), 'a parent misses its child');
      for (const child of entry.children) must(child.parents.has(entry), 'a child misses its parent');
      checkSums(entry);
      bytes += entry.tx.vsize;
      usage += usageOf(entry.tx);
    }
    must(entries.length === this.pool.size && bytes === this.pool.bytes, 'sizes are wrong');
    must(usage === this.pool.usage && usage <= this.limits.mempoolBytes, 'usage is wrong or over the bound');
    if (!this.pool.pending)
      must(this.store.rows(PREFIX.mempool).length === entries.length, 'rows and members differ');
  }
}

function checkSums(entry: PoolEntry): void {
  for (const up of [true, false]) {
    const family = new Set([entry]);
    for (const one of family) for (const next of up ? one.parents : one.children) family.add(next);
    const all = [...family];
    const vsize = all.reduce((sum, one) => sum + one.tx.vsize, 0);
    const fees = all.reduce((sum, one) => sum + one.fee, 0);
    const found = up
      ? [entry.ancestorCount, entry.ancestorVsize, entry.ancestorFees]
      : [entry.descendantCount, entry.descendantVsize, entry.descendantFees];
    must(
      found.join() === [all.length, vsize, fees].join(),
      `${up ? 'ancestor' : 'descendant'} sums are wrong`,
    );
  }
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

function add(
  sum: { returned: Tx[]; lost: PoolChange['lost'][number][]; removed: PoolChange['removed'][number][] },
  change: PoolChange,
): void {
  sum.returned.push(...change.returned);
  sum.lost.push(...change.lost);
  sum.removed.push(...change.removed);
}

/** The template's block with a nonce that meets its target. */
export function grind(template: Template): Uint8Array {
  const header = template.header.slice();
  for (let nonce = 0; ; nonce++) {
    writeU32LE(header, 76, nonce);
    if (meets(headerHash(header), template.target)) return template.bytes(nonce);
  }
}

export const pays = (who: WellKnown, value: number): TxOut => ({ value, script: wellKnownScript(who) });

/** Spends coins whole to one person, at this fee. */
export function send(coins: readonly Spendable[], to: WellKnown, fee: number, o: SpendOptions = {}): Tx {
  const sum = coins.reduce((total, coin) => total + coin.value, 0);
  return spend(coins, [pays(to, sum - fee)], o);
}

/** An output as a coin of its owner. */
export const coinOf = (tx: Tx, owner: WellKnown, index = 0): Spendable =>
  outputOf(tx, index, wellKnownSecret(owner));

/** The ids side by side are those of the members, each once. */
function checkIds(entries: readonly PoolEntry[], ids: PoolIds): void {
  const bytes = new Uint8Array(ids.words.buffer);
  const listed = new Set(entries.map((_, place) => ids.tx(place)));
  must(
    ids.size === entries.length && listed.size === entries.length,
    'there are more ids than members, or fewer',
  );
  for (let place = 0; place < ids.size; place++) {
    const tx = ids.tx(place);
    must(
      entries.some((entry) => entry.tx === tx),
      `the id of ${tx.id}, which is no member`,
    );
    must(
      equal(bytes.subarray(64 * place, 64 * place + 64), concat(tx.txid, tx.wtxid)),
      `the ids of ${tx.id} are wrong`,
    );
  }
}
