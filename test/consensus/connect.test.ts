import { describe, expect, it } from 'vitest';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import { outpointKey, type Tx } from '../../src/bitcoin/tx.ts';
import { refuse } from '../../src/consensus/params/rules.ts';
import type { Coin, CoinsView } from '../../src/consensus/store/coin.ts';
import { checkTx, type SaneTx } from '../../src/consensus/validate/check.ts';
import { firstLockedInput, isFinal } from '../../src/consensus/validate/locktime.ts';
import {
  firstInvalid,
  judgeInputs,
  type SpendContext,
  scriptRule,
  signatureChecks,
} from '../../src/consensus/validate/spend.ts';
import { coinbaseScript, minerTag } from '../../src/consensus/validate/tag.ts';
import type { SigCheck, Verify } from '../../src/consensus/validate/verify.ts';
import { ok } from '../../src/util/result.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { ALICE, BOB, data, FINAL, payTo, payToTaproot, type Spendable, spend, TAPROOT } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

/**
 * What mempool and block do between them, for one loose transaction: lock time, coins, amounts, relative locks, signatures. In `where: 'mempool'`
 * a coin of an unconfirmed parent has height tip + 1.
 */
function checkTxInputs(tx: SaneTx, view: CoinsView, at: SpendContext, verify: Verify) {
  if (!isFinal(tx, at.height, at.medianTime)) {
    const rule = at.where === 'block' ? 'bad-txns-nonfinal' : 'non-final';
    return refuse(rule, `${tx.id}, lock time ${tx.lockTime}, at height ${at.height}`);
  }
  const found = tx.inputs.map((input) => view.get(input.prevout));
  const fee = judgeInputs(tx, found, at);
  if (!fee.ok) return fee;
  const coins = found as readonly Coin[];
  const checks = signatureChecks(tx, coins);
  if (!checks.ok) return refuse(scriptRule(at.where), `${checks.error} (transaction ${tx.id})`);
  const invalid = firstInvalid(checks.value, verify);
  if (invalid !== undefined) return refuse(scriptRule(at.where), `${invalid} (transaction ${tx.id})`);
  return ok({ fee: fee.value, coins });
}

const at = (height: number, o: Partial<SpendContext> = {}): SpendContext => ({
  height,
  medianTime: 1_000_000 + 10 * (height - 1),
  medianTimeAt: (h) => 1_000_000 + 10 * h,
  where: 'mempool',
  maturity: 10,
  ...o,
});

let txids = 0;
function coinOf(value: number, secret: Uint8Array, script = payTo(secret)): Spendable {
  return { outpoint: { txid: new Uint8Array(32).fill(++txids), index: txids }, value, script, secret };
}

function viewOf(coins: readonly (Spendable & { height?: number; coinbase?: boolean })[]): CoinsView {
  const map = new Map<string, Coin>();
  for (const { outpoint, value, script, height = 1, coinbase = false } of coins) {
    map.set(outpointKey(outpoint), { value, script, height, coinbase });
  }
  return { get: (outpoint) => map.get(outpointKey(outpoint)) };
}

function sane(tx: Tx): SaneTx {
  const checked = checkTx(tx);
  if (!checked.ok) throw new Error(checked.error.rule);
  return checked.value;
}

const toBob = (value: number) => ({ value, script: payTo(BOB) });

