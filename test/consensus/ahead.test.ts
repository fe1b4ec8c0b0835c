import { describe, expect, it } from 'vitest';
import type { SigCheck } from '../../src/consensus/validate/verify.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

const toBob = (value: number) => ({ value, script: payTo(BOB) });

/** Two blocks with a payment each, the second of the first one's coin, and a branch that overtakes them. */
function payments() {
  const world = new World(LAB);
  const first = spend([world.genesisCoin(0)], [toBob(20e8)]);
  const second = spend([world.genesisCoin(1)], [toBob(10e8)]);
  world.draw('G-1-2 / G-1a-2a-3a', { '1': { txs: [first] }, '2': { txs: [second] } });
  return world;
}

const open = (world: World, o: { aheadRows?: number; pieceWeight?: number } = {}) =>
  new ChainDriver({
    params: LAB,
    wallS: world.wallS,
    eager: false,
    aheadRows: () => o.aheadRows ?? 1,
    ...(o.pieceWeight === undefined ? {} : { bounds: { pieceWeight: o.pieceWeight } }),
  });

describe('a batch that is written before its tip is shown', () => {
  it('holds all of the tip, while everything that can be seen is of the old one', () => {
    const world = payments();
    const driver = open(world);
    driver.block(world.bytes('1'));
    while (!driver.chain.ahead) driver.piece();
    const coin = world.genesisCoin(0).outpoint;
    expect(driver.chain.tip.height).toBe(0);
    expect(driver.chain.connecting).toBe(true);
    expect(driver.changes).toEqual([]);
    const plain = open(world, { aheadRows: Number.POSITIVE_INFINITY });
    plain.block(world.bytes('1'));
    plain.connect();
    expect(driver.store.rows()).toEqual(plain.store.rows());
    // The next step shows it, and has nothing to write.
    expect(driver.chain.catchUp()?.tip.id).toBe(world.id('1'));
    expect(driver.chain.takeWrites().writes).toEqual([]);
    expect(driver.tip()).toBe(world.id('1'));
    expect(driver.chain.coin(coin)).toBeUndefined();
    expect(driver.chain.connecting).toBe(false);
    expect(driver.chain.catchUp()).toBeUndefined();
  });

  it('is the tip of whoever opens that disk', () => {
    const world = payments();
    const driver = open(world);
    driver.block(world.bytes('1'));
    while (!driver.chain.ahead) driver.piece();
    driver.reopen();
    expect(driver.tip()).toBe(world.id('1'));
    expect(driver.coins()).toEqual(driver.replay().coins());
  });

  it('must be shown before anything else connects', () => {
    const world = payments();
    const driver = open(world);
    driver.block(world.bytes('1'));
    while (!driver.chain.ahead) driver.piece();
    expect(() => driver.chain.connectPiece(1_000)).toThrow('caught up');
  });

  it('is never that of a reorg, nor a small one', () => {
    const world = payments();
    const driver = open(world);
    for (const name of ['1', '2', '1a', '2a', '3a']) driver.block(world.bytes(name));
    let ahead = 0;
    while (driver.piece()) {
      if (!driver.chain.ahead) continue;
      ahead++;
      expect(driver.tip()).toBe(world.id('G'));
    }
    // All five bodies are here: the branch of three is gone to at once.
    expect(driver.tip()).toBe(world.id('3a'));
    const other = open(world);
    for (const name of ['1', '2']) other.block(world.bytes(name));
    other.connect();
    for (const name of ['1a', '2a', '3a']) other.block(world.bytes(name));
    const before = ahead;
    while (other.piece()) if (other.chain.ahead) ahead++;
    expect(other.tip()).toBe(world.id('3a'));
    expect(ahead - before).toBe(0);
    const small = open(world, { aheadRows: 1_000 });
    small.block(world.bytes('1'));
    while (small.piece()) expect(small.chain.ahead).toBe(false);
    expect(small.tip()).toBe(world.id('1'));
  });

  it('leaves what comes above it to be foreseen', () => {
    const world = payments();
    const driver = open(world, { pieceWeight: 1 });
    for (const name of ['1', '2']) driver.block(world.bytes(name));
    const messages = (checks: readonly SigCheck[]) => checks.map(({ message }) => message.join());
    const [first, second] = messages(driver.chain.signaturesAhead(10));
    expect(second).toBeDefined();
    while (!driver.chain.ahead) driver.piece();
    expect(messages(driver.chain.signaturesAhead(10))).toEqual([second]);
    driver.catchUp();
    expect(messages(driver.chain.signaturesAhead(10))).toEqual([second]);
    expect(first).not.toBe(second);
  });
});

describe('looking ahead in pieces', () => {
  it('makes ready what is foreseen, so many transactions at a time', () => {
    const world = payments();
    const driver = open(world);
    for (const name of ['1', '2']) driver.block(world.bytes(name));
    expect(driver.chain.prefetch(10, 1)).toBe(false);
    expect(driver.chain.prefetch(10, 1)).toBe(true);
    expect(driver.chain.signaturesAhead(10)).toHaveLength(2);
    expect(open(world).chain.prefetch(10, 1)).toBe(true);
  });

  it('ends at what connecting will refuse', () => {
    const world = new World(LAB);
    const missing = { ...world.genesisCoin(0), outpoint: { txid: new Uint8Array(32).fill(7), index: 0 } };
    const bad = spend([missing], [toBob(20e8)]);
    const good = spend([world.genesisCoin(1)], [toBob(10e8)]);
    world.draw('G-1', { '1': { txs: [bad, good] } });
    const driver = open(world);
    driver.block(world.bytes('1'));
    expect(driver.chain.prefetch(10, 1)).toBe(true);
    expect(driver.chain.signaturesAhead(10)).toEqual([]);
  });
});
