import { createHash } from 'node:crypto';
import { type Block, decodeBlock } from '../../src/bitcoin/block.ts';
import { idOf, toHex } from '../../src/util/bytes.ts';

/** What `gettxoutsetinfo` answers, as far as the ledger can check it. */
export interface CoinTotals {
  readonly count: number;
  /** Satoshis. */
  readonly total: number;
  /** Core's hash_serialized_3, as displayed. */
  readonly hash: string;
}

interface LedgerCoin {
  readonly height: number;
  readonly coinbase: boolean;
  readonly value: number;
  readonly script: Uint8Array;
}

interface Applied {
  readonly id: string;
  readonly made: readonly string[];
  readonly spent: readonly (readonly [string, LedgerCoin])[];
}

/**
 * The coins of a chain, computed from raw blocks by the obvious loop over a Map. It shares the parser with the node and
 * nothing else: neither its coins view, nor its undo records, nor its database.
 */
export class Ledger {
  readonly #coins = new Map<string, LedgerCoin>();
  readonly #chain: Applied[] = [];

  /** Makes `chain` (raw blocks from the genesis on, by id) the chain of this ledger. */
  moveTo(chain: readonly { readonly id: string; readonly raw: Uint8Array }[]): void {
    while (this.#chain.length > 0 && chain[this.#chain.length - 1]?.id !== this.#chain.at(-1)!.id)
      this.#undo();
    for (let height = this.#chain.length; height < chain.length; height++)
      this.#apply(chain[height]!.raw, height);
  }

  totals(): CoinTotals {
    // Core's order: by txid as bytes, then by index.
    const sorted = [...this.#coins].map(([key, coin]) => {
      const [txid, index] = key.split(':');
      return { txid: txid!, index: Number(index), coin };
    });
    sorted.sort((a, b) => (a.txid < b.txid ? -1 : a.txid > b.txid ? 1 : a.index - b.index));
    const hash = createHash('sha256');
    let total = 0;
    for (const { txid, index, coin } of sorted) {
      total += coin.value;
      const fixed = Buffer.alloc(16);
      fixed.writeUInt32LE(index, 0);
      fixed.writeUInt32LE(coin.height * 2 + (coin.coinbase ? 1 : 0), 4);
      fixed.writeBigUInt64LE(BigInt(coin.value), 8);
      hash
        .update(Buffer.from(txid, 'hex'))
        .update(fixed)
        .update(Uint8Array.of(coin.script.length))
        .update(coin.script);
    }
    const twice = createHash('sha256').update(hash.digest()).digest();
    return { count: sorted.length, total, hash: idOf(new Uint8Array(twice)) };
  }

  #apply(raw: Uint8Array, height: number): void {
    const block = parseBlock(raw);
    const made: string[] = [];
    const spent: [string, LedgerCoin][] = [];
    for (const [at, tx] of block.txs.entries()) {
      for (const input of at === 0 ? [] : tx.inputs) {
        const key = `${toHex(input.prevout.txid)}:${input.prevout.index}`;
        const coin = this.#coins.get(key);
        if (coin === undefined) throw new Error(`block ${block.id} spends ${key}, which does not exist`);
        this.#coins.delete(key);
        spent.push([key, coin]);
      }
      for (const [index, { value, script }] of tx.outputs.entries()) {
        // OP_RETURN: nobody can spend it, so it is no coin.
        if (script[0] === 0x6a) continue;
        const key = `${toHex(tx.txid)}:${index}`;
        // The genesis allocations can be spent at once, so they are not coinbase coins.
        this.#coins.set(key, { height, coinbase: at === 0 && height > 0, value, script });
        made.push(key);
      }
    }
    this.#chain.push({ id: block.id, made, spent });
  }

  #undo(): void {
    const { made, spent } = this.#chain.pop()!;
    for (const [key, coin] of spent) this.#coins.set(key, coin);
    for (const key of made) this.#coins.delete(key);
  }
}

export function parseBlock(raw: Uint8Array): Block {
  const block = decodeBlock(raw);
  if (!block.ok) throw new Error(`a block does not decode: ${block.error.what} at byte ${block.error.at}`);
  return block.value;
}
