import { beforeEach, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { newLanes } from '../../src/observe/state/lanes.ts';
import { Story } from '../../src/observe/state/story.ts';
import { colourOf } from '../../src/observe/tree/colours.ts';
import { pictureSvg } from '../../src/observe/tree/picture.ts';
import { textWidth } from '../../src/observe/words/text-width.ts';
import { event, extend, fresh, start } from '../page/events.ts';

beforeEach(fresh);

/** Two blocks together, then A alone and B alone under a cut; `p` is paid on A's side. */
function cut(): LogEvent[] {
  const seen = event(2, 'A', { kind: 'tx-seen', txid: 'pppp<1', fee: 1, vsize: 1, from: 'self' });
  return [
    ...[start(0, 'A'), start(0, 'B')],
    ...extend(1, 'A', '1A', 'g'),
    ...extend(1, 'B', '1A', 'g'),
    event(2, '', { kind: 'partition', groups: [['A'], ['B']] }),
    seen,
    ...extend(100, 'A', '2A', '1A', ['pppp<1']),
    ...extend(200, 'A', '3A', '2A'),
    ...extend(300, 'B', '2B', '1A'),
  ];
}

function draw(events: readonly LogEvent[], more: { last?: number } = {}): string {
  const forest = newForest();
  const story = new Story();
  const lanes = newLanes('pppp<1', ['A', 'B']);
  for (const e of events) {
    forest.apply(e);
    story.apply(e, forest);
    lanes.apply(e, forest);
  }
  return pictureSvg(forest, story, {
    label: 'x<y',
    moment: 'event 9 at 0:01',
    lanes: { lanes, until: 3_000 },
    ...more,
  });
}

/** Every tag that is opened is closed, in the right order; attributes are quoted. */
function openTags(svg: string): string[] {
  const open: string[] = [];
  for (const [, close, name, alone] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/gi)) {
    if (close === '/') expect(open.pop()).toBe(name);
    else if (alone !== '/') open.push(name!);
  }
  return open;
}

describe('the picture', () => {
  it('holds tree, cut, lanes and caption, as well-formed XML without numbers that are none', () => {
    const svg = draw(cut());
    expect(openTags(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|x&lt;y<\/title>x<y/);
    expect(svg.match(/class="letter/g)).toHaveLength(5);
    for (const words of [
      'no messages cross',
      'ground of A',
      'ground of B',
      '2 confirmations (in 2A)',
      'payment …pppp&lt;1',
    ])
      expect(svg).toContain(words);
    expect(svg).toContain('cut A|B: A on 3A (work 30); B on 2B (work 20).');
    expect(svg).toContain('forkyard x&lt;y, event 9 at 0:01');
  });

  it('hatches what is on nobody’s branch, and names the last reorg', () => {
    const events = cut();
    const ref = (id: string) => ({ id, height: Number.parseInt(id, 10), miner: id.slice(-1) });
    events.push(
      event(400, '', { kind: 'heal' }),
      event(401, 'B', {
        kind: 'tip',
        id: '3A',
        height: 3,
        work: '1e',
        miner: 'A',
        old: '2B',
        because: 'work',
      }),
      event(401, 'B', {
        kind: 'reorg',
        fork: ref('1A'),
        depth: 1,
        length: 2,
        out: [ref('2B')],
        in: [ref('2A'), ref('3A')],
        because: 'work',
      }),
    );
    const svg = draw(events);
    expect(svg.match(/fill="url\(#hatch\)"\/><text class="letter/g)).toHaveLength(1);
    expect(svg).toContain('1 out · 2 in');
    expect(svg).toContain('Last reorg: B left 2B (1 out) for 2A 3A (2 in), fork point 1A.');
    expect(svg).not.toContain('no messages cross');
  });

  it('shows the newest heights only, if so many are asked for', () => {
    const heights = (svg: string) => [...svg.matchAll(/class="ruler"[^>]*>(\d+)</g)].map((m) => Number(m[1]));
    expect(heights(draw(cut(), { last: 2 }))).toEqual([2, 3]);
    expect(heights(draw(cut()))).toEqual([0, 1, 2, 3]);
  });

  it('of nothing is a picture of nothing', () => {
    expect(openTags(pictureSvg(newForest(), new Story(), { label: '', moment: '' }))).toEqual([]);
  });

  it('has room for its text: long words of lanes, captions full of names, flags of many nodes, tags of strangers', () => {
    const nodes = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i));
    const txid = 'f'.repeat(64);
    const events = [
      ...nodes.map((node) => start(0, node)),
      event(1, 'A', { kind: 'tx-seen', txid, fee: 1, vsize: 1, from: 'self' }),
      ...nodes.flatMap((node) => extend(2, node, '1A', 'g')),
      event(3, 'A', { kind: 'tx-removed', txid, why: 'conflict', by: 'e'.repeat(64) }),
      event(4, 'B', { kind: 'tx-refused', txid, rule: 'W'.repeat(300), detail: '', from: 'x' }),
      ...nodes.slice(0, 9).flatMap((node, i) => extend(10 + i, node, `2${node}`, '1A')),
    ];
    const forest = newForest();
    const story = new Story();
    const lanes = newLanes(txid, nodes);
    for (const e of events) {
      const tagged = e.kind === 'block' && e.height === 2 ? { ...e, miner: 'a miner with a long tag' } : e;
      forest.apply(tagged);
      story.apply(tagged, forest);
      lanes.apply(tagged, forest);
    }
    const svg = pictureSvg(forest, story, { label: 'x', moment: 'end', lanes: { lanes, until: 3_000 } });
    const width = Number(/^<svg [^>]*width="([\d.]+)"/.exec(svg)![1]);
    const [, , top] = /viewBox="(-?[\d.]+) (-?[\d.]+) [\d.]+ [\d.]+">/.exec(svg)!.map(Number);
    const texts = [...svg.matchAll(/<text class="([^"]*)" x="([\d.]+)" y="[\d.]+">([^<]*)</g)].slice(-60);
    const below = texts.filter(([, kind]) => kind === 'caption' || kind === '' || kind === 'undone bold');
    expect(below.length).toBeGreaterThan(26);
    for (const [, kind, x, text] of below) {
      const size = kind === 'caption' ? 13 : 12;
      const plain = text!.replaceAll('&#39;', "'");
      expect(Number(x) + textWidth(plain, size, kind!.includes('bold')), text).toBeLessThanOrEqual(width);
    }
    for (const [, y] of svg.matchAll(/<g transform="translate\([-\d.]+ (-?[\d.]+)\)"><line class="pole"/g))
      expect(Number(y) - 10).toBeGreaterThanOrEqual(top!);
    for (const [, letter] of svg.matchAll(/class="letter[^>]*>([^<]*)</g))
      expect(textWidth(letter!, 18, true)).toBeLessThanOrEqual(44);
  });
});

describe('the colours of nodes', () => {
  it('are another for each letter, with ink that can be read on it', () => {
    const colours = Array.from({ length: 26 }, (_, i) => colourOf(String.fromCharCode(65 + i)));
    expect(new Set(colours.map(({ fill }) => fill)).size).toBe(26);
    const light = (hex: string) => {
      const [r, g, b] = [1, 3, 5].map((at) => {
        const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    for (const { fill, ink } of colours) {
      const [low, high] = [light(fill), light(ink)].sort((a, b) => a - b);
      // WCAG 2: readable from 4.5 on.
      expect((high! + 0.05) / (low! + 0.05), fill).toBeGreaterThan(4.5);
    }
  });
});
