import fc from 'fast-check';
import { makeTx, type Tx, type TxIn, type TxOut } from '../../src/bitcoin/tx.ts';

/** Random transactions for property tests: every shape that the wire form can carry, scripts of any bytes. */

export const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
export const u32 = fc.oneof(
  fc.nat(0xffff_ffff),
  fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
);
export const money = fc.oneof(
  fc.integer({ min: 0, max: 21e14 }),
  fc.constantFrom(0, 1, 546, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 21e14),
);

const script = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ minLength: 250, maxLength: 256 }), // around the border of one-byte lengths
);

const witness = fc.array(fc.uint8Array({ maxLength: 75 }), { maxLength: 3 });

const txIn: fc.Arbitrary<TxIn> = fc.record({
  prevout: fc.record({ txid: bytes32, index: u32 }),
  script,
  sequence: u32,
  witness: fc.oneof(fc.constant([]), witness),
});

const txOut: fc.Arbitrary<TxOut> = fc.record({ value: money, script });

export const anyTx: fc.Arbitrary<Tx> = fc
  .record({
    version: u32,
    inputs: fc.array(txIn, { minLength: 1, maxLength: 4 }),
    outputs: fc.array(txOut, { maxLength: 4 }),
    lockTime: u32,
  })
  .map(makeTx);

/** A spendable shape: empty scriptSigs, allowed locks only. */
export const p2wpkhScript = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((hash) => Uint8Array.of(0x00, 20, ...hash));
const p2trScript = bytes32.map((key) => Uint8Array.of(0x51, 32, ...key));
export const allowedOut: fc.Arbitrary<TxOut> = fc.record({
  value: money,
  script: fc.oneof(p2wpkhScript, p2trScript),
});
