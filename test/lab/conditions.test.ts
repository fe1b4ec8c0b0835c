import { describe, expect, it } from 'vitest';
import {
  conditionsOf,
  describeFaults,
  faultLine,
  isCalm,
  lasting,
  linksFacts,
  unheardBy,
  wireRules,
} from '../../src/lab/client/conditions.ts';
import { figureRows } from '../../src/lab/live/measure.ts';
import type { YardFile } from '../../src/lab/yard/check.ts';
import { allLinks, askedShape, isCut, parseLinks, regionOf } from '../../src/observe/state/yard-links.ts';
import { formatLinks, wishedShape } from '../../src/observe/words/conditions.ts';
import {
  formatBandwidth,
  formatOffset,
  formatShare,
  parseBandwidth,
  parseDelay,
  parseOffset,
  parseShare,
} from '../../src/observe/words/units.ts';
import type { LinkShape } from '../../src/util/link-shape.ts';
import { profileShape, REGIONS, WORLD_LATENCY_MS } from '../../src/util/profiles.ts';
import { parseProfile, parseRegion } from '../../src/yard/profiles.ts';

function yardOf(letters: string, more: Partial<YardFile> = {}): YardFile {
  return {
    v: 1,
    label: 'test',
    network: 'yard',
    spacingMs: 1_000,
    delayMs: 7,
    nodes: [...letters].map((letter) => ({
      letter,
      dir: letter,
      rpcPort: 1,
      p2pPort: 2,
      peerId: `peer-${letter}`,
      address: '',
      hashrate: 0,
      miner: true,
      payout: '',
    })),
    ...more,
  };
}

const links = (text: string, yard = yardOf('ABCD')) => {
  const parsed = parseLinks(text, linksFacts(yard));
  return parsed.ok ? parsed.value.map((d) => d.join('>')).join(' ') : parsed.error;
};
const shape = (o: Partial<LinkShape>): LinkShape => ({
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  bitsPerSecond: 0,
  ...o,
});

describe('links as people type them', () => {
  it('both ways, one way, between groups, several, each once', () => {
    expect(links('A-C')).toBe('A>C C>A');
    expect(links('a>c')).toBe('A>C');
    expect(links('A<C')).toBe('C>A');
    expect(links('AB>CD')).toBe('A>C A>D B>C B>D');
    expect(links('A>B, B-A')).toBe('A>B B>A');
    expect(
      formatLinks([
        ['A', 'B'],
        ['B', 'A'],
        ['C', 'D'],
      ]),
    ).toBe('A-B, C>D');
  });

  it('refuses who is unknown, doubled or not linked, and what is no link', () => {
    expect(links('A-Z')).toMatch(/no node 'Z'.*A, B, C, D/);
    expect(links('AB>BC')).toMatch(/node B is on both sides/);
    expect(links('A-C', yardOf('ABC', { topology: 'line' }))).toMatch(/not linked.*not every node/);
    for (const bad of ['', 'A', 'A-', 'A>B>C', '>', 'A-B-C', '1>2']) expect(links(bad)).toMatch(/not a l/);
  });

  it('all of them, by topology', () => {
    expect(allLinks(linksFacts(yardOf('ABC'))).length).toBe(6);
    expect(allLinks(linksFacts(yardOf('ABC', { topology: 'line' }))).map((d) => d.join(''))).toEqual([
      'AB',
      'BA',
      'BC',
      'CB',
    ]);
  });
});

