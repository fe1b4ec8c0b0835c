import { judgeMean, judgeShare, meanOf } from '../../observe/judge.ts';
import {
  AGREEMENT_BIAS,
  agreementAfterHeal,
  partition as theoryOf,
} from '../../observe/predict-partition.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, ratio, row, WHOLE_PART, wholeRow, wholeShare } from './rows.ts';
import type { Experiment } from './types.ts';

/** One-way delay between the sides after the heal, in block intervals: the theory is one of short delays. */
const DELAY = 0.02;

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
    const wholeRuns = Math.max(20, Math.round(runs / WHOLE_PART));
    const done = await Promise.all(
      numbers(values, 'split').map(async (split) => {
        const [reduced, whole] = await Promise.all([
          bench.do(
            'partitions',
            { blocks, share: split, runs, delay: DELAY, seed: `${seed}/partition/${split}` },
            runs,
          ),
          bench.do(
            'wholePartitions',
            {
              blocks,
              share: split,
              runs: wholeRuns,
              seed: `${seed}/whole/partition/${split}`,
              networks: bench.networks,
            },
            runs * 10,
          ),
        ]);
        return { split, theory: theoryOf(blocks, split), ...reduced, whole };
      }),
    );
    return (sigmas) => ({
      rows: done.flatMap(({ split, theory, ties, secondWins, reorgs, agreement, whole }) => {
        const depth = meanOf(reorgs);
        const time = meanOf(agreement);
        const predicted = agreementAfterHeal(theory.tie, DELAY);
        const [tie, wins, reorg, agreed] = [
          row({ quantity: 'tie', split }, judgeShare(ties, runs, theory.tie, sigmas), {
            origin: 'derived here',
            formula: 'e^(-n) I0(2n√(p1p2))',
          }),
          row({ quantity: 'minority wins', split }, judgeShare(secondWins, runs, theory.secondWins, sigmas), {
            origin: 'derived here',
            formula: 'Poisson(np2) > Poisson(np1)',
          }),
          row(
            { quantity: 'reorg depth', split },
            judgeMean(depth.mean, depth.se, runs, theory.meanReorg, {}, sigmas),
            {
              origin: 'derived here',
              formula: 'E[min of both]',
            },
          ),
          row(
            { quantity: 'time to agreement', split },
            judgeMean(time.mean, time.se, runs, predicted, { low: AGREEMENT_BIAS }, sigmas),
            {
              origin: 'derived here',
              formula: 'δ + P(tie)(1+δ), in intervals',
              note: `approximate: known to be 2-8 % low, so up to ${percentOf(AGREEMENT_BIAS)} above it is accepted`,
            },
          ),
        ] as const;
        const wholeDepth = meanOf(whole.reorgs);
        return [
          tie,
          wholeShare(tie, whole.ties, wholeRuns, sigmas),
          wins,
          wholeShare(wins, whole.secondWins, wholeRuns, sigmas),
          reorg,
          wholeRow(reorg, { measured: wholeDepth.mean, se: wholeDepth.se, n: wholeRuns }, sigmas),
          agreed,
        ];
      }),
      charts: [
        {
          title: 'How deep the losing side is reorganised',
          xLabel: 'blocks disconnected',
          yLabel: 'share of partitions',
          series: done.flatMap(({ split, reorgs }, colour) => [
            {
              name: `predicted, ${nameOf(split)}`,
              as: 'line' as const,
              colour,
              points: depthCurve(blocks, split),
            },
            {
              name: `measured, ${nameOf(split)} (± 2 standard errors)`,
              as: 'points' as const,
              colour,
              points: depthCurve(blocks, split).map(({ x, y }) => {
                const { measured, se } = judgeShare(reorgs.filter((r) => r === x).length, runs, y);
                return { x, y: measured, se };
              }),
            },
          ]),
        },
      ],
      sentence: sentenceOf(done[0]!, blocks, runs),
      remarks: [
        `After the heal a message crosses in δ = ${DELAY} block intervals. At 0.5 both sides are equal, and "minority" means the second one. Whole nodes connect and greet each other anew after a heal, which takes round trips of its own, so their time to agreement is not compared.`,
      ],
    });
  },
};

function nameOf(split: number): string {
  const percent = Math.round(split * 1000) / 10;
  return `${percent}/${Math.round((100 - percent) * 10) / 10}`;
}

/** P(the shorter branch has k blocks), for the depths that come up. */
function depthCurve(blocks: number, split: number): { x: number; y: number }[] {
  return theoryOf(blocks, split).depths.map((y, x) => ({ x, y }));
}

interface Run {
  readonly split: number;
  readonly ties: number;
  readonly reorgs: readonly number[];
  readonly agreement: readonly number[];
}

function sentenceOf({ split, ties, reorgs, agreement }: Run, blocks: number, runs: number): string {
  const deepest = reorgs.reduce((most, depth) => Math.max(most, depth), 0);
  return `After a cut of ${blocks} block intervals at ${nameOf(split)} the losing side undid ${ratio(meanOf(reorgs).mean)} blocks on average and ${deepest} at most; in ${percentOf(ties / runs)} of the cuts both histories were equally long, and all agreed again ${ratio(meanOf(agreement).mean)} intervals after the heal.`;
}
