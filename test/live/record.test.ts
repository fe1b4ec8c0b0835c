import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { replayFile } from '../../src/app/node/replay.ts';
import { aliceOn, connections, freshLab, genesisFile, tipOf } from './lab.ts';
import { LiveRig, until } from './node-rig.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

async function replayed(file: string) {
  const done = await replayFile(file, () => undefined);
  if (!done.ok) throw new Error(done.error);
  return done.value;
}

it('a node killed while it mines and hears others leaves a recording that comes out the same', async () => {
  const params = freshLab('live-record', 2_000);
  const options = ['--genesis', genesisFile(rig, params), '--payout', aliceOn(params), '--mine'];
  const files = ['a.fyrec', 'b.fyrec'].map((name) => join(rig.dir, name));
  const other = await rig.start('other', ...options, '--hashrate', '20kH/s', '--record', files[1]!);
  const node = await rig.start('one', ...options, '--hashrate', '20kH/s', '--record', files[0]!);
  await node.call('addnode', other.address, 'add');
  await connections(node, 1);
  await until('twenty blocks', async () => (await node.call<number>('getblockcount')) >= 20);
  // Somebody looks on: what that reads is no part of any step.
  await node.call('getblock', await tipOf(node), 2);
  await node.call('getblocktree', 20);
  await node.stop('SIGKILL');
  const first = await replayed(files[0]!);
  expect(first.difference).toBeUndefined();
  expect(first.same).toBeGreaterThan(40);
  expect(first.tip.height).toBeGreaterThanOrEqual(19);

  // A second life, on what the first one left, in a file of its own.
  const refused = rig.launch('one', ...options, '--record', files[0]!);
  expect((await refused.exited).code).toBe(1);
  expect(refused.stderr).toContain('exists already');
  const second = join(rig.dir, 'second.fyrec');
  const again = await rig.start('one', ...options, '--hashrate', '20kH/s', '--record', second);
  await again.call('addnode', other.address, 'add');
  const height = await again.call<number>('getblockcount');
  await until('five blocks more', async () => (await again.call<number>('getblockcount')) >= height + 5);
  await again.stop();
  await other.stop();
  const both = await Promise.all([replayed(second), replayed(files[1]!)]);
  for (const { difference, ended } of both) {
    expect(difference).toBeUndefined();
    expect(ended).toBe('the node stopped');
  }
});
