import { describe, expect, it } from 'vitest';
import { headerHash } from '../../src/bitcoin/header.ts';
import { type RuleName, ruleOf } from '../../src/consensus/params/rules.ts';
import { limits } from '../../src/node/limits.ts';
import type { GossipVerdict } from '../../src/node/types.ts';
import { Play } from '../dsl/driver.ts';
import { RULE_CASES, type RuleCase } from '../dsl/rule-cases.ts';
import { StepDriver, type Way } from './step-driver.ts';

const made = RULE_CASES.map((make) => make());
const ways: readonly Way[] = ['submit', 'gossip', 'sync'];

/** By sync the node asks for what it is told of, so a header that cannot be placed or waits is never asked further. */
function comesBy(way: Way, { rule, bad }: RuleCase): boolean {
  if (way !== 'sync') return true;
  return rule !== 'prev-blk-not-found' && rule !== 'time-too-new' && bad.length < limits.maxFrameBytes;
}

/** By gossip a block is judged before it is connected; relative lock times (BIP68) are found in connect too. */
function verdictsOf(rule: RuleName): readonly GossipVerdict[] {
  if (rule === 'bad-txns-nonfinal') return ['ignore', 'accept'];
  return [ruleOf(rule).rung === 'connect' ? 'accept' : ruleOf(rule).gossip];
}

for (const way of ways) {
  const cases = made.filter((one) => comesBy(way, one));
  describe('a block by ' + way, () => {
    it.each(cases.map((one) => [one.rule + ': ' + one.title, one] as const))('%s', async (_, one) => {
      const { world, rule } = one;
      const driver = new StepDriver({ params: world.params, wallS: world.wallS, way });
      const play = new Play(world, driver);
      await play.deliver(one.before);
      const tip = await play.tip();
      const heard = await play.refusal(one.bad);
      // An unknown parent and a future time are not told as refusals of a peer's block: they are waited for.
      if (way === 'submit' || ruleOf(rule).fault !== 'nobody') expect(heard).toBe(rule);
      if (way === 'gossip') expect(verdictsOf(rule)).toContain(driver.verdict);
      expect(await play.tip()).toBe(tip);
      const entry = driver.node.view.chain.entry(headerHash(one.bad.slice(0, 80)));
      if (ruleOf(rule).rung === 'header') expect(entry).toBeUndefined();
      else if (entry !== undefined) expect(entry.condemned).toBe(ruleOf(rule).condemns ? rule : undefined);
      await play.deliver(one.honest);
      expect(await play.tip()).toBe(one.honest);
    });
  });
}
