import { RpcFailure } from '../../src/host/http/client.ts';
import { fromHex, idOf } from '../../src/util/bytes.ts';
import { type CoinTotals, Ledger, parseBlock } from './ledger.ts';
import type { Announced } from './record.ts';

/** What a check asks of a node that has opened again. */
export interface Answers {
  call<T>(method: string, ...params: (string | number)[]): Promise<T>;
}

/** Announced blocks and payments that were checked before and are drawn once more. */
const OLDER = 20;

/**
 * Compares one node with what it announced. One checker follows one node through all its lives, because its ledger moves
 * along the node's chain.
 */
export class Checker {
  readonly #announced: Announced;
  readonly #draw: (n: number) => number;
  readonly #ledger = new Ledger();
  /** Raw blocks by id: a block never changes, so each is fetched once. */
  readonly #raw = new Map<string, Uint8Array>();

  constructor(announced: Announced, draw: (n: number) => number) {
    this.#announced = announced;
    this.#draw = draw;
  }

  /** One sentence for each promise that the node broke. The node must be alone, so that no peer replaces what it lost. */
  async losses(node: Answers): Promise<string[]> {
    const { blocks, payments } = this.#announced.due(OLDER, this.#draw);
    return [
      ...(await this.#lostWork(node)),
      ...(await this.#lostBlocks(node, blocks)),
      ...(await this.#lostPayments(node, payments)),
      ...(await this.#wrongCoins(node)),
    ];
  }

  async #lostWork(node: Answers): Promise<string[]> {
    const tip = await node.call<string>('getbestblockhash');
    const { chainwork, height } = await node.call<{ chainwork: string; height: number }>(
      'getblockheader',
      tip,
    );
    const { work, workTip } = this.#announced;
    if (BigInt(`0x${chainwork}`) >= work) return [];
    return [
      `its tip ${tip} (height ${height}) has work ${chainwork}, but it announced tip ${workTip} with ${work.toString(16)}`,
    ];
  }

  async #lostBlocks(node: Answers, ids: readonly string[]): Promise<string[]> {
    const lost: string[] = [];
    for (const id of ids) {
      try {
        await this.#fetch(node, id);
      } catch (error) {
        if (!(error instanceof RpcFailure)) throw error;
        lost.push(`it announced block ${id} and does not have it: ${error.message}`);
      }
    }
    return lost;
  }

  async #lostPayments(node: Answers, txids: readonly string[]): Promise<string[]> {
    const lost: string[] = [];
    for (const txid of txids) {
      const found = await node.call<{ state: string }[]>('findtx', txid);
      const state = found[0]?.state ?? 'unknown';
      if (state !== 'pool' && state !== 'block')
        lost.push(`it accepted payment ${txid}, which is now ${state}`);
    }
    return lost;
  }

  async #wrongCoins(node: Answers): Promise<string[]> {
    const info = await node.call<{
      bestblock: string;
      txouts: number;
      total_amount: number;
      hash_serialized_3: string;
    }>('gettxoutsetinfo');
    try {
      this.#ledger.moveTo(await this.#chain(node, info.bestblock));
    } catch (error) {
      return [`its chain cannot be replayed: ${(error as Error).message}`];
    }
    const mine = this.#ledger.totals();
    const theirs: CoinTotals = {
      count: info.txouts,
      total: Math.round(info.total_amount * 1e8),
      hash: info.hash_serialized_3,
    };
    if (mine.count === theirs.count && mine.total === theirs.total && mine.hash === theirs.hash) return [];
    return [`its coins are ${JSON.stringify(theirs)}, a replay of its chain has ${JSON.stringify(mine)}`];
  }

  async #chain(node: Answers, tip: string): Promise<{ id: string; raw: Uint8Array }[]> {
    const chain: { id: string; raw: Uint8Array }[] = [];
    for (let id = tip; ; ) {
      const raw = await this.#block(node, id);
      chain.push({ id, raw });
      const { prev } = parseBlock(raw).header;
      if (prev.every((byte) => byte === 0)) return chain.reverse();
      id = idOf(prev);
    }
  }

  async #block(node: Answers, id: string): Promise<Uint8Array> {
    return this.#raw.get(id) ?? (await this.#fetch(node, id));
  }

  async #fetch(node: Answers, id: string): Promise<Uint8Array> {
    const raw = fromHex(await node.call<string>('getblock', id, 0));
    if (raw === undefined || parseBlock(raw).id !== id)
      throw new RpcFailure('protocol', 'getblock answers with another block');
    this.#raw.set(id, raw);
    return raw;
  }
}
