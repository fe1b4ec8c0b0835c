import type { Chart } from '../../observe/chart/chart.ts';
import { checkMean, meanOf } from '../../observe/figures/judge.ts';
import { selfishRevenue, selfishThreshold } from '../../observe/theory/attack.ts';
import { MOST_GAMMA } from '../../sim/models/whole/selfish.ts';
import { countOf, listOf, measuredSeries, predictedSeries, spanOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, row, WHOLE_PART, wholeMean } from './rows.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

export const selfish: Experiment = {
  name: 'selfish',
  says: 'does it pay to keep blocks secret?',
  question:
    'A miner with a share α keeps its blocks secret and shows them just in time to waste the others’ work; in a tie a part γ of the honest power mines on its branch. What share of the chain does it get?',
  parameters: [
    listOf('alpha', "the selfish miner's share", [0.2, 0.3, 0.4], 0.01, 0.49),
    listOf('gamma', 'part of the honest power on its branch in a tie', [0, 0.5], 0, 1),
    countOf('blocks', 'blocks mined for each', 200_000, 5_000, 5_000_000),
  ],
  async run(values, seed, bench) {
    const blocks = number(values, 'blocks');
    const gammas = numbers(values, 'gamma');
    const alphas = numbers(values, 'alpha');
    const runs = await Promise.all(
      gammas.flatMap((gamma) => alphas.map((alpha) => runOne(bench, seed, alpha, gamma, blocks))),
    );
    return {
      rows: runs.flatMap((run) => rowsOf(run, wholeBlocksOf(blocks))),
      charts: [chartOf(runs, gammas)],
      sentence: runs
        .filter((r) => r.alpha === alphas.at(-1))
        .map(
          (r) =>
            `with γ = ${r.gamma} it got ${percentOf(r.mean)} of the chain (it pays above ${percentOf(selfishThreshold(r.gamma))})`,
        )
        .join('; ')
        .replace(/^w/, `A selfish miner with ${percentOf(alphas.at(-1)!)} of the power: w`)
        .concat('.'),
      remarks: [
        'Blocks reach everybody at once, as the formula supposes. Standard errors are those of 50 stretches of the chain. The strategy is the function that whole nodes play too.',
        `Whole nodes keep in a tie what they saw first. With γ above 0 the attacker hears of honest blocks at one node and shows its own at another, close to a part of the honest ones, who so see its block first; the finder of the other block stays with that. Their powers are such that γ of the honest power, in the mean, is on the attacker’s side. Above γ = ${MOST_GAMMA} there are no whole nodes: the finder never changes sides, so it would take very many.`,
      ],
    };
  },
};

function wholeBlocksOf(blocks: number): number {
  return Math.max(500, Math.round(blocks / WHOLE_PART));
}

interface Run {
  readonly alpha: number;
  readonly gamma: number;
  /** Mean share of the chain, over the stretches. */
  readonly mean: number;
  readonly se: number;
  readonly stretches: number;
  readonly height: number;
  readonly whole: readonly number[] | undefined;
}

async function runOne(
  bench: ExperimentBench,
  seed: number,
  alpha: number,
  gamma: number,
  blocks: number,
): Promise<Run> {
  const input = { alpha, gamma, blocks, seed: `${seed}/selfish/${alpha}/${gamma}` };
  const [{ revenue, height }, whole] = await Promise.all([
    bench.do('selfish', input, blocks),
    gamma > MOST_GAMMA
      ? undefined
      : bench.do(
          'wholeSelfish',
          {
            alpha,
            gamma,
            blocks: wholeBlocksOf(blocks),
            seed: `${seed}/whole/selfish/${alpha}${gamma === 0 ? '' : `/${gamma}`}`,
            networks: bench.networks,
          },
          blocks * (gamma === 0 ? 5 : 12),
        ),
  ]);
  return { alpha, gamma, height, whole, stretches: revenue.length, ...meanOf(revenue) };
}

function rowsOf({ alpha, gamma, mean, se, height, stretches, whole }: Run, wholeBlocks: number): Row[] {
  const judged = checkMean(mean, se, height, selfishRevenue(alpha, gamma), { df: stretches - 1 });
  const about = { origin: 'recomputed' as const, formula: 'Eyal, Sirer 2013, eq. 8' };
  const reduced = row({ alpha, gamma }, judged, about);
  if (whole === undefined) return [reduced];
  const { mean: measured, se: scatter } = meanOf(whole);
  const nodes = { measured, se: scatter, n: wholeBlocks, df: whole.length - 1 };
  return [reduced, wholeMean(reduced, nodes)];
}

function chartOf(runs: readonly Run[], gammas: readonly number[]): Chart {
  const honest = [0, 0.5].map((a) => ({ x: a, y: a }));
  return {
    title: 'What a selfish miner earns',
    xLabel: 'α, share of the hash power',
    yLabel: 'share of the chain',
    series: [
      { name: 'honest mining earns its share', as: 'line', colour: 6, points: honest },
      ...gammas.flatMap((gamma, colour) => [
        predictedSeries(
          `γ = ${gamma}`,
          colour,
          spanOf(0.01, 0.49).map((a) => ({ x: a, y: selfishRevenue(a, gamma) })),
        ),
        measuredSeries(
          `γ = ${gamma}`,
          colour,
          runs.filter((r) => r.gamma === gamma).map((r) => ({ x: r.alpha, y: r.mean, se: r.se })),
        ),
      ]),
    ],
  };
}
