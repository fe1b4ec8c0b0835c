import type { Retarget } from '../../consensus/params/retarget.ts';
import type { RetargetTemplate } from '../../consensus/params/retarget-json.ts';
import type { Chart } from '../../observe/chart/chart.ts';
import { checkMean, meanOf, within } from '../../observe/figures/judge.ts';
import {
  EMA_CLAMP,
  overspeeds,
  targetDeviation,
  windowInterval,
  windowSpeeds,
} from '../../observe/theory/network.ts';
import { type DifficultyFigures, SPACING_MS } from '../../sim/models/reduced/difficulty.ts';
import type { WholeDifficultyFigures } from '../../sim/models/whole/difficulty.ts';
import { choiceOf, measuredSeries, predictedSeries, spanOf, wholeSeries } from './common.ts';
import { number, words } from './parameters.ts';
import { percentOf, ratio, row, WHOLE_PART, wholeMean } from './rows.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

type Rule = 'ema' | 'asert' | 'bitcoin';

/** In block intervals: that of Bitcoin Cash. Long, so that chance moves the target little. */
const HALFLIFE = 288;
/** Short against Bitcoin's 2016, so that W/(W − 2) can be told from 1. */
const WINDOW = 144;
const BLOCKS = 200_000;
/** Of both long runs. */
const WHOLE_BLOCKS = (2 * BLOCKS) / WHOLE_PART;
const JUMPS = 200;
/** A little more than a fortieth, for what so few say of a mean. */
const WHOLE_JUMPS = 8;
/** In half-lives. */
const LOOKS = [0.25, 0.5, 1, 2, 4];
/** A target is written with at least 15 bits: so much two of them differ that are as good as equal. */
const COMPACT = 2 ** -15;
/** Of a predicted speed: it leaves out what chance does to the target, and which block the jump comes after. */
const CURVE_BIAS = 0.01;

interface Jump {
  readonly factor: number;
  /** In block intervals. */
  readonly looks: readonly number[];
  readonly figures: DifficultyFigures;
  /** Speeds of whole nodes, as those of the figures. */
  readonly whole: DifficultyFigures['speeds'];
}

interface Run {
  readonly rule: Rule;
  readonly whole: WholeDifficultyFigures;
  readonly jumps: readonly Jump[];
}

export const difficulty: Experiment = {
  name: 'difficulty',
  says: 'the hash rate jumps: how long until blocks come at the old pace again?',
  question:
    'The hash rate becomes a multiple of what it was, or falls to that fraction. How fast do blocks come meanwhile, and what does each rule do to the interval when nothing changes at all?',
  parameters: [
    {
      name: 'factor',
      says: 'the hash rate becomes so many times what it was, then falls as much',
      default: [10],
      many: false,
      range: { least: 1.5, most: 100, whole: false },
    },
    choiceOf('rule', 'how the target follows', ['ema', 'asert', 'bitcoin'], ['ema', 'asert', 'bitcoin']),
  ],
  async run(values, seed, bench) {
    const k = number(values, 'factor');
    const runs = await Promise.all(words<Rule>(values, 'rule').map((rule) => runRule(bench, seed, rule, k)));
    return {
      rows: runs.flatMap((run) => [...steadyRows(run), ...run.jumps.flatMap((j) => jumpRows(run.rule, j))]),
      charts: [
        speedChart(`Blocks per interval after the hash rate rose ${k} times`, runs, 0),
        speedChart(`…and after it fell to a ${k}th`, runs, 1),
      ],
      sentence: sentenceOf(runs, k),
      remarks: [
        `Headers alone, with the bits that the consensus asks for. ${BLOCKS.toLocaleString('en-US')} blocks under a steady hash rate (standard errors from 50 stretches), ${JUMPS} jumps each way. Half-life ${HALFLIFE} intervals (ema, asert); Bitcoin’s rule over ${WINDOW} blocks instead of 2016, so that its W/(W-2) can be seen.`,
        `A whole node mines alone: ${WHOLE_BLOCKS.toLocaleString('en-US')} blocks under a steady hash rate, and ${WHOLE_JUMPS} times each way its own power is another one from the third block on. Every nonce is really ground, so the targets are easy ones. So few jumps cannot tell by how much they scatter: standard errors of its speeds, and of its target under a steady hash rate, are those of the reduced model, for so many jumps and blocks.`,
      ],
    };
  },
};

/** A rise and a fall by the factor, and a whole node under a steady hash rate beside them. */
async function runRule(bench: ExperimentBench, seed: number, rule: Rule, k: number): Promise<Run> {
  const [whole, ...jumps] = await Promise.all([
    bench.do(
      'wholeDifficulty',
      {
        retarget: templateOf(rule),
        blocks: WHOLE_BLOCKS,
        seed: `${seed}/whole/difficulty/${rule}`,
        networks: bench.networks,
      },
      2,
    ),
    ...[k, 1 / k].map((factor) => runJumps(bench, seed, rule, factor)),
  ]);
  return { rule, whole, jumps };
}

