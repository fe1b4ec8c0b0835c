import { afterAll, expect, it } from 'vitest';
import type { JsonObject } from '../../src/host/http/json.ts';
import { toHex } from '../../src/util/bytes.ts';
import { wellKnownKey } from '../../src/wallet/keys.ts';
import { makeBlockOf, mineLoop } from '../dsl/outside-miner.ts';
import { LiveRig, until } from './node-rig.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

const bob = toHex(wellKnownKey('bob').script('p2wpkh'));

it('a stock miner works on a node over HTTP: every block is taken, and the peers have them', async () => {
  const a = await rig.start('A');
  const b = await rig.start('B', '--connect', a.address);
  const answers = await mineLoop((method, ...params) => a.call(method, ...params), bob, 40);
  expect(answers).toEqual(Array(40).fill(null));
  const tip = await a.call<string>('getbestblockhash');
  await until('B has them all', async () => (await b.call('getbestblockhash')) === tip);

  // A miner that waits gets the block of somebody else as soon as it is the tip.
  const { longpollid } = await a.call<JsonObject>('getblocktemplate', { rules: ['segwit'] });
  const waits = a.call<JsonObject>('getblocktemplate', { rules: ['segwit'], longpollid: longpollid! });
  const theirs = await b.call<JsonObject>('getblocktemplate', { rules: ['segwit'] });
  expect(await b.call('submitblock', makeBlockOf(theirs, { payout: bob }))).toBeNull();
  expect(await waits).toMatchObject({ height: 42 });
  await Promise.all([a.stop(), b.stop()]);
});
