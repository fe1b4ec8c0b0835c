import { describe, expect, it } from 'vitest';
import { isUnspendable } from '../../src/bitcoin/lock.ts';
import { outpointKey, type Tx } from '../../src/bitcoin/tx.ts';
import { genesisCoins, scheduleUpTo, withinSchedule } from '../../src/consensus/params/params.ts';
import { decodeCoin, PREFIX } from '../../src/consensus/store/records.ts';
import { type Random, seeded } from '../../src/util/random.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { ALICE, BOB, data, outputOf, payTo, type Spendable, spend } from '../dsl/keys.ts';
import type { MemoryStore } from '../dsl/memory-store.ts';
import { LAB } from '../dsl/networks.ts';
import { type Drawn, World } from '../dsl/world.ts';

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

/** Alice's coins as they stand after a drawn block: what a transaction of its child may spend. */
type Wallet = ReadonlyMap<string, Spendable>;

/** A random tree of blocks that pay, split, join and burn coins along their own branch; some claim too much. */
function forest(seed: number, size: number): { world: World; bad: Set<string> } {
  const random = seeded(seed);
  const world = new World(LAB);
  const genesis = new Map(
    [0, 1, 2, 3, 4].map((i) => world.genesisCoin(i)).map((c) => [outpointKey(c.outpoint), c]),
  );
  const nodes: { drawn: Drawn; wallet: Wallet }[] = [{ drawn: world.get('G'), wallet: genesis }];
  const bad = new Set<string>();
  for (let i = 0; i < size; i++) {
    // Mostly near the end of the list: deep branches, but old forks too.
    const parent =
      random.below(4) > 0
        ? nodes[nodes.length - 1 - random.below(Math.min(3, nodes.length))]!
        : pick(random, nodes);
    const { txs, wallet } = payments(random, parent.wallet);
    const name = `b${i}`;
    const greedy = i > 3 && random.below(12) === 0;
    if (greedy) bad.add(name);
    const drawn = world.add(name, parent.drawn, { txs, fees: greedy ? 1 : 0 });
    nodes.push({ drawn, wallet });
  }
  return { world, bad };
}

function payments(random: Random, before: Wallet): { txs: Tx[]; wallet: Wallet } {
  const wallet = new Map(before);
  const txs: Tx[] = [];
  for (let n = random.below(3); n > 0 && wallet.size > 0; n--) {
    const coins = [...wallet.values()].slice(0, 1 + random.below(2));
    const sum = coins.reduce((total, coin) => total + coin.value, 0);
    const kept = Math.floor(sum / 2);
    const outputs = [
      { value: kept, script: payTo(ALICE) },
      { value: sum - kept, script: payTo(random.below(2) === 0 ? ALICE : BOB) },
    ];
    if (random.below(3) === 0) outputs.push({ value: 0, script: data(random.below(256), 1, 2) });
    const tx = spend(coins, outputs, { lockTime: 0 });
    for (const coin of coins) wallet.delete(outpointKey(coin.outpoint));
    for (const [index, output] of tx.outputs.entries()) {
      if (isUnspendable(output.script) || output.script !== payTo(ALICE)) continue;
      const coin = outputOf(tx, index, ALICE);
      wallet.set(outpointKey(coin.outpoint), coin);
    }
    txs.push(tx);
  }
  return { txs, wallet };
}

