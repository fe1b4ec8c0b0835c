import { makeBlock } from '../../src/bitcoin/block.ts';
import { decodeHeader, type Header } from '../../src/bitcoin/header.ts';
import { coinbaseHeightPrefix } from '../../src/bitcoin/lock.ts';
import { makeTx, type Tx, type TxIn } from '../../src/bitcoin/tx.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import type { RuleName } from '../../src/consensus/params/rules.ts';
import { concat } from '../../src/util/bytes.ts';
import { ALICE, BOB, data, FINAL, payTo, spend } from './keys.ts';
import { LAB, YARD } from './networks.ts';
import { SCRIPT_CASES } from './script-cases.ts';
import { grind, rebody, World } from './world.ts';

/**
 * One way to break one rule. A driver is shown `before` (names, all must be taken), then `bad`, which must be refused
 * by `rule`. Then `honest`, which must be taken and become the tip: with `mutated` it is the very block whose body
 * `bad` spoils, so nothing may have stuck to its id.
 */
export interface RuleCase {
  readonly rule: RuleName;
  readonly title: string;
  readonly world: World;
  readonly before: string;
  readonly bad: Uint8Array;
  /** A name. */
  readonly honest: string;
  readonly mutated: boolean;
}

type Build = (world: World) => {
  readonly before?: string;
  readonly bad: string | Uint8Array;
  readonly honest?: string;
  readonly mutated?: boolean;
};

function ruleCase(rule: RuleName, title: string, build: Build, params: Params = LAB): () => RuleCase {
  return () => {
    const world = new World(params).draw('G-1-2-H');
    const { before = '1 2', bad, honest = 'H', mutated = false } = build(world);
    const bytes = typeof bad === 'string' ? world.bytes(bad) : bad;
    return { rule, title, world, before, bad: bytes, honest, mutated };
  };
}

/** A block on 2 whose header is changed and ground again. */
function reheaded(world: World, change: (header: Header) => Header): Uint8Array {
  const { block } = world.get('H');
  return makeBlock(grind(change(block.header)), block.txs).bytes;
}

const toBob = (value: number) => ({ value, script: payTo(BOB) });
const COIN20 = 20e8;

/** A payment of one of Alice's genesis coins, all of it to Bob. */
const pay = (world: World, coin: number, o: Parameters<typeof spend>[2] = {}): Tx =>
  spend([world.genesisCoin(coin)], [toBob(COIN20)], o);

/** A block `X` on 2 with these transactions. */
function holding(world: World, ...txs: Tx[]): string {
  return world.draw('2-X', { X: { txs } }).get('X').name;
}

const raw = (inputs: readonly TxIn[], outputs: Tx['outputs']): Tx =>
  makeTx({ version: 2, inputs, outputs, lockTime: 0 });
const NULL_INPUT: TxIn = {
  prevout: { txid: new Uint8Array(32), index: 0xffff_ffff },
  script: Uint8Array.of(1, 1),
  sequence: FINAL,
  witness: [],
};
const bare = (world: World, coin: number): TxIn => ({
  prevout: world.genesisCoin(coin).outpoint,
  script: new Uint8Array(0),
  sequence: FINAL,
  witness: [],
});

const P2PKH = concat(Uint8Array.of(0x76, 0xa9, 20), new Uint8Array(20), Uint8Array.of(0x88, 0xac));

/** Mutations of an honest block `M` on 2 that holds three signed payments. */
function mutation(rule: RuleName, title: string, mutate: (world: World) => Uint8Array): () => RuleCase {
  return ruleCase(rule, title, (world) => {
    world.draw('2-M', { M: { txs: [pay(world, 0), pay(world, 1)] } });
    return { bad: mutate(world), honest: 'M', mutated: true };
  });
}

const withWitness = (tx: Tx, change: (witness: Uint8Array[], input: number) => Uint8Array[]): Tx =>
  makeTx({
    ...tx,
    inputs: tx.inputs.map((input, i) => ({ ...input, witness: change([...input.witness], i) })),
  });

