import type { Chart, ChartPoint } from '../../observe/chart/chart.ts';
import { checkMean, checkShare, meanOf, within } from '../../observe/figures/judge.ts';
import {
  AGREEMENT_BIAS,
  agreementAfterHeal,
  reorgAfterHeal,
  partition as theoryOf,
} from '../../observe/theory/partition.ts';
import type { PartitionRuns } from '../../sim/models/reduced/partition.ts';
import { measuredSeries, predictedSeries, sharePoint, wholeSeries } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, ratio, row, WHOLE_PART, wholeMean, wholeShare } from './rows.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

/** One-way delay between the sides after the heal, in block intervals: the theory is one of short delays. */
const DELAY = 0.02;
/** A fortieth would leave three ties to say how long they last, and these runs take milliseconds. */
const WHOLE_RUNS = 400;
/** With fewer the time to agreement, which they make, is not normally distributed. */
const LEAST_TIES = 10;
/** For the curve of those who differ still, in block intervals after the heal. */
const LATER = [0, 0.5, 1, 1.5, 2, 3, 4];
/** Times are whole microseconds. */
const HAIR = 1e-6;

export const partition: Experiment = {
  name: 'partition',
  says: 'cut the network, heal it: who is reorganised, how deep, and when do all agree?',
  question:
    'The network is cut in two for as long as it takes to find so many blocks, then healed. Which side’s history stands, how deep is the reorganisation of the other one, and how long until all agree again?',
  parameters: [
    {
      name: 'blocks',
      says: 'length of the cut, in blocks of the whole network',
      default: [10],
      many: false,
      range: { least: 0.5, most: 200, whole: false },
    },
    {
      name: 'split',
      says: 'share of hash power on the larger (first) side',
      default: [0.5, 0.7],
      many: true,
      range: { least: 0.5, most: 0.99, whole: false },
    },
    {
      name: 'runs',
      says: 'partitions for each split',
      default: [2_000],
      many: false,
      range: { least: 100, most: 200_000, whole: true },
    },
  ],
  async run(values, seed, bench) {
    const blocks = number(values, 'blocks');
    const runs = number(values, 'runs');
    const wholeRuns = Math.max(Math.round(runs / WHOLE_PART), Math.min(runs, WHOLE_RUNS));
    const size: Size = { blocks, runs, wholeRuns };
    const done = await Promise.all(
      numbers(values, 'split').map((split) => runSplit(bench, seed, split, size)),
    );
    return {
      rows: done.flatMap((run) => rowsOf(run, size)),
      charts: [depthChart(done, size), agreementChart(done, size)],
      sentence: sentenceOf(done[0]!, blocks, runs),
      remarks: [
        `After the heal the first branch is across in δ = ${DELAY} block intervals; where both are equally long, the next block decides. At 0.5 both sides are equal, and "minority" means the second one.`,
        `Whole nodes greet each other anew after a heal, ask for headers, and then for blocks. That is five messages one after the other, so that each takes δ/5 on their link; later blocks are across in one of them, which makes the mean shorter by up to P(tie)·4δ/5. Branches of more than 128 blocks take two messages more. Whole nodes have ${wholeRuns.toLocaleString('en-US')} partitions for each split; their standard error of the time to agreement is the one that the reduced model’s partitions scatter by, and it is left out where fewer than ${LEAST_TIES} ties are expected.`,
      ],
    };
  },
};

interface Size {
  readonly blocks: number;
  readonly runs: number;
  readonly wholeRuns: number;
}

interface Run extends PartitionRuns {
  readonly split: number;
  readonly theory: ReturnType<typeof theoryOf>;
  readonly whole: PartitionRuns;
}

async function runSplit(
  bench: ExperimentBench,
  seed: number,
  split: number,
  { blocks, runs, wholeRuns }: Size,
): Promise<Run> {
  const input = { blocks, share: split, delay: DELAY };
  const [reduced, whole] = await Promise.all([
    bench.do('partitions', { ...input, runs, seed: `${seed}/partition/${split}` }, runs),
    bench.do(
      'wholePartitions',
      {
        ...input,
        runs: wholeRuns,
        seed: `${seed}/whole/partition/${split}`,
        networks: bench.networks,
      },
      wholeRuns * 500,
    ),
  ]);
  return { split, theory: theoryOf(blocks, split), ...reduced, whole };
}

function rowsOf(run: Run, { runs, wholeRuns }: Size): Row[] {
  const { split, theory, ties, secondWins, reorgs, whole } = run;
  const depth = meanOf(reorgs);
  const tie = row({ quantity: 'tie', split }, checkShare(ties, runs, theory.tie), {
    origin: 'derived here',
    formula: 'e^(-n) I0(2n√(p1p2))',
  });
  const wins = row({ quantity: 'minority wins', split }, checkShare(secondWins, runs, theory.secondWins), {
    origin: 'derived here',
    formula: 'Poisson(np2) > Poisson(np1)',
  });
  const reorg = row(
    { quantity: 'reorg depth', split },
    checkMean(depth.mean, depth.se, runs, reorgAfterHeal(theory, split, DELAY)),
    {
      origin: 'derived here',
      formula: 'E[min of both], and what the losers find in δ',
    },
  );
  const wholeDepth = meanOf(whole.reorgs);
  return [
    tie,
    wholeShare(tie, whole.ties, wholeRuns),
    wins,
    wholeShare(wins, whole.secondWins, wholeRuns),
    reorg,
    wholeMean(reorg, { measured: wholeDepth.mean, se: wholeDepth.se, n: wholeRuns }),
    ...agreementRows(run, runs, wholeRuns),
  ];
}