describe('what each node is told of its wire', () => {
  it('in a calm yard nothing, and all of it else', () => {
    // Both ends of a link that drops messages: neither blames the other for silence.
    const dropping = yardOf('ABC', { conditions: { shapes: { 'A>B': shape({ drop: 0.1 }) } } });
    expect(['A', 'B', 'C'].map((letter) => wireRules(dropping, letter)['mute'])).toEqual([
      ['peer-B'],
      ['peer-A'],
      [],
    ]);
    expect(wireRules(yardOf('AB'), 'A')).toEqual({ refuse: [], deaf: [], mute: [], hold: false, shape: {} });
    const yard = yardOf('ABC', {
      groups: [['A', 'B'], ['C']],
      conditions: {
        oneWay: [['A', 'B']],
        wireHeld: true,
        shapes: { 'B>A': shape({ delayMs: 30, loss: 0.1 }) },
      },
    });
    expect(wireRules(yard, 'A')).toEqual({
      refuse: ['peer-C'],
      deaf: [],
      mute: ['peer-B'],
      hold: true,
      shape: {},
    });
    expect(wireRules(yard, 'B')).toEqual({
      refuse: ['peer-C'],
      deaf: ['peer-A'],
      mute: [],
      hold: true,
      shape: { 'peer-A': shape({ delayMs: 30, loss: 0.1 }) },
    });
    expect(wireRules(yardOf('AB', { conditions: { frozen: ['B'] } }), 'A')).toMatchObject({
      mute: ['peer-B'],
    });
    expect(isCut(linksFacts(yard), ['A', 'B'])).toBe(true);
    expect(isCut(linksFacts(yard), ['B', 'A'])).toBe(false);
    expect(isCut(linksFacts(yard), ['C', 'A'])).toBe(true);
  });

  it('a node that comes back must not hear, for a moment, whom it does not hear', () => {
    expect(unheardBy(yardOf('ABC', { conditions: { oneWay: [['A', 'B']] } }), 'B')).toEqual(['A']);
    expect(unheardBy(yardOf('ABC', { conditions: { oneWay: [['A', 'B']] } }), 'A')).toEqual([]);
    expect(unheardBy(yardOf('ABC', { conditions: { wireHeld: true } }), 'B')).toEqual(['A', 'C']);
  });

  it('a link of its own goes before the profile, and the profile before the delay of the yard', () => {
    expect(askedShape(linksFacts(yardOf('AB')), 'A', 'B')).toEqual(shape({ delayMs: 7 }));
    const world = yardOf('ABCDEFG', { conditions: { profile: 'world', regions: { B: 'japan' } } });
    expect(regionOf(linksFacts(world), 'A')).toBe('north-america');
    expect(regionOf(linksFacts(world), 'G')).toBe('north-america');
    expect(askedShape(linksFacts(world), 'A', 'B')).toMatchObject({ delayMs: 151 });
    expect(askedShape(linksFacts(world), 'D', 'C')).toMatchObject({ delayMs: 325, jitterMs: 325 * 0.05 });
    expect(Object.keys(wireRules(world, 'A')['shape'] as object).length).toBe(6);
    const own = { ...world, conditions: { ...world.conditions, shapes: { 'A>B': shape({ delayMs: 1 }) } } };
    expect(askedShape(linksFacts(own), 'A', 'B')).toEqual(shape({ delayMs: 1 }));
    expect(askedShape(linksFacts(own), 'B', 'A')).toMatchObject({ delayMs: 151 });
  });
});

describe('faults in words', () => {
  it('every one is said, and a calm yard says nothing', () => {
    expect(faultLine(yardOf('ABCD'), 0)).toBe('');
    const yard = yardOf('ABCD', {
      groups: [
        ['A', 'B'],
        ['C', 'D'],
      ],
      conditions: {
        oneWay: [['A', 'B']],
        wireHeld: true,
        frozen: ['C'],
        clockMs: { D: 90_000 },
        shapes: {
          'A>C': shape({ delayMs: 200, jitterMs: 20, loss: 0.01, bitsPerSecond: 1e6 }),
          'C>A': shape({ delayMs: 200, jitterMs: 20, loss: 0.01, bitsPerSecond: 1e6 }),
          'B>D': shape({ loss: 0.02 }),
        },
        profile: 'world',
      },
    });
    expect(faultLine(yard, 3)).toBe(
      'FAULTS: AB|CD cut · A>B cut · wire held (3 messages) · C frozen · D clock +90s · ' +
        'A-C 200 ms ± 20 ms, loss 1 %, 1 Mbit/s · B>D no delay, loss 2 % · profile world',
    );
    expect(describeFaults(yardOf('AB', { conditions: lasting(conditionsOf(yard)) }), 0)).toEqual([
      'profile world',
    ]);
    expect(isCalm(conditionsOf(yard))).toBe(false);
    expect(isCalm(lasting(conditionsOf(yardOf('AB', { conditions: { frozen: ['A'] } }))))).toBe(true);
  });

  it('figures: one row a link, two where its directions differ', () => {
    const figure = (from: string, to: string, delayMs: number, measuredMs: number | null, state = 'open') =>
      ({ from, to, asked: shape({ delayMs }), measuredMs, state }) as const;
    expect(
      figureRows([
        figure('A', 'B', 200, 203.4),
        figure('B', 'A', 200, 199),
        figure('A', 'C', 5, 5.21),
        figure('C', 'A', 0, null, 'cut'),
        figure('B', 'C', 0, null, 'down'),
        figure('C', 'B', 0, null, 'down'),
      ] as never).slice(1),
    ).toEqual([
      ['A-B', '200 ms', '203 ms there, 199 ms back'],
      ['A>C', '5 ms', '5.2 ms'],
      ['C>A', 'no delay', 'cut'],
      ['B-C', 'no delay', 'a node is down or frozen'],
    ]);
  });
});

