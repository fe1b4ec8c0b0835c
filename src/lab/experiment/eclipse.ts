import type { Chart, ChartSeries } from '../../observe/chart/chart.ts';
import { checkShare } from '../../observe/figures/judge.ts';
import { allOutbound, falseAlarm, isolated } from '../../observe/theory/network.ts';
import type { EclipseFigures } from '../../sim/models/reduced/eclipse.ts';
import { countOf, listOf, measuredSeries, predictedSeries, sharePoint, spanOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, row, WHOLE_PART, wholeShare } from './rows.ts';
import type { Experiment, ExperimentBench, Row } from './types.ts';

const TRIALS = 20_000;
const WHOLE_TRIALS = TRIALS / WHOLE_PART;
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
    const { networks } = bench;
    const waits = { intervals: ALARM, trials: TRIALS, seed: `${seed}/eclipse/alarm` };
    const [alarms, wholeAlarms, runs] = await Promise.all([
      bench.do('alarms', waits, 1),
      bench.do(
        'wholeAlarms',
        { ...waits, trials: WHOLE_TRIALS, seed: `${seed}/whole/eclipse/alarm`, networks },
        10,
      ),
      Promise.all(numbers(values, 'share').map((share) => runShare(bench, seed, degree, share))),
    ]);
    return {
      rows: [...runs.flatMap((run) => rowsOf(run, degree)), ...alarmRows(alarms, wholeAlarms)],
      charts: [chartOf(runs, degree)],
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
        `${TRIALS.toLocaleString('en-US')} victims for each share. "Isolated" counts inbound connections too: honest nodes choose their peers from the same addresses, and one of them is enough.`,
        `Which addresses are dialled is decided outside of the node, so whole nodes have their links drawn as the reduced model does, ${WHOLE_TRIALS} victims for each share; cut off is who has not got the honest nodes’ new block five seconds later, first with its outbound links alone. The attacker’s addresses lead to an unchanged node that is linked with nobody else. The waits are those of a node that listens to a miner.`,
      ],
    };
  },
};

interface Run extends EclipseFigures {
  /** The attacker's. */
  readonly share: number;
  readonly whole: EclipseFigures;
}

async function runShare(bench: ExperimentBench, seed: number, degree: number, share: number): Promise<Run> {
  const input = { degree, share, trials: TRIALS, seed: `${seed}/eclipse/${share}` };
  const whole = { ...input, trials: WHOLE_TRIALS, seed: `${seed}/whole/eclipse/${share}` };
  const [reduced, ofWhole] = await Promise.all([
    bench.do('eclipse', input, 5),
    bench.do('wholeEclipse', { ...whole, networks: bench.networks }, 100),
  ]);
  return { share, ...reduced, whole: ofWhole };
}

function rowsOf({ share, outbound, isolated: cutOff, whole }: Run, degree: number): Row[] {
  const surrounded = row(
    { quantity: 'all outbound', share },
    checkShare(outbound, TRIALS, allOutbound(degree, share)),
    { origin: 'derived here', formula: 'f^d' },
  );
  const alone = row({ quantity: 'isolated', share }, checkShare(cutOff, TRIALS, isolated(degree, share)), {
    origin: 'derived here',
    formula: 'f^d e^(-d(1-f))',
  });
  return [
    surrounded,
    wholeShare(surrounded, whole.outbound, WHOLE_TRIALS),
    alone,
    wholeShare(alone, whole.isolated, WHOLE_TRIALS),
  ];
}

function alarmRows(alarms: number, wholeAlarms: number): Row[] {
  const late = row(
    { quantity: `no block for ${ALARM} intervals` },
    checkShare(alarms, TRIALS, falseAlarm(ALARM)),
    { origin: 'derived here', formula: `e^(-${ALARM})` },
  );
  return [late, wholeShare(late, wholeAlarms, WHOLE_TRIALS)];
}

function chartOf(runs: readonly Run[], degree: number): Chart {
  const series = (
    name: string,
    colour: number,
    chance: (degree: number, share: number) => number,
    count: (run: Run) => number,
  ): ChartSeries[] => [
    predictedSeries(
      name,
      colour,
      spanOf(0, 1).map((f) => ({ x: f, y: chance(degree, f) })),
    ),
    measuredSeries(
      name,
      colour,
      runs.map((r) => sharePoint(r.share, count(r), TRIALS, chance(degree, r.share))),
    ),
  ];
  return {
    title: 'How likely a node is surrounded',
    xLabel: 'f, the attacker’s share of the addresses',
    yLabel: 'chance',
    series: [
      ...series('all outbound', 0, allOutbound, (r) => r.outbound),
      ...series('isolated', 1, isolated, (r) => r.isolated),
    ],
  };
}
