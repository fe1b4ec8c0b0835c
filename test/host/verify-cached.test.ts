import { describe, expect, it } from 'vitest';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import type { Verify } from '../../src/consensus/validate/verify.ts';
import { createVerify } from '../../src/host/verify/verify.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { Play } from '../dsl/driver.ts';
import { RULE_CASES } from '../dsl/rule-cases.ts';

const cases = RULE_CASES.map((make) => make());
const { verify: cached } = await createVerify();

/** What a chain says of the bad block and of all honest ones, with the reasons. */
async function verdicts(one: (typeof cases)[number], verify: Verify): Promise<unknown> {
  const { world } = one;
  const driver = new ChainDriver({ params: world.params, wallS: world.wallS, verify });
  const play = new Play(world, driver);
  await play.deliver(one.before);
  const refusal = await play.refusal(one.bad);
  await play.deliver(one.honest);
  return { refusal, tip: await play.tip(), failed: driver.failed, coins: driver.coins() };
}

describe('a cached signature never outlives a change of what it signed', () => {
  it.each(cases.map((one) => [`${one.rule}: ${one.title}`, one] as const))('%s', async (_, one) => {
    const plain = await verdicts(one, nobleVerify);
    // The honest blocks fill the cache, so the second time the bad one is judged by a node that knows all their signatures.
    expect(await verdicts(one, cached)).toEqual(plain);
    expect(await verdicts(one, cached)).toEqual(plain);
    expect(plain).toMatchObject({ refusal: one.rule });
  });
});
