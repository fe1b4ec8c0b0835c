import { type Block, makeBlock } from '../../bitcoin/block.ts';
import { encodeHeader, type Header, headerHash } from '../../bitcoin/header.ts';
import { commitmentOf, merkleRoot, witnessRoot } from '../../bitcoin/merkle.ts';
import { compactToTarget, meets, targetBytes } from '../../bitcoin/target.ts';
import { makeTx, type Tx, type TxIn, type TxOut } from '../../bitcoin/tx.ts';
import { type Params, subsidyAt } from '../../consensus/params/params.ts';
import { nextBits } from '../../consensus/params/retarget.ts';
import { type BlockEntry, detachedEntry } from '../../consensus/tree/tree.ts';
import { coinbaseScript } from '../../consensus/validate/tag.ts';
import { assert } from '../../util/assert.ts';
import { concat } from '../../util/bytes.ts';
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

/** OP_RETURN, a push of 36, and what BIP141 marks a commitment with. */
const COMMITMENT_HEAD = Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed);
const NONCE = new Uint8Array(32);

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
    const header: Header = {
      version: o.version ?? 0x20000000,
      prev: parent.hash,
      merkleRoot: merkleRoot(txs.map((tx) => tx.txid)).root,
      time: o.time ?? Math.max(earliest, wallS),
      bits: o.bits ?? nextBits(parent, this.params),
      nonce: 0,
    };
    const block = makeBlock(o.lazy === true ? missed(header) : ground(header), txs);
    return { block, entry: detachedEntry(block.header, block.hash, parent) };
  }

  #withCoinbase(height: number, o: ForgeOptions): Tx[] {
    const txs = o.txs ?? [];
    const commit = txs.some((tx) => tx.hasWitness);
    const input: TxIn = {
      prevout: { txid: new Uint8Array(32), index: 0xffff_ffff },
      script: o.script ?? coinbaseScript(height, o.extraNonce ?? 0, this.tag),
      sequence: 0xffff_ffff,
      witness: commit ? [NONCE] : [],
    };
    const outputs: TxOut[] = [
      { value: subsidyAt(height, this.params) + (o.fees ?? 0), script: this.script },
      ...(o.extraOutputs ?? []),
    ];
    const changes = typeof o.coinbase === 'object' ? o.coinbase : {};
    const coinbase = (more: readonly TxOut[]): Tx =>
      makeTx({ version: 2, inputs: [input], outputs: [...outputs, ...more], lockTime: 0, ...changes });
    if (!commit) return [coinbase([]), ...txs];
    // The coinbase counts as zero in the witness root, so any coinbase will do to compute it.
    const root = commitmentOf(witnessRoot([coinbase([]), ...txs]), NONCE);
    return [coinbase([{ value: 0, script: concat(COMMITMENT_HEAD, root) }]), ...txs];
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