describe('one loose transaction', () => {
  it('pays what its inputs leave, with both kinds of lock among them', () => {
    const coins = [coinOf(5_000, ALICE), coinOf(3_000, TAPROOT, payToTaproot(TAPROOT)), coinOf(2_000, BOB)];
    const tx = spend(coins, [toBob(9_000), { value: 0, script: data(1, 2) }]);
    const spent = checkTxInputs(sane(tx), viewOf(coins), at(5), nobleVerify);
    expect(spent).toMatchObject({ ok: true, value: { fee: 1_000 } });
    if (spent.ok) expect(spent.value.coins.map((coin) => coin.value)).toEqual([5_000, 3_000, 2_000]);
  });

  it("has the mempool's names for what a block has others for", () => {
    const coin = coinOf(5_000, ALICE);
    const judge = (tx: Tx, context: SpendContext) => {
      const result = checkTxInputs(sane(tx), viewOf([coin]), context, nobleVerify);
      return result.ok ? 'fine' : result.error.rule;
    };
    const locked = spend([coin], [toBob(1)], { lockTime: 5, sequence: 0 });
    expect(judge(locked, at(5))).toBe('non-final');
    expect(judge(locked, at(5, { where: 'block' }))).toBe('bad-txns-nonfinal');
    expect(judge(locked, at(6))).toBe('fine');
    const relative = spend([coin], [toBob(1)], { sequence: 4 });
    expect(judge(relative, at(4))).toBe('non-BIP68-final');
    expect(judge(relative, at(4, { where: 'block' }))).toBe('bad-txns-nonfinal');
    expect(judge(relative, at(5))).toBe('fine');
    const unsigned = spend([coin], [toBob(1)], {
      spoil: (inputs) => {
        inputs[0] = { ...inputs[0]!, witness: [] };
      },
    });
    expect(judge(unsigned, at(5))).toBe('mempool-script-verify-flag-failed');
    expect(judge(unsigned, at(5, { where: 'block' }))).toBe('block-script-verify-flag-failed');
    expect(judge(spend([coinOf(1, ALICE)], [toBob(1)]), at(5))).toBe('bad-txns-inputs-missingorspent');
  });

  it('refuses inputs above 21 million coins in sum', () => {
    const coins = [coinOf(21e14, ALICE), coinOf(1, ALICE)];
    const tx = spend(coins, [toBob(1)]);
    const found = coins.map(({ value, script }) => ({ value, script, height: 1, coinbase: false }));
    expect(judgeInputs(tx, found, at(5))).toMatchObject({
      error: { rule: 'bad-txns-inputvalues-outofrange' },
    });
    expect(judgeInputs(tx, [found[0]!, { ...found[1]!, value: 0 }], at(5)).ok).toBe(true);
  });

  it('lets a coinbase coin mature inclusively, and a genesis coin at once', () => {
    const coin = { ...coinOf(5_000, ALICE), height: 7, coinbase: true };
    const tx = sane(spend([coin], [toBob(1)]));
    expect(checkTxInputs(tx, viewOf([coin]), at(16), nobleVerify)).toMatchObject({
      error: { rule: 'bad-txns-premature-spend-of-coinbase' },
    });
    expect(checkTxInputs(tx, viewOf([coin]), at(17), nobleVerify).ok).toBe(true);
    const genesis = { ...coin, height: 0, coinbase: false };
    expect(checkTxInputs(tx, viewOf([genesis]), at(1), nobleVerify).ok).toBe(true);
  });

  it('cannot be a coinbase', () => {
    const world = new World(LAB).draw('G-1');
    expect(checkTx(world.get('1').block.txs[0]!)).toMatchObject({ error: { rule: 'coinbase' } });
  });
});

describe('lock times (BIP65, BIP113)', () => {
  const tx = (lockTime: number, sequence = 0) =>
    spend([coinOf(1, ALICE)], [toBob(1)], { lockTime, sequence });

  it('are heights below 500,000,000 and times from there on, both exclusive', () => {
    expect(isFinal(tx(0), 0, 0)).toBe(true);
    expect([9, 10, 11].map((height) => isFinal(tx(10), height, 2e9))).toEqual([false, false, true]);
    expect([499_999_999, 500_000_000, 500_000_001].map((m) => isFinal(tx(500_000_000), 1e9, m))).toEqual([
      false,
      false,
      true,
    ]);
    expect(isFinal(tx(499_999_999), 499_999_999, 2e9)).toBe(false);
  });

  it('do not bind when every input is final', () => {
    expect(isFinal(tx(10, FINAL), 5, 0)).toBe(true);
    expect(isFinal(tx(10, FINAL - 1), 5, 0)).toBe(false);
  });
});

