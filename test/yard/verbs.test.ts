import { beforeAll, describe, expect, it } from 'vitest';
import { actionOf, type Given } from '../../src/yard/verb.ts';
import { VERBS, verbNamed } from '../../src/yard/verbs.ts';
import { type Performed, PLAYBOOK, perform } from './playbook.ts';
import { simRig } from './sim-rig.ts';

const context = { timeoutMs: 60_000, signal: new AbortController().signal };

/** What is played on a simulated yard here, test/live/yard-verbs.test.ts compares with a live one. */
describe('every verb on a simulated yard', () => {
  let played: Performed[];

  beforeAll(async () => {
    const { yard } = simRig('ABCD');
    played = [];
    for (const [verb, fields] of PLAYBOOK) played.push(await perform(yard, verb, fields, context));
  });

  const of = (verb: string) => played.filter((one) => one.verb.startsWith(`${verb} `));

  it('is in the playbook, but for one that needs the answer of another', () => {
    const names = new Set(PLAYBOOK.map(([verb]) => verb));
    expect(Object.keys(VERBS).filter((verb) => !names.has(verb as keyof typeof VERBS))).toEqual([
      'reconsider',
    ]);
  });

  it('tells its plan before, and its line after or why not', () => {
    expect(played.map((one) => one.line ?? one.problem ?? '').filter((text) => text === '')).toEqual([]);
    expect(played.filter((one) => one.line !== undefined && one.plan === undefined)).toEqual([]);
  });

  it('cuts, and tells who was reorganised when it heals', () => {
    expect(of('partition')[0]).toMatchObject({
      plan: 'Cut A B | C D: 4 links; no message crosses until `heal`',
      line: 'A B | C D: 4 links cut in T',
    });
    expect(of('heal')[0]).toMatchObject({
      line: 'all agree on 6D …ID after T; A B reorg depth 2',
      data: { healed: true, reorgs: [{ depth: 2 }, { depth: 2 }] },
    });
  });

  it('pays, and pays twice across a cut', () => {
    expect(of('send')[0]!.line).toBe('…ID alice → bob 1.5, fee 0.00000282 · seen by some of 4 after T');
    expect(of('double-spend')[0]!.line).toBe('…ID to frank: accepted\n…ID to grace: accepted');
  });

  it('undoes blocks by competing work, of some nodes and of all', () => {
    const [some, all] = of('reorg');
    expect(some!.line).toMatch(/^REORG on C D · 2 out · 3 in/);
    expect(all!.line).toMatch(/^REORG on A B C D · 2 out \(\w+ \w+\) · 3 in/);
  });

  it('agrees over links that lose every third message for good: its protocol asks again', async () => {
    const { sim, yard } = simRig('ABC');
    const act = (verb: 'link' | 'mine' | 'heal', fields: Given) =>
      actionOf(verbNamed(verb), yard, fields).run({ ...context, step: () => {} });
    expect((await act('link', { drop: '33%' })).line).toBe('link: every link no delay, drops 33 %');
    let lost = 0;
    const carry = sim.world.wires.carry.bind(sim.world.wires);
    sim.world.wires.carry = (from, to, cargo) => {
      let arrived = false;
      const arrive = () => {
        arrived = true;
        cargo.arrive();
      };
      carry(from, to, { ...cargo, arrive });
      sim.world.after(1_000, () => {
        if (!arrived) lost++;
      });
    };
    for (const node of ['A', 'B', 'C', 'A']) await act('mine', { node, blocks: 3, uncapped: true });
    expect((await act('heal', {})).line).toMatch(/^all agree on \d+[ABC]/);
    sim.world.run(2_000);
    expect(lost).toBeGreaterThan(10);
  });

  it('takes back what invalidate did', async () => {
    const { yard } = simRig('AB');
    await actionOf(VERBS.mine, yard, { node: 'A', blocks: 2, uncapped: true }).run({
      ...context,
      step: () => {},
    });
    const { data } = await actionOf(VERBS.invalidate, yard, { node: 'B' }).run({
      ...context,
      step: () => {},
    });
    expect((await yard.node('B').state())?.tip.height).toBe(1);
    await actionOf(VERBS.reconsider, yard, data as never).run({ ...context, step: () => {} });
    expect((await yard.node('B').state())?.tip).toMatchObject({ id: data.id, height: 2 });
  });
});