const header: readonly (() => RuleCase)[] = [
  ruleCase('bad-version', 'version 3', (w) => ({ bad: reheaded(w, (h) => ({ ...h, version: 3 })) })),
  ruleCase('bad-version', 'a negative version', (w) => ({
    bad: reheaded(w, (h) => ({ ...h, version: -0x8000_0000 })),
  })),
  ruleCase('bad-diffbits', 'a harder target than expected', (w) => ({
    bad: reheaded(w, (h) => ({ ...h, bits: 0x207ffffe })),
  })),
  ruleCase('high-hash', 'an easier target than the network has', (w) => ({
    bad: reheaded(w, (h) => ({ ...h, bits: 0x2100ffff })),
  })),
  ruleCase('high-hash', 'a negative target', (w) => ({
    bad: makeBlock({ ...w.get('H').block.header, bits: 0x20800001 }, w.get('H').block.txs).bytes,
  })),
  ruleCase('high-hash', 'a hash above the target', (w) => ({
    bad: w.draw('2-X', { X: { lazy: true } }).bytes('X'),
  })),
  ruleCase('time-too-old', 'the median of the last 11 exactly', (w) => ({
    bad: reheaded(w, (h) => ({ ...h, time: w.get('2').entry.medianTime })),
  })),
  ruleCase('time-too-new', 'a second beyond the bound', (w) => ({
    bad: reheaded(w, (h) => ({ ...h, time: w.wallS + w.params.futureBoundS + 1 })),
  })),
  ruleCase(
    'time-timewarp-attack',
    "a second before its parent's time, past the median",
    (w) => {
      const parent = w.get('2').block.header.time;
      return { bad: w.draw('2-X', { X: { time: parent - 1 } }).bytes('X') };
    },
    YARD,
  ),
  ruleCase('prev-blk-not-found', 'a block on an unknown parent', (w) => ({
    bad: w.draw('2-U-X').bytes('X'),
  })),
];

const mutations: readonly (() => RuleCase)[] = [
  mutation('bad-encoding', 'a trailing byte', (w) => concat(w.bytes('M'), Uint8Array.of(0))),
  mutation('bad-encoding', 'cut short', (w) => w.bytes('M').slice(0, -1)),
  mutation('bad-encoding', 'a count that is not minimal', (w) => {
    const bytes = w.bytes('M');
    return concat(bytes.slice(0, 80), Uint8Array.of(0xfd, bytes[80]!, 0), bytes.slice(81));
  }),
  mutation('bad-blk-length', 'no transactions', (w) => rebody(w.get('M').block, [])),
  mutation('bad-blk-length', 'padded beyond 4,000,000 bytes', (w) =>
    concat(w.bytes('M'), new Uint8Array(4_000_000)),
  ),
  mutation('bad-txnmrklroot', 'a transaction left out', (w) =>
    rebody(w.get('M').block, w.get('M').block.txs.slice(0, 2)),
  ),
  mutation('bad-txns-duplicate', 'the last transaction twice (CVE-2012-2459)', (w) => {
    const { txs } = w.get('M').block;
    return rebody(w.get('M').block, [...txs, txs[2]!]);
  }),
  mutation('bad-witness-nonce-size', "the coinbase's witness stripped", (w) => {
    const [coinbase, ...rest] = w.get('M').block.txs;
    return rebody(w.get('M').block, [withWitness(coinbase!, () => []), ...rest]);
  }),
  mutation('bad-witness-nonce-size', 'a second item in the coinbase witness', (w) => {
    const [coinbase, ...rest] = w.get('M').block.txs;
    const doubled = withWitness(coinbase!, (witness) => [...witness, ...witness]);
    return rebody(w.get('M').block, [doubled, ...rest]);
  }),
  mutation('bad-witness-merkle-match', 'a bit of a signature flipped', (w) => {
    const [coinbase, first, ...rest] = w.get('M').block.txs;
    const flipped = withWitness(first!, ([signature, key]) => {
      const copy = signature!.slice();
      copy[20]! ^= 1;
      return [copy, key!];
    });
    return rebody(w.get('M').block, [coinbase!, flipped, ...rest]);
  }),
  mutation('bad-witness-merkle-match', 'a witness stripped', (w) => {
    const [coinbase, first, ...rest] = w.get('M').block.txs;
    return rebody(w.get('M').block, [coinbase!, withWitness(first!, () => []), ...rest]);
  }),
  ruleCase('unexpected-witness', 'a witness where nothing commits to one', (w) => {
    const [coinbase] = w.get('H').block.txs;
    const padded = withWitness(coinbase!, () => [new Uint8Array(32)]);
    return { bad: rebody(w.get('H').block, [padded]), honest: 'H', mutated: true };
  }),
];

/** An OP_RETURN of two bytes makes one input and one output exactly 64 bytes. */
const tx64 = (world: World): Tx => raw([bare(world, 0)], [{ value: 0, script: data(7, 7) }]);

