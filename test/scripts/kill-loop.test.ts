import { describe, expect, it } from 'vitest';
import { type Answers, Checker } from '../../scripts/kill-loop/check.ts';
import { Announced } from '../../scripts/kill-loop/record.ts';
import { encodeAddress } from '../../src/bitcoin/address.ts';
import { hash160 } from '../../src/bitcoin/hash.ts';
import { publicKey } from '../../src/bitcoin/secp.ts';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { toHex } from '../../src/util/bytes.ts';
import { RpcHarness } from '../app/rpc-harness.ts';
import { ALICE, BOB, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

/** What the kill loop would say of a node that kept everything, and of nodes that lost one thing each. */

const ADDRESS = encodeAddress({ kind: 'p2wpkh', hash: hash160(publicKey(ALICE)) }, LAB.hrp);

/** A node that has mined, been paid, and reorganised; and what it announced meanwhile. */
async function life(): Promise<{ node: RpcHarness; announced: Announced; checker: Checker }> {
  const world = new World(LAB);
  const node = new RpcHarness(LAB, world.wallS);
  const announced = new Announced('A');
  const checker = new Checker(announced, (n) => n - 1);
  for (let coin = 0; coin < 3; coin++) {
    const tx = spend([world.genesisCoin(coin)], [{ value: 10e8, script: payTo(BOB) }]);
    announced.confirm((await node.call('sendrawtransaction', toHex(tx.bytes), 0)) as string);
    if (coin < 2) await node.call('generatetoaddress', 2, ADDRESS);
  }
  expect(await checker.losses(answersOf(node))).toEqual([]);
  // A branch with more work: the ledger must go back and forward with it.
  const second = (await node.call('getblockhash', 2)) as string;
  await node.call('invalidateblock', second);
  await node.call('generatetoaddress', 4, ADDRESS);
  for (const event of node.log) announced.apply(event);
  return { node, announced, checker };
}

function answersOf(
  node: RpcHarness,
  other: Readonly<Record<string, (answer: JsonInput) => JsonInput>> = {},
): Answers {
  return {
    call: async <T>(method: string, ...params: (string | number)[]) => {
      const answer = await node.call(method, ...params);
      return (other[method]?.(answer) ?? answer) as T;
    },
  };
}

describe('the kill loop compares a node with what it announced', () => {
  it('finds nothing where nothing is lost, after a reorg too', async () => {
    const { node, announced, checker } = await life();
    expect(announced.blocks).toBeGreaterThanOrEqual(8);
    expect(announced.payments).toHaveLength(3);
    expect(await checker.losses(answersOf(node))).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, (answer: JsonInput) => JsonInput>>, RegExp]>([
    [
      'an older tip',
      { getblockheader: (header) => ({ ...(header as JsonObject), chainwork: '01' }) },
      /^its tip \w+ \(height \d+\) has work 01, but it announced tip/,
    ],
    [
      'another block under an announced id',
      { getblock: () => toHex(LAB.genesis.bytes) },
      /^it announced block/,
    ],
    ['a payment', { findtx: () => [] }, /^it accepted payment \w+, which is now unknown/],
    ['a payment of a stale block', { findtx: () => [{ state: 'stale' }] }, /which is now stale/],
    [
      'a coin',
      {
        gettxoutsetinfo: (info) => ({
          ...(info as JsonObject),
          txouts: ((info as JsonObject)['txouts'] as number) - 1,
        }),
      },
      /^its coins are .* a replay of its chain has/,
    ],
    [
      'the value of a coin',
      { gettxoutsetinfo: (info) => ({ ...(info as JsonObject), hash_serialized_3: '00'.repeat(32) }) },
      /^its coins are/,
    ],
  ])('finds that it lost %s', async (_what, other, sentence) => {
    const { node, checker } = await life();
    const losses = await checker.losses(answersOf(node, other));
    expect(losses[0]).toMatch(sentence);
  });
});
