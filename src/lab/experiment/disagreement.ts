import type { Chart, ChartPoint, ChartSeries } from '../../observe/chart/chart.ts';
import { type Check, checkMean, checkShare, checkTimes } from '../../observe/figures/judge.ts';
import type { Figures } from '../../observe/figures/tally.ts';
import { type ClusterRace, clusterRace } from '../../observe/theory/clusters.ts';
import type { ClusterFigures } from '../../sim/models/reduced/clusters.ts';
import { misuse } from '../../yard/problem.ts';
import { ASIDE, measuredSeries, predictedSeries, wholeSeries } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, ratio, row, WHOLE_PART, wholeRow, wholeShare } from './rows.ts';
import { checkSlope, type Slope, slopeOf } from './slope.ts';
import type { Experiment, ExperimentBench, LiveRun, Row } from './types.ts';

/** Depths with rows of their own. */
const DEEPEST = 6;
/** A depth that fewer forks are expected to reach gets no row: nothing could be said of it. */
const LEAST_FORKS = 10;
/** With fewer, the scatter of the windows is itself too uncertain, and theory's is taken. */
const ENOUGH_FORKS = 100;
/** Black: no x has it. */
const LIVE_COLOUR = 6;

export const disagreement: Experiment = {
  name: 'disagreement',
  says: 'how deep can two nodes contradict each other, and how fast does that fade?',
  question:
    'Two halves of a network hear of each other’s blocks one delay late. How much of the time do they contradict each other k blocks below their tips (D_k), and how often is a read k deep undone (V_k)?',
  parameters: [
    {
      name: 'x',
      says: 'blocks of the whole network per one-way delay',
      default: [0.1, 0.2, 0.5, 1],
      many: true,
      range: { least: 0.001, most: 5, whole: false },
    },
    {
      name: 'blocks',
      says: 'blocks for each x',
      default: [200_000],
      many: false,
      range: { least: 1_000, most: 5_000_000, whole: true },
    },
    {
      name: 'shares',
      says: 'hash power of the two clusters',
      default: [0.5, 0.5],
      many: true,
      range: { least: 0.01, most: 1_000_000, whole: false },
    },
  ],
  async run(values, seed, bench) {
    const shares = numbers(values, 'shares');
    if (shares.length !== 2)
      throw misuse(
        `--shares takes two shares, one for each cluster, not ${shares.length}`,
        'As in: --shares 0.7,0.3',
      );
    const share = shares[0]! / (shares[0]! + shares[1]!);
    const blocks = number(values, 'blocks');
    const runs = await Promise.all(
      numbers(values, 'x').map((x) => runClusters(bench, seed, { x, share, blocks })),
    );
    const { live } = bench;
    return {
      rows: [...runs.flatMap((r) => rowsOf(r)), ...(live === undefined ? [] : liveRows(live))],
      charts: [disagreementChart(runs, live), violationsChart(runs)],
      sentence: sentenceOf(runs.at(-1)!, share),
      remarks: [
        'Standard errors of D_k come from 25 to 50 batch means where 100 forks or more were expected to come so deep. With fewer forks, the score comes from the distribution of a Poisson number of exponential times, whose SE is D_k·√(2/n) for n forks. Those of V_k and of stale blocks are binomial. Depths that fewer than 10 forks were expected to reach are left out, for whole nodes, with a fortieth of the blocks, sooner.',
        'The slope is the factor from depth to depth: of all levels that forks reached, the share that had another one above. Its standard error comes from 50 stretches too, or from theory where fewer than 100 such levels were expected.',
      ],
    };
  },
};

interface Run {
  readonly x: number;
  readonly theory: ClusterRace;
  readonly slope: Slope;
  readonly figures: ClusterFigures;
  /** Of whole nodes. */
  readonly whole: ClusterFigures;
}

async function runClusters(
  bench: ExperimentBench,
  seed: number,
  { x, share, blocks }: { readonly x: number; readonly share: number; readonly blocks: number },
): Promise<Run> {
  const wholeBlocks = Math.max(200, Math.round(blocks / WHOLE_PART));
  const wholeSeed = `${seed}/whole/disagreement/${x}`;
  const [figures, whole] = await Promise.all([
    bench.do('clusters', { x, share, blocks, seed: `${seed}/disagreement/${x}` }, blocks),
    bench.do(
      'wholeClusters',
      { x, share, blocks: wholeBlocks, seed: wholeSeed, networks: bench.networks },
      blocks * 5,
    ),
  ]);
  const theory = clusterRace(x, share);
  return { x, theory, slope: slopeOf(theory), figures, whole };
}

function disagreementChart(runs: readonly Run[], live: LiveRun | undefined): Chart {
  return {
    title: 'How often two nodes contradict each other k blocks below their tips',
    xLabel: 'k, blocks below the tip',
    yLabel: 'D_k, share of the time',
    logY: true,
    series: [
      ...runs.flatMap(({ x, theory, figures, whole }, colour) => [
        predictedSeries(
          `x = ${x}`,
          colour,
          depthsOf(theory, figures).map((k) => ({ x: k, y: theory.disagreement(k) })),
        ),
        measuredSeries(`x = ${x} (± 2 standard errors)`, colour, pointsOf(checkD, theory, figures)),
        wholeSeries(`whole nodes, x = ${x}`, colour, pointsOf(checkD, theory, whole)),
      ]),
      ...(live === undefined ? [] : [liveSeries(live)]),
    ],
  };
}