const content: readonly (() => RuleCase)[] = [
  ruleCase('bad-txns-64-bytes', 'a transaction of 64 bytes', (w) => ({ bad: holding(w, tx64(w)) })),
  ruleCase('bad-cb-missing', 'no coinbase in front', (w) => ({
    bad: w.draw('2-X', { X: { coinbase: 'none', txs: [pay(w, 0)] } }).bytes('X'),
  })),
  ruleCase('bad-cb-missing', 'a coinbase with the index of an ordinary input', (w) => ({
    bad: w
      .draw('2-X', {
        X: { coinbase: { inputs: [{ ...NULL_INPUT, prevout: { txid: new Uint8Array(32), index: 0 } }] } },
      })
      .bytes('X'),
  })),
  ruleCase('bad-blk-weight', 'a stripped size above a million bytes', (w) => {
    const outputs = Array.from({ length: 32_300 }, () => ({ value: 0, script: payTo(BOB) }));
    return { bad: w.draw('2-X', { X: { extraOutputs: outputs } }).bytes('X') };
  }),
  ruleCase('bad-cb-multiple', 'a second coinbase', (w) => ({
    bad: holding(w, raw([NULL_INPUT], [toBob(1)])),
  })),
  ruleCase('bad-cb-length', 'a scriptSig of one byte', (w) => ({
    bad: w.draw('2-X', { X: { script: coinbaseHeightPrefix(3) } }).bytes('X'),
  })),
  ruleCase('bad-cb-length', 'a scriptSig of 101 bytes', (w) => ({
    bad: w.draw('2-X', { X: { script: concat(coinbaseHeightPrefix(3), new Uint8Array(100)) } }).bytes('X'),
  })),
  ruleCase('bad-txns-vin-empty', 'no inputs', (w) => ({ bad: holding(w, raw([], [])) })),
  ruleCase('bad-txns-vout-empty', 'no outputs', (w) => ({
    bad: holding(w, raw([bare(w, 0), bare(w, 1)], [])),
  })),
  ruleCase('bad-txns-txouttotal-toolarge', '21 million coins twice', (w) => ({
    bad: holding(w, raw([bare(w, 0)], [toBob(21e14), toBob(21e14)])),
  })),
  ruleCase('bad-txns-inputs-duplicate', 'one coin twice in one transaction', (w) => ({
    bad: holding(w, raw([bare(w, 0), bare(w, 0)], [toBob(1)])),
  })),
  ruleCase('bad-txns-prevout-null', 'a null input beside another', (w) => ({
    bad: holding(w, raw([bare(w, 0), NULL_INPUT], [toBob(1)])),
  })),
  ruleCase('scriptpubkey', 'a P2PKH output', (w) => ({
    bad: holding(w, spend([w.genesisCoin(0)], [{ value: COIN20, script: P2PKH }])),
  })),
  ruleCase('scriptpubkey', 'a P2PKH output of the coinbase', (w) => ({
    bad: w.draw('2-X', { X: { extraOutputs: [{ value: 0, script: P2PKH }] } }).bytes('X'),
  })),
];

const context: readonly (() => RuleCase)[] = [
  ruleCase('bad-cb-height', 'the height of another block', (w) => ({
    bad: w.draw('2-X', { X: { script: concat(coinbaseHeightPrefix(4), new Uint8Array(8)) } }).bytes('X'),
  })),
  ruleCase('bad-cb-height', 'the height in a longer push', (w) => ({
    bad: w.draw('2-X', { X: { script: Uint8Array.of(1, 3, 0, 0) } }).bytes('X'),
  })),
  ruleCase('bad-txns-nonfinal', 'locked to the very height', (w) => ({
    bad: holding(w, pay(w, 0, { lockTime: 3, sequence: 0 })),
  })),
  ruleCase('bad-txns-nonfinal', 'locked to the median time past', (w) => ({
    bad: holding(w, pay(w, 0, { lockTime: w.get('2').entry.medianTime, sequence: 0 })),
  })),
  ruleCase('bad-txns-nonfinal', 'a coinbase that is locked', (w) => ({
    bad: w
      .draw('2-X', {
        X: {
          coinbase: {
            lockTime: 3,
            inputs: [{ ...w.get('2').block.txs[0]!.inputs[0]!, script: Uint8Array.of(0x53, 0), sequence: 0 }],
          },
        },
      })
      .bytes('X'),
  })),
];