function shuffled(random: Random, list: readonly string[]): string[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/** Work of the best branch without a bad block: what every delivery must end at. */
function bestWork(world: World, bad: Set<string>): bigint {
  let best = world.get('G').entry.work;
  for (const name of world.names) {
    const valid = (at: Drawn | undefined): boolean =>
      at === undefined || (!bad.has(at.name) && valid(at.parent));
    const drawn = world.get(name);
    if (drawn.entry.work > best && valid(drawn)) best = drawn.entry.work;
  }
  return best;
}

/** Delivers in this order, headers first where a parent is missing, as a node that syncs does. */
function deliver(world: World, driver: ChainDriver, order: readonly string[]): void {
  for (const name of order) {
    for (const drawn of pathTo(world, name)) driver.header(drawn.block.header);
    driver.block(world.bytes(name));
  }
}

/** From the block on the genesis up to `name`. */
function pathTo(world: World, name: string): Drawn[] {
  const path: Drawn[] = [];
  for (let at = world.get(name); at.parent !== undefined; at = at.parent) path.unshift(at);
  return path;
}

const yes = () => true;

describe('random fork trees', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'seed %i: in any order, most work wins and the coins equal a replay',
    (seed) => {
      const { world, bad } = forest(seed, 40);
      const random = seeded(seed + 1000);
      const expected = bestWork(world, bad);
      for (let round = 0; round < 6; round++) {
        const weight = pick(random, [1, 700, 5_000, 4_000_000]);
        const driver = new ChainDriver({
          params: LAB,
          wallS: world.wallS,
          verify: yes,
          pieceWeight: () => weight,
        });
        let work = 0n;
        driver.onCommit = () => {
          expect(driver.chain.tip.work >= work).toBe(true);
          work = driver.chain.tip.work;
          expect(driver.storedSums()).toEqual(driver.sumsOfCoins());
        };
        deliver(world, driver, shuffled(random, world.names));
        expect(driver.chain.tip.work).toBe(expected);
        expect(driver.activeRows()).toEqual(driver.replay().activeRows());
        for (const name of bad) {
          const fault = driver.chain.entry(world.get(name).block.hash)?.condemned;
          // Those that no better branch ever led to were never judged by their coins.
          expect(['bad-cb-amount', 'bad-prevblk', undefined]).toContain(fault);
        }
        expect(driver.activeChain().some((id) => bad.has(world.nameOf(id)))).toBe(false);
      }
    },
  );

  it.each([11, 12, 13])('seed %i: reopened after every batch, tip and next choice are the same', (seed) => {
    const { world } = forest(seed, 30);
    const order = shuffled(seeded(seed), world.names);
    const open = (store?: MemoryStore) =>
      new ChainDriver({
        params: LAB,
        wallS: world.wallS,
        verify: yes,
        eager: false,
        pieceWeight: () => 3_000,
        ...(store && { store }),
      });
    const living = open();
    let batches = 0;
    for (const name of order) {
      for (const drawn of pathTo(world, name)) living.header(drawn.block.header);
      // Every state of the disk from here on must lead where the living chain goes.
      const disks: { store: MemoryStore; tip: string }[] = [];
      living.onCommit = () => disks.push({ store: living.store.clone(), tip: living.tip() });
      living.block(world.bytes(name));
      living.connect();
      living.onCommit = () => {};
      for (const { store, tip } of disks) {
        const reopened = open(store);
        expect(reopened.tip()).toBe(tip);
        reopened.connect();
        expect(reopened.tip()).toBe(living.tip());
        expect(reopened.activeRows()).toEqual(living.activeRows());
        batches++;
      }
    }
    expect(batches).toBeGreaterThan(30);
  });

  it.each([14, 15])('seed %i: a node that is killed after every batch ends with the same disk', (seed) => {
    const { world } = forest(seed, 30);
    const order = shuffled(seeded(seed), world.names);
    const steady = new ChainDriver({ params: LAB, wallS: world.wallS, verify: yes });
    deliver(world, steady, order);
    const fragile = new ChainDriver({ params: LAB, wallS: world.wallS, verify: yes });
    let kills = 0;
    fragile.onCommit = () => {
      const again = fragile.onCommit;
      fragile.onCommit = () => {};
      fragile.reopen();
      fragile.onCommit = again;
      kills++;
    };
    deliver(world, fragile, order);
    expect(kills).toBeGreaterThan(40);
    expect(fragile.store.rows()).toEqual(steady.store.rows());
  });

  it.each([31, 32])(
    'seed %i: pieces of any size give the same result, and looking ahead changes nothing',
    (seed) => {
      const { world } = forest(seed, 40);
      const order = shuffled(seeded(seed), world.names);
      const run = (weight: () => number, signaturesAhead: number, aheadRows = Number.POSITIVE_INFINITY) => {
        const driver = new ChainDriver({
          params: LAB,
          wallS: world.wallS,
          verify: yes,
          eager: false,
          pieceWeight: weight,
          aheadRows: () => aheadRows,
        });
        for (const name of order) {
          deliver(world, driver, [name]);
          do if (driver.chain.prefetch(signaturesAhead, 2)) driver.chain.signaturesAhead(signaturesAhead);
          while (driver.piece());
        }
        return { rows: driver.store.rows().map(({ key, value }) => [key, value]), failed: driver.failed };
      };
      const whole = run(() => 4_000_000, 0);
      const random = seeded(seed);
      expect(run(() => 1, 0)).toEqual(whole);
      expect(run(() => 1, 100)).toEqual(whole);
      expect(run(() => 1 + random.below(9_000), 3)).toEqual(whole);
      expect(run(() => 1 + random.below(9_000), 3, 1)).toEqual(whole);
    },
  );

  it.each([61, 62, 63, 64])('seed %i: commands and crashes in between leave nothing behind', (seed) => {
    const { world, bad } = forest(seed, 40);
    const random = seeded(seed);
    const driver = new ChainDriver({
      params: LAB,
      wallS: world.wallS,
      verify: yes,
      eager: false,
      pieceWeight: () => 1 + random.below(12_000),
      aheadRows: () => 1 + random.below(30),
    });
    const some = () => driver.chain.entry(world.get(pick(random, world.names)).block.hash);
    const disturb = () => {
      const entry = some();
      const kind = random.below(12);
      // A crash may come while the disk is ahead; a command finds what it held.
      if (kind !== 3) driver.catchUp();
      if (kind === 0 && entry) driver.chain.invalidate(entry);
      else if (kind === 1 && entry) driver.chain.reconsider(entry);
      else if (kind === 2 && entry) driver.chain.precious(entry);
      else if (kind === 3) driver.reopen();
      else driver.chain.signaturesAhead(random.below(20));
      driver.commit();
    };
    for (const name of shuffled(random, world.names)) {
      for (const drawn of pathTo(world, name)) driver.header(drawn.block.header);
      driver.block(world.bytes(name));
      for (let n = random.below(8); n > 0; n--) {
        disturb();
        driver.piece();
      }
      expect(driver.activeRows()).toEqual(driver.replay().activeRows());
    }
    // Some bodies were refused while an ancestor was invalidated: with all pardoned, everything is told once more.
    for (const name of world.names) {
      const entry = driver.chain.entry(world.get(name).block.hash);
      if (entry?.condemned === 'invalidated') driver.chain.reconsider(entry);
    }
    driver.commit();
    deliver(world, driver, world.names);
    driver.connect();
    expect(driver.chain.tip.work).toBe(bestWork(world, bad));
    expect(driver.activeRows()).toEqual(driver.replay().activeRows());
  });

  it('connect, then disconnect, is the identity on coins and every other row of the active chain', () => {
    const { world } = forest(41, 40);
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS, verify: yes });
    const rowsAt = new Map<string, string[]>();
    const look = () => {
      const rows = driver.activeRows();
      const known = rowsAt.get(driver.tip());
      if (known !== undefined) expect(rows).toEqual(known);
      rowsAt.set(driver.tip(), rows);
    };
    driver.onCommit = look;
    deliver(world, driver, world.names);
    // Alone with most work, so that the way back is the way it came.
    const best = world.get(world.nameOf(driver.tip()));
    world.add('top', best);
    deliver(world, driver, ['top']);
    const { tip } = driver.chain;
    expect(tip.height).toBeGreaterThan(8);
    for (let height = tip.height; height > 0; height--) {
      const entry = driver.chain.atHeight(height)!;
      driver.chain.invalidate(entry);
      driver.commit();
      driver.connect();
      expect(driver.tip()).not.toBe(tip.id);
      driver.chain.reconsider(entry);
      driver.commit();
      driver.connect();
      expect(driver.tip()).toBe(tip.id);
    }
    expect(rowsAt.size).toBeGreaterThan(10);
  });

  it('never holds more than genesis plus schedule', () => {
    const { world } = forest(51, 40);
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS, verify: yes });
    deliver(world, driver, world.names);
    let sum = 0;
    for (const { value } of driver.store.rows(PREFIX.coin)) sum += decodeCoin(value)!.value;
    expect(withinSchedule(sum, driver.chain.tip.height, LAB)).toBe(true);
    expect(withinSchedule(sum, driver.chain.tip.height - 1, LAB)).toBe(false);
    expect(genesisCoins(LAB)).toBe(1000e8);
    expect(scheduleUpTo(driver.chain.tip.height, LAB)).toBe(driver.chain.tip.height * 50e8);
  });
});