function agreementRows({ split, theory, agreement, whole }: Run, runs: number, wholeRuns: number): Row[] {
  const time = meanOf(agreement);
  const predicted = agreementAfterHeal(theory.tie, DELAY);
  const agreed = row(
    { quantity: 'time to agreement', split },
    checkMean(time.mean, time.se, runs, predicted, { tolerance: within(predicted, AGREEMENT_BIAS) }),
    {
      origin: 'derived here',
      formula: 'δ + P(tie)(1+δ), in intervals',
      note: `time to agreement: to first order in δ, so ${percentOf(AGREEMENT_BIAS)} off at most; whole nodes may be earlier by P(tie)·4δ/5 too`,
    },
  );
  if (theory.tie * wholeRuns < LEAST_TIES) return [agreed];
  // Few ties say little of their own scatter, and it is the same here and there.
  const se = time.se * Math.sqrt(runs / wholeRuns);
  // Blocks of the decision are across in δ/5 there.
  const below = agreed.tolerance.below + (theory.tie * 4 * DELAY) / 5;
  const tolerance = { below, above: agreed.tolerance.above };
  const measured = meanOf(whole.agreement).mean;
  return [agreed, wholeMean(agreed, { measured, se, n: wholeRuns }, tolerance)];
}

function depthChart(done: readonly Run[], { blocks, runs, wholeRuns }: Size): Chart {
  return {
    title: 'How deep the losing side is reorganised',
    xLabel: 'blocks disconnected',
    yLabel: 'share of partitions',
    series: done.flatMap(({ split, reorgs, whole }, colour) => {
      const curve = depthCurve(blocks, split);
      const measured = (of: readonly number[], n: number) =>
        measuredAt(curve, n, (depth) => of.filter((r) => r === depth));
      return [
        predictedSeries(nameOf(split), colour, curve),
        measuredSeries(`${nameOf(split)} (± 2 standard errors)`, colour, measured(reorgs, runs)),
        wholeSeries(`whole nodes, ${nameOf(split)}`, colour, measured(whole.reorgs, wholeRuns)),
      ];
    }),
  };
}

function agreementChart(done: readonly Run[], { runs, wholeRuns }: Size): Chart {
  return {
    title: 'How long the sides still differ after the heal',
    xLabel: 'block intervals since the first branch has come across',
    yLabel: 'share of partitions',
    logY: true,
    series: done.flatMap(({ split, theory, agreement, whole }, colour) => {
      const curve = laterCurve(theory.tie);
      const measured = (of: readonly number[], n: number) =>
        measuredAt(curve, n, (later) => stillDiffer(of, later));
      return [
        predictedSeries(nameOf(split), colour, curve),
        measuredSeries(`${nameOf(split)} (± 2 standard errors)`, colour, measured(agreement, runs)),
        wholeSeries(`whole nodes, ${nameOf(split)}`, colour, measured(whole.agreement, wholeRuns)),
      ];
    }),
  };
}

function nameOf(split: number): string {
  const percent = Math.round(split * 1000) / 10;
  return `${percent}/${Math.round((100 - percent) * 10) / 10}`;
}

/** P(the shorter branch has k blocks), for the depths that come up. */
function depthCurve(blocks: number, split: number): { x: number; y: number }[] {
  return theoryOf(blocks, split).depths.map((y, x) => ({ x, y }));
}

/** P(they differ still so long after the first branch has come across): theirs are equally long, and no block came since. */
function laterCurve(tie: number): { x: number; y: number }[] {
  return LATER.map((x) => ({ x, y: tie * Math.exp(-x) }));
}

function stillDiffer(agreement: readonly number[], later: number): readonly number[] {
  return agreement.filter((time) => time > DELAY + later + HAIR);
}

/** The share of so many runs that are counted at each point of a curve. */
function measuredAt(
  curve: readonly { readonly x: number; readonly y: number }[],
  runs: number,
  counted: (x: number) => readonly number[],
): ChartPoint[] {
  return curve.map(({ x, y }) => sharePoint(x, counted(x).length, runs, y));
}

function sentenceOf({ split, ties, reorgs, agreement }: Run, blocks: number, runs: number): string {
  const deepest = reorgs.reduce((most, depth) => Math.max(most, depth), 0);
  return `After a cut of ${blocks} block intervals at ${nameOf(split)} the losing side undid ${ratio(meanOf(reorgs).mean)} blocks on average and ${deepest} at most; in ${percentOf(ties / runs)} of the cuts both histories were equally long, and all agreed again ${ratio(meanOf(agreement).mean)} intervals after the heal.`;
}