const coins: readonly (() => RuleCase)[] = [
  ruleCase('bad-txns-nonfinal', 'a relative lock of three blocks on a coin of height 1 (BIP68)', (w) => {
    w.draw('G-a-b', { a: { txs: [pay1(w)] } });
    w.draw('b-X / b-c', { X: { txs: [relative(w, 3)] }, c: { txs: [relative(w, 2)] } });
    return { before: 'a b', bad: 'X', honest: 'c' };
  }),
  ruleCase('bad-txns-nonfinal', 'a relative lock of 512 seconds (BIP68)', (w) => {
    w.draw('G-a-b', { a: { txs: [pay1(w)] } });
    w.draw('b-X / b-c', { X: { txs: [relative(w, 0x0040_0001)] }, c: {} });
    return { before: 'a b', bad: 'X', honest: 'c' };
  }),
  ruleCase('bad-txns-inputs-missingorspent', 'a coin that never was', (w) => {
    const coin = { ...w.genesisCoin(0), outpoint: { txid: new Uint8Array(32).fill(9), index: 0 } };
    return { bad: holding(w, spend([coin], [toBob(COIN20)])) };
  }),
  ruleCase('bad-txns-inputs-missingorspent', 'a coin spent twice in one block', (w) => ({
    bad: holding(w, pay(w, 0), spend([w.genesisCoin(0)], [toBob(1e8)])),
  })),
  ruleCase('bad-txns-inputs-missingorspent', 'a coin spent by an ancestor', (w) => {
    w.draw('2-a', { a: { txs: [pay(w, 0)] } });
    w.draw('a-X / a-c', { X: { txs: [spend([w.genesisCoin(0)], [toBob(1e8)])] } });
    return { before: '1 2 a', bad: 'X', honest: 'c' };
  }),
  ruleCase('bad-txns-inputs-missingorspent', 'a child before its parent', (w) => {
    const parent = pay(w, 0);
    const child = spend(
      [{ ...w.genesisCoin(0), outpoint: { txid: parent.txid, index: 0 }, script: payTo(BOB), secret: BOB }],
      [toBob(1e8)],
    );
    return { bad: holding(w, child, parent) };
  }),
  ruleCase('bad-txns-inputs-missingorspent', 'an OP_RETURN output', (w) => {
    const burn = spend([w.genesisCoin(0)], [{ value: COIN20, script: data(1, 2, 3) }]);
    const coin = { ...w.genesisCoin(1), outpoint: { txid: burn.txid, index: 0 } };
    return { bad: holding(w, burn, spend([coin], [toBob(1e8)])) };
  }),
  ruleCase('bad-txns-premature-spend-of-coinbase', 'a coinbase coin one block too early', (w) => {
    w.draw('2-3-4-5-6-7-8-9-10');
    // Block 11 may spend the reward of block 1; block 10 may not.
    w.draw('9-X / 10-c', {
      X: { txs: [spend([w.reward('1')], [toBob(50e8)])] },
      c: { txs: [spend([w.reward('1')], [toBob(50e8)])] },
    });
    return { before: '1 2 3 4 5 6 7 8 9', bad: 'X', honest: '10' };
  }),
  ruleCase('bad-txns-in-belowout', 'a satoshi out of nothing', (w) => ({
    bad: holding(w, spend([w.genesisCoin(0)], [toBob(COIN20 + 1)])),
  })),
  ruleCase('bad-cb-amount', 'a satoshi above the subsidy', (w) => ({
    bad: w.draw('2-X', { X: { fees: 1 } }).bytes('X'),
  })),
  ruleCase('bad-cb-amount', 'a satoshi above subsidy and fees', (w) => {
    const tx = spend([w.genesisCoin(0)], [toBob(COIN20 - 1000)]);
    w.draw('2-X / 2-c', { X: { txs: [tx], fees: 1001 }, c: { txs: [tx], fees: 1000 } });
    return { bad: 'X', honest: 'c' };
  }),
];

function pay1(world: World): Tx {
  return spend([world.genesisCoin(0)], [{ value: COIN20, script: payTo(ALICE) }]);
}

/** Spends the output of `pay1` under a relative lock. */
function relative(world: World, sequence: number): Tx {
  const coin = { ...world.genesisCoin(0), outpoint: { txid: pay1(world).txid, index: 0 } };
  return spend([coin], [toBob(COIN20)], { sequence });
}

const scripts: readonly (() => RuleCase)[] = SCRIPT_CASES.map(({ title, txs }) =>
  ruleCase('block-script-verify-flag-failed', title, (w) => ({ bad: holding(w, ...txs(w)) })),
);

/** Made on demand: each grinds its own blocks. */
export const RULE_CASES: readonly (() => RuleCase)[] = [
  ...header,
  ...mutations,
  ...content,
  ...context,
  ...coins,
  ...scripts,
];

/** The header of a block's bytes. */
export function headerOf(bytes: Uint8Array): Header {
  const decoded = decodeHeader(bytes.slice(0, 80));
  if (!decoded.ok) throw new Error('no header');
  return decoded.value;
}
