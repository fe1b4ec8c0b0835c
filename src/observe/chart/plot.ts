/** Small plots as SVG text: for reports that must open from disk, without a script. */

/** Okabe and Ito's colours: told apart by everybody, in print too. */
export const COLOURS = [
  '#0072B2',
  '#D55E00',
  '#009E73',
  '#CC79A7',
  '#E69F00',
  '#56B4E9',
  '#000000',
  '#F0E442',
];
const WIDTH = 720;
const HEIGHT = 240;
const LEFT = 46;
const RIGHT = 60;
const TOP = 14;
const BOTTOM = 34;

export interface Series {
  readonly name: string;
  /** By x; undefined y leaves a gap. */
  readonly points: readonly { readonly x: number; readonly y: number | undefined }[];
}

export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Vertical lines with a word: a cut, a heal. */
  readonly notes?: readonly { readonly x: number; readonly text: string }[];
}

export function escapeXml(text: string): string {
  return (
    text
      // XML has no way to write these, and one of them breaks the whole file.
      .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, (c: string) => (/[\t\n\r]/.test(c) ? c : '\ufffd'))
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  );
}

/** A few round numbers from 0 to at least `most`. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  let step = 1;
  while (step * 6 < most) step *= 10;
  while (step > 1e-9 && step * 0.6 >= most) step /= 10;
  for (const part of [0.1, 0.2, 0.5, 1]) {
    if (step * part * 6 < most) continue;
    step *= part;
    break;
  }
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly body: string;
}

function frame(options: PlotOptions, xMost: number, yMost: number): Frame {
  const xTicks = ticks(xMost);
  const yTicks = ticks(yMost);
  const xEnd = xTicks.at(-1)!;
  const yEnd = yTicks.at(-1)!;
  const x = (value: number) => LEFT + (value / xEnd) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / yEnd) * (HEIGHT - TOP - BOTTOM);
  const lines = [
    ...yTicks.map(
      (t) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(t))}" y2="${round(y(t))}" class="grid"/>` +
        `<text x="${LEFT - 6}" y="${round(y(t) + 4)}" text-anchor="end">${t}</text>`,
    ),
    ...xTicks.map(
      (t) => `<text x="${round(x(t))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${t}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">${escapeXml(options.xLabel)}</text>`,
    `<text x="12" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 12 ${HEIGHT / 2})">${escapeXml(options.yLabel)}</text>`,
  ];
  for (const note of options.notes ?? []) {
    const at = round(x(note.x));
    lines.push(
      `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="note"/>`,
      `<text x="${at}" y="${TOP - 3}" text-anchor="middle" class="word">${escapeXml(note.text)}</text>`,
    );
  }
  return { x, y, body: lines.join('') };
}

function svg(options: PlotOptions, body: string): string {
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(options.title)}" xmlns="http://www.w3.org/2000/svg">` +
    `<title>${escapeXml(options.title)}</title>${body}</svg>`
  );
}

/** Values that hold until the next one, one line a series, named at its end. */
export function stepPlot(series: readonly Series[], options: PlotOptions): string {
  const points = series.flatMap((s) => s.points);
  const xMost = Math.max(0, ...points.map((p) => p.x), ...(options.notes ?? []).map((n) => n.x));
  const yMost = Math.max(1, ...points.map((p) => p.y ?? 0));
  const { x, y, body } = frame(options, xMost, yMost);
  const lines = series.map((s, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    // Lines that lie on each other stay visible: each is a little beside the other.
    const shift = (i - (series.length - 1) / 2) * 1.4;
    let path = '';
    let before: number | undefined;
    for (const point of s.points) {
      if (point.y === undefined) {
        if (before !== undefined) path += `H${round(x(point.x))}`;
        before = undefined;
        continue;
      }
      const at = round(y(point.y) + shift);
      path += before === undefined ? `M${round(x(point.x))} ${at}` : `H${round(x(point.x))}V${at}`;
      before = point.y;
    }
    if (before !== undefined) path += `H${round(x(xMost))}`;
    const end =
      before === undefined ? '' : labelAt(x(xMost) + 6 + (i % 4) * 12, y(before) + 4, s.name, colour);
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>${end}`;
  });
  return svg(options, body + lines.join(''));
}

function labelAt(x: number, y: number, text: string, colour: string): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${colour}" class="name">${escapeXml(text)}</text>`;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

/** One bar a label, with its value on top. */
export function barPlot(bars: readonly Bar[], options: PlotOptions): string {
  const yMost = Math.max(1, ...bars.map((b) => b.value));
  const yTicks = ticks(yMost);
  const room = (WIDTH - LEFT - RIGHT) / Math.max(1, bars.length);
  const { y, body } = frame({ ...options, notes: [] }, 0, yTicks.at(-1)!);
  // A bar plot's x is names: the frame's own numbers there are left out.
  const named = body.replace(/<text x="[\d.]+" y="222" text-anchor="middle">[^<]*<\/text>/g, '');
  const drawn = bars.map((bar, i) => {
    const left = LEFT + i * room + room * 0.15;
    const top = y(bar.value);
    return (
      `<rect x="${round(left)}" y="${round(top)}" width="${round(room * 0.7)}" height="${round(HEIGHT - BOTTOM - top)}" fill="${COLOURS[0]}"/>` +
      `<text x="${round(left + room * 0.35)}" y="${round(top - 3)}" text-anchor="middle">${bar.value}</text>` +
      `<text x="${round(left + room * 0.35)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${escapeXml(bar.label)}</text>`
    );
  });
  return svg(options, named + drawn.join(''));
}
