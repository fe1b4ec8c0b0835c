import type { Block } from '../../bitcoin/block.ts';
import { isUnspendable } from '../../bitcoin/lock.ts';
import { outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { err, ok, type Result } from '../../util/result.ts';
import type { Params } from '../params/params.ts';
import type { Coin } from '../store/coin.ts';

/**
 * The coins as they follow from the blocks alone, one block after the other from the genesis on: what the coins on a disk are
 * compared with. It uses neither overlays nor undo records. Amounts and signatures were validated when the blocks came.
 */
export class CoinReplay {
  /** By `outpointKey`. */
  readonly coins = new Map<string, Coin>();

  constructor(params: Params) {
    if (!params.genesisSpendable) return;
    for (const tx of params.genesis.txs) this.#add(tx, 0, false);
  }

  /** The coins that the block spends, in the order of its inputs: what its undo record holds. */
  apply(block: Block, height: number): Result<readonly Coin[], string> {
    const spent: Coin[] = [];
    for (const [position, tx] of block.txs.entries()) {
      if (position > 0) {
        for (const { prevout } of tx.inputs) {
          const key = outpointKey(prevout);
          const coin = this.coins.get(key);
          if (coin === undefined) return err(`transaction ${tx.id} spends a coin that no block made`);
          this.coins.delete(key);
          spent.push(coin);
        }
      }
      this.#add(tx, height, position === 0);
    }
    return ok(spent);
  }

  #add(tx: Tx, height: number, coinbase: boolean): void {
    for (const [index, { value, script }] of tx.outputs.entries()) {
      // A slice: a view would keep the whole block in memory.
      if (!isUnspendable(script))
        this.coins.set(outpointKey({ txid: tx.txid, index }), {
          value,
          script: script.slice(),
          height,
          coinbase,
        });
    }
  }
}
