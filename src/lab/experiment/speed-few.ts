import { checkMean, checkShare, meanOf, within } from '../../observe/figures/judge.ts';
import { growthOfFewBias, honestGrowthOfFew } from '../../observe/theory/speed.ts';
import type { FewMinersFigures } from '../../sim/models/reduced/few-miners.ts';
import type { SpeedRule } from '../../sim/models/reduced/speed.ts';
import type { WholeSpeedFigures } from '../../sim/models/whole/speed.ts';
import { percentOf, row } from './rows.ts';
import type { ExperimentBench, Row } from './types.ts';

/**
 * Whole nodes cannot be many and tiny. So they are a few, and stand beside the reduced model of as many, whose figures are
 * other ones than those of the formulas: less is lost where a miner builds on its own block at once.
 */
const MINERS = 3;
/** A fortieth of the blocks, in shorter attacks, so that there are enough of them. */
const HORIZON = 100;
const WHOLE_RACES = 40;
/** So many that their own scatter is small beside that of whole nodes. */
const RACES = 1_000;
const GROWTH_BLOCKS = 50_000;

export interface FewRun {
  readonly x: number;
  readonly beta: number;
  readonly rule: SpeedRule;
  readonly reduced: FewMinersFigures;
  readonly whole: WholeSpeedFigures;
}

export async function runFew(
  bench: ExperimentBench,
  seed: number,
  { x, beta, rule }: Pick<FewRun, 'x' | 'beta' | 'rule'>,
): Promise<FewRun> {
  const input = { x, beta, rule, miners: MINERS, horizon: HORIZON };
  const growthBlocks = rule === 'most-work' ? GROWTH_BLOCKS : 0;
  const name = `speed/${rule}/${x}/${beta}`;
  const [reduced, whole] = await Promise.all([
    bench.do('fewMiners', { ...input, races: RACES, growthBlocks, seed: `${seed}/few/${name}` }, 4),
    bench.do(
      'wholeSpeed',
      { ...input, races: WHOLE_RACES, seed: `${seed}/whole/${name}`, networks: bench.networks },
      40,
    ),
  ]);
  return { x, beta, rule, reduced, whole };
}

export function fewRows(run: FewRun): Row[] {
  const { x, beta, rule, reduced, whole } = run;
  const keys = { rule, x, beta, miners: MINERS };
  const about = { origin: 'derived here' as const, formula: `the reduced model of ${MINERS} miners` };
  const model = 'whole nodes' as const;
  // None of a thousand does not mean never. Of a thousand races the reduced model's own error is small beside that of forty.
  const chance = (reduced.won + 0.5) / (RACES + 1);
  const heights = meanOf(reduced.heights);
  const of = meanOf(whole.heights);
  const se = Math.sqrt(of.se * of.se + heights.se * heights.se);
  return [
    ...(rule === 'most-work' ? [growthRow(run)] : []),
    row(
      { quantity: 'honest blocks', ...keys },
      checkMean(of.mean, se, WHOLE_RACES, heights.mean, { df: WHOLE_RACES - 1 }),
      { ...about, model },
    ),
    row({ quantity: 'attacks won', ...keys }, checkShare(whole.won, WHOLE_RACES, chance), {
      ...about,
      model,
    }),
  ];
}

function growthRow({ x, beta, rule, reduced }: FewRun): Row {
  const { mean, se } = meanOf(reduced.growth);
  const low = growthOfFewBias((1 - beta) * x);
  const predicted = honestGrowthOfFew(x, beta, MINERS);
  const options = { tolerance: within(predicted, 0, low), df: reduced.growth.length - 1 };
  return row(
    { quantity: 'growth', rule, x, beta, miners: MINERS },
    checkMean(mean, se, GROWTH_BLOCKS, predicted, options),
    {
      origin: 'derived here',
      formula: '(1-β)(1-(1-1/n)(1-β)x/(1+(1-β)x))',
      note: `growth of ${MINERS} miners: the formula may be low by ${percentOf(low)}`,
    },
  );
}

export const FEW_REMARK = `Whole nodes cannot be many and tiny, so they stand beside the reduced model of as few: ${MINERS} honest miners of equal power, linked all with all, in attacks of ${HORIZON} block intervals (${RACES.toLocaleString('en-US')} of the reduced model for each point, ${WHOLE_RACES} of whole nodes). A few miners lose less work, since each builds on its own block at once; what is "predicted" for whole nodes is what the reduced model of ${MINERS} miners did. How fast whole nodes grow is told by their honest blocks at the end of an attack. The critical share is left to the reduced model: ${WHOLE_RACES} attacks a point place it to no better than a hundredth, and what they say of it is in the rows of attacks won.`;
