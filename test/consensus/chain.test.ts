import { describe, expect, it } from 'vitest';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { Play } from '../dsl/driver.ts';
import { ALICE, BOB, outputOf, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

function play(
  drawing: string,
  options: Parameters<World['draw']>[1] = {},
): { world: World; driver: ChainDriver; play: Play } {
  const world = new World(LAB).draw(drawing, options);
  const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
  return { world, driver, play: new Play(world, driver) };
}

const names = (world: World, list: readonly { id: string }[]): string[] =>
  list.map(({ id }) => world.nameOf(id));
const pay = (world: World, coin: number, value = 20e8) =>
  spend([world.genesisCoin(coin)], [{ value, script: payTo(BOB) }]);

describe('fork choice', () => {
  //  G - 1 - 2 - 3
  //        \ 2a - 3a - 4a
  it('follows most work, and tells the reorg', async () => {
    const { world, driver, play: p } = play('G-1-2-3 / 1-2a-3a-4a');
    await p.deliver('1 2 3 2a 3a');
    expect(await p.tip()).toBe('3');
    await p.deliver('4a');
    expect(await p.tip()).toBe('4a');
    const change = driver.changes.at(-1)!;
    expect(names(world, change.outEntries)).toEqual(['3', '2']);
    expect(names(world, change.inEntries)).toEqual(['2a', '3a', '4a']);
    expect(names(world, change.outEntries)).toEqual(['3', '2']);
    expect(names(world, change.inEntries)).toEqual(['2a', '3a', '4a']);
    expect(world.nameOf(change.fork.id)).toBe('1');
    expect(change.because).toBe('work');
    expect(driver.activeRows()).toEqual(driver.replay().activeRows());
    expect(driver.chain.tips().map((t) => [world.nameOf(t.entry.id), t.status, t.branchLength])).toEqual([
      ['4a', 'active', 0],
      ['3', 'valid-fork', 2],
    ]);
  });

  it('stays with the first seen at equal work, after a restart too', async () => {
    const { driver, play: p } = play('G-1-2 / 1-2a / 1-2b');
    await p.deliver('1 2a 2 2b');
    expect(await p.tip()).toBe('2a');
    driver.reopen();
    driver.connect();
    expect(await p.tip()).toBe('2a');
  });

  it('prefers the lower arrival among equals when the tip is condemned, after a restart too', async () => {
    const { world, driver, play: p } = play('G-1-2 / 1-2a / 1-2b / 1-2c');
    await p.deliver('1 2 2c 2a 2b');
    driver.chain.invalidate(driver.chain.entry(world.get('2').block.hash)!);
    driver.commit();
    driver.reopen();
    driver.connect();
    expect(await p.tip()).toBe('2c');
    expect(driver.changes.at(-1)!.because).toBe('invalidated');
  });

  it('counts arrival when all ancestors are here, not when the body came', async () => {
    const { world, driver, play: p } = play('G-1-2-3 / 1-2a-3a');
    await p.deliver('1');
    for (const name of ['2', '2a']) expect(driver.header(world.get(name).block.header)).toBeUndefined();
    // 3 is here first, but 2a - 3a is whole first.
    await p.deliver('3 2a 3a');
    expect(await p.tip()).toBe('3a');
    await p.deliver('2');
    expect(await p.tip()).toBe('3a');
    expect(driver.chain.entry(world.get('3').block.hash)!.arrival).toBe(5);
  });

  it('connects bodies that came before their ancestors', async () => {
    const { world, driver, play: p } = play('G-1-2-3-4-5');
    for (const name of ['1', '2', '3', '4', '5']) driver.header(world.get(name).block.header);
    await p.deliver('5 3 4 2');
    expect(await p.tip()).toBe('G');
    driver.reopen();
    await p.deliver('1');
    expect(await p.tip()).toBe('5');
    expect(driver.activeRows()).toEqual(driver.replay().activeRows());
  });
});

describe('a branch with a bad block', () => {
  //  G - 1 - 2
  //    \ 1a - 2a - X - 4a      X claims too much
  it('is followed as far as it is valid, if that is better', async () => {
    const { driver, play: p } = play('G-1 / G-1a-2a-X', { X: { fees: 1 } });
    await p.deliver('1 1a');
    expect(await p.tip()).toBe('1');
    await p.deliver('2a');
    expect(await p.refusal('X')).toBe('bad-cb-amount');
    expect(await p.tip()).toBe('2a');
    expect(driver.activeRows()).toEqual(driver.replay().activeRows());
  });

  it('leaves the tip and every row where they were, if what is valid of it is not better', async () => {
    const { world, driver, play: p } = play('G-1-2 / G-1a-2a-X-4a', { X: { fees: 1 } });
    await p.deliver('1 2');
    const before = driver.activeRows();
    for (const name of ['1a', '2a', 'X']) driver.header(world.get(name).block.header);
    await p.deliver('4a X 2a');
    expect(driver.failed).toEqual([]);
    await p.deliver('1a');
    expect(driver.failed.map((f) => world.nameOf(f.id))).toEqual(['X']);
    expect(await p.tip()).toBe('2');
    expect(driver.activeRows()).toEqual(before);
    expect(driver.chain.tips().map((t) => [world.nameOf(t.entry.id), t.status])).toEqual([
      ['4a', 'invalid'],
      ['2', 'active'],
    ]);
    expect(world.nameOf(driver.chain.bestHeader.id)).toBe('2');
  });

  it('keeps the valid prefix in its overlay: no signature is checked twice', () => {
    // The best goal fails at X; the next best shares 1a - 2a - 3a with it, all of them connected already.
    const world = new World(LAB);
    const options = Object.fromEntries(['1a', '2a', '3a'].map((name, i) => [name, { txs: [pay(world, i)] }]));
    world.draw('G-1 / G-1a-2a-3a-X-5a / 3a-4b', { ...options, X: { fees: 1 } });
    let verified = 0;
    const driver = new ChainDriver({
      params: LAB,
      wallS: world.wallS,
      eager: false,
      pieceWeight: () => 1,
      verify: () => ++verified > 0,
    });
    for (const name of ['1', '1a', '2a', '3a', 'X', '5a', '4b']) driver.block(world.bytes(name));
    driver.connect();
    expect(world.nameOf(driver.tip())).toBe('4b');
    expect(driver.failed).toHaveLength(1);
    expect(verified).toBe(3);
    // One batch: nothing was on disk in between.
    expect(driver.changes.map((change) => names(world, change.inEntries))).toEqual([
      ['1a', '2a', '3a', '4b'],
    ]);
    expect(driver.activeRows()).toEqual(driver.replay().activeRows());
  });
});

describe('a task under way', () => {
  it('shows the old tip until its last step, and writes nothing of the coins before', () => {
    const world = new World(LAB).draw('G-1-2-3 / G-1a-2a-3a-4a');
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS, pieceWeight: () => 1 });
    for (const name of ['1', '2', '3']) driver.block(world.bytes(name));
    const before = driver.activeRows();
    const lazy = new ChainDriver({
      params: LAB,
      wallS: world.wallS,
      store: driver.store,
      eager: false,
      pieceWeight: () => 1,
    });
    for (const name of ['1a', '2a', '3a', '4a']) lazy.block(world.bytes(name));
    let pieces = 0;
    while (lazy.changes.length === 0) {
      expect(world.nameOf(lazy.tip())).toBe('3');
      expect(lazy.chain.connecting).toBe(true);
      expect(lazy.activeRows()).toEqual(before);
      lazy.piece();
      pieces++;
    }
    expect(pieces).toBeGreaterThan(6);
    expect(world.nameOf(lazy.tip())).toBe('4a');
  });

  it('takes up a better goal on the way, wherever it forks, also in the middle of a block', () => {
    const world = new World(LAB);
    // Every block holds two payments, so that a piece can end between them.
    const two = (coin: number) => {
      const parent = spend([world.genesisCoin(coin)], [{ value: 20e8, script: payTo(ALICE) }]);
      return { txs: [parent, spend([outputOf(parent, 0, ALICE)], [{ value: 20e8, script: payTo(BOB) }])] };
    };
    world.draw(
      `G-1-2-3
      G-1a-2a-3a-4a
      2a-3b-4b-5b
      2-3c-4c-5c-6c`,
      {
        '1': two(0),
        '2': two(1),
        '1a': two(1),
        '2a': two(0),
        '3a': two(2),
        '4a': two(3),
        '3b': two(3),
        '4b': two(2),
        '3c': two(4),
      },
    );
    const tips = new Set<string>();
    for (let stop = 0; stop < 24; stop++) {
      const driver = new ChainDriver({ params: LAB, wallS: world.wallS, eager: false, pieceWeight: () => 1 });
      for (const name of ['1', '2', '3']) driver.block(world.bytes(name));
      driver.connect();
      for (const name of ['1a', '2a', '3a', '4a']) driver.block(world.bytes(name));
      for (let i = 0; i < stop; i++) driver.piece();
      for (const name of ['3b', '4b', '5b']) driver.block(world.bytes(name));
      for (let i = 0; i < stop / 2; i++) driver.piece();
      for (const name of ['3c', '4c', '5c', '6c']) driver.block(world.bytes(name));
      driver.connect();
      tips.add(driver.changes.map((change) => world.nameOf(change.tip.id)).join());
      expect(driver.failed).toEqual([]);
      expect(world.nameOf(driver.tip())).toBe('6c');
      expect(driver.activeRows()).toEqual(driver.replay().activeRows());
    }
    // Interrupted twice, once and never: the stops were spread over all of the way.
    expect([...tips].sort()).toEqual(['3,4a,5b,6c', '3,4a,6c', '3,6c']);
  });

  it('is lost in a crash, and nothing else is', () => {
    const world = new World(LAB).draw('G-1-2 / G-1a-2a-3a');
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS, eager: false, pieceWeight: () => 1 });
    for (const name of ['1', '2']) driver.block(world.bytes(name));
    driver.connect();
    for (const name of ['1a', '2a', '3a']) driver.block(world.bytes(name));
    driver.piece();
    driver.piece();
    driver.reopen();
    expect(world.nameOf(driver.tip())).toBe('2');
    driver.connect();
    expect(world.nameOf(driver.tip())).toBe('3a');
  });
});