async function runJumps(bench: ExperimentBench, seed: number, rule: Rule, factor: number): Promise<Jump> {
  const looks = looksOf(rule, factor);
  const by = rule === 'bitcoin' ? ('blocks' as const) : ('time' as const);
  const name = `difficulty/${rule}/${factor}`;
  const [figures, whole] = await Promise.all([
    bench.do(
      'difficulty',
      {
        retarget: retargetOf(rule),
        factor,
        blocks: BLOCKS,
        jumps: JUMPS,
        by,
        looks,
        seed: `${seed}/${name}`,
      },
      1,
    ),
    bench.do(
      'wholeJumps',
      {
        retarget: templateOf(rule),
        factor,
        jumps: WHOLE_JUMPS,
        by,
        looks,
        seed: `${seed}/whole/${name}`,
        networks: bench.networks,
      },
      factor > 1 && rule !== 'bitcoin' ? 4 : 1,
    ),
  ]);
  return { factor, looks, figures, whole };
}

/** `direction`: 0 for the jump up, 1 for the one down. */
function speedChart(title: string, runs: readonly Run[], direction: 0 | 1): Chart {
  return {
    title,
    xLabel: 'time since the jump, in intended block intervals',
    yLabel: 'blocks per interval',
    logY: true,
    series: runs.flatMap(({ rule, jumps }, colour) => {
      const { factor, looks, figures, whole } = jumps[direction]!;
      const times = timesOf(rule, factor, looks);
      const measured = times.map((x, n) => {
        const { mean, se } = meanOf(figures.speeds[n]!);
        return { x, y: mean, se };
      });
      const wholes = times.map((x, n) => {
        const { measured: y, se } = wholeSpeed(figures.speeds[n]!, whole[n]!);
        return { x, y, se };
      });
      return [
        predictedSeries(rule, colour, curveOf(rule, factor, times)),
        measuredSeries(rule, colour, measured),
        wholeSeries(`whole nodes, ${rule}`, colour, wholes),
      ];
    }),
  };
}

function templateOf(rule: Rule): RetargetTemplate {
  return rule === 'bitcoin' ? { kind: rule, window: WINDOW } : { kind: rule, halflifeIntervals: HALFLIFE };
}

function retargetOf(rule: Rule): Retarget {
  return rule === 'bitcoin'
    ? { kind: 'bitcoin', window: WINDOW }
    : { kind: rule, halflifeMs: HALFLIFE * SPACING_MS };
}

/** Under Bitcoin's rule in the middle of each window, by blocks; else at parts of the half-life, by time. */
function looksOf(rule: Rule, factor: number): number[] {
  if (rule !== 'bitcoin') return LOOKS.map((l) => l * HALFLIFE);
  return windowSpeeds(factor, windowsFor(factor), WINDOW).map((_, i) => (i + 0.5) * WINDOW);
}

/** When that is, in block intervals. */
function timesOf(rule: Rule, factor: number, looks: readonly number[]): readonly number[] {
  if (rule !== 'bitcoin') return looks;
  let began = 0;
  return windowSpeeds(factor, looks.length, WINDOW).map((y) => {
    const length = WINDOW / y;
    began += length;
    return began - length / 2;
  });
}

/** Until the clamp of 4 has been used as often as it must. */
function windowsFor(factor: number): number {
  let windows = 2;
  for (let rest = Math.max(factor, 1 / factor); rest > 4; rest /= 4) windows++;
  return windows;
}

function curveOf(rule: Rule, factor: number, looks: readonly number[]): { x: number; y: number }[] {
  if (rule !== 'bitcoin') return curveAt(rule, factor, spanOf(0, looks.at(-1)!, 40));
  let began = 0;
  return windowSpeeds(factor, windowsFor(factor), WINDOW).flatMap((y, i, all) => {
    const from = began;
    began += WINDOW / y;
    return [
      { x: from, y },
      { x: i === all.length - 1 ? looks.at(-1)! : began, y },
    ];
  });
}

function curveAt(rule: Rule, factor: number, times: readonly number[]): { x: number; y: number }[] {
  const speeds = overspeeds(factor, times, HALFLIFE, rule === 'ema' ? EMA_CLAMP : undefined);
  return times.map((x, i) => ({ x, y: speeds[i]! }));
}

