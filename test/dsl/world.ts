import { type Block, makeBlock } from '../../src/bitcoin/block.ts';
import { headerOver } from '../../src/bitcoin/coinbase.ts';
import { type Header, headerHash } from '../../src/bitcoin/header.ts';
import { compactToTarget, meets } from '../../src/bitcoin/target.ts';
import { makeTx, type Tx, type TxOut } from '../../src/bitcoin/tx.ts';
import { buildBody } from '../../src/consensus/build.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { nextBits } from '../../src/consensus/params/retarget.ts';
import { type BlockEntry, BlockTree, detachedEntry } from '../../src/consensus/tree/tree.ts';
import { ALICE, outputOf, payTo, type Spendable } from './keys.ts';

/** What a drawn block may have otherwise than the usual. */
export interface BlockOptions {
  readonly txs?: readonly Tx[];
  /** Fees that the coinbase claims on top of the subsidy. */
  readonly fees?: number;
  readonly time?: number;
  readonly bits?: number;
  readonly version?: number;
  /** The whole coinbase, or none at all. */
  readonly coinbase?: Partial<Pick<Tx, 'inputs' | 'outputs' | 'lockTime' | 'version'>> | 'none';
  /** The scriptSig alone. */
  readonly script?: Uint8Array;
  /** Outputs after the payout and before the commitment. */
  readonly extraOutputs?: readonly TxOut[];
  /** A commitment although nothing has a witness. */
  readonly commit?: boolean;
  /** Ground until the hash is above the target: a header without work. */
  readonly lazy?: boolean;
}

/** A block of the drawing. */
export interface Drawn {
  readonly name: string;
  readonly block: Block;
  /** Outside of any tree: for heights, median times and expected bits. */
  readonly entry: BlockEntry;
  readonly parent: Drawn | undefined;
}

/**
 * Fork trees drawn as text, with every block really ground at the network's target:
 *
 *     G-1-2-3 / 1-2a-3a-4a
 *
 * A name stands for one block. Each branch starts at a block that is drawn already, `G` being the genesis; the names
 * after it are new blocks, each on the one before. Branches are separated by `/` or line ends. The same drawing gives
 * the same blocks, byte for byte.
 */
export class World {
  readonly params: Params;
  /** Wall clock in seconds: ahead of every usual block. */
  readonly wallS: number;
  readonly #drawn = new Map<string, Drawn>();

  constructor(params: Params) {
    this.params = params;
    this.wallS = params.genesis.header.time + 100_000;
    const entry = new BlockTree(params.genesis.header).genesis;
    this.#drawn.set('G', { name: 'G', block: params.genesis, entry, parent: undefined });
  }

  get(name: string): Drawn {
    const drawn = this.#drawn.get(name);
    if (drawn === undefined) throw new Error(`no block ${name} is drawn`);
    return drawn;
  }

  get names(): readonly string[] {
    return [...this.#drawn.keys()].filter((name) => name !== 'G');
  }

  bytes(name: string): Uint8Array {
    return this.get(name).block.bytes;
  }

  id(name: string): string {
    return this.get(name).block.id;
  }

  /** Who is this? For messages that a person reads. */
  nameOf(id: string): string {
    for (const { name, block } of this.#drawn.values()) if (block.id === id) return name;
    return id;
  }

  draw(text: string, options: Readonly<Record<string, BlockOptions>> = {}): this {
    for (const branch of text.split(/[/\n]/)) {
      const [root, ...rest] = branch.trim().split('-');
      if (root === undefined || root === '') continue;
      let at = this.get(root);
      for (const name of rest) at = this.add(name, at, options[name]);
    }
    return this;
  }

  add(name: string, parent: Drawn, options: BlockOptions = {}): Drawn {
    if (!/^[A-Za-z0-9']+$/.test(name) || this.#drawn.has(name)) throw new Error(`${name} cannot be drawn`);
    const block = this.#make(name, parent, options);
    const drawn = { name, block, entry: detachedEntry(block.header, block.hash, parent.entry), parent };
    this.#drawn.set(name, drawn);
    return drawn;
  }

  /** One of the genesis coins, all of which Alice's neighbours own; number 0…4 are hers. */
  genesisCoin(index: number): Spendable {
    return outputOf(this.params.genesis.txs[0]!, index, ALICE);
  }

  /** The coinbase coin of a drawn block. */
  reward(name: string): Spendable {
    return outputOf(this.get(name).block.txs[0]!, 0, ALICE);
  }

  #make(name: string, parent: Drawn, o: BlockOptions): Block {
    const height = parent.entry.height + 1;
    const txs = o.coinbase === 'none' ? [...(o.txs ?? [])] : this.#withCoinbase(name, height, o);
    const header = headerOver(txs, {
      version: o.version,
      prev: parent.block.hash,
      time: o.time ?? parent.block.header.time + Math.max(1, Math.floor(this.params.spacingMs / 1000)),
      bits: o.bits ?? nextBits(parent.entry, this.params),
    });
    return makeBlock(grind(header, o.lazy === true), txs);
  }

  #withCoinbase(name: string, height: number, o: BlockOptions): Tx[] {
    const txs = o.txs ?? [];
    const commit = o.commit === true || txs.some((tx) => tx.hasWitness);
    const { fees, script, extraOutputs } = o;
    const { params } = this;
    const payout = payTo(ALICE);
    const body = buildBody({ params, height, tag: name, payout, fees, txs, commit, script, extraOutputs });
    return typeof o.coinbase === 'object' ? [makeTx({ ...body[0]!, ...o.coinbase }), ...txs] : body;
  }
}

/** Tries nonces from 0 until the hash meets the target (or, lazily, misses it). */
export function grind(header: Header, miss = false): Header {
  const { target } = compactToTarget(header.bits);
  for (let nonce = 0; nonce < 0xffff_ffff; nonce++) {
    const tried = { ...header, nonce };
    if (meets(headerHash(tried), target) !== miss) return tried;
  }
  throw new Error('no nonce meets the target');
}

/** The same header over other transactions: a mutated body. */
export function rebody(block: Block, txs: readonly Tx[]): Uint8Array {
  return makeBlock(block.header, txs).bytes;
}
