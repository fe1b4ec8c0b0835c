import { describe, expect, it } from 'vitest';
import { Chain } from '../../src/consensus/chain/chain.ts';
import { checkBlock } from '../../src/consensus/validate/check.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { Play } from '../dsl/driver.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { LAB, REGTEST, YARD } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

function play(
  drawing: string,
  options: Parameters<World['draw']>[1] = {},
): { world: World; driver: ChainDriver; play: Play } {
  const world = new World(LAB).draw(drawing, options);
  const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
  return { world, driver, play: new Play(world, driver) };
}

const pay = (world: World, coin: number, value = 20e8) =>
  spend([world.genesisCoin(coin)], [{ value, script: payTo(BOB) }]);

describe('looking', () => {
  it('finds forks by locator and serves headers of the active chain', async () => {
    const chain = Array.from({ length: 60 }, (_, i) => `m${i + 1}`);
    const world = new World(LAB).draw(`G-${chain.join('-')} / m40-f41-f42`);
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
    for (const name of [...chain, 'f41', 'f42']) driver.block(world.bytes(name));
    const { chain: c } = driver;
    const locator = c.locator();
    const heights = locator.map((hash) => c.entry(hash)!.height);
    expect(heights).toEqual([60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 47, 43, 35, 19, 0]);
    const fork = c.findFork(c.locator(c.entry(world.get('f42').block.hash)!));
    expect(world.nameOf(fork.id)).toBe('m40');
    expect(c.headersAfter(fork, 3)).toEqual(
      ['m41', 'm42', 'm43'].map((name) => world.get(name).block.header),
    );
    expect(c.headersAfter(c.entry(world.get('f41').block.hash)!, 3)).toEqual([]);
    expect(c.findFork([new Uint8Array(32)])).toBe(c.genesis);
  });

  it('knows bodies, places and coins before the batch is on disk, and while it is under way', () => {
    const world = new World(LAB);
    const tx = pay(world, 0);
    world.draw('G-1', { '1': { txs: [tx] } });
    const store = new MemoryStore();
    const chain = new Chain({ params: LAB, store, index: [], verify: () => true });
    const look = () => {
      const entry = chain.entry(world.get('1').block.hash)!;
      expect(chain.block(entry)!.id).toBe(world.id('1'));
      expect(chain.blockBytes(entry)).toEqual(world.bytes('1'));
      expect(chain.txPlace(tx.txid)).toEqual({ entry, position: 1 });
      expect(chain.coin({ txid: tx.txid, index: 0 })).toMatchObject({
        value: 20e8,
        height: 1,
        coinbase: false,
      });
      expect(chain.coin(world.genesisCoin(0).outpoint)).toBeUndefined();
      expect(chain.undo(entry)).toMatchObject([{ value: 20e8, height: 0, coinbase: false }]);
    };
    store.commit(chain.takeWrites().writes);
    const checked = checkBlock(world.bytes('1'), LAB);
    if (!checked.ok) throw new Error(checked.error.rule);
    expect(chain.addBlock(checked.value, world.wallS).ok).toBe(true);
    expect(chain.addBlock(checked.value, world.wallS)).toMatchObject({ value: { isNew: false } });
    while (chain.connectPiece(1000).kind !== 'tip');
    look();
    const { writes, durable } = chain.takeWrites();
    expect(durable).toBe(true);
    look();
    store.commit(writes);
    look();
    expect(chain.takeWrites()).toEqual({ writes: [], durable: false });
    look();
  });

  it('knows the miner of a block by its tag', async () => {
    const { world, driver, play: p } = play('G-A-B');
    await p.deliver('A B');
    driver.reopen();
    expect(driver.chain.tip.miner).toBe('B');
    expect(driver.chain.atHeight(1)!.miner).toBe('A');
    expect(driver.chain.genesis.miner).toBe('');
    expect(world.get('A').block.txs[0]!.inputs[0]!.script.length).toBe(1 + 9 + 4);
  });

  it('gives templates a time that is never before the parent, nor at the median', async () => {
    const { world, driver, play: p } = play('G-1-2-3');
    await p.deliver('1 2 3');
    const { time } = world.get('3').block.header;
    const medianTime = world.get('2').block.header.time;
    expect(driver.chain.nextTimes()).toEqual({ medianTime, earliest: time });
    expect(driver.chain.nextTime(time - 50)).toBe(time);
    expect(driver.chain.nextTime(time + 50)).toBe(time + 50);
    // Of two blocks the later is the median (Core's choice), so the next one must be later still.
    const early = new ChainDriver({ params: LAB, wallS: world.wallS });
    early.block(world.bytes('1'));
    expect(early.chain.nextTime(0)).toBe(world.get('1').block.header.time + 1);
  });
});

describe('first blocks', () => {
  it('has no genesis coin on regtest, and spendable ones in a yard', () => {
    const regtest = new ChainDriver({ params: REGTEST, wallS: 2e9 });
    expect(regtest.coins()).toEqual([]);
    expect(regtest.tip()).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206');
    const yard = new ChainDriver({ params: YARD, wallS: 2e9 });
    expect(yard.coins()).toHaveLength(50);
  });

  it('mines and reorganises where the target follows every block', async () => {
    const world = new World(YARD).draw('G-1-2-3-4-5-6 / 3-4a-5a-6a-7a', {
      '4': { time: YARD.genesis.header.time + 200 },
    });
    const driver = new ChainDriver({ params: YARD, wallS: world.wallS });
    const p = new Play(world, driver);
    await p.deliver('1 2 3 4 5 6 4a 5a 6a 7a');
    // 4 came late, so its branch got easier: equal heights are not equal work.
    expect(
      driver.chain.entry(world.get('6').block.hash)!.work <
        driver.chain.entry(world.get('6a').block.hash)!.work,
    ).toBe(true);
    expect(await p.tip()).toBe('7a');
    expect(driver.chain.nextBits(driver.chain.genesis)).toBe(YARD.genesis.header.bits);
  });
});
