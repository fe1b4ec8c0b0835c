import { checkShare } from '../../observe/figures/judge.ts';
import { allOutbound, falseAlarm, isolated } from '../../observe/theory/network.ts';
import { countOf, listOf, spanOf } from './common.ts';
import { number, numbers } from './parameters.ts';
import { percentOf, row, WHOLE_PART, wholeShare } from './rows.ts';
import type { Experiment } from './types.ts';

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
    const shares = numbers(values, 'share');
    const { networks } = bench;
    const waits = { intervals: ALARM, trials: TRIALS, seed: `${seed}/eclipse/alarm` };
    const [alarms, wholeAlarms, runs] = await Promise.all([
      bench.do('alarms', waits, 1),
      bench.do(
        'wholeAlarms',
        { ...waits, trials: WHOLE_TRIALS, seed: `${seed}/whole/eclipse/alarm`, networks },
        10,
      ),
      Promise.all(
        shares.map(async (share) => {
          const input = { degree, share, trials: TRIALS, seed: `${seed}/eclipse/${share}` };
          const wholeSeed = `${seed}/whole/eclipse/${share}`;
          const [reduced, whole] = await Promise.all([
            bench.do('eclipse', input, 5),
            bench.do('wholeEclipse', { ...input, trials: WHOLE_TRIALS, seed: wholeSeed, networks }, 100),
          ]);
          return { share, ...reduced, whole };
        }),
      ),
    ]);
    const series = [
      { name: 'all outbound', of: allOutbound, count: (r: (typeof runs)[number]) => r.outbound },
      { name: 'isolated', of: isolated, count: (r: (typeof runs)[number]) => r.isolated },
    ];
    {
      const late = row(
        { quantity: `no block for ${ALARM} intervals` },
        checkShare(alarms, TRIALS, falseAlarm(ALARM)),
        { origin: 'derived here', formula: `e^(-${ALARM})` },
      );
      return {
        rows: [
          ...runs.flatMap(({ share, outbound, isolated: cutOff, whole }) => {
            const surrounded = row(
              { quantity: 'all outbound', share },
              checkShare(outbound, TRIALS, allOutbound(degree, share)),
              { origin: 'derived here', formula: 'f^d' },
            );
            const alone = row(
              { quantity: 'isolated', share },
              checkShare(cutOff, TRIALS, isolated(degree, share)),
              { origin: 'derived here', formula: 'f^d e^(-d(1-f))' },
            );
            return [
              surrounded,
              wholeShare(surrounded, whole.outbound, WHOLE_TRIALS),
              alone,
              wholeShare(alone, whole.isolated, WHOLE_TRIALS),
            ];
          }),
          late,
          wholeShare(late, wholeAlarms, WHOLE_TRIALS),
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
                  const { measured, se } = checkShare(count(r), TRIALS, of(degree, r.share));
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
          `${TRIALS.toLocaleString('en-US')} victims for each share. "Isolated" counts inbound connections too: honest nodes choose their peers from the same addresses, and one of them is enough.`,
          `Which addresses are dialled is decided outside of the node, so whole nodes have their links drawn as the reduced model does, ${WHOLE_TRIALS} victims for each share; cut off is who has not got the honest nodes’ new block five seconds later, first with its outbound links alone. The attacker’s addresses lead to an unchanged node that is linked with nobody else. The waits are those of a node that listens to a miner.`,
        ],
      };
    }
  },
};
