import { describe, expect, it } from 'vitest';
import { barPlot, escapeXml, stepPlot, ticks } from '../../src/observe/chart/plot.ts';

describe('ticks', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [7, [0, 2, 4, 6, 8]],
    [13.2, [0, 5, 10, 15]],
    [300, [0, 50, 100, 150, 200, 250, 300]],
  ])('up to %d', (most, expected) => {
    expect(ticks(most)).toEqual(expected);
  });

  it('are few, even and reach the end, whatever the span', () => {
    for (let most = 0.003; most < 1e7; most *= 1.37) {
      const found = ticks(most);
      expect(found.length).toBeGreaterThanOrEqual(2);
      expect(found.length).toBeLessThanOrEqual(12);
      expect(found.at(-1)!).toBeGreaterThanOrEqual(most * (1 - 1e-9));
    }
  });
});

describe('plots', () => {
  const options = { title: 'a <plot>', xLabel: 'seconds', yLabel: 'height' };

  it('a step stays until the next one, and a gap is a gap', () => {
    const points = [
      { x: 0, y: 1 },
      { x: 5, y: undefined },
      { x: 8, y: 2 },
      { x: 10, y: 3 },
    ];
    const svg = stepPlot([{ name: 'A', points }], options);
    const path = /<path d="([^"]+)"/.exec(svg)?.[1] ?? '';
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).toMatch(/^M46 [\d.]+H353M/);
    expect(svg).toContain('>A</text>');
    expect(svg).toContain('<title>a &lt;plot&gt;</title>');
  });

  it('a bar is as high as its value', () => {
    const svg = barPlot(
      [
        { label: 'A', value: 10 },
        { label: 'B', value: 5 },
      ],
      options,
    );
    const heights = [...svg.matchAll(/<rect [^>]*height="([\d.]+)"/g)].map((m) => Number(m[1]));
    expect(heights[0]! / heights[1]!).toBeCloseTo(2, 1);
  });

  it('nothing that was said can become markup', () => {
    expect(escapeXml(`<a href="x">'&`)).toBe('&lt;a href=&quot;x&quot;&gt;&#39;&amp;');
  });
});