function steadyRows({ rule, jumps, whole }: Run): Row[] {
  const intervals = jumps.flatMap((j) => j.figures.intervals);
  const blocks = jumps.length * BLOCKS;
  const { mean, se } = meanOf(intervals);
  const expected = rule === 'bitcoin' ? windowInterval(WINDOW) : 1;
  const steady = row(
    { quantity: 'mean interval', rule },
    checkMean(mean, se, blocks, expected, { df: intervals.length - 1 }),
    {
      origin: 'derived here',
      formula: rule === 'bitcoin' ? 'W/(W-2)' : '1, as intended',
    },
  );
  const node = meanOf(whole.intervals);
  const rows = [
    steady,
    wholeMean(steady, { measured: node.mean, se: node.se, n: WHOLE_BLOCKS, df: whole.intervals.length - 1 }),
  ];
  if (rule === 'bitcoin') return rows;
  const spreads = jumps.flatMap((j) => j.figures.spread);
  const squares = meanOf(spreads);
  const sd = Math.sqrt(squares.mean);
  const judged = checkMean(sd, squares.se / 2 / sd, blocks, targetDeviation(HALFLIFE), {
    df: spreads.length - 1,
  });
  const spread = row({ quantity: 'sd of log2 target', rule }, judged, {
    origin: 'derived here',
    formula: '√(T/(2·halflife·ln2))',
  });
  // A target forgets in 400 blocks: stretches of so short a run are too few and too much alike to tell their own scatter.
  const wholeSe = judged.se * Math.sqrt(blocks / WHOLE_BLOCKS);
  const wholeSpread = { measured: Math.sqrt(whole.spread), se: wholeSe, n: WHOLE_BLOCKS };
  return [...rows, spread, wholeMean(spread, wholeSpread)];
}

function jumpRows(rule: Rule, { factor, looks, figures, whole }: Jump): Row[] {
  return reducedJumpRows(rule, factor, looks, figures).flatMap((reduced, i) => [
    reduced,
    wholeMean(reduced, wholeSpeed(figures.speeds[i]!, whole[i]!)),
  ]);
}

/** The few jumps of a whole node scatter as those of the reduced model do, which say by how much. */
function wholeSpeed(reduced: readonly number[], whole: readonly number[]) {
  const { mean: measured } = meanOf(whole);
  const scatter = meanOf(reduced).se * Math.sqrt(reduced.length / whole.length);
  return { measured, se: scatter, n: whole.length };
}

function reducedJumpRows(
  rule: Rule,
  factor: number,
  looks: readonly number[],
  figures: DifficultyFigures,
): Row[] {
  const bitcoin = rule === 'bitcoin';
  const predictions = bitcoin
    ? windowSpeeds(factor, looks.length, WINDOW)
    : curveAt(rule, factor, looks).map(({ y }) => y);
  return looks.map((look, i) => {
    const { mean, se } = meanOf(figures.speeds[i]!);
    const when = `${Math.round(look)} ${bitcoin ? 'blocks' : 'intervals'}`;
    const keys = { quantity: 'speed', rule, factor: Number(factor.toPrecision(3)), after: when };
    const predicted = predictions[i]!;
    const tolerance = within(predicted, bitcoin ? COMPACT : CURVE_BIAS);
    return row(keys, checkMean(mean, se, JUMPS, predicted, { tolerance, df: JUMPS - 1 }), {
      origin: 'derived here',
      ...SPEEDS[rule],
    });
  });
}

const CURVE_NOTE = `speed under ema and asert: ${percentOf(CURVE_BIAS)} off at most, for what chance does to the target`;

const SPEEDS: Readonly<Record<Rule, { readonly formula: string; readonly note: string }>> = {
  ema: { formula: "y' = y²(mean of 2^((min(s,30)-1)/halflife) - 1)", note: CURVE_NOTE },
  asert: { formula: '1/(1-(1-1/k)e^(-t/τ)), one wait late', note: CURVE_NOTE },
  bitcoin: {
    formula: 'mean of W-1 waits over W, by at most 4',
    note: 'speed under bitcoin: a target is written with 15 to 23 bits',
  },
};

function sentenceOf(runs: readonly Run[], k: number): string {
  const parts = runs.map(({ rule, jumps }) => {
    const { looks, figures } = jumps[0]!;
    const i = looks.findIndex((_, n) => meanOf(figures.speeds[n]!).mean < 1.5);
    const speed = i < 0 ? undefined : meanOf(figures.speeds[i]!).mean;
    return speed === undefined
      ? `under ${rule} they still came much faster after ${Math.round(timesOf(rule, jumps[0]!.factor, looks).at(-1)!)} intervals`
      : `under ${rule} at ${ratio(speed)} times the old pace after ${Math.round(timesOf(rule, jumps[0]!.factor, looks)[i]!)} intervals`;
  });
  return `When the hash rate rose ${k} times, blocks came ${k} times as fast at first; ${parts.join(', ')}.`;
}
