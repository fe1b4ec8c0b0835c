import { judgeShare } from '../../observe/judge.ts';
import { allOutbound, falseAlarm, isolated } from '../../observe/predict-network.ts';
import { countOf, listOf, spanOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, row } from './rows.ts';
import type { Experiment } from './types.ts';

const TRIALS = 20_000;
const ALARM = 5;

export const eclipse: Experiment = {
  name: 'eclipse',
  says: 'how likely is a node surrounded by an attacker, and can it tell?',
  question:
    'An attacker owns a share of the addresses that nodes know. How likely do all connections of a victim lead to the attacker, so that it sees only what it is shown? And how often does a victim’s alarm (no block for so long) ring without a reason?',
  parameters: [
    countOf('degree', 'outbound connections of each node', 8, 1, 32),
    listOf('share', "the attacker's share of the addresses", [0.5, 0.8, 0.9], 0.01, 0.99),
  ],
  async run(values, seed, bench) {
    const degree = number(values, 'degree');
    const shares = numbers(values, 'share');
    const [alarms, ...runs] = await Promise.all([
      bench.do('alarms', { intervals: ALARM, trials: TRIALS, seed: `${seed}/eclipse/alarm` }, 1),
      ...shares.map(async (share) => ({
        share,
        ...(await bench.do(
          'eclipse',
          { degree, share, trials: TRIALS, seed: `${seed}/eclipse/${share}` },
          5,
        )),
      })),
    ]);
    const series = [
      { name: 'all outbound', of: allOutbound, count: (r: (typeof runs)[number]) => r.outbound },
      { name: 'isolated', of: isolated, count: (r: (typeof runs)[number]) => r.isolated },
    ];
    return (sigmas) => ({
      rows: [
        ...runs.flatMap((r) => [
          row(
            { quantity: 'all outbound', share: r.share },
            judgeShare(r.outbound, TRIALS, allOutbound(degree, r.share), sigmas),
            { origin: 'derived here', formula: 'f^d' },
          ),
          row(
            { quantity: 'isolated', share: r.share },
            judgeShare(r.isolated, TRIALS, isolated(degree, r.share), sigmas),
            { origin: 'derived here', formula: 'f^d e^(-d(1-f))' },
          ),
        ]),
        row(
          { quantity: `no block for ${ALARM} intervals` },
          judgeShare(alarms, TRIALS, falseAlarm(ALARM), sigmas),
          {
            origin: 'derived here',
            formula: `e^(-${ALARM})`,
          },
        ),
      ],
      charts: [
        {
          title: 'How likely a node is surrounded',
          xLabel: 'f, the attacker’s share of the addresses',
          yLabel: 'chance',
          series: series.flatMap(({ name, of, count }, colour) => [
            {
              name: `predicted, ${name}`,
              as: 'line' as const,
              colour,
              points: spanOf(0, 1).map((f) => ({ x: f, y: of(degree, f) })),
            },
            {
              name: `measured, ${name}`,
              as: 'points' as const,
              colour,
              points: runs.map((r) => {
                const { measured, se } = judgeShare(count(r), TRIALS, of(degree, r.share));
                return { x: r.share, y: measured, se };
              }),
            },
          ]),
        },
      ],
      sentence: runs
        .map(
          (r) =>
            `${percentOf(r.isolated / TRIALS)} of the victims if it owns ${percentOf(r.share)} of the addresses`,
        )
        .join(', ')
        .replace(/^/, `With ${degree} outbound connections, an attacker cuts off `)
        .concat(
          `; an alarm after ${ALARM} intervals without a block is false in ${percentOf(alarms / TRIALS)} of the waits.`,
        ),
      remarks: [
        `${TRIALS.toLocaleString('en-US')} victims for each share. "Isolated" counts inbound connections too: honest nodes choose their peers from the same addresses, and one of them is enough. No whole nodes here: which addresses are dialled is decided outside of the node.`,
      ],
    });
  },
};
