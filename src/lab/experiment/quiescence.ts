import type { Chart } from '../../observe/chart/chart.ts';
import { checkShare } from '../../observe/figures/judge.ts';
import { twoClusters } from '../../observe/theory/predict.ts';
import { choiceOf, countOf, listOf, measuredSeries, predictedSeries, sharePoint, spanOf } from './common.ts';
import { number, numbers, words } from './parameters.ts';
import { percentOf, row, WHOLE_PART, wholeShare } from './rows.ts';
import type { Experiment, ExperimentBench } from './types.ts';

type Tie = 'first-seen' | 'lowest-id';

export const quiescence: Experiment = {
  name: 'quiescence',
  says: 'stop the miners and let all messages arrive: do all nodes agree?',
  question:
    'Eventual consistency, read literally: if no new updates are made, all accesses return the same value in the end. So the miners stop, everything on its way arrives, and the tips of two halves of the network are compared.',
  parameters: [
    listOf('x', 'blocks of the whole network per one-way delay', [0.1, 0.2, 0.5], 0.001, 5),
    choiceOf(
      'tie',
      'what decides between branches of equal work',
      ['first-seen', 'lowest-id'],
      ['first-seen', 'lowest-id'],
    ),
    countOf('runs', 'how many times for each', 5_000, 100, 200_000),
  ],
  async run(values, seed, bench) {
    const runs = number(values, 'runs');
    const wholeRuns = Math.max(20, Math.round(runs / WHOLE_PART));
    const xs = numbers(values, 'x');
    const ties = words<Tie>(values, 'tie');
    const done = await Promise.all(
      ties.flatMap((tie) => xs.map((x) => runTie(bench, seed, { x, tie, runs, wholeRuns }))),
    );
    return {
      rows: done.flatMap(({ tie, x, predicted, differ, whole }) => {
        const reduced = row({ quantity: 'Q', tie, x }, checkShare(differ, runs, predicted), {
          origin: 'derived here',
          formula: tie === 'lowest-id' ? 'exactly 0' : '(1-e^(-x/2))/(1+x)',
        });
        return [reduced, wholeShare(reduced, whole, wholeRuns)];
      }),
      charts: [chartOf(done, ties, runs)],
      sentence: done
        .filter((d) => d.x === done[0]!.x)
        .map((d) => `under ${d.tie} the halves still differed in ${percentOf(d.differ / runs)} of the runs`)
        .join(', ')
        .replace(/^u/, `With x = ${done[0]!.x} and the miners stopped, u`)
        .concat(': it is the next block that breaks a tie, unless the tie rule needs none.'),
      remarks: [
        'Under first-seen the literal test fails, and continued mining is what repairs it. Under lowest-id the set of blocks only grows and the tip is a function of it (strong eventual consistency): no run may differ.',
      ],
    };
  },
};

interface Run {
  readonly tie: Tie;
  readonly x: number;
  readonly predicted: number;
  /** Runs after which the halves differed, and the same of whole nodes. */
  readonly differ: number;
  readonly whole: number;
}

interface Wanted {
  readonly x: number;
  readonly tie: Tie;
  readonly runs: number;
  readonly wholeRuns: number;
}

async function runTie(bench: ExperimentBench, seed: number, wanted: Wanted): Promise<Run> {
  const { x, tie, runs, wholeRuns } = wanted;
  const name = `quiescence/${tie}/${x}`;
  const [differ, whole] = await Promise.all([
    bench.do('quiescence', { x, tie, runs, seed: `${seed}/${name}` }, runs),
    bench.do(
      'wholeQuiescence',
      { x, tie, runs: wholeRuns, seed: `${seed}/whole/${name}`, networks: bench.networks },
      runs * 5,
    ),
  ]);
  return { tie, x, predicted: predictedAt(tie, x), differ, whole };
}

function predictedAt(tie: Tie, x: number): number {
  return tie === 'lowest-id' ? 0 : twoClusters(x).quiescenceFailure;
}

function chartOf(done: readonly Run[], ties: readonly Tie[], runs: number): Chart {
  const curve = spanOf(0.001, Math.max(...done.map(({ x }) => x)));
  return {
    title: 'Stop the miners: how often do two halves of the network still differ?',
    xLabel: 'x, blocks per delay',
    yLabel: 'Q, share of runs',
    series: ties.flatMap((tie, colour) => [
      predictedSeries(
        tie,
        colour,
        curve.map((x) => ({ x, y: predictedAt(tie, x) })),
      ),
      measuredSeries(
        tie,
        colour,
        done.filter((d) => d.tie === tie).map((d) => sharePoint(d.x, d.differ, runs, d.predicted)),
      ),
    ]),
  };
}