describe('relative locks (BIP68)', () => {
  const coin: Coin = { value: 1, script: payTo(ALICE), height: 100, coinbase: false };
  const locked = (sequence: number, height: number, o: { version?: number; medianTime?: number } = {}) =>
    firstLockedInput(
      spend([coinOf(1, ALICE)], [toBob(1)], { sequence, version: o.version ?? 2 }),
      [coin],
      at(height, o.medianTime === undefined ? {} : { medianTime: o.medianTime }),
    );

  it('count blocks from the coin', () => {
    expect(locked(5, 104)).toBe(0);
    expect(locked(5, 105)).toBe(-1);
    expect(locked(0, 101)).toBe(-1);
    // Only the low 16 bits count.
    expect(locked(0x003f_0005, 105)).toBe(-1);
  });

  it('count 512 seconds from the median time past of the block before the coin', () => {
    const from = 1_000_000 + 10 * 99;
    expect(locked(0x0040_0002, 999, { medianTime: from + 1023 })).toBe(0);
    expect(locked(0x0040_0002, 999, { medianTime: from + 1024 })).toBe(-1);
  });

  it('bind from version 2 on, read without sign, and not when disabled', () => {
    expect(locked(500, 101, { version: 1 })).toBe(-1);
    expect(locked(500, 101, { version: 0 })).toBe(-1);
    expect(locked(500, 101, { version: 0xffff_ffff })).toBe(0);
    expect(locked(0x8000_01f4, 101)).toBe(-1);
  });

  it('find the genesis as the block before the first', () => {
    const first: Coin = { ...coin, height: 0 };
    const tx = spend([coinOf(1, ALICE)], [toBob(1)], { sequence: 0x0040_0001 });
    expect(firstLockedInput(tx, [first], at(2, { medianTime: 1_000_511 }))).toBe(0);
    expect(firstLockedInput(tx, [first], at(2, { medianTime: 1_000_512 }))).toBe(-1);
  });
});

describe('a large block', () => {
  /** One transaction that splits a coin, one with many inputs that joins the pieces, and a child. */
  function large() {
    const world = new World(LAB);
    const parts = 40;
    const split = spend(
      [world.genesisCoin(0)],
      Array.from({ length: parts }, () => ({ value: 20e8 / parts, script: payTo(ALICE) })),
    );
    const pieces = split.outputs.map((_, index) => ({
      outpoint: { txid: split.txid, index },
      value: 20e8 / parts,
      script: payTo(ALICE),
      secret: ALICE,
    }));
    const join = spend(pieces, [{ value: 20e8, script: payTo(ALICE) }]);
    const child = spend(
      [{ ...pieces[0]!, outpoint: { txid: join.txid, index: 0 }, value: 20e8 }],
      [toBob(20e8)],
    );
    world.draw('G-1', { '1': { txs: [split, join, child] } });
    return { world, signatures: parts + 2 };
  }

  it('pauses inside a transaction too, and verifies every signature once', () => {
    const { world, signatures } = large();
    let verified = 0;
    let most = 0;
    let before = 0;
    const driver = new ChainDriver({
      params: LAB,
      wallS: world.wallS,
      eager: false,
      pieceWeight: () => 1_000,
      verify: (check) => {
        verified++;
        return nobleVerify(check);
      },
    });
    driver.block(world.bytes('1'));
    while (driver.piece()) {
      most = Math.max(most, verified - before);
      before = verified;
    }
    expect(driver.tip()).toBe(world.id('1'));
    expect(verified).toBe(signatures);
    expect(most).toBeLessThanOrEqual(6);
  });

  it('is foreseen signature by signature, from its own overlay, without a trace', () => {
    const { world, signatures } = large();
    const keyOf = (check: SigCheck) => [check.scheme, check.message.join(), check.signature.join()].join();
    const verified: string[] = [];
    const foreseen: string[] = [];
    const open = (verify: (check: SigCheck) => boolean) =>
      new ChainDriver({ params: LAB, wallS: world.wallS, eager: false, pieceWeight: () => 1_000, verify });
    const driver = open((check) => verified.push(keyOf(check)) > 0);
    expect(driver.chain.signaturesAhead(10)).toEqual([]);
    driver.block(world.bytes('1'));
    expect(driver.chain.signaturesAhead(5)).toHaveLength(5);
    const whole = driver.chain.signaturesAhead(1_000).map(keyOf);
    expect(whole).toHaveLength(signatures);
    do foreseen.push(...driver.chain.signaturesAhead(8).map(keyOf));
    while (driver.piece());
    expect(verified).toEqual(whole);
    for (const one of verified) expect(foreseen).toContain(one);
    // The same rows are read and written as without looking ahead, so a replay needs no calls of it.
    const blind = open(() => true);
    blind.block(world.bytes('1'));
    blind.connect();
    expect(blind.store.rows()).toEqual(driver.store.rows());
  });

  it('foresees nothing while blocks must be disconnected first, then what the other branch needs', () => {
    const world = new World(LAB);
    const tx = spend([world.genesisCoin(0)], [toBob(20e8)]);
    const other = spend([world.genesisCoin(0)], [toBob(10e8)]);
    world.draw('G-1 / G-1a-2a', { '1': { txs: [tx] }, '2a': { txs: [other] } });
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS, eager: false, pieceWeight: () => 1 });
    driver.block(world.bytes('1'));
    driver.connect();
    driver.block(world.bytes('1a'));
    driver.block(world.bytes('2a'));
    expect(driver.chain.signaturesAhead(10)).toEqual([]);
    driver.piece();
    // The coin is spent on disk, and unspent in the overlay.
    expect(driver.chain.coin(world.genesisCoin(0).outpoint)).toBeUndefined();
    expect(driver.chain.signaturesAhead(10)).toHaveLength(1);
    driver.connect();
    expect(driver.tip()).toBe(world.id('2a'));
  });
});

