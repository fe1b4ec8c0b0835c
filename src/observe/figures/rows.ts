import {
  forkedOfShares,
  staleOfShares,
  TWO_CLUSTERS_MAX_X,
  type TwoClusters,
  twoClusters,
} from '../theory/predict.ts';
import type { Shape } from './conditions.ts';
import { type Interval, type SumError, shareSe, wilson } from './errors.ts';
import type { Spread } from './quantiles.ts';
import type { Figures } from './tally.ts';

/** Figures as rows of "measured · predicted · N · SE", the same for terminal, page and report. */

/** Below so many events a share is told as a count: its percentage would be noise. */
export const LEAST_EVENTS = 30;

export interface FigureRow {
  /** `stale`, `forked`, `agree`, `lag`, or `D0`, `A2`, `V1`: a letter and its depth k. */
  readonly id: string;
  /** What is measured, in words. */
  readonly name: string;
  readonly value: number;
  /** Events the figure rests on: blocks, heights. */
  readonly n: number;
  /** What `n` counts. */
  readonly of: 'blocks' | 'heights';
  /** What a count says, for few events: `3 of 12`. */
  readonly count: string;
  /** Standard error of the value, from what was counted; never 0, however little was. */
  readonly se?: number;
  /** Where the truth is with 95 % confidence. */
  readonly interval?: Interval;
  readonly predicted?: number;
  /** Its name, where something is predicted. */
  readonly formula?: string;
  /** The formula's assumptions hold only nearly: see {@link ADJUSTED_WORDS}. */
  readonly approximate?: true;
}

/**
 * Under a difficulty that follows the blocks (`ema`, `asert`), all children of one block have one target. So a race of
 * one block against one is what the formulas say, at the rate that was measured; in the next level the branch with the
 * shorter solve time has more work, and equal heights decide nothing. Simulated with half-life 30 intervals, two
 * clusters and cliques of four, the share of stale blocks and of forked heights lies within 2 % of the formula up to
 * x = 0.2, within 8 % up to 0.5. D_k, A_k and V_k, which live of ties at equal heights, are not predicted.
 */
export const ADJUSTED_WORDS =
  '≈ the difficulty follows the blocks: equal heights are not equal work, so only races of one block are predicted';
const ADJUSTED_MAX_X = 0.5;

/** What the predictions are made from; `why` instead where no formula holds. */
export type Basis =
  | {
      readonly kind: 'clique' | 'two-clusters';
      /** Blocks per delay: λd. */
      readonly x: number;
      readonly blocksPerS: number;
      readonly delayMs: number;
      /** Where the delay is from: the log's `job` lines, its `block` lines, or what was asked for. */
      readonly delayOf: 'job' | 'body' | 'asked';
      readonly hhi: number;
      readonly adjusted: boolean;
    }
  | { readonly kind: 'none'; readonly why: string };

/** The formulas were checked up to here. */
const MAX_X = TWO_CLUSTERS_MAX_X;

export function basisOf(figures: Figures, shape: Shape): Basis {
  if (shape.kind === 'other') return { kind: 'none', why: shape.why };
  if (figures.blocks === 0) return { kind: 'none', why: 'no block was found' };
  const { delayMs, delayOf } = delayIn(figures, shape);
  const x = (figures.blocksPerS * delayMs) / 1000;
  const most = shape.adjusted ? ADJUSTED_MAX_X : MAX_X;
  if (x > most) return { kind: 'none', why: `x = λd = ${digits(x)} is above ${most}` };
  const hhi = shape.hhi ?? estimatedHhi(figures);
  if (hhi === undefined) return { kind: 'none', why: "the miners' shares are not known" };
  const { kind, adjusted } = shape;
  return { kind, x, blocksPerS: figures.blocksPerS, delayMs, delayOf, hhi, adjusted };
}

/**
 * The delay as it was, not as it was asked for: checking, writing and connecting a block take their milliseconds too, and
 * a miner goes on with its old job until then. An older log has no `job` lines; its `block` lines mix near and far
 * receivers between two clusters, so there it is the delay asked for.
 */
function delayIn(figures: Figures, shape: Exclude<Shape, { kind: 'other' }>) {
  if (figures.job.n > 0) return { delayMs: figures.job.mean, delayOf: 'job' } as const;
  if (shape.kind === 'clique' && figures.body.n > 0)
    return { delayMs: figures.body.p50, delayOf: 'body' } as const;
  return { delayMs: shape.delayMs, delayOf: 'asked' } as const;
}

