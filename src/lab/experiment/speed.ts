import { judgeApproximate, judgeMean, judgeShare, meanOf } from '../../observe/judge.ts';
import {
  criticalShare,
  GHOST_CRITICAL_SHARE,
  honestGrowth,
  privateAttack,
  privateAttackOnGhost,
} from '../../observe/predict-speed.ts';
import type { SpeedRule } from '../../sim/reduced/speed.ts';
import { choiceOf, listOf, spanOf } from './common.ts';
import { numbers, words } from './parameters.ts';
import { percentOf, ratio, row } from './rows.ts';
import { FEW_REMARK, fewRows, runFew } from './speed-few.ts';
import type { Experiment, Row } from './types.ts';

const RACES = 400;
/** Block intervals of one race: long enough for the border to be sharp, short enough for GHOST's walks. */
const HORIZON = 400;
const GROWTH_BLOCKS = 200_000;
const GROWTH_TOLERANCE = 0.01;
const CONTOUR_TOLERANCE = 0.02;
/** The very first fork can go on for longer than one delay, or weigh less. */
const GHOST_BIAS = 0.08;

interface Run {
  readonly x: number;
  readonly beta: number;
  readonly rule: SpeedRule;
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
      Promise.all(
        points.map(async (point): Promise<Run> => {
          const { rule, x, beta } = point;
          const growthBlocks = rule === 'most-work' ? GROWTH_BLOCKS : 0;
          const input = { ...point, races: RACES, horizon: HORIZON, growthBlocks };
          const figures = await bench.do(
            'speed',
            { ...input, seed: `${seed}/speed/${rule}/${x}/${beta}` },
            rule === 'ghost' ? 10 : 1,
          );
          return { ...point, ...figures };
        }),
      ),
      Promise.all(points.map((point) => runFew(bench, seed, point))),
    ]);
    const predicted = (rule: SpeedRule, x: number, beta: number) =>
      rule === 'ghost' ? privateAttackOnGhost(x, beta, HORIZON) : privateAttack(x, beta, HORIZON);
    return (sigmas) => ({
      rows: [
        ...runs.filter((r) => r.rule === 'most-work').map((r) => growthRow(r, sigmas)),
        ...runs.map((r) => winRow(r, predicted(r.rule, r.x, r.beta), sigmas)),
        ...rules.flatMap((rule) => xs.flatMap((x) => contourRow(runs, rule, x))),
        ...few.flatMap((run) => fewRows(run, sigmas)),
      ],
      charts: [
        {
          title: `Private attacks over ${HORIZON} block intervals: who wins?`,
          xLabel: 'β, the attacker’s share',
          yLabel: 'share of attacks won',
          series: rules.flatMap((rule, i) =>
            xs.flatMap((x, j) => [
              {
                name: `predicted, ${rule}, x = ${x}`,
                as: 'line' as const,
                colour: i * xs.length + j,
                points: spanOf(Math.min(...betas), Math.max(...betas)).map((b) => ({
                  x: b,
                  y: predicted(rule, x, b),
                })),
              },
              {
                name: `measured, ${rule}, x = ${x}`,
                as: 'points' as const,
                colour: i * xs.length + j,
                points: runs
                  .filter((r) => r.rule === rule && r.x === x)
                  .map((r) => {
                    const { measured, se } = judgeShare(r.won, RACES, predicted(rule, x, r.beta));
                    return { x: r.beta, y: measured, se };
                  }),
              },
            ]),
          ),
        },
      ],
      sentence: sentenceOf(runs, rules, xs[0]!),
      remarks: [
        `${RACES} attacks of ${HORIZON} block intervals for each point; growth from one run of ${GROWTH_BLOCKS.toLocaleString('en-US')} intervals. Honest miners are many and tiny. Under GHOST the tip is the heaviest subtree, found by the node’s own walk.`,
        FEW_REMARK,
      ],
    });
  },
};

function growthRow(run: Run, sigmas: number): Row {
  const { mean, se } = meanOf(run.growth);
  const { x, beta } = run;
  const judged = judgeApproximate(mean, se, GROWTH_BLOCKS, honestGrowth(x, beta), GROWTH_TOLERANCE, sigmas);
  return row({ quantity: 'growth', rule: run.rule, x, beta }, judged, {
    origin: 'recomputed',
    formula: '(1-β)/(1+(1-β)x)',
    note: `growth: the larger of the standard errors and ${percentOf(GROWTH_TOLERANCE)} decides`,
  });
}

function winRow({ x, beta, rule, won }: Run, predicted: number, sigmas: number): Row {
  const keys = { quantity: 'attacks won', rule, x, beta };
  const judged = judgeShare(won, RACES, predicted, sigmas);
  const about = { origin: 'derived here' as const, formula: 'Poisson race with delays' };
  if (rule === 'most-work') return row(keys, judged, about);
  const { measured, se, n } = judged;
  const few = predicted * RACES < 10;
  const biased = few
    ? judged
    : judgeMean(measured, se, n, predicted, { low: GHOST_BIAS, high: GHOST_BIAS }, sigmas);
  const note = `approximate under GHOST: ${percentOf(GHOST_BIAS)} to either side is added, for forks at the very beginning`;
  return row(keys, biased, { ...about, formula: 'Poisson race of all blocks', note });
}

/** Where attacks win half of the time, between the two shares that enclose it. */
function contourOf(
  runs: readonly Run[],
  rule: SpeedRule,
  x: number,
): { beta: number; se: number } | undefined {
  const mine = runs.filter((r) => r.rule === rule && r.x === x).sort((a, b) => a.beta - b.beta);
  for (const [i, low] of mine.entries()) {
    const high = mine[i + 1];
    if (high === undefined || low.won > RACES / 2 || high.won <= RACES / 2) continue;
    const slope = (high.won - low.won) / RACES / (high.beta - low.beta);
    return { beta: low.beta + (0.5 - low.won / RACES) / slope, se: 0.5 / Math.sqrt(RACES) / slope };
  }
  return undefined;
}

function contourRow(runs: readonly Run[], rule: SpeedRule, x: number): Row[] {
  const contour = contourOf(runs, rule, x);
  if (contour === undefined) return [];
  const predicted = rule === 'ghost' ? GHOST_CRITICAL_SHARE : criticalShare(x);
  const { beta: measured, se } = contour;
  const ok = Math.abs(measured - predicted) <= CONTOUR_TOLERANCE;
  return [
    row(
      { quantity: 'critical share', rule, x },
      { measured, predicted, se, n: RACES, ok },
      {
        origin: rule === 'ghost' ? 'recomputed' : 'derived here',
        formula: rule === 'ghost' ? 'one half' : '((2+x)-√(x²+4))/(2x)',
        note: `critical share: within ${CONTOUR_TOLERANCE}, where half of the attacks win`,
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
