import { describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/bitcoin/block.ts';
import { headerHash } from '../../src/bitcoin/header.ts';
import { checkBlock } from '../../src/consensus/validate/check.ts';
import { minerTag } from '../../src/consensus/validate/tag.ts';
import { selectSteps } from '../../src/node/mining/select.ts';
import { equal, writeU32LE } from '../../src/util/bytes.ts';
import { seeded } from '../../src/util/random.ts';
import { finish, noPace } from '../../src/util/steps.ts';
import { YARD } from '../dsl/networks.ts';
import { coinOf, grind, PoolRig, send } from './mempool-rig.ts';

describe('a template', () => {
  it('is a block that connects: subsidy, fees, tag, commitment', () => {
    const rig = new PoolRig({ tag: 'Q' });
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    const child = send([coinOf(parent, 'bob')], 'carol', 7_000);
    rig.take(parent);
    rig.take(child);
    const template = rig.template();
    expect(template.fees).toBe(8_000);
    expect(template.txs.map((tx) => tx.id)).toEqual([parent.id, child.id]);
    expect(template.coinbase.outputs[0]!.value).toBe(50 * 100_000_000 + 8_000);
    expect(template.coinbase.lockTime).toBe(0);
    expect(template.coinbase.inputs[0]!.sequence).toBe(0xffffffff);
    const { block } = rig.receive(grind(template));
    expect(rig.chain.tip.id).toBe(block.id);
    expect(rig.chain.tip.miner).toBe('Q');
    expect(minerTag(block.txs[0]!)).toBe('Q');
    expect(rig.pool.size).toBe(0);
  });

  it('commits to witnesses even when there are none', () => {
    const rig = new PoolRig();
    const template = rig.template();
    expect(template.txs).toEqual([]);
    const script = template.coinbase.outputs.at(-1)!.script;
    expect([...script.subarray(0, 6)]).toEqual([0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed]);
    rig.receive(grind(template));
    expect(rig.chain.tip.height).toBe(1);
  });

  it('rolls the extra nonce to another block of the same transactions', () => {
    const rig = new PoolRig();
    // Every count of leaves has another shape of tree.
    for (const who of ['alice', 'bob', 'carol', 'dave', 'erin'] as const) {
      rig.take(send([rig.coin(who)], who, 1_000));
      const template = rig.template();
      const rolled = template.reroll(0x1_2345_6789);
      expect(rolled.coinbase.weight).toBe(template.coinbase.weight);
      expect(equal(rolled.header, template.header)).toBe(false);
      for (const one of [template, rolled]) expect(checkBlock(grind(one), rig.params).ok).toBe(true);
    }
    const bytes = grind(rig.template().reroll(7));
    rig.receive(bytes);
    expect(rig.chain.tip.height).toBe(1);
  });

  it('puts nonce and time where they belong', () => {
    const rig = new PoolRig();
    const template = rig.template();
    const header = template.header.slice();
    writeU32LE(header, 76, 0xdeadbeef);
    writeU32LE(header, 68, template.time + 5);
    const block = decodeBlock(template.bytes(0xdeadbeef, template.time + 5));
    expect(block.ok && block.value.header.nonce).toBe(0xdeadbeef);
    expect(block.ok && block.value.header.time).toBe(template.time + 5);
    expect(block.ok && equal(block.value.hash, headerHash(header))).toBe(true);
    expect(template.reroll(template.extraNonce, template.time + 5).header.slice(68, 72)).toEqual(
      header.slice(68, 72),
    );
  });

  it('never goes back in time', () => {
    const rig = new PoolRig();
    rig.mine();
    const late = rig.chain.tip.header.time;
    expect(rig.template({ wallS: late - 10_000 }).time).toBe(rig.chain.tip.medianTime + 1);
    const yard = new PoolRig({ params: YARD });
    yard.mine();
    yard.mine();
    // Where the target follows every block, the parent's time is the least.
    const { time } = yard.template({ wallS: 0 });
    expect(time).toBe(yard.chain.tip.header.time);
    yard.receive(grind(yard.template({ wallS: 0 })));
    expect(yard.chain.tip.height).toBe(3);
  });

  it('keeps to the weight, packages whole', () => {
    const rig = new PoolRig();
    for (const who of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const) {
      const parent = send([rig.coin(who)], 'bob', 200);
      rig.take(parent);
      rig.take(send([coinOf(parent, 'bob')], 'carol', 9_000));
    }
    for (const maxWeight of [1_200, 2_000, 2_500, 3_000, 4_000]) {
      const template = rig.template({ maxWeight });
      const bytes = grind(template);
      const block = checkBlock(bytes, rig.params);
      expect(block.ok && block.value.weight).toBeLessThanOrEqual(maxWeight);
      const seen = new Set<string>();
      for (const tx of template.txs) {
        for (const parent of rig.pool.get(tx.txid)!.parents) expect(seen.has(parent.tx.id)).toBe(true);
        seen.add(tx.id);
      }
    }
    expect(rig.template({ maxWeight: 4_000 }).txs.length).toBeGreaterThan(0);
  });

  it('takes those that are asked for, with nothing that they lack', () => {
    const rig = new PoolRig();
    const parent = send([rig.coin('alice')], 'bob', 1_000);
    const child = send([coinOf(parent, 'bob')], 'carol', 7_000);
    const other = send([rig.coin('bob')], 'carol', 7_000);
    for (const tx of [parent, child, other]) rig.take(tx);
    const only = (...txs: { txid: Uint8Array }[]) =>
      rig.template({ txids: txs.map((tx) => tx.txid) }).txs.map((tx) => tx.id);
    expect(only(parent)).toEqual([parent.id]);
    expect(only(child, parent)).toEqual([parent.id, child.id]);
    expect(only(child)).toEqual([]);
    expect(only()).toEqual([]);
  });
});

describe('the choice', () => {
  it('ranks by what a transaction and the ancestors that it needs pay', () => {
    const rig = new PoolRig();
    const poor = send([rig.coin('alice')], 'bob', 110);
    const rich = send([coinOf(poor, 'bob')], 'carol', 5_000);
    const middle = send([rig.coin('bob')], 'dave', 2_000);
    const lowest = send([rig.coin('carol')], 'dave', 300);
    const free = send([coinOf(middle, 'dave')], 'dave', 120);
    for (const tx of [poor, lowest, middle, free, rich]) rig.take(tx);
    // (110 + 5,000) / 2 beats 2,000; and once its parent is in, each stands alone.
    expect(rig.template().txs.map((tx) => tx.id)).toEqual([poor.id, rich.id, middle.id, lowest.id, free.id]);
  });

  it('lets two children share the cost of their parent', () => {
    const rig = new PoolRig();
    const parent = send([rig.coin('alice'), rig.coin('alice', 1)], 'bob', 300);
    const first = send([coinOf(parent, 'bob')], 'carol', 3_000);
    const grandchild = send([coinOf(first, 'carol')], 'carol', 2_900);
    const rival = send([rig.coin('bob')], 'dave', 2_000);
    for (const tx of [parent, first, grandchild, rival]) rig.take(tx);
    // Alone, the parent with its first child is at 3,300 / 288 < 2,000 / 110; with the grandchild too.
    expect(rig.template().txs.map((tx) => tx.id)).toEqual([rival.id, parent.id, first.id, grandchild.id]);
    const better = send([rig.coin('bob')], 'dave', 1_100);
    const other = new PoolRig();
    for (const tx of [parent, first, grandchild, better]) other.take(tx);
    expect(other.template().txs.map((tx) => tx.id)).toEqual([parent.id, first.id, grandchild.id, better.id]);
  });

  it('is the same whatever the order of arrival, and keeps parents first', () => {
    const random = seeded(5);
    const maker = new PoolRig();
    const txs = [];
    const coins = (['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const).map((who) => maker.coin(who));
    for (let i = 0; i < 40; i++) {
      const at = random.below(coins.length);
      const tx = send([coins[at]!], 'bob', 110 + random.below(4) * 500);
      coins[at] = coinOf(tx, 'bob');
      txs.push(tx);
    }
    const chosen: string[][] = [];
    for (let round = 0; round < 3; round++) {
      const rig = new PoolRig();
      const waiting = [...txs];
      while (waiting.length > 0) {
        const at = random.below(waiting.length);
        const result = rig.accept(waiting[at]!);
        if (result.ok) waiting.splice(at, 1);
        else expect(result.error.rule).toBe('missing-inputs');
      }
      const order = finish(selectSteps(rig.pool.entries(), 12_000, noPace()));
      const seen = new Set<string>();
      for (const entry of order) {
        for (const parent of entry.parents) expect(seen.has(parent.tx.id)).toBe(true);
        seen.add(entry.tx.id);
      }
      chosen.push(order.map((entry) => entry.tx.id));
    }
    expect(chosen[0]!.length).toBeGreaterThan(15);
    expect(chosen[1]).toEqual(chosen[0]);
    expect(chosen[2]).toEqual(chosen[0]);
  });
});
