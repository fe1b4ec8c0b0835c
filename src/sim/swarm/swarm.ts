import { type NetworkTemplates, parseNetworks } from '../../consensus/params/params.ts';
import { assert } from '../../util/assert.ts';
import { seeded } from '../../util/random.ts';
import { type Life, type LifeFigures, live } from './life.ts';
import { drawPlan, type Plan } from './plan.ts';
import { shrink } from './shrink.ts';
import type { Failure } from './watch.ts';
import { planWords } from './words.ts';

/** Many lives, one after the other. Plain data in and out, so that any thread can do a part. */
export interface SwarmInput {
  /** The contents of genesis.json. */
  readonly networks: unknown;
  readonly seeds: readonly string[];
}

export interface SeedReport {
  readonly seed: string;
  readonly failure: Failure | undefined;
  readonly figures: LifeFigures;
}

/** One in so many lives is lived twice: the second time must be the same, step for step. */
const TWICE = 8;

export function runSwarm(input: SwarmInput, progress: (part: number) => void = () => {}): SeedReport[] {
  const networks = readNetworks(input.networks);
  return input.seeds.map((seed, i) => {
    const { failure, figures } = liveAndCheck(drawPlan(seed), networks);
    progress((i + 1) / input.seeds.length);
    return { seed, failure, figures };
  });
}

export interface ShrinkInput {
  readonly networks: unknown;
  readonly seed: string;
}

export interface ShrunkReport {
  readonly failure: Failure;
  readonly plan: Plan;
  /** The plan for a person. */
  readonly words: readonly string[];
  readonly events: number;
  readonly tries: number;
}

/** The smallest plan that fails as this seed's does; undefined where it does not fail. */
export function shrinkSeed(input: ShrinkInput): ShrunkReport | undefined {
  const networks = readNetworks(input.networks);
  const whole = drawPlan(input.seed);
  const { failure } = liveAndCheck(whole, networks);
  if (failure === undefined) return undefined;
  let last = failure;
  const { plan, tries } = shrink(whole, (smaller) => {
    const found = liveAndCheck(smaller, networks).failure;
    if (found?.invariant !== failure.invariant) return false;
    last = found;
    return true;
  });
  return { failure: last, plan, words: planWords(plan), events: whole.events.length, tries };
}

function readNetworks(json: unknown): NetworkTemplates {
  const networks = parseNetworks(json);
  assert(networks.ok, 'the networks that come with the program can be read');
  return networks.value;
}

/** Lives the plan; some plans twice. */
function liveAndCheck(plan: Plan, networks: NetworkTemplates): Life {
  const twice = seeded(`twice ${plan.seed}`).below(TWICE) === 0;
  const life = live(plan, { networks, trace: twice });
  if (!twice || life.failure !== undefined) return life;
  const again = live(plan, { networks, trace: true });
  if (again.traceHash === life.traceHash) return life;
  const text = `lived twice, ${life.figures.steps} and ${again.figures.steps} steps, and they differ`;
  return { ...life, failure: { invariant: 'trace', atMs: life.figures.virtualMs, text } };
}
