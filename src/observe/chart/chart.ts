import { naturalLog } from '../../util/random.ts';
import { COLOURS, escapeXml, ticks } from './plot.ts';

/** Measured points with their error bars on predicted curves: as SVG for a page, the same data as text elsewhere. */

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Standard error of y; 0 for none. */
  readonly se?: number;
}

export interface ChartSeries {
  readonly name: string;
  /** `points`: measured, drawn as marks with bars of two standard errors. `line`: predicted. */
  readonly as: 'points' | 'line';
  /** Series with one number share a colour: what is measured lies on what is predicted. */
  readonly colour: number;
  readonly points: readonly ChartPoint[];
  /** Filled marks: a second way of measuring the same. */
  readonly solid?: boolean;
  /** Moves all marks sideways, in pixels, so that marks of one x stand side by side. */
  readonly aside?: number;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Powers of ten instead of equal steps. */
  readonly logY?: boolean;
  readonly logX?: boolean;
  readonly series: readonly ChartSeries[];
}

/** Value → 0 … 1 along an axis, with the values worth a number. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly marks: readonly number[];
}

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 62;
const RIGHT = 18;
const TOP = 12;
const BOTTOM = 40;
const LEGEND_LINE = 17;
/** More than so many decades make a plot of nothing but its axis. */
const MOST_DECADES = 7;
const DASHES = ['', '7 4', '2 3', '9 3 2 3'];

export function scaleOf(values: readonly number[], log: boolean): Scale {
  if (!log) {
    const least = Math.min(0, ...values);
    const marks = ticks(Math.max(...values, 0) - least).map((t) => Number((t + least).toPrecision(12)));
    const [from, to] = [marks[0]!, marks.at(-1)!];
    return { at: (v) => (v - from) / (to - from), marks };
  }
  const positive = values.filter((v) => v > 0);
  let high = 1;
  const most = Math.max(...positive, 1e-12);
  while (high < most * 0.999) high *= 10;
  while (high / 10 >= most) high /= 10;
  const least = Math.min(...positive, most);
  let low = high / 10;
  for (let n = 1; low > least * 1.001 && n < MOST_DECADES; n++) low /= 10;
  const marks: number[] = [];
  for (let v = low; v <= high * 1.001; v *= 10) marks.push(Number(v.toPrecision(3)));
  const decades = marks.length - 1;
  return { at: (v) => decadesAbove(v, low) / decades, marks };
}

/** log10(v / low); what lies below the axis stays on it. */
function decadesAbove(v: number, low: number): number {
  return v > low ? naturalLog(v / low) / Math.LN10 : 0;
}

