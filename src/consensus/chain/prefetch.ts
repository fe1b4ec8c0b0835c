import { isUnspendable } from '../../bitcoin/lock.ts';
import { type OutPoint, outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { keyOf } from '../../util/bytes.ts';
import type { Result } from '../../util/result.ts';
import type { Coin } from '../store/coin.ts';
import type { CoinsOverlay } from '../store/coins.ts';
import { ancestorAt, isAncestor, type TreeEntry } from '../tree/tree.ts';
import type { SaneBlock } from '../validate/check.ts';
import { hasKeptChecks, signatureChecks } from '../validate/spend.ts';
import type { SigCheck } from '../validate/verify.ts';
import type { ChainStore } from './chain-store.ts';

/** Blocks that one look ahead reads at most: empty ones carry no signatures to be found. */
const MAX_BLOCKS = 32;
/** ... and how many bytes, beyond the first block: a look ahead parses them all in one go. */
const MAX_BYTES = 4_000_000;
/** Transactions whose checks are kept for connecting; above it the oldest look-ahead is forgotten. */
const MAX_KEPT = 20_000;

type Checks = Result<readonly SigCheck[], string>;

/** Where connecting stands: see `ConnectTask`. */
export interface Standing {
  readonly at: TreeEntry;
  readonly goal: TreeEntry;
  readonly overlay: CoinsOverlay | undefined;
  /** The block under way, and its first transaction that is not connected. */
  readonly partial:
    | {
        readonly entry: TreeEntry;
        readonly block: SaneBlock;
        readonly next: number;
        /** Of transaction `next`: how many of its signatures are verified. */
        readonly open: { readonly verified: number } | undefined;
      }
    | undefined;
}

/**
 * Looks ahead for the signatures that connecting will verify, so that other threads can verify them first. It changes
 * nothing that anybody can observe: coins are peeked, no cache moves. What it parsed and hashed it keeps only to save
 * doing so twice; connecting reads the store all the same, so a replay without looking ahead reads the same rows.
 */
export class Foresight {
  readonly #store: ChainStore;
  readonly #parsed = new Map<TreeEntry, SaneBlock>();
  #checks = new Map<Tx, Checks>();
  /** Transactions that the present look may still make ready. */
  #fresh = 0;

  constructor(store: ChainStore) {
    this.#store = store;
  }

  /** The block, if a look ahead parsed it. */
  parsed(entry: TreeEntry): SaneBlock | undefined {
    return this.#parsed.get(entry);
  }

  /** Its signature checks, made now unless a look ahead did. They depend on the transaction alone. */
  checks(tx: Tx, coins: readonly Coin[]): Checks {
    return this.#checks.get(tx) ?? signatureChecks(tx, coins);
  }

  /** The block is connected: nobody asks again. */
  passed(entry: TreeEntry): void {
    this.#parsed.delete(entry);
    if (this.#parsed.size === 0) this.#checks.clear();
  }

  /** At most `max` checks, those that connecting meets first. None while blocks are still to be disconnected. */
  look(standing: Standing, max: number): readonly SigCheck[] {
    const found: SigCheck[] = [];
    this.#look(standing, max, Number.POSITIVE_INFINITY, found);
    return found;
  }

  /** Makes ready what `look` would find, of at most `fresh` transactions at a time; true when nothing is left to do. */
  prepare(standing: Standing, max: number, fresh: number): boolean {
    return this.#look(standing, max, fresh, []);
  }

  #look(standing: Standing, max: number, fresh: number, found: SigCheck[]): boolean {
    const { at, goal, overlay, partial } = standing;
    if (!isAncestor(at, goal)) return true;
    this.#fresh = fresh;
    if (this.#checks.size > MAX_KEPT) {
      this.#checks = new Map();
      this.#parsed.clear();
    }
    // A goal that was given up leaves nothing behind: what is kept is what the bounds below let in.
    for (const entry of this.#parsed.keys()) if (!isAncestor(entry, goal)) this.#parsed.delete(entry);
    const made = new Map<string, Made>();
    const coinAt = (outpoint: OutPoint): Coin | undefined => {
      const key = outpointKey(outpoint);
      const ahead = overlay?.own(key);
      if (ahead !== undefined) return ahead ?? undefined;
      return this.#store.peekCoin(key) ?? coinOf(made.get(keyOf(outpoint.txid)), outpoint.index);
    };
    let looked = 0;
    const last = Math.min(goal.height, at.height + MAX_BLOCKS);
    let bytes = 0;
    for (let height = at.height + 1; height <= last && looked < max && bytes < MAX_BYTES; height++) {
      const entry = ancestorAt(goal, height) as TreeEntry;
      bytes += entry.size;
      const underWay = partial?.entry === entry ? partial : undefined;
      const block = underWay?.block ?? this.#parsed.get(entry) ?? this.#store.body(entry);
      if (underWay === undefined) this.#parsed.set(entry, block);
      const from = { tx: underWay?.next ?? 0, check: underWay?.open?.verified ?? 0 };
      looked += this.#lookInto(block, from, height, made, coinAt, found, max - looked);
      if (this.#fresh < 0) return false;
    }
    return true;
  }

  /** How many signatures it came by: at most `max`, those that are not worth telling counted too. `max` ends the look. */
  #lookInto(
    block: SaneBlock,
    from: { readonly tx: number; readonly check: number },
    height: number,
    made: Map<string, Made>,
    coinAt: (outpoint: OutPoint) => Coin | undefined,
    found: SigCheck[],
    max: number,
  ): number {
    let looked = 0;
    for (let t = from.tx; t < block.txs.length && looked < max; t++) {
      const tx = block.txs[t]!;
      made.set(keyOf(tx.txid), { tx, height, coinbase: t === 0 });
      if (t === 0) continue;
      if (hasKeptChecks(tx)) {
        // It was in the mempool: its signatures are known to whoever verifies.
        looked += tx.inputs.length;
        continue;
      }
      const known = this.#checks.get(tx);
      if (known === undefined && --this.#fresh < 0) break;
      const checks = known ?? this.#prepare(tx, coinAt);
      // A missing coin or a malformed witness is connecting's to refuse, and it goes no further than here.
      if (checks?.ok !== true) return max;
      const first = t === from.tx ? from.check : 0;
      for (let i = first; i < checks.value.length && looked < max; i++, looked++)
        found.push(checks.value[i]!);
    }
    return looked;
  }

  #prepare(tx: Tx, coinAt: (outpoint: OutPoint) => Coin | undefined): Checks | undefined {
    const coins: Coin[] = [];
    for (const { prevout } of tx.inputs) {
      const coin = coinAt(prevout);
      if (coin === undefined) return undefined;
      coins.push(coin);
    }
    const checks = signatureChecks(tx, coins);
    this.#checks.set(tx, checks);
    return checks;
  }
}

/** A transaction of a block ahead: its outputs are coins by the time when they are spent. */
interface Made {
  readonly tx: Tx;
  readonly height: number;
  readonly coinbase: boolean;
}

function coinOf(made: Made | undefined, index: number): Coin | undefined {
  const output = made?.tx.outputs[index];
  if (made === undefined || output === undefined || isUnspendable(output.script)) return undefined;
  return { value: output.value, script: output.script, height: made.height, coinbase: made.coinbase };
}
