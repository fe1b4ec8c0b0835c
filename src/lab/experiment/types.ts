import type { Chart } from '../../observe/chart/chart.ts';
import type { Check } from '../../observe/figures/judge.ts';
import type { Figures } from '../../observe/figures/tally.ts';
import type { Bench } from '../bench/bench.ts';

/** What an experiment is made of. */

/** One setting that a person may change; always a list, of one value where only one makes sense. */
export interface Parameter {
  readonly name: string;
  /** In a few words, for the help. */
  readonly says: string;
  readonly default: readonly (number | string)[];
  /** More than one value at once. */
  readonly many: boolean;
  readonly range:
    | { readonly words: readonly string[] }
    | { readonly least: number; readonly most: number; readonly whole: boolean };
}

/** By parameter name. */
export type Values = Readonly<Record<string, readonly (number | string)[]>>;

/** Where a prediction comes from: a paper's own figure, a paper's formula, or worked out for this project. */
export type Origin = 'published' | 'recomputed' | 'derived here';

export type Model = 'reduced' | 'whole nodes' | 'live yard';

/** What the log of a yard of two real nodes says, to be laid beside the simulated ones. */
export interface LiveRun {
  /** Blocks per delay, as they were. */
  readonly x: number;
  /** Hash power of the first node. */
  readonly share: number;
  readonly figures: Figures;
}

export interface Row extends Check {
  /** What tells this row from the others: `quantity`, and the parameters it holds for. */
  readonly keys: Readonly<Record<string, number | string>>;
  readonly model: Model;
  readonly origin: Origin;
  /** The formula or the paper, in a few words. */
  readonly formula: string;
  /** Why the prediction is approximate, or what else the reader of this row must know. */
  readonly note?: string;
}

interface Outcome {
  readonly rows: readonly Row[];
  readonly charts: readonly Chart[];
  /** The answer, in words. */
  readonly sentence: string;
  /** What a reader should know: how it was measured, what was left out. */
  readonly remarks: readonly string[];
}

/** Where an experiment has its pieces done, and what some of them need. */
export interface ExperimentBench extends Pick<Bench, 'do'> {
  /** The networks of genesis.json as JSON, for whole nodes. */
  readonly networks: unknown;
  readonly live: LiveRun | undefined;
}

export interface Experiment {
  readonly name: string;
  /** One line for the list. */
  readonly says: string;
  /** What it asks, for the report. */
  readonly question: string;
  readonly parameters: readonly Parameter[];
  run(values: Values, seed: number, bench: ExperimentBench): Promise<Outcome>;
}

/** A row with its verdict: `ok` if |z| is at most the bound that so many rows justify. */
export interface JudgedRow extends Row {
  readonly ok: boolean;
}

export interface ExperimentResult extends Outcome {
  readonly experiment: Experiment;
  readonly values: Values;
  readonly seed: number;
  readonly rows: readonly JudgedRow[];
  /** The largest |z| of a row that agrees with its prediction. */
  readonly bound: number;
  /** Chance that a row lies beyond the bound though all predictions are right. */
  readonly risk: number;
  readonly ms: number;
  readonly ok: boolean;
}