describe('asking', () => {
  it('what is not asked for stays; jitter never makes a delay negative', () => {
    const now = shape({ delayMs: 100, jitterMs: 50, loss: 0.01, bitsPerSecond: 1e6 });
    expect(wishedShape(now, { loss: 0 })).toEqual({ ok: true, value: { ...now, loss: 0 } });
    expect(wishedShape(now, { delayMs: 20 })).toMatchObject({
      ok: true,
      value: { delayMs: 20, jitterMs: 20 },
    });
    expect(wishedShape(now, { jitterMs: 101 })).toMatchObject({ ok: false });
  });

  it('units, and refusals that name the value', () => {
    const value = (r: { ok: boolean }) =>
      'value' in r ? r.value : (r as unknown as { error: string }).error;
    expect([parseDelay('200ms'), parseDelay('0'), parseDelay('1.5s')].map(value)).toEqual([200, 0, 1_500]);
    expect(value(parseDelay('-5ms'))).toMatch(/'-5ms' is negative/);
    expect(value(parseDelay('2m'))).toMatch(/longer than a minute/);
    expect([parseOffset('+90s'), parseOffset('-2m'), parseOffset('0s'), parseOffset('0')].map(value)).toEqual(
      [90_000, -120_000, -0, 0].map((n) => n + 0),
    );
    expect(value(parseOffset('soon'))).toMatch(/'soon' is not a clock offset/);
    expect([parseShare('1%'), parseShare('0.5 %')].map(value)).toEqual([0.01, 0.005]);
    expect(value(parseShare('0.01'))).toMatch(/write it as 1%/);
    expect(['1Mbit/s', '500kbit/s', '2Mbps', 'none'].map((t) => value(parseBandwidth(t)))).toEqual([
      1e6, 5e5, 2e6, 0,
    ]);
    expect(value(parseBandwidth('1MB/s'))).toMatch(/'1MB\/s' is not a rate/);
    expect(value(parseBandwidth('1bit/s'))).toMatch(/from 1kbit\/s/);
    expect([formatBandwidth(1e6), formatShare(0.005), formatOffset(-2_000)]).toEqual([
      '1 Mbit/s',
      '0.5 %',
      '-2s',
    ]);
  });

  it('regions and profiles', () => {
    expect(parseRegion('ASIA_PACIFIC')).toEqual({ ok: true, value: 'asia-pacific' });
    expect(parseRegion('europ')).toMatchObject({
      ok: false,
      error: expect.stringContaining('Did you mean europe'),
    });
    expect(parseProfile('none')).toEqual({ ok: true, value: '' });
    expect(parseProfile('wrld')).toMatchObject({ ok: false, error: expect.stringContaining('world') });
    expect(profileShape('lan', 'japan', 'europe')).toMatchObject({ delayMs: 1 });
  });

  it('the table of the world is square and symmetric, without a link that takes no time', () => {
    expect(WORLD_LATENCY_MS.length).toBe(REGIONS.length);
    for (const [i, row] of WORLD_LATENCY_MS.entries()) {
      expect(row.length).toBe(REGIONS.length);
      expect(Math.min(...row)).toBeGreaterThan(0);
      for (const [j, ms] of row.entries()) expect(ms).toBe(WORLD_LATENCY_MS[j]![i]);
    }
  });
});
