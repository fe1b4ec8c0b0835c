import { describe, expect, it } from 'vitest';
import { makeBlock } from '../../src/bitcoin/block.ts';
import { COMMITMENT_HEAD } from '../../src/bitcoin/coinbase.ts';
import { headerHash } from '../../src/bitcoin/header.ts';
import { merkleRoot } from '../../src/bitcoin/merkle.ts';
import { makeTx } from '../../src/bitcoin/tx.ts';
import { isRuleName, RULES, type RuleName, ruleOf } from '../../src/consensus/params/rules.ts';
import { concat } from '../../src/util/bytes.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { Play } from '../dsl/driver.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { LAB } from '../dsl/networks.ts';
import { headerOf, RULE_CASES } from '../dsl/rule-cases.ts';
import { SCRIPT_CASES } from '../dsl/script-cases.ts';
import { grind, rebody, World } from '../dsl/world.ts';

/** Rows whose case is not a block shown to a chain, and the test that has it. */
const ELSEWHERE: readonly RuleName[] = [
  'inconclusive-not-best-prevblk', // app/rpc-mining.test.ts: a proposed block beside the tip
  'headers-only', // app/rpc-headers.test.ts: a network without bodies
  'bad-prevblk', // below: the child of a condemned block
  'duplicate-invalid', // below: a condemned block again
  'invalidated', // chain.test.ts: invalidateblock
  'bad-txns-inputvalues-outofrange', // connect.test.ts: no valid chain has so many coins
];

const made = RULE_CASES.map((make) => make());

describe('RULES', () => {
  it('has a case for every row that judges a block', () => {
    const blockRungs = ['header', 'check', 'context', 'connect'];
    const missing = Object.keys(RULES)
      .filter(isRuleName)
      .filter((name) => blockRungs.includes(ruleOf(name).rung))
      .filter((name) => !ELSEWHERE.includes(name) && !made.some((one) => one.rule === name));
    expect(missing).toEqual([]);
  });

  it('condemns nothing by what a sender can do to a body', () => {
    for (const name of Object.keys(RULES).filter(isRuleName)) {
      const rule = ruleOf(name);
      if (rule.fault === 'sender' || rule.rung === 'mempool')
        expect([name, rule.condemns]).toEqual([name, false]);
    }
  });

  it('lets forwarders lose score only for bytes and headers, never for coins or clocks', () => {
    for (const name of Object.keys(RULES).filter(isRuleName)) {
      const rule = ruleOf(name);
      if (rule.rung === 'connect' || rule.fault === 'nobody')
        expect([name, rule.gossip]).toEqual([name, 'ignore']);
    }
  });
});

describe.each(made.map((one) => [`${one.rule}: ${one.title}`, one] as const))('%s', (_, one) => {
  it('is refused by its name, condemns what it should, and the honest block connects', async () => {
    const { world, rule } = one;
    const driver = new ChainDriver({ params: world.params, wallS: world.wallS });
    const play = new Play(world, driver);
    await play.deliver(one.before);
    const tip = await play.tip();
    expect(await play.refusal(one.bad)).toBe(rule);
    expect(await play.tip()).toBe(tip);

    const entry = driver.chain.entry(headerHash(one.bad.slice(0, 80)));
    if (ruleOf(rule).rung === 'header') expect(entry).toBeUndefined();
    else if (entry !== undefined) expect(entry.condemned).toBe(ruleOf(rule).condemns ? rule : undefined);
    // Whatever was remembered about it is remembered after a restart too.
    driver.reopen();
    expect(driver.chain.entry(headerHash(one.bad.slice(0, 80)))?.condemned).toBe(entry?.condemned);

    if (one.mutated) expect(one.bad.slice(0, 80)).toEqual(world.bytes(one.honest).slice(0, 80));
    await play.deliver(one.honest);
    expect(await play.tip()).toBe(one.honest);
    expect(driver.coins()).toEqual(driver.replay().coins());
  });

  it('does not change its mind when the header came first', async () => {
    const { world, rule } = one;
    const driver = new ChainDriver({ params: world.params, wallS: world.wallS });
    const play = new Play(world, driver);
    await play.deliver(one.before);
    const header = headerOf(one.bad);
    const early = driver.header(header);
    if (ruleOf(rule).rung === 'header') {
      expect(early).toBe(rule);
      return;
    }
    expect(early).toBeUndefined();
    expect(await play.refusal(one.bad)).toBe(rule);
    const entry = driver.chain.entry(headerHash(header))!;
    expect(entry.condemned).toBe(ruleOf(rule).condemns ? rule : undefined);
    // A condemned block stays so by its id alone; one that is not may still come with an honest body.
    expect(driver.header(header)).toBe(ruleOf(rule).condemns ? 'duplicate-invalid' : undefined);
    await play.deliver(one.honest);
    expect(await play.tip()).toBe(one.honest);
  });
});

