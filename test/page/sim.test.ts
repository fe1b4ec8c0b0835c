import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseNetworks } from '../../src/consensus/params/params.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { Story } from '../../src/observe/state/story.ts';
import { simActor } from '../../src/page/sim/actions.ts';
import { formatSettings, parseSettings, SimRun, USUAL_SETTINGS } from '../../src/page/sim/run.ts';
import type { Told } from '../../src/yard/perform.ts';

const networks = parseNetworks(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../genesis.json'), 'utf8')),
);
const template = networks.ok ? networks.value.get('lab')! : undefined!;

function world(seed = 's') {
  const events: LogEvent[] = [];
  const run = new SimRun(template, { ...USUAL_SETTINGS, seed }, (event) => events.push(event));
  const act = simActor(run);
  /** Asks, and lets time pass until the action has ended. */
  async function ask(verb: string, fields: Record<string, string> = {}, dry = false): Promise<Told[]> {
    const told: Told[] = [];
    let isOver = false;
    const ended = act({ verb, fields, dry }, (line) => told.push(line)).finally(() => {
      isOver = true;
    });
    for (let i = 0; i < 2_000 && !isOver; i++) {
      run.run(50);
      // An action goes on in turns of the event loop of its own.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    await ended;
    return told;
  }
  return { run, events, ask };
}

const last = (told: readonly Told[]) => JSON.stringify(told.at(-1));

describe('the settings of a simulated yard', () => {
  it('are what the address says, within bounds, each wrong one named', () => {
    const parsed = parseSettings('#seed=x1&nodes=6&delay=0&pace=500');
    expect(parsed).toEqual({ ok: true, value: { seed: 'x1', nodes: 6, delayMs: 0, paceMs: 500 } });
    expect(parsed.ok && parseSettings(formatSettings(parsed.value))).toEqual(parsed);
    expect(parseSettings('')).toEqual({ ok: true, value: USUAL_SETTINGS });
    for (const [text, words] of [
      ['nodes=1', 'nodes must be a whole number from 2 to 12'],
      ['nodes=1e9', 'nodes must be'],
      ['delay=-1', 'delay must be'],
      ['pace=x', 'pace must be'],
      ['seed=', "seed '' is not"],
    ] as const) {
      const wrong = parseSettings(text);
      expect(wrong.ok ? '' : wrong.error).toContain(words);
    }
  });
});

describe('a simulated yard in the page', () => {
  it('does what it is told, in the words of a live one: pay twice, cut, heal, reorganise', async () => {
    const { run, events, ask } = world();
    expect(await ask('partition', { groups: 'AB/C' }, true)).toEqual([
      { problem: 'node D is in no group; every node must be in exactly one' },
    ]);
    expect(await ask('partition', { groups: 'AB/CD' }, true)).toEqual([
      { plan: 'Cut A B | C D: 4 links; no message crosses until heal' },
    ]);
    expect(run.yard.groups).toBeUndefined();
    await ask('partition', { groups: 'AB/CD' });
    const twice = await ask('double-spend', { from: 'alice', first: 'carol@A', second: 'dave@D' });
    expect(last(twice)).toMatch(/to carol: accepted by A B.*to dave: accepted by C D/);
    expect(last(await ask('mine', { node: 'A', blocks: '3' }))).toContain('A mined 3 blocks');
    expect(last(await ask('mine', { node: 'D', blocks: '1' }))).toContain('D mined 1 block');
    expect(last(await ask('heal'))).toMatch(/all agree on .* after .*; [A-D ]+ reorg depth \d/);
    const forest = newForest();
    const story = new Story();
    for (const event of events) {
      forest.apply(event);
      story.apply(event, forest);
    }
    run.run(5_000);
    expect(story.tellingPayment()).toMatchObject({ wasUndone: true });
    expect(story.nameOf(story.tellingPayment()!.txid)).toMatch(/^alice → (?:carol|dave) /);
    expect(story.scenes.at(-1)!.nodes.size).toBeGreaterThan(0);
  });

  it('has its faults, and takes them back', async () => {
    const { run, ask } = world('faults');
    expect(
      last(await ask('link', { links: 'A-C', delay: '1s', jitter: '', loss: '1%', rate: '' })),
    ).toContain('A-C 1000 ms, loss 1 %');
    await ask('partition', { groups: 'A>B' });
    await ask('freeze', { node: 'D' });
    await ask('set', { node: 'B', clock: '+90s', hashrate: '' });
    expect(run.yard.conditions).toMatchObject({
      oneWay: [['A', 'B']],
      frozen: ['D'],
      clockMs: { B: 90_000 },
    });
    expect(last(await ask('mine', { node: 'D', blocks: '1' }))).toContain('node D is frozen');
    await ask('thaw', { node: 'D' });
    const shapes = run.yard.conditions.shapes;
    expect(Object.keys(shapes).length).toBeGreaterThan(0);
    expect(last(await ask('heal'))).toContain('; links stay as asked, until link --clear: ');
    expect(run.yard.conditions).toMatchObject({ oneWay: [], wireHeld: false, shapes, frozen: [] });
    expect(last(await ask('kill', { node: 'C' }))).toMatch(/C was at .*; killed/);
    expect(run.nodes().map((n) => n.up)).toEqual([true, true, false, true]);
    expect(last(await ask('start', { node: 'C' }))).toMatch(/C reopened at height .*, caught up to/);
    for (const [verb, fields] of [
      ['start', { node: 'C' }],
      ['mine', { node: 'Q', blocks: '1' }],
      ['mine', { node: 'A', blocks: '1e9' }],
      ['send', { from: 'alice', to: 'nobody', amount: '1', node: 'A' }],
      ['send', { from: 'alice', to: 'bob', amount: '1e6', node: 'A' }],
      ['reorg', { depth: '2', lead: '1', losers: 'ABCD' }],
      ['no-such-verb', {}],
    ] as const)
      expect((await ask(verb, fields as Record<string, string>)).at(-1)).toMatchObject({
        problem: expect.any(String),
      });
  });

  it('gives the same hash for the same seed, however the time is sliced', () => {
    const whole = world('7').run;
    const sliced = world('7').run;
    const other = world('8').run;
    whole.run(61_000);
    other.run(61_000);
    let clock = 0;
    sliced.speed = 100;
    while (sliced.check === undefined) sliced.advance(7, () => clock++);
    expect(sliced.check).toBe(whole.check);
    expect(other.check).not.toBe(whole.check);
  });
});
