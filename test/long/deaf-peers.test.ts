import { afterAll, describe, expect, it } from 'vitest';
import { LAB } from '../dsl/networks.ts';
import { bigChain } from '../live/big-blocks.ts';
import { attackDeaf } from '../live/deaf-attack.ts';
import { agreed, aliceOn, eventsOf, genesisFile, ofKind } from '../live/lab.ts';
import { LiveRig, until } from '../live/node-rig.ts';
import { canReadMemory, residentMb } from '../live/raw-peer.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

/** Identities at a time: almost all places that a node has. */
const AT_ONCE = 110;
const WAVES = 5;

if (!canReadMemory) process.stderr.write('SKIPPED: memory of a node under attack: no /proc here\n');

describe.skipIf(!canReadMemory)('peers that do not read what they ask for', () => {
  it('in almost all places, with fresh identities in each of five waves, cost a bounded amount of memory', async () => {
    const options = ['--genesis', genesisFile(rig, LAB)];
    const world = bigChain(LAB, 16, 950_000);
    const ids = world.names.map((name) => world.get(name).block.hash);
    let node = await rig.start('node', ...options);
    for (const name of world.names)
      await node.call('submitblock', Buffer.from(world.bytes(name)).toString('hex'));
    // Without what the submitting has left in its memory.
    await node.stop();
    node = await rig.start('node', ...options);
    const honest = await rig.start('honest', ...options, '--connect', node.address);
    await agreed([node, honest]);
    const restMb = residentMb(node.child.pid!);
    for (let wave = 1; wave <= WAVES; wave++) {
      const attack = await attackDeaf(rig, node, LAB, { peers: AT_ONCE, ids });
      await until('many are hung up on', () => attack.hungUp() >= AT_ONCE / 4);
      const [tip] = await node.call<string[]>('generatetoaddress', 1, aliceOn(LAB));
      await agreed([node, honest], tip);
      await attack.end();
      console.log(
        `wave ${wave}: rest ${restMb.toFixed(0)} MB, most ${attack.mostMb().toFixed(0)} MB, ${attack.hungUp()} hung up`,
      );
      // Some 60 MB of it are live data; the rest is what the allocator keeps from one wave to the next.
      expect(attack.mostMb() - restMb).toBeLessThan(200);
    }
    const faults = ofKind(await eventsOf(node), 'fault');
    expect(faults.filter(({ peer }) => peer === honest.peerId)).toEqual([]);
  });
});