describe('descendants of a condemned block', () => {
  it('are bad-prevblk, in header and body, before and after a restart', async () => {
    const world = new World(LAB).draw('G-1-X-Y-Z / 1-2', { X: { fees: 1 } });
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
    const play = new Play(world, driver);
    await play.deliver('1');
    expect(driver.header(world.get('X').block.header)).toBeUndefined();
    expect(driver.header(world.get('Y').block.header)).toBeUndefined();
    expect(await play.refusal('X')).toBe('bad-cb-amount');
    expect(driver.chain.entry(world.get('Y').block.hash)?.condemned).toBe('bad-prevblk');
    expect(driver.header(world.get('Z').block.header)).toBe('bad-prevblk');
    expect(await play.refusal('Y')).toBe('bad-prevblk');
    expect(await play.refusal('X')).toBe('duplicate-invalid');
    driver.reopen();
    expect(driver.chain.entry(world.get('Y').block.hash)?.condemned).toBe('bad-prevblk');
    expect(await play.refusal('X')).toBe('duplicate-invalid');
    expect(driver.chain.bestHeader.id).toBe(world.id('1'));
    await play.deliver('2');
    expect(await play.tip()).toBe('2');
  });
});

describe('the witness commitment', () => {
  it('is the last output that looks like one', () => {
    const decoy = { value: 0, script: concat(COMMITMENT_HEAD, new Uint8Array(32)) };
    const world = new World(LAB);
    const tx = spend([world.genesisCoin(0)], [{ value: 20e8, script: payTo(BOB) }]);
    world.draw('G-1', { '1': { txs: [tx], extraOutputs: [decoy] } });
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
    expect(driver.block(world.bytes('1'))).toBeUndefined();
    const { block } = world.get('1');
    const [payout, first, last] = block.txs[0]!.outputs;
    const swapped = makeTx({ ...block.txs[0]!, outputs: [payout!, last!, first!] });
    const header = grind({ ...block.header, merkleRoot: merkleRoot([swapped.txid, tx.txid]).root });
    expect(driver.block(makeBlock(header, [swapped, tx]).bytes)).toBe('bad-witness-merkle-match');
  });

  it('is judged even where nothing has a witness', () => {
    const world = new World(LAB).draw('G-1', { '1': { commit: true } });
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
    const { block } = world.get('1');
    const bare = makeTx({
      ...block.txs[0]!,
      inputs: block.txs[0]!.inputs.map((input) => ({ ...input, witness: [] })),
    });
    expect(driver.block(rebody(block, [bare]))).toBe('bad-witness-nonce-size');
    expect(driver.block(block.bytes)).toBeUndefined();
    expect(driver.tip()).toBe(block.id);
  });
});

describe('script failures', () => {
  it.each(SCRIPT_CASES.map((one) => [one.title, one] as const))('%s: says why', (_, one) => {
    const world = new World(LAB);
    world.draw('G-X', { X: { txs: one.txs(world) } });
    const driver = new ChainDriver({ params: LAB, wallS: world.wallS });
    expect(driver.block(world.bytes('X'))).toBe('block-script-verify-flag-failed');
    expect(driver.failed[0]!.detail).toContain(one.cause);
  });
});