describe("the miner's tag", () => {
  it('is read back at every size of height', () => {
    for (const height of [1, 16, 17, 127, 128, 255, 256, 32_767, 32_768, 70_000, 8_388_608]) {
      const script = coinbaseScript(height, 2 ** 40 + 7, 'node N27');
      const world = new World(LAB).draw('G-1', { '1': { coinbase: { inputs: [tagInput(script)] } } });
      expect(minerTag(world.get('1').block.txs[0]!)).toBe('node N27');
      expect(script.length).toBeLessThanOrEqual(100);
    }
    expect(coinbaseScript(8_388_608, 0, 'x'.repeat(32)).length).toBe(5 + 9 + 35);
  });

  it('is empty for scripts that are not ours', () => {
    const tagOf = (...script: number[]) =>
      minerTag(
        new World(LAB)
          .draw('G-1', { '1': { coinbase: { inputs: [tagInput(Uint8Array.from(script))] } } })
          .get('1').block.txs[0]!,
      );
    expect(tagOf(0x51, 0x00)).toBe('');
    expect(tagOf(0x51, 8, 1, 2, 3, 4, 5, 6, 7, 8, 3, 0x2f, 0x41, 0x2f)).toBe('A');
    expect(tagOf(0x51, 8, 1, 2, 3, 4, 5, 6, 7, 8, 3, 0x2f, 0x41, 0x41)).toBe('');
    expect(tagOf(0x51, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0x2f, 0x2f)).toBe('');
    expect(tagOf(0x51, 8, 1, 2, 3, 4, 5, 6, 7, 8, 3, 0x2f, 0x0a, 0x2f)).toBe('');
    expect(minerTag(LAB.genesis.txs[0]!)).toBe('');
  });

  it.each(['', '/', 'a/b', 'é', 'x'.repeat(33)])('cannot be %j', (tag) => {
    expect(() => coinbaseScript(1, 0, tag)).toThrow(RangeError);
  });
});

function tagInput(script: Uint8Array) {
  return { prevout: { txid: new Uint8Array(32), index: 0xffff_ffff }, script, sequence: FINAL, witness: [] };
}
