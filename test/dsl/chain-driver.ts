import type { Header } from '../../src/bitcoin/header.ts';
import { headerHash } from '../../src/bitcoin/header.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import type { ChainBounds } from '../../src/consensus/chain/bounds.ts';
import { Chain } from '../../src/consensus/chain/chain.ts';
import type { TipChange } from '../../src/consensus/chain/commit.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { type RuleName, ruleOf } from '../../src/consensus/params/rules.ts';
import { COIN_SHARDS, CoinSums } from '../../src/consensus/store/coin-sums.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import type { ForkChoiceName } from '../../src/consensus/tree/fork-choice-rules.ts';
import { checkBlock } from '../../src/consensus/validate/check.ts';
import type { Verify } from '../../src/consensus/validate/verify.ts';
import { equal, idOf } from '../../src/util/bytes.ts';
import type { Driver } from './driver.ts';
import { MemoryStore } from './memory-store.ts';

export interface ChainDriverOptions {
  readonly params: Params;
  readonly wallS: number;
  readonly store?: MemoryStore;
  readonly verify?: Verify;
  readonly bounds?: Partial<ChainBounds>;
  readonly forkChoice?: ForkChoiceName;
  /** Weight of each connecting step: a constant, or drawn anew for each. */
  readonly pieceWeight?: () => number;
  /** Rows from which on a batch goes ahead of its tip: a constant, or drawn anew for each step. None by default. */
  readonly aheadRows?: () => number;
  /** Connect right after every block (the default), or only when `connect` is called. */
  readonly eager?: boolean;
}

const sumRows = (sums: CoinSums): string[] =>
  Array.from({ length: COIN_SHARDS }, (_, shard) => idOf(sums.encode(shard) ?? new Uint8Array()));

/** A `Chain` on a disk in memory, its writes committed after every call as a node's step would. */
export class ChainDriver implements Driver {
  readonly store: MemoryStore;
  readonly #options: ChainDriverOptions;
  chain: Chain;
  /** Every tip change so far. */
  readonly changes: TipChange[] = [];
  /** Blocks that failed to connect so far. */
  readonly failed: { readonly id: string; readonly rule: RuleName; readonly detail: string }[] = [];
  /** Called after every batch is on disk. */
  onCommit: () => void = () => {};

  constructor(options: ChainDriverOptions) {
    this.#options = options;
    this.store = options.store ?? new MemoryStore();
    this.chain = this.#open();
    this.commit();
  }

  #open(): Chain {
    const { params, verify, bounds, forkChoice } = this.#options;
    return new Chain({
      params,
      store: this.store,
      index: this.store.rows(),
      verify: verify ?? nobleVerify,
      ...(bounds === undefined ? {} : { bounds }),
      ...(forkChoice === undefined ? {} : { forkChoice }),
    });
  }

  /** As after a crash: what was not committed is gone. */
  reopen(): void {
    this.chain = this.#open();
    this.commit();
  }

  commit(): void {
    const { writes } = this.chain.takeWrites();
    if (writes.length === 0) return;
    this.store.commit(writes);
    this.onCommit();
  }

  /** As a node begins each step: false when the disk was not ahead. */
  catchUp(): boolean {
    const change = this.chain.catchUp();
    if (change === undefined) return false;
    this.changes.push(change);
    this.commit();
    return true;
  }

  header(header: Header): RuleName | undefined {
    this.catchUp();
    const added = this.chain.addHeader(header, this.#options.wallS);
    this.commit();
    return added.ok ? undefined : added.error.rule;
  }

  block(bytes: Uint8Array): RuleName | undefined {
    this.catchUp();
    const checked = checkBlock(bytes, this.#options.params);
    if (!checked.ok) {
      if (ruleOf(checked.error.rule).condemns)
        this.chain.condemn(headerHash(bytes.slice(0, 80)), checked.error.rule);
      this.commit();
      return checked.error.rule;
    }
    const added = this.chain.addBlock(checked.value, this.#options.wallS);
    this.commit();
    if (!added.ok) return added.error.rule;
    if (this.#options.eager === false) return undefined;
    this.connect();
    const { id } = checked.value;
    return this.failed.find((failure) => failure.id === id)?.rule;
  }

  /** One piece; false when there was nothing to do. */
  piece(): boolean {
    if (this.catchUp()) return true;
    const { pieceWeight, aheadRows } = this.#options;
    const result = this.chain.connectPiece(pieceWeight?.() ?? 4_000_000, aheadRows?.());
    if (result.kind === 'refused') {
      this.failed.push({ id: result.entry.id, rule: result.refusal.rule, detail: result.refusal.detail });
    }
    if (result.kind === 'tip') this.changes.push(result.change);
    this.commit();
    return result.kind !== 'idle';
  }

  connect(): void {
    while (this.piece());
  }

  tip(): string {
    return this.chain.tip.id;
  }

  /** All coins on disk, as text: equal exactly when the coins are. */
  coins(): string[] {
    return this.store.rows(PREFIX.coin).map(({ key, value }) => `${idOf(key)}=${idOf(value)}`);
  }

  /** Everything that belongs to the active chain alone: coins, undo, heights, transaction index, tip. */
  activeRows(): string[] {
    const active = [PREFIX.coin, PREFIX.sum, PREFIX.undo, PREFIX.height, PREFIX.tx, PREFIX.tip];
    return active.flatMap((prefix) =>
      this.store.rows(prefix).map(({ key, value }) => `${idOf(key)}=${idOf(value)}`),
    );
  }

  /** The sums of the coins on disk, computed anew: as their rows say, or the stored ones are wrong. */
  sumsOfCoins(): string[] {
    const sums = new CoinSums();
    for (const row of this.store.rows(PREFIX.coin)) sums.addRow(row);
    return sumRows(sums);
  }

  /** The sums as they are stored. */
  storedSums(): string[] {
    const sums = new CoinSums();
    for (const row of this.store.rows(PREFIX.sum)) sums.load(row);
    return sumRows(sums);
  }

  /** The active chain's ids, genesis first. */
  activeChain(): string[] {
    const ids: string[] = [];
    for (let height = 0; height <= this.chain.tip.height; height++) ids.push(this.chain.atHeight(height)!.id);
    return ids;
  }

  /** The same chain built from nothing: only the active blocks, in order, one batch each. */
  replay(): ChainDriver {
    const replay = new ChainDriver({
      params: this.#options.params,
      wallS: this.#options.wallS,
      verify: () => true,
    });
    for (let height = 1; height <= this.chain.tip.height; height++) {
      const block = this.chain.block(this.chain.atHeight(height)!)!;
      const rule = replay.block(block.bytes);
      if (rule !== undefined) throw new Error(`replaying height ${height}: ${rule}`);
    }
    if (!equal(replay.chain.tip.hash, this.chain.tip.hash)) throw new Error('a replay has another tip');
    return replay;
  }
}
