import { type Block, makeBlock } from '../../bitcoin/block.ts';
import { headerOver } from '../../bitcoin/coinbase.ts';
import { encodeHeader, type Header, headerHash } from '../../bitcoin/header.ts';
import { compactToTarget, meets, targetBytes } from '../../bitcoin/target.ts';
import { makeTx, type Tx, type TxOut } from '../../bitcoin/tx.ts';
import { buildBody } from '../../consensus/build.ts';
import type { Params } from '../../consensus/params/params.ts';
import { nextBits } from '../../consensus/params/retarget.ts';
import { type BlockEntry, detachedEntry } from '../../consensus/tree/tree.ts';
import { assert } from '../../util/assert.ts';
import { grind } from '../world/grind.ts';

/** Blocks made by hand, honest or with one thing otherwise: what a miner who follows no rule could make. */
export interface ForgeOptions {
  readonly txs?: readonly Tx[];
  /** Claimed on top of the subsidy. */
  readonly fees?: number;
  readonly time?: number;
  readonly bits?: number;
  readonly version?: number;
  /** The coinbase's own fields, or no coinbase at all. */
  readonly coinbase?: Partial<Pick<Tx, 'inputs' | 'outputs' | 'lockTime'>> | 'none';
  /** The coinbase's scriptSig alone. */
  readonly script?: Uint8Array;
  /** Outputs of the coinbase after the payout. */
  readonly extraOutputs?: readonly TxOut[];
  /** Ground until the hash misses the target. */
  readonly lazy?: boolean;
  /** Two blocks of one parent and time differ by it. */
  readonly extraNonce?: number;
}

export interface Forged {
  readonly block: Block;
  /** Outside of any tree, so that more can be built on it. */
  readonly entry: BlockEntry;
}

export class Forge {
  readonly params: Params;
  /** Who is paid by its coinbases. */
  readonly script: Uint8Array;
  readonly tag: string;

  constructor(params: Params, script: Uint8Array, tag: string) {
    this.params = params;
    this.script = script;
    this.tag = tag;
  }

  /** A block on `parent`, valid but for what the options say. `wallS`: the time it carries, if the rules let it. */
  block(parent: BlockEntry, wallS: number, o: ForgeOptions = {}): Forged {
    const height = parent.height + 1;
    const txs = o.coinbase === 'none' ? [...(o.txs ?? [])] : this.#withCoinbase(height, o);
    const earliest = Math.max(parent.medianTime + 1, parent.header.time);
    const header = headerOver(txs, {
      version: o.version,
      prev: parent.hash,
      time: o.time ?? Math.max(earliest, wallS),
      bits: o.bits ?? nextBits(parent, this.params),
    });
    const block = makeBlock(o.lazy === true ? missed(header) : ground(header), txs);
    return { block, entry: detachedEntry(block.header, block.hash, parent) };
  }

  #withCoinbase(height: number, o: ForgeOptions): Tx[] {
    const txs = o.txs ?? [];
    const commit = txs.some((tx) => tx.hasWitness);
    const { params, tag, script: payout } = this;
    const { extraNonce, fees, script, extraOutputs } = o;
    const body = buildBody({
      params,
      height,
      tag,
      extraNonce,
      payout,
      fees,
      txs,
      commit,
      script,
      extraOutputs,
    });
    return typeof o.coinbase === 'object' ? [makeTx({ ...body[0]!, ...o.coinbase }), ...txs] : body;
  }
}

/** The header with the first nonce that meets its own bits. */
export function ground(header: Header): Header {
  const { target, negative, overflow } = compactToTarget(header.bits);
  if (negative || overflow || target === 0n) return header;
  const bytes = encodeHeader(header);
  const nonce = grind({ header: bytes.subarray(0, 76), target: targetBytes(target) });
  assert(nonce !== undefined, 'an easy target has a nonce');
  return { ...header, nonce };
}

function missed(header: Header): Header {
  const { target } = compactToTarget(header.bits);
  for (let nonce = 0; ; nonce++) {
    const tried = { ...header, nonce };
    if (!meets(headerHash(tried), target)) return tried;
  }
}
