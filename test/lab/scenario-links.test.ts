import { describe, expect, it } from 'vitest';
import { scaled } from '../../src/lab/scenario/links.ts';
import { parseScenario } from '../../src/lab/scenario/parse.ts';

/** Links, clocks and wires in a scenario file. */

const file = (...lines: string[]) => ['title: x', 'network: regtest', 'nodes: 3', ...lines, ''].join('\n');

function faultsOf(text: string): string[] {
  const parsed = parseScenario(text);
  if ('scenario' in parsed) throw new Error('the file has no fault');
  return parsed.faults.map((f) => `${f.line} ${f.field}: ${f.message}`);
}

describe('links of a scenario', () => {
  it('are shaped one by one, over the weather of all', () => {
    const parsed = parseScenario(
      [
        'title: x',
        'weather: stormy',
        'links:',
        '  A-C: { delay: 100ms, jitter: 10ms }',
        '  A>B: { loss: 1%, rate: 1Mbit/s }',
        'steps:',
        '  - link: { on: A-B, clear: true }',
        '  - link: { delay: 5ms }',
        '  - cut: AC>B',
        '  - set: { node: C, clock: +90s, region: japan }',
        '  - hold: links',
        '  - deliver: B',
        '  - deliver:',
        '  - release: links',
        '',
      ].join('\n'),
    );
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
    const { scenario } = parsed;
    expect([scenario.paceMs, scenario.delayMs]).toEqual([2_000, 400]);
    expect(scenario.links).toEqual([
      { on: 'A-C', shape: { delay: 100, jitter: 10 } },
      { on: 'A>B', shape: { loss: 0.01, rate: 1e6 } },
    ]);
    const verbs = scenario.steps.map(({ action }) =>
      action?.kind === 'verb' ? [action.step, action.verb, action.fields] : [],
    );
    expect(verbs).toEqual([
      ['link', 'link', { links: 'A-B', clear: true }],
      ['link', 'link', { links: undefined, clear: false, delay: 5 }],
      ['partition', 'partition', { groups: 'AC>B' }],
      ['set', 'set', { node: 'C', hashrate: undefined, mines: undefined, clock: 90_000, region: 'japan' }],
      ['hold', 'hold-links', {}],
      ['deliver', 'step-links', { node: 'B' }],
      ['deliver', 'step-links', {}],
      ['release', 'release-links', {}],
    ]);
  });

  it('keep their proportion to the pace when a run is faster', () => {
    const shape = { delay: 100, jitter: 10, loss: 0.01, rate: 1e6 };
    expect(scaled(shape, 5)).toEqual({ delay: 20, jitter: 2, loss: 0.01, rate: 5e6 });
  });

  it.each([
    ['weather: foggy', "4 weather: 'foggy' is unknown. There is calm, windy, stormy."],
    ['links: { A-C: { delay: 1ms } }\ntopology: line', '4 links.A-C: A and C are not linked'],
    ['links: { A-Q: { delay: 1s } }', "4 links.A-Q: no node 'Q'"],
    ['links: { A-B: { delay: -5ms } }', "4 links.A-B.delay: '-5ms' is negative"],
    ['links: { A-B: { jitter: 9ms, delay: 5ms } }', '4 links.A-B.jitter: is at most the delay'],
    ['links: { A>B: { dealy: 5ms } }', '4 links.A>B.dealy: no such field. Did you mean delay?'],
    ['steps: [{ cut: A>D }]', "4 steps[0].cut: no node 'D'"],
    ['steps: [{ cut: AB }]', '4 steps[0].cut: node C is in no group'],
    ['steps: [{ cut: A/AB/C }]', '4 steps[0].cut: node A is in two groups'],
    ['steps: [{ link: { on: A-B } }]', '4 steps[0].link: lacks delay, jitter, loss, rate, drop or clear'],
    ['steps: [{ link: { clear: true, delay: 1s } }]', '4 steps[0].link: clear takes back'],
    ['steps: [{ link: { loss: 90% } }]', '4 steps[0].link.loss: 90% is more than 50%'],
    ['steps: [{ set: { node: A, clock: later } }]', "4 steps[0].set.clock: 'later' is not a clock"],
    ['steps: [{ set: { node: A, region: mars } }]', "4 steps[0].set.region: no region 'mars'"],
    ['steps: [{ set: { node: A } }]', "4 steps[0].set: lacks 'hashrate', 'mines', 'clock' or 'region'"],
    ['steps: [{ deliver: Z }]', "4 steps[0].deliver: no node 'Z'"],
  ])('%s is refused at its line and field', (line, words) => {
    const found = faultsOf(file(line));
    expect(found).toContainEqual(expect.stringContaining(words));
  });
});
