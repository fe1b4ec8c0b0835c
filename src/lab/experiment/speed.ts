import type { Chart } from '../../observe/chart/chart.ts';
import { checkMean, checkShare, meanOf } from '../../observe/figures/judge.ts';
import {
  criticalShare,
  GHOST_CRITICAL_SHARE,
  honestGrowth,
  privateAttack,
  privateAttackOnGhost,
} from '../../observe/theory/speed.ts';
import type { SpeedRule } from '../../sim/models/reduced/speed.ts';
import { choiceOf, listOf, measuredSeries, predictedSeries, sharePoint, spanOf } from './common.ts';
import { numbers, words } from './parameters.ts';
import { percentOf, ratio, row } from './rows.ts';
import { FEW_REMARK, fewRows, runFew } from './speed-few.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

const RACES = 400;
/** Block intervals of one race: long enough for the border to be sharp, short enough for GHOST's walks. */
const HORIZON = 400;
const GROWTH_BLOCKS = 200_000;

interface Point {
  readonly x: number;
  readonly beta: number;
  readonly rule: SpeedRule;
}

interface Run extends Point {
  readonly won: number;
  readonly growth: readonly number[];
}

export const speed: Experiment = {
  name: 'speed',
  says: 'how much attacker can a fast chain stand, with most work and with GHOST?',
  question:
    'Honest miners are one delay late, so some of their work is lost; an attacker in secret loses nothing. From which share β on does its private branch win, and does it help to count stale blocks too (GHOST)?',
  parameters: [
    listOf('x', 'blocks of the whole network per delay', [1], 0.01, 5),
    listOf('beta', "the attacker's share", [0.35, 0.37, 0.39, 0.41, 0.46, 0.48, 0.5, 0.52], 0.05, 0.6),
    choiceOf('rule', 'fork choice', ['most-work', 'ghost'], ['most-work', 'ghost']),
  ],
  async run(values, seed, bench) {
    const xs = numbers(values, 'x');
    const betas = numbers(values, 'beta');
    const rules = words<SpeedRule>(values, 'rule');
    const points = rules.flatMap((rule) => xs.flatMap((x) => betas.map((beta) => ({ rule, x, beta }))));
    const [runs, few] = await Promise.all([
      Promise.all(points.map((point) => runPoint(bench, seed, point))),
      Promise.all(points.map((point) => runFew(bench, seed, point))),
    ]);
    return {
      rows: [
        ...runs.filter((r) => r.rule === 'most-work').map(growthRow),
        ...runs.map(winRow),
        ...rules.flatMap((rule) => xs.flatMap((x) => contourRow(runs, rule, x))),
        ...few.flatMap((run) => fewRows(run)),
      ],
      charts: [chartOf(runs, rules, xs, betas)],
      sentence: sentenceOf(runs, rules, xs[0]!),
      remarks: [
        `${RACES} attacks of ${HORIZON} block intervals for each point; growth from one run of ${GROWTH_BLOCKS.toLocaleString('en-US')} intervals. Honest miners are many and tiny. Under GHOST the tip is the heaviest subtree, found by the node’s own walk.`,
        FEW_REMARK,
      ],
    };
  },
};

async function runPoint(bench: ExperimentBench, seed: number, point: Point): Promise<Run> {
  const { rule, x, beta } = point;
  const growthBlocks = rule === 'most-work' ? GROWTH_BLOCKS : 0;
  const input = { ...point, races: RACES, horizon: HORIZON, growthBlocks };
  const figures = await bench.do(
    'speed',
    { ...input, seed: `${seed}/speed/${rule}/${x}/${beta}` },
    rule === 'ghost' ? 10 : 1,
  );
  return { ...point, ...figures };
}

function chartOf(
  runs: readonly Run[],
  rules: readonly SpeedRule[],
  xs: readonly number[],
  betas: readonly number[],
): Chart {
  const curve = spanOf(Math.min(...betas), Math.max(...betas));
  return {
    title: `Private attacks over ${HORIZON} block intervals: who wins?`,
    xLabel: 'β, the attacker’s share',
    yLabel: 'share of attacks won',
    series: rules.flatMap((rule, i) =>
      xs.flatMap((x, j) => [
        predictedSeries(
          `${rule}, x = ${x}`,
          i * xs.length + j,
          curve.map((b) => ({ x: b, y: predictedWins(rule, x, b) })),
        ),
        measuredSeries(
          `${rule}, x = ${x}`,
          i * xs.length + j,
          runs
            .filter((r) => r.rule === rule && r.x === x)
            .map((r) => sharePoint(r.beta, r.won, RACES, predictedWins(rule, x, r.beta))),
        ),
      ]),
    ),
  };
}

