import { type Chart, scaleOf } from './chart.ts';

/** A chart for a terminal: letters for what is measured, dots for what is predicted. */

const WIDTH = 60;
const HEIGHT = 13;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

export function chartText(chart: Chart): string[] {
  const all = chart.series.flatMap((s) => s.points);
  const xs = scaleOf(
    all.map((p) => p.x),
    chart.logX === true,
  );
  const ys = scaleOf(
    all.map((p) => p.y),
    chart.logY === true,
  );
  const rows = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => ' '));
  const put = (px: number, py: number, sign: string) => {
    const column = Math.round(Math.min(1, Math.max(0, px)) * (WIDTH - 1));
    const row = HEIGHT - 1 - Math.round(Math.min(1, Math.max(0, py)) * (HEIGHT - 1));
    rows[row]![column] = sign;
  };
  for (const { as, points } of chart.series) {
    if (as !== 'line') continue;
    for (const [i, p] of points.entries()) {
      const before = points[i - 1] ?? p;
      const [x0, y0, x1, y1] = [xs.at(before.x), ys.at(before.y), xs.at(p.x), ys.at(p.y)];
      for (let n = 0; n <= WIDTH; n++) put(x0 + ((x1 - x0) * n) / WIDTH, y0 + ((y1 - y0) * n) / WIDTH, '·');
    }
  }
  const measured = chart.series.filter((s) => s.as === 'points');
  for (const [i, { points }] of measured.entries()) {
    for (const p of points) put(xs.at(p.x), ys.at(p.y), LETTERS[i % LETTERS.length]!);
  }
  const labels = rows.map(() => '');
  for (const value of ys.marks) labels[HEIGHT - 1 - Math.round(ys.at(value) * (HEIGHT - 1))] = numeral(value);
  const margin = Math.max(...labels.map((l) => l.length));
  const ruler = Array.from({ length: WIDTH + 8 }, () => ' ');
  for (const value of xs.marks) {
    const text = numeral(value);
    const from = Math.max(0, Math.round(xs.at(value) * (WIDTH - 1)) - Math.floor(text.length / 2));
    const free = ruler.slice(Math.max(0, from - 1), from + text.length + 1).every((c) => c === ' ');
    if (free) for (const [i, c] of [...text].entries()) ruler[from + i] = c;
  }
  const blank = ' '.repeat(margin);
  return [
    `${chart.yLabel}${chart.logY === true ? ' (powers of ten)' : ''}`,
    ...rows.map((row, i) => `${labels[i]!.padStart(margin)} │${row.join('')}`.trimEnd()),
    `${blank} └${'─'.repeat(WIDTH)}`,
    `${blank}  ${ruler.join('').trimEnd()}`,
    `${blank}  ${chart.xLabel}`,
    ...measured.map((s, i) => `${blank}  ${LETTERS[i % LETTERS.length]!}  ${s.name}`),
    ...(chart.series.some((s) => s.as === 'line') ? [`${blank}  ·  predicted`] : []),
  ];
}

function numeral(value: number): string {
  return value !== 0 && (value < 0.001 || value >= 1e5)
    ? value.toExponential(0).replace('e+', 'e')
    : String(value);
}
