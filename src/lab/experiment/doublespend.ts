import type { Chart } from '../../observe/chart/chart.ts';
import { checkShare } from '../../observe/figures/judge.ts';
import {
  confirmationsFor,
  DOUBLE_SPEND_MODELS,
  type DoubleSpendModel,
  doubleSpend,
} from '../../observe/theory/attack.ts';
import { HOPELESS } from '../../sim/models/whole/double-spend.ts';
import { measuredSeries, predictedSeries, sharePoint } from './common.ts';
import { number, numbers, words } from './parameters.ts';
import { percentOf, row, WHOLE_PART, wholeShare } from './rows.ts';
import type { Experiment, ExperimentBench, Origin, Row } from './types.ts';

const FORMULA: Readonly<Record<DoubleSpendModel, readonly [Origin, string]>> = {
  strict: ['derived here', 'exact race, must get ahead'],
  tie: ['recomputed', 'Rosenfeld 2012: a tie wins'],
  nakamoto: ['recomputed', 'Nakamoto 2008: honest time frozen'],
  premined: ['derived here', 'exact race with a secret lead'],
};

const GIVE_UP = `whole nodes: the attacker gives up when its chance to come back is below ${percentOf(HOPELESS)}, so its share may be that much too low`;

/** What a careful merchant asks for. */
const RISK = 0.001;

export const doublespend: Experiment = {
  name: 'doublespend',
  says: 'how likely is a payment undone after z confirmations?',
  question:
    'A merchant waits for z confirmations. An attacker with a share q of the hash power mines a secret branch from the block before the payment on. How often is the payment undone?',
  parameters: [
    {
      name: 'q',
      says: "the attacker's share of the hash power",
      default: [0.1, 0.3],
      many: true,
      range: { least: 0.001, most: 0.49, whole: false },
    },
    {
      name: 'z',
      says: 'confirmations, as 1,2,4 or 1..6',
      default: [1, 2, 4, 6],
      many: true,
      range: { least: 1, most: 100, whole: true },
    },
    {
      name: 'races',
      says: 'attacks for each q and z',
      default: [20_000],
      many: false,
      range: { least: 100, most: 2_000_000, whole: true },
    },
    {
      name: 'model',
      says: 'what wins: strict (nodes keep what they saw first), tie, nakamoto (honest blocks by the clock), or premined (strict, with blocks mined before the payment)',
      default: ['strict'],
      many: false,
      range: { words: DOUBLE_SPEND_MODELS },
    },
  ],
  async run(values, seed, bench) {
    const races = number(values, 'races');
    const [model] = words<DoubleSpendModel>(values, 'model') as [DoubleSpendModel];
    const attack: Attack = { model, races, wholeRaces: Math.max(50, Math.round(races / WHOLE_PART)) };
    const qs = numbers(values, 'q');
    const zs = numbers(values, 'z');
    const runs = await Promise.all(qs.flatMap((q) => zs.map((z) => runRaces(bench, seed, q, z, attack))));
    return {
      rows: runs.flatMap((run) => rowsOf(run, attack)),
      charts: [chartOf(runs, qs, Math.max(...zs), attack)],
      sentence: sentenceOf(runs, races, model),
      remarks: [
        'The block with the payment counts as the first confirmation, and the attacker has no block mined before, except in the model premined: there it has mined in secret for a long time, started anew whenever the public branch was ahead, and pays at an arbitrary moment. In the reduced model it gives up when its chance to come back is below one in a million, so the measured share is too low by less than that; against whole nodes it gives up at one in a thousand.',
        'Strict is what nodes do that keep the branch they saw first; the two published formulas count a tie as won. Whole nodes have no such rule: there the attacker of those two has one block mined in advance, as Rosenfeld supposes, so that it is ahead where it would be level; and for Nakamoto’s the confirmations come by the clock. Where fewer than 10 wins are expected, the exact binomial interval decides.',
      ],
    };
  },
};

interface Attack {
  readonly model: DoubleSpendModel;
  readonly races: number;
  readonly wholeRaces: number;
}

interface Run {
  readonly q: number;
  readonly z: number;
  readonly won: number;
  /** Won against whole nodes. */
  readonly whole: number;
}

async function runRaces(
  bench: ExperimentBench,
  seed: number,
  q: number,
  z: number,
  { model, races, wholeRaces }: Attack,
): Promise<Run> {
  const cost = races * (z / (1 - q) + 6 / (1 - 2 * q));
  const [won, whole] = await Promise.all([
    bench.do('doubleSpends', { q, z, races, model, seed: `${seed}/doublespend/${model}/${q}/${z}` }, cost),
    bench.do(
      'wholeDoubleSpends',
      {
        q,
        z,
        races: wholeRaces,
        model,
        seed: `${seed}/whole/doublespend/${model === 'strict' ? '' : `${model}/`}${q}/${z}`,
        networks: bench.networks,
      },
      cost * 20,
    ),
  ]);
  return { q, z, won, whole };
}

function rowsOf({ q, z, won, whole }: Run, { model, races, wholeRaces }: Attack): Row[] {
  const [origin, formula] = FORMULA[model];
  const reduced = row({ q, z }, checkShare(won, races, doubleSpend(q, z, model)), { origin, formula });
  const tolerance = { below: Math.min(HOPELESS, reduced.predicted), above: 0 };
  const nodes = wholeShare(reduced, whole, wholeRaces, tolerance);
  return [reduced, { ...nodes, note: GIVE_UP }];
}

function chartOf(
  runs: readonly Run[],
  qs: readonly number[],
  deepest: number,
  { model, races }: Attack,
): Chart {
  const depths = Array.from({ length: deepest }, (_, i) => i + 1);
  return {
    title: 'Chance that a payment is undone after z confirmations',
    xLabel: 'z, confirmations',
    yLabel: 'chance',
    logY: true,
    series: qs.flatMap((q, i) => {
      const colour = i * DOUBLE_SPEND_MODELS.length;
      return [
        ...DOUBLE_SPEND_MODELS.map((m, j) =>
          predictedSeries(
            `q = ${q}, ${m}: ${FORMULA[m][1]}`,
            colour + j,
            depths.map((z) => ({ x: z, y: doubleSpend(q, z, m) })),
          ),
        ),
        measuredSeries(
          `q = ${q}, ${model} (± 2 standard errors)`,
          colour + DOUBLE_SPEND_MODELS.indexOf(model),
          runs.filter((r) => r.q === q).map((r) => sharePoint(r.z, r.won, races, doubleSpend(q, r.z, model))),
        ),
      ];
    }),
  };
}

function sentenceOf(runs: readonly Run[], races: number, model: DoubleSpendModel): string {
  const { q, z, won } = runs.at(-1)!;
  const predicted = percentOf(doubleSpend(q, z, model));
  const enough = confirmationsFor(q, RISK, model);
  const advice = enough === undefined ? 'no wait up to 1,000 blocks' : `${enough} confirmations`;
  return `An attacker with ${percentOf(q)} of the hash power undid a payment with ${z} ${z === 1 ? 'confirmation' : 'confirmations'} in ${percentOf(won / races)} of ${races.toLocaleString('en-US')} attempts (predicted ${predicted}); for a risk below ${percentOf(RISK)} it takes ${advice}.`;
}