function growthRow(run: Run): Row {
  const { mean, se } = meanOf(run.growth);
  const { x, beta } = run;
  const options = { df: run.growth.length - 1 };
  return row(
    { quantity: 'growth', rule: run.rule, x, beta },
    checkMean(mean, se, GROWTH_BLOCKS, honestGrowth(x, beta), options),
    { origin: 'recomputed', formula: '(1-β)/(1+(1-β)x)' },
  );
}

/** Chance that an attack of so many block intervals wins. */
function predictedWins(rule: SpeedRule, x: number, beta: number): number {
  return rule === 'ghost' ? privateAttackOnGhost(x, beta, HORIZON) : privateAttack(x, beta, HORIZON);
}

function winRow({ x, beta, rule, won }: Run): Row {
  return row(
    { quantity: 'attacks won', rule, x, beta },
    checkShare(won, RACES, predictedWins(rule, x, beta)),
    {
      origin: 'derived here',
      formula: rule === 'ghost' ? 'Poisson race of all blocks' : 'Poisson race with delays',
    },
  );
}

interface Border {
  readonly beta: number;
  readonly se: number;
}

/** Where attacks win half of the time, between the two shares that enclose it. `points`: by ascending share. */
function borderOf(points: readonly { readonly beta: number; readonly share: number }[]): Border | undefined {
  for (const [i, low] of points.entries()) {
    const high = points[i + 1];
    if (high === undefined || low.share > 0.5 || high.share <= 0.5) continue;
    const slope = (high.share - low.share) / (high.beta - low.beta);
    const part = (0.5 - low.share) / (high.share - low.share);
    const variance =
      (1 - part) * (1 - part) * low.share * (1 - low.share) + part * part * high.share * (1 - high.share);
    const se = Math.sqrt(variance / RACES) / slope;
    return { beta: low.beta + part * (high.beta - low.beta), se };
  }
  return undefined;
}

function pointsOf(runs: readonly Run[], rule: SpeedRule, x: number) {
  return runs.filter((r) => r.rule === rule && r.x === x).sort((a, b) => a.beta - b.beta);
}

function contourOf(runs: readonly Run[], rule: SpeedRule, x: number): Border | undefined {
  return borderOf(pointsOf(runs, rule, x).map(({ beta, won }) => ({ beta, share: won / RACES })));
}

/** The formula is that of an attack without end: what a finite one needs more is theory's own figure, and allowed. */
function contourRow(runs: readonly Run[], rule: SpeedRule, x: number): Row[] {
  const contour = contourOf(runs, rule, x);
  const finite = borderOf(
    pointsOf(runs, rule, x).map(({ beta }) => ({ beta, share: predictedWins(rule, x, beta) })),
  );
  if (contour === undefined || finite === undefined) return [];
  const predicted = rule === 'ghost' ? GHOST_CRITICAL_SHARE : criticalShare(x);
  const off = finite.beta - predicted;
  const tolerance = { below: Math.max(0, -off), above: Math.max(0, off) };
  return [
    row(
      { quantity: 'critical share', rule, x },
      checkMean(contour.beta, contour.se, RACES, predicted, { tolerance }),
      {
        origin: rule === 'ghost' ? 'recomputed' : 'derived here',
        formula: rule === 'ghost' ? 'one half' : '((2+x)-√(x²+4))/(2x)',
        note: `critical share: where half of the attacks win; in ${HORIZON} intervals that takes more than in the limit, by what may be off`,
      },
    ),
  ];
}

function sentenceOf(runs: readonly Run[], rules: readonly SpeedRule[], x: number): string {
  const parts = rules.map((rule) => {
    const contour = contourOf(runs, rule, x);
    const predicted = percentOf(rule === 'ghost' ? GHOST_CRITICAL_SHARE : criticalShare(x));
    return contour === undefined
      ? `under ${rule} the border lies outside of the shares that were tried (predicted ${predicted})`
      : `under ${rule} an attacker needed ${percentOf(Number(ratio(contour.beta)))} of the power (predicted ${predicted})`;
  });
  return `At ${x} ${x === 1 ? 'block' : 'blocks'} per delay ${parts.join(', ')}.`;
}