describe('a long sync', () => {
  it('goes in bounded pieces, each a whole chain; a reorg never does', () => {
    const chain = Array.from({ length: 40 }, (_, i) => `m${i + 1}`);
    const world = new World(LAB).draw(`G-a-b / G-${chain.join('-')}`);
    const bounds = { pieceWeight: 50_000 };
    const sync = new ChainDriver({ params: LAB, wallS: world.wallS, eager: false, bounds });
    for (const name of chain) sync.block(world.bytes(name));
    sync.onCommit = () => {
      const reopened = new ChainDriver({ params: LAB, wallS: world.wallS, store: sync.store.clone() });
      expect(reopened.activeRows()).toEqual(reopened.replay().activeRows());
    };
    sync.connect();
    expect(sync.changes.length).toBeGreaterThan(3);
    expect(sync.changes.every((change) => change.outEntries.length === 0)).toBe(true);
    expect(world.nameOf(sync.tip())).toBe('m40');

    const reorg = new ChainDriver({ params: LAB, wallS: world.wallS, bounds });
    reorg.block(world.bytes('a'));
    reorg.block(world.bytes('b'));
    const lazy = new ChainDriver({
      params: LAB,
      wallS: world.wallS,
      store: reorg.store,
      eager: false,
      bounds,
    });
    for (const name of chain) lazy.block(world.bytes(name));
    lazy.connect();
    expect(lazy.changes.map((change) => [change.outEntries.length, change.inEntries.length])).toEqual([
      [2, 40],
    ]);
    expect(lazy.activeRows()).toEqual(sync.activeRows());
  });
});

