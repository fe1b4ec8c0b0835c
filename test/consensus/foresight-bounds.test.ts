import { expect, it } from 'vitest';
import { Chain } from '../../src/consensus/chain/chain.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { BOB, payTo } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

it('a look ahead reads a few megabytes of blocks at most, though none of them has a signature', () => {
  const world = new World(LAB);
  const outputs = Array.from({ length: 29_000 }, () => ({ value: 0, script: payTo(BOB) }));
  const names = ['1', '2', '3', '4', '5', '6', '7'];
  world.draw(['G', ...names].join('-'), Object.fromEntries(names.map((n) => [n, { extraOutputs: outputs }])));
  const driver = new ChainDriver({ params: LAB, wallS: world.wallS, eager: false });
  for (const name of names) expect(driver.block(world.bytes(name))).toBeUndefined();

  const { store } = driver;
  const chain = new Chain({ params: LAB, store, index: store.rows(), verify: () => true });
  store.reads = [];
  expect(chain.signaturesAhead(4_000)).toEqual([]);
  const bodies = store.reads.filter((key) => key.charCodeAt(0) === PREFIX.body);
  // Each has 900 kB: the fifth passes the bound of 4 MB, the sixth is not begun.
  expect(bodies.length).toBe(5);
  chain.signaturesAhead(4_000);
  expect(store.reads.filter((key) => key.charCodeAt(0) === PREFIX.body)).toHaveLength(5);
});
