import { type Block, decodeBlock, makeBlock } from '../../bitcoin/block.ts';
import type { Header } from '../../bitcoin/header.ts';
import { coinbaseHeightPrefix, lockScript } from '../../bitcoin/lock.ts';
import { makeTx, type Tx, type TxIn } from '../../bitcoin/tx.ts';
import { RULES, type RuleName } from '../../consensus/params/rules.ts';
import { type BlockEntry, detachedEntry } from '../../consensus/tree/tree.ts';
import { concat } from '../../util/bytes.ts';
import { type Forge, type Forged, type ForgeOptions, ground } from './forge.ts';
import { type Owned, scriptOf, spend } from './purse.ts';

/** What a cheating miner has at hand: a parent to build on, the time, and coins whose keys everybody has. */
export interface Material {
  readonly forge: Forge;
  readonly parent: BlockEntry;
  readonly wallS: number;
  /** Mature coins at the parent, at least two. */
  readonly coins: readonly Owned[];
  /** A coinbase coin that may not be spent in the next block, if there is one. */
  readonly immature: Owned | undefined;
}

/** Undefined where the material does not allow it. */
type Maker = (m: Material) => Uint8Array | undefined;

const FINAL = 0xffff_ffff;
const NULL_INPUT: TxIn = {
  prevout: { txid: new Uint8Array(32), index: FINAL },
  script: Uint8Array.of(1, 1),
  sequence: FINAL,
  witness: [],
};
/** Pay to a public key's hash, as there is none here. */
const P2PKH = concat(Uint8Array.of(0x76, 0xa9, 20), new Uint8Array(20), Uint8Array.of(0x88, 0xac));

const made = (m: Material, o: ForgeOptions = {}) => m.forge.block(m.parent, m.wallS, o).block;
const bytes = (m: Material, o: ForgeOptions) => made(m, o).bytes;
const holding = (m: Material, ...txs: Tx[]) => bytes(m, { txs });

const paying = (m: Material, coin: number, more = 0, o: { lockTime?: number; sequence?: number } = {}) => {
  const owned = m.coins[coin]!;
  return spend([owned], [{ value: owned.coin.value + more, script: scriptOf(9) }], o);
};

/** A header that is changed after all, with work of its own. */
const reheaded = (m: Material, change: (header: Header) => Header) => {
  const block = made(m);
  return makeBlock(ground(change(block.header)), block.txs).bytes;
};

const bare = (m: Material, coin: number): TxIn => ({
  ...{ prevout: m.coins[coin]!.outpoint, script: new Uint8Array(0) },
  ...{ sequence: FINAL, witness: [] },
});

const raw = (inputs: readonly TxIn[], outputs: Tx['outputs']) =>
  makeTx({ version: 2, inputs, outputs, lockTime: 0 });

const withWitness = (tx: Tx, change: (witness: readonly Uint8Array[]) => readonly Uint8Array[]) =>
  makeTx({ ...tx, inputs: tx.inputs.map((input) => ({ ...input, witness: change(input.witness) })) });

const flipped = (at: Uint8Array): Uint8Array => {
  const copy = at.slice();
  copy[10]! ^= 1;
  return copy;
};

/** Other bodies under the header of an honest block: the sender's doing, whose id stays good. */
export const MUTATIONS: readonly (readonly [
  RuleName,
  (block: ReturnType<typeof makeBlock>) => Uint8Array,
])[] = [
  ['bad-encoding', (b) => concat(b.bytes, Uint8Array.of(0))],
  ['bad-encoding', (b) => b.bytes.slice(0, -1)],
  ['bad-blk-length', (b) => makeBlock(b.header, []).bytes],
  ['bad-txnmrklroot', (b) => makeBlock(b.header, b.txs.slice(0, 2)).bytes],
  [
    'bad-txnmrklroot',
    // The coinbase pays somebody else. The witness commitment, which counts it as nothing, still matches.
    (b) => {
      const [coinbase, ...rest] = b.txs;
      const [first, ...others] = coinbase!.outputs;
      const outputs = [{ ...first!, script: scriptOf(3) }, ...others];
      return makeBlock(b.header, [makeTx({ ...coinbase!, outputs }), ...rest]).bytes;
    },
  ],
  ['bad-txns-duplicate', (b) => makeBlock(b.header, [...b.txs, b.txs[2]!]).bytes],
  [
    'bad-witness-nonce-size',
    (b) => makeBlock(b.header, [withWitness(b.txs[0]!, () => []), ...b.txs.slice(1)]).bytes,
  ],
  [
    'bad-witness-merkle-match',
    (b) => {
      const [coinbase, first, ...rest] = b.txs;
      const spoilt = withWitness(first!, ([signature, key]) => [flipped(signature!), key!]);
      return makeBlock(b.header, [coinbase!, spoilt, ...rest]).bytes;
    },
  ],
];

/** An honest block with two payments, which {@link MUTATIONS} can spoil. */
export function honestBlock(m: Material) {
  return made(m, { txs: [paying(m, 0), paying(m, 1)] });
}

const unexpectedWitness: Maker = (m) => {
  const block = made(m);
  const padded = withWitness(block.txs[0]!, () => [new Uint8Array(32)]);
  return makeBlock(block.header, [padded]).bytes;
};