/** Shapes as well as colours: printed grey, and to whom colours look alike, they stay apart. */
function mark({ colour: shape, solid }: ChartSeries, x: number, y: number, colour: string): string {
  const fill = `fill="${solid === true ? colour : '#fff'}" stroke="${colour}" stroke-width="1.8"`;
  const [cx, cy] = [round(x), round(y)];
  if (shape % 4 === 0) return `<circle cx="${cx}" cy="${cy}" r="4" ${fill}/>`;
  if (shape % 4 === 1)
    return `<rect x="${round(x - 3.6)}" y="${round(y - 3.6)}" width="7.2" height="7.2" ${fill}/>`;
  const d =
    shape % 4 === 2
      ? `M${cx} ${round(y - 4.8)}L${round(x + 4.6)} ${round(y + 3.6)}H${round(x - 4.6)}Z`
      : `M${cx} ${round(y - 5.2)}L${round(x + 5.2)} ${cy}L${cx} ${round(y + 5.2)}L${round(x - 5.2)} ${cy}Z`;
  return `<path d="${d}" ${fill}/>`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function numeral(value: number): string {
  return value !== 0 && (value < 0.001 || value >= 1e5)
    ? value.toExponential(0).replace('e+', 'e')
    : String(value);
}

export function chartSvg(chart: Chart): string {
  const all = chart.series.flatMap((s) => s.points);
  const xs = scaleOf(
    all.map((p) => p.x),
    chart.logX === true,
  );
  const ys = scaleOf(
    all.flatMap((p) => [p.y + 2 * (p.se ?? 0), p.y]),
    chart.logY === true,
  );
  const legend = chart.series.length * LEGEND_LINE + 6;
  const x = (v: number) => LEFT + clamp(xs.at(v)) * (WIDTH - LEFT - RIGHT);
  const y = (v: number) => TOP + (1 - clamp(ys.at(v))) * (HEIGHT - TOP - BOTTOM);
  const bottom = HEIGHT - BOTTOM;
  const parts = [
    ...ys.marks.map(
      (v) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(v))}" y2="${round(y(v))}" stroke="#000" stroke-opacity=".14"/>` +
        `<text x="${LEFT - 7}" y="${round(y(v) + 4)}" text-anchor="end">${numeral(v)}</text>`,
    ),
    ...xs.marks.map(
      (v) =>
        `<line x1="${round(x(v))}" x2="${round(x(v))}" y1="${bottom}" y2="${bottom + 4}" stroke="#000"/>` +
        `<text x="${round(x(v))}" y="${bottom + 17}" text-anchor="middle">${numeral(v)}</text>`,
    ),
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}" stroke="#000"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 5}" text-anchor="middle">${escapeXml(chart.xLabel)}</text>`,
    `<text x="13" y="${(TOP + bottom) / 2}" text-anchor="middle" transform="rotate(-90 13 ${(TOP + bottom) / 2})">${escapeXml(chart.yLabel)}</text>`,
    ...chart.series.map((s) => (s.as === 'line' ? lineOf(s, x, y) : marksOf(s, x, y))),
    ...chart.series.map((s, i) => legendOf(s, HEIGHT + 12 + i * LEGEND_LINE)),
  ];
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT + legend}" role="img" aria-label="${escapeXml(chart.title)}" ` +
    `xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="12" fill="#1b1b1b">` +
    `<title>${escapeXml(chart.title)}</title><rect width="${WIDTH}" height="${HEIGHT + legend}" fill="#fff"/>${parts.join('')}</svg>`
  );
}

function clamp(part: number): number {
  return Math.min(1, Math.max(0, part));
}

type Place = (value: number) => number;

function lineOf(s: ChartSeries, x: Place, y: Place): string {
  const path = s.points.map((p, i) => `${i === 0 ? 'M' : 'L'}${round(x(p.x))} ${round(y(p.y))}`).join('');
  return `<path d="${path}" fill="none" ${strokeOf(s)}/>`;
}

function strokeOf(s: ChartSeries): string {
  const dash = DASHES[s.colour % DASHES.length]!;
  return `stroke="${colourOf(s)}" stroke-width="1.6"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
}

function marksOf(s: ChartSeries, x: Place, y: Place): string {
  const colour = colourOf(s);
  return s.points
    .map((p) => {
      const px = x(p.x) + (s.aside ?? 0);
      const at = round(px);
      const bar =
        (p.se ?? 0) > 0
          ? `<line x1="${at}" x2="${at}" y1="${round(y(p.y - 2 * p.se!))}" y2="${round(y(p.y + 2 * p.se!))}" stroke="${colour}" stroke-width="1.6"/>`
          : '';
      return bar + mark(s, px, y(p.y), colour);
    })
    .join('');
}

function legendOf(s: ChartSeries, y: number): string {
  const sign =
    s.as === 'line'
      ? `<line x1="${LEFT}" x2="${LEFT + 26}" y1="${y - 4}" y2="${y - 4}" ${strokeOf(s)}/>`
      : mark(s, LEFT + 13, y - 4, colourOf(s));
  return `${sign}<text x="${LEFT + 34}" y="${y}">${escapeXml(s.name)}</text>`;
}

function colourOf(s: ChartSeries): string {
  return COLOURS[s.colour % COLOURS.length]!;
}