/** What the delay in a prediction is, as a sentence has it. */
export const DELAY_WORDS = {
  job: 'from a find to the next job of other miners',
  body: 'from a find to its body at other nodes',
  asked: 'as asked for',
} as const;

/** Σ share² from the blocks alone, without the bias that counting a block against itself brings. */
function estimatedHhi(figures: Figures): number | undefined {
  const n = figures.blocks;
  if (n < LEAST_EVENTS) return undefined;
  let pairs = 0;
  for (const { blocks } of figures.miners) pairs += blocks * (blocks - 1);
  return pairs / (n * (n - 1));
}

/** Rows with a formula (where one holds) and those that are only measured. `shape`: whose assumptions are looked at. */
export function figureRows(figures: Figures, shape: Shape): readonly FigureRow[] {
  const basis = basisOf(figures, shape);
  const theory = predictions(basis, shape);
  const share = (ms: number) => (figures.comparedMs === 0 ? 0 : ms / figures.comparedMs);
  const time = (part: number) =>
    `${digits((part * figures.comparedMs) / 1000)} of ${digits(figures.comparedMs / 1000)} s`;
  const rows: FigureRow[] = [
    counted('stale', 'stale blocks', figures.stale, figures.blocks, 'blocks', theory.stale),
    counted(
      'forked',
      'heights with a fork',
      figures.forkedHeights,
      figures.heights,
      'heights',
      theory.forked,
    ),
  ];
  if (figures.comparedMs > 0) {
    const timed = (
      id: string,
      name: string,
      part: number,
      error: SumError | undefined,
      p?: Prediction,
    ): FigureRow => ({
      id,
      name,
      value: part,
      n: figures.blocks,
      of: 'blocks',
      count: time(part),
      ...(error === undefined ? {} : errorOf(error)),
      ...(p === undefined ? {} : { predicted: p.value, formula: p.formula }),
    });
    rows.push(timed('agree', 'all tips equal', share(figures.agreeMs), figures.agreeError));
    rows.push(timed('lag', 'lag only (one chain behind)', share(figures.lagMs), undefined));
    for (const { k, d, dError, a, aError } of figures.depths) {
      rows.push(timed(`D${k}`, `D${k}  two nodes differ ${deep(k)}`, d, dError, theory.d?.(k)));
      rows.push(timed(`A${k}`, `A${k}  some two differ ${deep(k)}`, a, aError, theory.a?.(k)));
    }
  }
  for (const { k, v, vPerHeight, vError } of figures.depths) {
    const p = theory.v?.(k);
    rows.push({
      id: `V${k}`,
      name: `V${k}  read ${deep(k)} undone, per height`,
      value: vPerHeight,
      n: figures.heights,
      of: 'heights',
      count: `${v} in ${figures.heights}`,
      ...(vError === undefined ? {} : errorOf(vError)),
      ...(p === undefined ? {} : { predicted: p.value, formula: p.formula }),
    });
  }
  return rows;
}

function errorOf({ se, low, high }: SumError): { readonly se: number; readonly interval: Interval } {
  return { se, interval: { low, high } };
}

/** `1.0–12 %`: where the truth is with 95 % confidence; '' where nothing is known of it. */
export function intervalWords({ interval }: FigureRow): string {
  return interval === undefined ? '' : `${percentDigits(interval.low)}–${percent(interval.high)}`;
}

/** `3.4 ± 2.5 %`; of none at all `0 %, at most 6.2 %`. */
export function measuredWords(row: FigureRow): string {
  const { value, se, interval } = row;
  if (se === undefined || interval === undefined) return percent(value);
  if (value === 0) return `0 %, at most ${percent(interval.high)}`;
  return `${percentDigits(value)} ± ${percent(se)}`;
}

function deep(k: number): string {
  return k === 0 ? 'at the tip' : `${k} deep`;
}

function counted(
  id: string,
  name: string,
  events: number,
  n: number,
  of: 'blocks' | 'heights',
  p: Prediction | undefined,
): FigureRow {
  const value = n === 0 ? 0 : events / n;
  return {
    id,
    name,
    value,
    n,
    of,
    count: `${events} of ${n}`,
    ...(n === 0 ? {} : { se: shareSe(events, n), interval: wilson(events, n) }),
    ...(p === undefined ? {} : { predicted: p.value, formula: p.formula }),
    ...(p?.approximate === true ? { approximate: true } : {}),
  };
}

interface Prediction {
  readonly value: number;
  readonly formula: string;
  readonly approximate?: true;
}