/** A way to break each rule that a block can break on its own, in the order of the table. */
export const BAD_BLOCKS: readonly (readonly [RuleName, Maker])[] = [
  ['bad-version', (m) => reheaded(m, (h) => ({ ...h, version: 3 }))],
  [
    'bad-diffbits',
    (m) => reheaded(m, (h) => ({ ...h, bits: h.bits === 0x207fffff ? 0x207ffffe : 0x207fffff })),
  ],
  ['high-hash', (m) => bytes(m, { lazy: true })],
  ['time-too-old', (m) => bytes(m, { time: m.parent.medianTime })],
  [
    'time-timewarp-attack',
    (m) => {
      const time = m.parent.header.time - 1;
      const { retarget } = m.forge.params;
      return retarget.kind !== 'ema' || time <= m.parent.medianTime ? undefined : bytes(m, { time });
    },
  ],
  [
    'prev-blk-not-found',
    (m) => {
      const { entry } = m.forge.block(m.parent, m.wallS, { extraNonce: 1 });
      return m.forge.block(entry, m.wallS).block.bytes;
    },
  ],
  [
    'bad-prevblk',
    (m) => {
      const { entry } = m.forge.block(m.parent, m.wallS, { fees: 1 });
      return m.forge.block(entry, m.wallS).block.bytes;
    },
  ],
  ...MUTATIONS.map(([rule, mutate]): readonly [RuleName, Maker] => [rule, (m) => mutate(honestBlock(m))]),
  ['unexpected-witness', unexpectedWitness],
  [
    'bad-txns-64-bytes',
    // An OP_RETURN of two bytes makes one input and one output exactly 64 bytes.
    (m) =>
      holding(
        m,
        raw([bare(m, 0)], [{ value: 0, script: lockScript({ kind: 'data', data: Uint8Array.of(7, 7) }) }]),
      ),
  ],
  ['bad-cb-missing', (m) => bytes(m, { coinbase: 'none', txs: [paying(m, 0)] })],
  [
    'bad-blk-weight',
    // Values of nothing to nobody: a stripped size above a million bytes.
    (m) =>
      bytes(m, { extraOutputs: Array.from({ length: 32_300 }, () => ({ value: 0, script: scriptOf(9) })) }),
  ],
  ['bad-cb-multiple', (m) => holding(m, raw([NULL_INPUT], [{ value: 1, script: scriptOf(9) }]))],
  [
    'bad-cb-length',
    (m) => bytes(m, { script: concat(coinbaseHeightPrefix(m.parent.height + 1), new Uint8Array(100)) }),
  ],
  ['bad-txns-vin-empty', (m) => holding(m, raw([], []))],
  ['bad-txns-vout-empty', (m) => holding(m, raw([bare(m, 0), bare(m, 1)], []))],
  [
    'bad-txns-txouttotal-toolarge',
    (m) => {
      const all = { value: 21e14, script: scriptOf(9) };
      return holding(m, raw([bare(m, 0)], [all, all]));
    },
  ],
  [
    'bad-txns-inputs-duplicate',
    (m) => holding(m, raw([bare(m, 0), bare(m, 0)], [{ value: 1, script: scriptOf(9) }])),
  ],
  [
    'bad-txns-prevout-null',
    (m) => holding(m, raw([bare(m, 0), NULL_INPUT], [{ value: 1, script: scriptOf(9) }])),
  ],
  ['scriptpubkey', (m) => bytes(m, { extraOutputs: [{ value: 0, script: P2PKH }] })],
  [
    'bad-cb-height',
    (m) => bytes(m, { script: concat(coinbaseHeightPrefix(m.parent.height + 2), new Uint8Array(8)) }),
  ],
  ['bad-txns-nonfinal', (m) => holding(m, paying(m, 0, 0, { lockTime: m.parent.height + 1, sequence: 0 }))],
  ['bad-txns-inputs-missingorspent', (m) => holding(m, paying(m, 0), paying(m, 0, -1_000))],
  [
    'bad-txns-premature-spend-of-coinbase',
    ({ immature, ...m }) => {
      if (immature === undefined) return undefined;
      return bytes(
        { ...m, immature },
        { txs: [spend([immature], [{ value: immature.coin.value, script: scriptOf(9) }])] },
      );
    },
  ],
  ['bad-txns-in-belowout', (m) => holding(m, paying(m, 0, 1))],
  [
    'block-script-verify-flag-failed',
    (m) =>
      holding(
        m,
        withWitness(paying(m, 0), ([signature, key]) => [flipped(signature!), key!]),
      ),
  ],
  ['bad-cb-amount', (m) => bytes(m, { fees: 1 })],
];

export interface Bad {
  readonly rule: RuleName;
  readonly bytes: Uint8Array;
  /** Where the bytes are those of a block. */
  readonly block: Block | undefined;
  /** Where the rule condemns the block's id for ever. */
  readonly forged: Forged | undefined;
}

/** The rule by number, or the next one that this material can break. */
export function pickBad(m: Material, variant: number): Bad | undefined {
  for (let i = 0; i < BAD_BLOCKS.length; i++) {
    const [rule, make] = BAD_BLOCKS[(variant + i) % BAD_BLOCKS.length]!;
    const bytes = make(m);
    if (bytes === undefined) continue;
    const decoded = decodeBlock(bytes);
    const block = decoded.ok ? decoded.value : undefined;
    if (block === undefined || !RULES[rule].condemns) return { rule, bytes, block, forged: undefined };
    const entry = detachedEntry(block.header, block.hash, m.parent);
    return { rule, bytes, block, forged: { block, entry } };
  }
  return undefined;
}
