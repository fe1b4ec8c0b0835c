import { afterAll, describe, expect, it } from 'vitest';
import { toHex } from '../../src/util/bytes.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { World } from '../dsl/world.ts';
import {
  agreed,
  aliceOn,
  coinsOf,
  connections,
  eventsOf,
  freshLab,
  genesisFile,
  ofKind,
  sameBlocks,
  tipOf,
} from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

/** Alice's genesis coin `coin`, to bob. Different fees make different payments. */
function payment(world: World, coin: number, fee: number) {
  return spend([world.genesisCoin(coin)], [{ value: 20e8 - fee, script: payTo(BOB) }]);
}

const pool = (node: LiveNode) => node.call<string[]>('getrawmempool');
/** What gossipsub thinks of each peer: above 0 for those that brought something first, or are long in the mesh. */
async function gossipScores(node: LiveNode): Promise<number[]> {
  const peers = await node.call<{ gossipscore: number }[]>('getpeerinfo');
  return peers.map(({ gossipscore }) => gossipscore);
}

const stop = (...nodes: LiveNode[]) => Promise.all(nodes.map((node) => node.stop()));

describe('three nodes', () => {
  it('that mine against each other over slow links agree when they rest, on tip and coins', async () => {
    const params = freshLab('live-race', 4_000);
    const options = ['--genesis', genesisFile(rig, params), '--payout', aliceOn(params)];
    const common = [...options, '--hashrate', '20kH/s', '--delay', '120ms'];
    const a = await rig.start('race-A', ...common);
    const [b, c] = await Promise.all([
      rig.start('race-B', ...common, '--connect', a.address),
      rig.start('race-C', ...common, '--connect', a.address),
    ]);
    const nodes = [a, b, c];
    await connections(a, 2);
    for (const node of nodes) await node.call('setmining', { on: true });
    // 200 ms a block against 240 ms from B to C: forks are certain to come.
    await until('somebody was reorganised, and the chain has grown', async () => {
      const told = await Promise.all(nodes.map(eventsOf));
      const heights = await Promise.all(nodes.map((node) => node.call<number>('getblockcount')));
      return told.some((events) => ofKind(events, 'reorg').length > 0) && Math.min(...heights) >= 15;
    });
    for (const node of nodes) await node.call('setmining', { on: false });
    await sameBlocks(nodes);
    // Two branches may rest at equal work, and then both stay: first seen wins. The next block decides.
    const [last] = await b.call<string[]>('generatetoaddress', 1, aliceOn(params));
    await agreed(nodes, last);
    const coins = await Promise.all(nodes.map(coinsOf));
    expect(coins).toEqual([coins[0], coins[0], coins[0]]);
    await stop(...nodes);
  });

  it('are cut, take two payments of one coin, and undo one of them by work alone', async () => {
    const params = freshLab('live-cut', 2);
    const options = ['--genesis', genesisFile(rig, params)];
    const a = await rig.start('A', ...options);
    const b = await rig.start('B', ...options, '--connect', a.address);
    const c = await rig.start('C', ...options, '--connect', a.address, b.address);
    const mine = (node: LiveNode, blocks: number) =>
      node.call<string[]>('generatetoaddress', blocks, aliceOn(params));
    await Promise.all([a, b, c].map((node) => connections(node, 2)));
    const [, fork] = await mine(a, 2);
    await agreed([a, b, c], fork);

    const refuse = (from: LiveNode, ...peers: LiveNode[]) =>
      from.call('setlinks', { refuse: peers.map(({ peerId }) => peerId) });
    await refuse(c, a, b);
    await connections(c, 0);
    await connections(a, 1);

    const world = new World(params);
    const undone = payment(world, 0, 1_000);
    const kept = payment(world, 0, 2_000);
    const returned = payment(world, 1, 1_000);
    for (const tx of [undone, returned]) await a.call('sendrawtransaction', toHex(tx.bytes));
    await until('both payments are at B', async () => (await pool(b)).length === 2);
    await c.call('sendrawtransaction', toHex(kept.bytes));
    const lost = await mine(b, 2);
    await agreed([a, b], lost[1]);
    const won = await mine(c, 3);
    expect(await tipOf(c)).toBe(won[2]);
    const where = (node: LiveNode, id: string) => node.call<object[]>('findtx', id);
    expect(await where(a, undone.id)).toMatchObject([{ state: 'block', block: { id: lost[0] } }]);

    await refuse(c);
    await agreed([a, b, c], won[2]);
    for (const node of [a, b]) {
      await until('the returned payment waits again', async () => (await pool(node)).includes(returned.id));
      const events = await eventsOf(node);
      expect(ofKind(events, 'reorg')).toMatchObject([
        { depth: 2, length: 3, fork: { id: fork, height: 2 }, because: 'work' },
      ]);
      const ids = (refs: readonly { id: string }[]) => refs.map(({ id }) => id);
      const [reorg] = ofKind(events, 'reorg');
      expect([ids(reorg!.out), ids(reorg!.in)]).toEqual([lost.toReversed(), won]);
      expect(ofKind(events, 'tx-returned')).toMatchObject([{ txid: returned.id }]);
      expect(ofKind(events, 'tx-lost')).toMatchObject([{ txid: undone.id, by: kept.id, block: won[0] }]);
      expect(await where(node, kept.id)).toMatchObject([{ state: 'block', block: { id: won[0] } }]);
      expect(await where(node, undone.id)).toMatchObject([{ by: kept.id }]);
    }
    expect(ofKind(await eventsOf(c), 'reorg')).toEqual([]);
    expect(Math.max(...(await gossipScores(b)))).toBeGreaterThan(0);
    // The winner's side had never heard of the returned payment: it does now, and mines it.
    await until('C has heard of it', async () => (await pool(c)).includes(returned.id));
    const [again] = await mine(c, 1);
    await agreed([a, b, c], again);
    expect(await where(a, returned.id)).toMatchObject([{ state: 'block', block: { id: again } }]);
    const coins = await Promise.all([a, b, c].map(coinsOf));
    expect(coins).toEqual([coins[0], coins[0], coins[0]]);
    await stop(a, b, c);
  });

  it('in a line without gossip agree, on blocks and payments', async () => {
    const params = freshLab('live-line', 2);
    const options = ['--genesis', genesisFile(rig, params), '--no-gossip'];
    const a = await rig.start('line-A', ...options);
    const b = await rig.start('line-B', ...options, '--connect', a.address);
    const c = await rig.start('line-C', ...options, '--connect', b.address);
    const nodes = [a, b, c];
    await connections(b, 2);
    for (const [i, miner] of [a, c, b].entries()) {
      const ids = await miner.call<string[]>('generatetoaddress', i + 1, aliceOn(params));
      await agreed(nodes, ids.at(-1)!);
    }
    const tx = payment(new World(params), 0, 1_000);
    await a.call('sendrawtransaction', toHex(tx.bytes));
    await until('the payment is at the other end', async () => (await pool(c)).includes(tx.id));
    const [last] = await c.call<string[]>('generatetoaddress', 1, aliceOn(params));
    await agreed(nodes, last);

    // A fork: both ends mine while B hears of neither.
    await b.call('setlinks', { refuse: [a.peerId, c.peerId] });
    await connections(b, 0);
    await a.call('generatetoaddress', 2, aliceOn(params));
    const won = await c.call<string[]>('generatetoaddress', 3, aliceOn(params));
    await b.call('setlinks', { refuse: [] });
    await agreed(nodes, won[2]);
    expect(ofKind(await eventsOf(a), 'reorg')).toMatchObject([{ depth: 2, length: 3 }]);
    // Gossip did not help: no peer ever earned anything by it.
    for (const node of nodes) expect(await gossipScores(node)).toEqual(node === b ? [0, 0] : [0]);
    await stop(...nodes);
  });
});