describe('invalidateblock and reconsiderblock', () => {
  it('leaves the branch, says so, and comes back', async () => {
    const { world, driver, play: p } = play('G-1-2-3-4 / 1-2a');
    await p.deliver('1 2 3 4 2a');
    const rows = driver.activeRows();
    const entry = driver.chain.entry(world.get('2').block.hash)!;
    expect(driver.chain.invalidate(entry)).toBe(true);
    driver.connect();
    expect(await p.tip()).toBe('2a');
    expect(driver.changes.at(-1)!.because).toBe('invalidated');
    expect(entry.condemned).toBe('invalidated');
    expect(driver.chain.entry(world.get('4').block.hash)!.condemned).toBe('bad-prevblk');
    expect(await p.refusal('2')).toBe('duplicate-invalid');
    driver.reopen();
    expect(await p.tip()).toBe('2a');
    // Reconsidering a descendant clears its ancestors too.
    driver.chain.reconsider(driver.chain.entry(world.get('4').block.hash)!);
    driver.commit();
    driver.connect();
    expect(await p.tip()).toBe('4');
    expect(driver.activeRows()).toEqual(rows);
    driver.reopen();
    expect(driver.chain.entry(world.get('2').block.hash)!.condemned).toBeUndefined();
  });

  it('goes back to the ancestor when there is no other branch', async () => {
    const { world, driver, play: p } = play('G-1-2-3');
    await p.deliver('1 2 3');
    driver.chain.invalidate(driver.chain.entry(world.get('1').block.hash)!);
    driver.connect();
    expect(await p.tip()).toBe('G');
    expect(driver.chain.connecting).toBe(false);
    expect(driver.activeRows()).toEqual(driver.replay().activeRows());
    expect(driver.chain.invalidate(driver.chain.genesis)).toBe(false);
  });

  it('finds its way when a crash comes right after', async () => {
    const { world, driver, play: p } = play('G-1-2-3');
    await p.deliver('1 2 3');
    driver.chain.invalidate(driver.chain.entry(world.get('2').block.hash)!);
    driver.commit();
    driver.reopen();
    expect(await p.tip()).toBe('3');
    expect(driver.chain.connecting).toBe(true);
    driver.connect();
    expect(await p.tip()).toBe('1');
  });

  it('judges a block anew that was condemned by its coins', async () => {
    const { world, driver, play: p } = play('G-1-X', { X: { fees: 1 } });
    await p.deliver('1');
    expect(await p.refusal('X')).toBe('bad-cb-amount');
    driver.chain.reconsider(driver.chain.entry(world.get('X').block.hash)!);
    driver.commit();
    driver.connect();
    expect(driver.failed).toHaveLength(2);
    expect(await p.tip()).toBe('1');
  });
});

describe('preciousblock', () => {
  it('wins a tie against the tip, and nothing more', async () => {
    const { world, driver, play: p } = play('G-1-2-3 / 1-2a-3a-4a / 1-2b');
    const entry = (name: string) => driver.chain.entry(world.get(name).block.hash)!;
    await p.deliver('1 2 3 2a 3a 2b');
    driver.chain.precious(entry('2b'));
    driver.connect();
    expect(await p.tip()).toBe('3');
    driver.chain.precious(entry('3a'));
    driver.connect();
    expect(await p.tip()).toBe('3a');
    expect(driver.changes.at(-1)!.because).toBe('precious');
    driver.reopen();
    driver.connect();
    expect(await p.tip()).toBe('3a');
    driver.chain.precious(entry('3'));
    driver.connect();
    await p.deliver('4a');
    expect(await p.tip()).toBe('4a');
  });
});
