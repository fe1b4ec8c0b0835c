import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { toHex } from '../../src/util/bytes.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';
import { agreed, aliceOn, coinsOf, eventsOf, genesisFile, ofKind } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';

const BLOCKS = 2_000;
/** How far the second branch is behind. */
const STALE = 3;
const rig = new LiveRig();
afterAll(() => rig.close());

/**
 * A chain that was "mined" in 2023, ten seconds a block: backdated templates, really ground. Every hundredth block
 * holds a payment. Before its end a second branch begins.
 */
function backdated(): World {
  const world = new World(LAB);
  let at = world.get('G');
  for (let height = 1; height <= BLOCKS; height++) {
    const old = height % 100 === 0 ? world.reward(String(height - 50)) : undefined;
    const txs = old === undefined ? [] : [spend([old], [{ value: old.value, script: payTo(BOB) }])];
    at = world.add(String(height), at, { txs });
  }
  const branch = Array.from({ length: STALE }, (_, i) => `s${i}`).join('-');
  return world.draw(`${BLOCKS - 10}-${branch}`);
}

async function submitAll(node: LiveNode, world: World): Promise<void> {
  for (const name of world.names) {
    const answer = await node.call<string | null>('submitblock', toHex(world.bytes(name)));
    if (answer !== (name.startsWith('s') ? 'inconclusive' : null)) throw new Error(`${name}: ${answer}`);
  }
}

it(`a late joiner fetches ${BLOCKS} blocks from several peers, and agrees with them in all coins`, async () => {
  const world = backdated();
  const options = ['--genesis', genesisFile(rig, LAB)];
  const a = await rig.start('A', ...options);
  await submitAll(a, world);
  await a.stop();
  // The others have it too: as their operators would, they begin with a copy of the database, not of the identity.
  const names = ['A', 'B', 'C'];
  for (const name of names.slice(1))
    cpSync(join(a.datadir, 'db'), join(rig.dir, name, 'db'), { recursive: true });
  const old = await Promise.all(names.map((name) => rig.start(name, ...options)));
  const tip = world.id(String(BLOCKS));
  await agreed(old, tip);

  const late = await rig.start('late', ...options, '--connect', ...old.map(({ address }) => address));
  await agreed([late], tip);
  expect(await late.call('getblockcount')).toBe(BLOCKS);
  expect(await coinsOf(late)).toEqual(await coinsOf(old[0]!));
  const events = await eventsOf(late);
  const from = new Map<string, number>();
  for (const block of ofKind(events, 'block')) from.set(block.from, (from.get(block.from) ?? 0) + 1);
  expect([...from.keys()].sort()).toEqual(old.map(({ peerId }) => peerId).sort());
  // Whoever is quicker gives more, but no peer gave it nearly all.
  for (const count of from.values()) expect(count).toBeGreaterThan(BLOCKS / 20);
  expect(ofKind(events, 'fault')).toEqual([]);

  // In sync, it is one of them: what it mines is everybody's tip.
  await until('all know each other', async () => (await late.call('getconnectioncount')) === 3);
  const [own] = await late.call<string[]>('generatetoaddress', 1, aliceOn(LAB));
  await agreed([...old, late], own);
  await Promise.all([...old, late].map((node) => node.stop()));
});