function violationsChart(runs: readonly Run[]): Chart {
  return {
    title: 'How often a read k blocks deep is undone',
    xLabel: 'k, blocks below the tip',
    yLabel: 'V_k, per height',
    logY: true,
    series: runs.flatMap(({ x, theory, figures }, colour) => [
      predictedSeries(
        `x = ${x}`,
        colour,
        depthsOf(theory, figures).map((k) => ({ x: k, y: theory.violations(k) })),
      ),
      measuredSeries(`x = ${x} (± 2 standard errors)`, colour, pointsOf(checkV, theory, figures)),
    ]),
  };
}

/** Depths that enough forks were expected to reach. */
function depthsOf(theory: ClusterRace, figures: Figures): number[] {
  const depths: number[] = [];
  for (let k = 0; k < DEEPEST; k++) {
    if (k > 0 && theory.violations(k) * figures.heights < LEAST_FORKS) break;
    depths.push(k);
  }
  return depths;
}

function checkD(k: number, theory: ClusterRace, figures: Figures): Check {
  const depth = figures.depths[k];
  const forks = theory.violations(k) * figures.heights;
  const predicted = theory.disagreement(k);
  const measured = depth?.d ?? 0;
  const se = depth?.dError?.se;
  // Conflicts this deep come one by one, and each lasts about exponentially long.
  if (forks < ENOUGH_FORKS || se === undefined) return checkTimes(measured, forks, figures.blocks, predicted);
  return checkMean(measured, se, figures.blocks, predicted);
}

function checkV(k: number, theory: ClusterRace, figures: Figures): Check {
  return checkShare(figures.depths[k]?.v ?? 0, figures.heights, theory.violations(k));
}

function pointsOf(check: typeof checkD, theory: ClusterRace, figures: Figures): ChartPoint[] {
  return depthsOf(theory, figures).map((k) => {
    const { measured, se } = check(k, theory, figures);
    return { x: k, y: measured, se };
  });
}

function rowsOf({ x, theory, slope, figures, whole }: Run): Row[] {
  const origin = 'derived here';
  const stale = row({ quantity: 'stale', x }, checkShare(figures.stale, figures.blocks, theory.stale), {
    origin,
    formula: 'x/(2(1+x)) for equal shares',
  });
  const fades = row({ quantity: 'slope', x }, checkSlope(slope, figures), {
    origin,
    formula: `1-V_0/(V_0+V_1+…) ≈ ρ = ${ratio(theory.rho)}`,
  });
  const rows = [
    stale,
    wholeShare(stale, whole.stale, whole.blocks),
    fades,
    ...wholeSlope(fades, slope, whole),
  ];
  const wholeDepths = depthsOf(theory, whole);
  for (const k of depthsOf(theory, figures)) {
    const d = row({ quantity: 'D_k', k, x }, checkD(k, theory, figures), {
      origin,
      formula: `≈ρ^${k + 1}, ρ = ${ratio(theory.rho)}`,
    });
    rows.push(d);
    if (wholeDepths.includes(k)) rows.push(wholeRow(d, checkD(k, theory, whole)));
  }
  for (const k of depthsOf(theory, figures)) {
    const v = row({ quantity: 'V_k', k, x }, checkV(k, theory, figures), {
      origin,
      formula: k === 0 ? 'forks, per height' : `≈ρ^${k}·V_0`,
    });
    rows.push(v);
    if (wholeDepths.includes(k)) rows.push(wholeShare(v, whole.depths[k]?.v ?? 0, whole.heights));
  }
  return rows;
}

/** Nothing where so few levels say nothing. */
function wholeSlope(reduced: Row, slope: Slope, whole: ClusterFigures): Row[] {
  const judged = checkSlope(slope, whole);
  return judged.n * slope.predicted < LEAST_FORKS ? [] : [wholeRow(reduced, judged)];
}

function liveSeries({ x, share, figures }: LiveRun): ChartSeries {
  const theory = clusterRace(x, share);
  return {
    name: `real nodes, x = ${ratio(x)}: a live yard, ${figures.blocks.toLocaleString('en-US')} blocks`,
    as: 'points',
    solid: true,
    aside: 2 * ASIDE,
    colour: LIVE_COLOUR,
    points: pointsOf(checkD, theory, figures),
  };
}

/** Real nodes, judged by the theory of their own x. */
function liveRows({ x, share, figures }: LiveRun): Row[] {
  const theory = clusterRace(x, share);
  const about = {
    origin: 'derived here' as const,
    formula: 'at the x of the live yard',
    model: 'live yard' as const,
  };
  const at = Number(ratio(x));
  return [
    row({ quantity: 'stale', x: at }, checkShare(figures.stale, figures.blocks, theory.stale), about),
    ...depthsOf(theory, figures).map((k) =>
      row({ quantity: 'D_k', k, x: at }, checkD(k, theory, figures), about),
    ),
    ...depthsOf(theory, figures).map((k) =>
      row({ quantity: 'V_k', k, x: at }, checkV(k, theory, figures), about),
    ),
  ];
}

function sentenceOf(run: Run, share: number): string {
  const { x, figures, theory } = run;
  const slope = checkSlope(run.slope, figures);
  const tip = figures.depths[0]?.d ?? 0;
  const six = theory.disagreement(6);
  const halves = share === 0.5 ? 'halves' : 'parts';
  return `At ${x} ${x === 1 ? 'block' : 'blocks'} per delay the two ${halves} contradicted each other at the tip ${percentOf(tip)} of the time, and each further block of depth divided that by ${(1 / slope.measured).toFixed(1)} (predicted ${(1 / slope.predicted).toFixed(1)}): six deep they differ ${six < 1e-9 ? 'practically never' : `one moment in ${Math.round(1 / six).toLocaleString('en-US')}`}.`;
}
