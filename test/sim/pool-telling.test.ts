import { describe, expect, it } from 'vitest';
import type { WellKnown } from '../../src/consensus/params/genesis.ts';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { limits } from '../../src/node/limits.ts';
import type { World } from '../../src/sim/world/world.ts';
import { genesisCoin, pay } from '../node/pay.ts';
import { clique } from './rig.ts';

const PAYERS: readonly WellKnown[] = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];
/** The frame type of inv (node/wire/messages.ts). */
const INV = 12;

function payments(world: World) {
  return PAYERS.map((who) => pay([genesisCoin(world.params, who)], 'judy', 100_000_000));
}

/** Two nodes, nobody mines. */
function pair(o: Parameters<typeof clique>[1] = {}): World {
  const world = clique(2, o);
  for (const node of world.nodes.values()) node.mine({ held: true });
  return world;
}

describe('what the mempool holds', () => {
  it('is told to a new peer whole, in portions', () => {
    const world = pair({ limits: { maxInv: 3, poolTellIds: 2 } });
    const [a, b] = [world.node('A'), world.node('B')];
    world.disconnect('A', 'B');
    for (const { bytes } of payments(world)) a.ask({ kind: 'send-tx', bytes });
    world.run(10_000);
    expect(b.view.mempool.size).toBe(0);
    world.connect('A', 'B');
    world.run(500);
    expect(b.view.mempool.size).toBe(3);
    world.run(10_000);
    expect(b.view.mempool.size).toBe(PAYERS.length);
  });

  it('reaches everybody, though gossip and the announcement after it were lost', () => {
    const world = pair();
    const [a, b] = [world.node('A'), world.node('B')];
    a.hooks = { outgoing: (e) => !(e.kind === 'publish' || e.bytes[0] === INV) };
    for (const { bytes } of payments(world)) a.ask({ kind: 'send-tx', bytes });
    world.run(5_000);
    a.hooks = {};
    expect(b.view.mempool.size).toBe(0);
    world.run((limits.probeEvery + limits.probeJitter) / 1_000 + 1_000);
    expect(b.view.mempool.size).toBe(PAYERS.length);
  });

  it('comes to the disk in few batches, but at once where a caller was told yes', () => {
    const world = pair();
    const [a, b] = [world.node('A'), world.node('B')];
    const batches = { A: 0, B: 0 };
    world.onStep((node, _input, { writes }) => {
      if (writes.length > 0) batches[node.name as 'A' | 'B']++;
    });
    const rows = () => [a, b].map((node) => node.disk.rows(PREFIX.mempool).length);
    const txs = payments(world);
    for (const { bytes } of txs) a.command({ kind: 'send-tx', bytes });
    expect(rows()).toEqual([txs.length, 0]);
    world.run(50);
    expect([b.view.mempool.size, ...rows()]).toEqual([txs.length, txs.length, 0]);
    world.run(limits.poolRowsGather / 1_000);
    expect(rows()).toEqual([txs.length, txs.length]);
    expect(batches).toEqual({ A: txs.length, B: 1 });
  });
});
