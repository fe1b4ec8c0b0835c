import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../../src/bitcoin/lock.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import { newSighashCache, sighashAllV0, sighashDefaultV1 } from '../../src/bitcoin/sighash.ts';
import { parseDerStrict } from '../../src/bitcoin/signature.ts';
import type { Tx, TxOut } from '../../src/bitcoin/tx.ts';
import { equal, toHex } from '../../src/util/bytes.ts';
import { type Built, buildTx } from '../../src/wallet/build.ts';
import { KeyRing } from '../../src/wallet/keys.ts';
import type { Spendable } from '../../src/wallet/select.ts';
import { signTx } from '../../src/wallet/sign.ts';
import { coin, key, reread } from './coins.ts';

/** Checks an input as consensus does: the exact witness shape, the strict signature, the right key, the curve. */
function inputIsValid(tx: Tx, index: number, spent: readonly TxOut[]): boolean {
  const lock = parseLock(spent[index]!.script);
  const { witness, script } = tx.inputs[index]!;
  if (script.length > 0 || lock === undefined || lock.kind === 'data') return false;
  if (lock.kind === 'p2wpkh') {
    const [der, pub] = witness;
    if (witness.length !== 2 || der === undefined || pub === undefined) return false;
    const parsed = parseDerStrict(der);
    if (!parsed.ok || parsed.value.hashType !== 1) return false;
    const owner = [1, 2, 3].find((n) => equal(key(n).publicKey, pub));
    if (owner === undefined || !equal(key(owner).script('p2wpkh'), spent[index]!.script)) return false;
    const message = sighashAllV0(tx, index, lock.hash, spent[index]!.value, newSighashCache());
    return nobleVerify({ scheme: 'ecdsa', key: pub, message, signature: parsed.value.compact });
  }
  const signature = witness[0];
  if (witness.length !== 1 || signature?.length !== 64) return false;
  const message = sighashDefaultV1(tx, index, spent, newSighashCache());
  return nobleVerify({ scheme: 'schnorr', key: lock.key, message, signature });
}

const ring = new KeyRing([key(1), key(2), key(3)]);

function built(coins: readonly Spendable[], feeRate: number): Built {
  const result = buildTx({
    recipients: [{ value: 10_000, script: key(9).script('p2wpkh') }],
    coins: [],
    fixed: coins,
    changeScript: key(1).script('p2wpkh'),
    feeRate,
  });
  if (!result.ok) throw new Error(result.error.kind);
  return result.value;
}

function signed(b: Built): Tx {
  const result = signTx(b.tx, b.inputs, ring);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

describe('signTx', () => {
  it('makes every input valid, of both kinds mixed; the size is as foretold', () => {
    const input = fc.record({
      owner: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom('p2wpkh' as const, 'p2tr' as const),
      value: fc.integer({ min: 50_000, max: 1e9 }),
    });
    fc.assert(
      fc.property(
        fc.array(input, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 20_000 }),
        (list, rate) => {
          const b = built(
            list.map(({ owner, kind, value }) => coin(value, key(owner), kind)),
            rate,
          );
          const tx = reread(signed(b));
          tx.inputs.forEach((_, i) => {
            expect(inputIsValid(tx, i, b.inputs)).toBe(true);
          });
          expect(tx.id).toBe(b.tx.id); // signing changes no txid
          const wpkh = list.filter(({ kind }) => kind === 'p2wpkh').length;
          expect(4 * b.vsize - tx.weight).toBeGreaterThanOrEqual(0);
          expect(4 * b.vsize - tx.weight).toBeLessThanOrEqual(3 + 3 * wpkh);
          if (wpkh === 0) expect(tx.vsize).toBe(b.vsize);
        },
      ),
      { seed: 141, numRuns: 12 },
    );
  });

  it('commits to what it spends: another value, output or coin makes it invalid', () => {
    const b = built([coin(100_000, key(1)), coin(70_000, key(2), 'p2tr')], 1000);
    const tx = signed(b);
    expect([inputIsValid(tx, 0, b.inputs), inputIsValid(tx, 1, b.inputs)]).toEqual([true, true]);
    const richer = b.inputs.map((spent) => ({ ...spent, value: spent.value + 1 }));
    expect([inputIsValid(tx, 0, richer), inputIsValid(tx, 1, richer)]).toEqual([false, false]);
    const other = built([coin(100_001, key(1)), coin(70_000, key(2), 'p2tr')], 1000);
    const stolen = {
      ...other.tx,
      inputs: other.tx.inputs.map((x, i) => ({ ...x, witness: tx.inputs[i]!.witness })),
    };
    expect([inputIsValid(stolen, 0, other.inputs), inputIsValid(stolen, 1, other.inputs)]).toEqual([
      false,
      false,
    ]);
  });

  it('is deterministic, and aux changes Schnorr signatures only', () => {
    const b = built([coin(100_000, key(1)), coin(70_000, key(2), 'p2tr')], 1000);
    expect(toHex(signed(b).bytes)).toBe(toHex(signed(b).bytes));
    const aux = signTx(b.tx, b.inputs, ring, new Uint8Array(32).fill(7));
    if (!aux.ok) throw new Error(aux.error);
    expect(aux.value.inputs[0]!.witness).toEqual(signed(b).inputs[0]!.witness);
    expect(aux.value.inputs[1]!.witness).not.toEqual(signed(b).inputs[1]!.witness);
    expect(inputIsValid(aux.value, 1, b.inputs)).toBe(true);
  });

  it('says which input it has no key for, and that coins are missing', () => {
    const b = built([coin(100_000, key(1)), coin(70_000, key(4))], 1000);
    const result = signTx(b.tx, b.inputs, ring);
    expect(result.ok ? 'signed' : result.error).toContain('input 1: no key');
    const fewer = signTx(b.tx, b.inputs.slice(1), ring);
    expect(fewer.ok ? 'signed' : fewer.error).toContain('2 inputs, but 1 spent outputs');
  });
});
