import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB } from '../dsl/networks.ts';
import { bigChain } from './big-blocks.ts';
import { attackDeaf, slowReader } from './deaf-attack.ts';
import { agreed, aliceOn, eventsOf, genesisFile, ofKind } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';
import { canReadMemory, residentMb } from './raw-peer.ts';

/** Peers, made of bare libp2p, that ask for blocks and do not read them. */

const rig = new LiveRig();
const world = bigChain(LAB, 8, 500_000);
const ids = world.names.map((name) => world.get(name).block.hash);
let options: string[];
let node: LiveNode;

beforeAll(async () => {
  options = ['--genesis', genesisFile(rig, LAB)];
  node = await rig.start('node', ...options);
  for (const name of world.names)
    await node.call('submitblock', Buffer.from(world.bytes(name)).toString('hex'));
  // Without what the submitting has left in its memory.
  await node.stop();
  node = await rig.start('node', ...options);
});
afterAll(() => rig.close());

if (!canReadMemory) process.stderr.write('SKIPPED: memory of a node under attack: no /proc here\n');

describe.skipIf(!canReadMemory)('peers that do not read what they ask for', () => {
  it('cost a bounded amount of memory, are banned when they do it again, and keep nobody else from the blocks', async () => {
    const first = await rig.start('first', ...options, '--connect', node.address);
    await agreed([node, first]);
    const restMb = residentMb(node.child.pid!);
    const readSlowly = await slowReader(rig, node, LAB);
    const attack = await attackDeaf(rig, node, LAB, { peers: 30, ids });
    const banned = async () => {
      const notes = ofKind(await eventsOf(node), 'note').map(({ text }) => text);
      return attack.peers.filter(({ id }) => notes.some((text) => text.startsWith(`banned ${id} for`)))
        .length;
    };
    // Now their blocks wait, and those of the node's honest peers come all the same.
    await until('the first are hung up on', () => attack.hungUp() > 0);
    const late = await rig.start('late', ...options, '--connect', node.address);
    await Promise.all([agreed([node, late]), readSlowly(ids)]);
    await until('those who come again are banned', async () => (await banned()) >= 3);
    const [tip] = await node.call<string[]>('generatetoaddress', 1, aliceOn(LAB));
    await agreed([node, first, late], tip);
    await attack.end();
    if (process.env['FORKYARD_FIGURES'] !== undefined)
      process.stderr.write(
        `rest ${restMb.toFixed(0)} MB, most ${attack.mostMb().toFixed(0)} MB; ${attack.hungUp()} hung up, ${await banned()} banned\n`,
      );
    expect(attack.mostMb() - restMb).toBeLessThan(150);
    const faults = ofKind(await eventsOf(node), 'fault');
    expect(faults.filter(({ peer }) => peer === first.peerId || peer === late.peerId)).toEqual([]);
    expect(node.stderr).toBe('');
  });
});