interface Predictions {
  readonly stale?: Prediction;
  readonly forked?: Prediction;
  readonly d?: (k: number) => Prediction;
  readonly a?: (k: number) => Prediction;
  readonly v?: (k: number) => Prediction;
}

function predictions(basis: Basis, shape: Shape): Predictions {
  if (basis.kind === 'none') return {};
  const { x, hhi } = basis;
  const nearly = basis.adjusted ? ({ approximate: true } as const) : {};
  if (basis.kind === 'clique' || shape.kind !== 'two-clusters') {
    return {
      stale: { value: staleOfShares(x, hhi), formula: '(1 - HHI) x/(1+x)', ...nearly },
      forked: { value: forkedOfShares(x, hhi), formula: '1 - (1 - m/(N-1))^(N-1), N = 1/HHI', ...nearly },
    };
  }
  const theory = twoClusters(x);
  return {
    stale: { value: theory.stale, formula: 'x/(2(1+x))', ...nearly },
    forked: { value: theory.forked, formula: 'x/(2+x)', ...nearly },
    ...(basis.adjusted ? {} : conflicts(theory, shape)),
  };
}

function conflicts(
  theory: TwoClusters,
  shape: Extract<Shape, { kind: 'two-clusters' }>,
): Pick<Predictions, 'd' | 'a' | 'v'> {
  const [left, right] = [shape.groups[0].length, shape.groups[1].length];
  const nodes = left + right;
  // Nodes of one cluster never differ: only pairs across it do.
  const across = (2 * left * right) / (nodes * (nodes - 1));
  return {
    d: (k) => ({ value: across * theory.disagreement(k), formula: `c ρ^${k + 1}, ρ = sin²θ, θ tanθ = x/2` }),
    a: (k) => ({ value: theory.disagreement(k), formula: `c ρ^${k + 1}, ρ = sin²θ, θ tanθ = x/2` }),
    // All nodes of the cluster that loses reorganise, and either one loses half of the time.
    v: (k) => ({ value: (theory.violations(k) * nodes) / 2, formula: `(1-ρ) ρ^${k} x/(2+x)` }),
  };
}

/** The one sentence at the end. */
export function figureSentence(figures: Figures, shape: Shape): string {
  if (figures.blocks === 0) return 'No block was found in this time, so there is nothing to compare.';
  const [stale] = figureRows(figures, shape);
  const [tip, below] = figures.depths;
  const few = figures.blocks < LEAST_EVENTS;
  const measured = few ? '' : ` (${measuredWords(stale!)})`;
  const predicted = few || stale!.predicted === undefined ? '' : `, predicted ${predictedWords(stale!)}`;
  const first = `${figures.stale} of ${figures.blocks} blocks${measured} ended on nobody's branch${predicted}`;
  if (figures.comparedMs === 0 || tip === undefined || below === undefined)
    return `${first}; one node alone cannot disagree.`;
  const seconds = (d: number) =>
    `${digits((d * figures.comparedMs) / 1000)} of ${digits(figures.comparedMs / 1000)} s`;
  const say = (d: number) => (few ? seconds(d) : `${percent(d)} of the time`);
  return `${first}; two nodes asked at one moment contradicted each other about the tip for ${say(tip.d)}, one block deeper for ${say(below.d)}.`;
}

/** `9.3 %`, `≈ 9.3 %`, or nothing. */
export function predictedWords(row: FigureRow): string {
  if (row.predicted === undefined) return '';
  return `${row.approximate === true ? '≈ ' : ''}${percent(row.predicted)}`;
}

/** 9.3 %, 0.012 %: two significant digits below ten percent. */
export function percent(share: number): string {
  return `${percentDigits(share)} %`;
}

function percentDigits(share: number): string {
  return digits(share * 100);
}

/** 312, 31, 3.1, 0.31, 0.0031: two significant digits, and no more than whole numbers beyond. */
export function digits(value: number): string {
  const size = value < 0 ? -value : value;
  if (size === 0) return '0';
  if (size >= 9.95) return value.toFixed(0);
  let decimals = 1;
  for (let edge = 0.995; size < edge && decimals < 8; edge /= 10) decimals++;
  return value.toFixed(decimals);
}

/** 409 ms, 1.8 s, as they stand in a row. */
export function spreadWords(spread: Spread): string {
  if (spread.n === 0) return 'none';
  const ms = (value: number) => (value < 1_000 ? `${digits(value)} ms` : `${(value / 1000).toFixed(2)} s`);
  return `${ms(spread.p50)} · 90 % ${ms(spread.p90)} · 99 % ${ms(spread.p99)} · longest ${ms(spread.max)} (${spread.n})`;
}
