/** Two small indexers of what an address has received: one that forgets about reorgs, and one that does not. */

/** Any Bitcoin Core compatible RPC: a yard's node, or Core itself. */
export type Rpc = <T>(method: string, ...params: (string | number)[]) => Promise<T>;

interface Block {
  readonly hash: string;
  readonly previousblockhash?: string;
  readonly tx: readonly {
    readonly txid: string;
    readonly vout: readonly {
      readonly value: number;
      readonly scriptPubKey: { readonly address?: string };
    }[];
  }[];
}

/** Satoshis by address; amounts of coins are not exact as floating point numbers, satoshis are. */
function received(block: Block): [address: string, sats: number][] {
  return block.tx.flatMap(({ vout }) =>
    vout.flatMap(({ value, scriptPubKey: { address } }): [string, number][] =>
      address === undefined ? [] : [[address, Math.round(value * 1e8)]],
    ),
  );
}

/** Reads each height once. It is right until the first reorg, and never again. */
export class NaiveIndexer {
  readonly balances = new Map<string, number>();
  readonly #rpc: Rpc;
  #height = 0;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  async sync(): Promise<void> {
    const tip = await this.#rpc<number>('getblockcount');
    while (this.#height < tip) {
      const hash = await this.#rpc<string>('getblockhash', ++this.#height);
      const block = await this.#rpc<Block>('getblock', hash, 2);
      for (const [address, sats] of received(block))
        this.balances.set(address, (this.balances.get(address) ?? 0) + sats);
    }
  }
}

/** Remembers which block it has read at each height, and what that added: so it can go back to the fork point. */
export class Indexer {
  readonly balances = new Map<string, number>();
  readonly #rpc: Rpc;
  readonly #read: { readonly hash: string; readonly added: [address: string, sats: number][] }[] = [];

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  async sync(): Promise<void> {
    for (;;) {
      await this.#goBack();
      const height = this.#read.length + 1;
      if (height > (await this.#rpc<number>('getblockcount'))) return;
      const hash = await this.#rpc<string>('getblockhash', height);
      const block = await this.#rpc<Block>('getblock', hash, 2);
      // A reorg may come between any two calls: only a block on top of the last one is taken.
      const parent = this.#read.at(-1)?.hash;
      if (parent !== undefined && block.previousblockhash !== parent) continue;
      this.#add(received(block), 1);
      this.#read.push({ hash, added: received(block) });
    }
  }

  /** Takes back, newest first, what stands in blocks that are no longer in the chain. */
  async #goBack(): Promise<void> {
    while (this.#read.length > 0) {
      const { hash, added } = this.#read.at(-1)!;
      const { confirmations } = await this.#rpc<{ confirmations: number }>('getblockheader', hash);
      if (confirmations > 0) return;
      this.#add(added, -1);
      this.#read.pop();
    }
  }

  #add(added: readonly [address: string, sats: number][], sign: 1 | -1): void {
    for (const [address, sats] of added)
      this.balances.set(address, (this.balances.get(address) ?? 0) + sign * sats);
  }
}
