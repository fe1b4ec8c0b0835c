import { defined } from '../../util/defined.ts';
import { Problem } from '../../yard/problem.ts';
import { runScenario, type ScenarioVerdict } from './run.ts';
import type { Scenario } from './scenario.ts';

/** Some seeds of a scenario, one after the other, as a piece of work for any thread: plain data in and out. */

export interface SeedsInput {
  readonly scenario: Scenario;
  readonly programPath: string;
  /** The first, and how many. */
  readonly seed: number;
  readonly count: number;
}

export interface SeedPlayed {
  readonly passed: boolean;
  readonly verdicts: readonly ScenarioVerdict[];
  /** Why it did not come to its end. */
  readonly failure?: string;
}

/** It could not even begin: a {@link Problem}, which loses its class on the way between threads. */
export interface SeedRefused {
  readonly refused: Pick<Problem, 'exit' | 'message' | 'hint'>;
}

/** Whoever gives up waiting ends the thread. */
const NEVER = new AbortController().signal;

export async function playSeeds(input: SeedsInput): Promise<readonly SeedPlayed[] | SeedRefused> {
  const { scenario, programPath, seed, count } = input;
  const played: SeedPlayed[] = [];
  try {
    for (let at = seed; at < seed + count; at++) {
      const { result } = await runScenario({
        // Nobody is asked here, so every figure counts.
        ...{
          scenario: { ...scenario, asks: [] },
          programPath,
          speed: 1,
          signal: NEVER,
          simulate: { seed: at },
        },
        say: () => undefined,
      });
      const { passed, verdicts, failure } = result;
      played.push({ passed, verdicts, ...defined({ failure }) });
    }
    return played;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { exit, message, hint } = error;
    return { refused: { exit, message, hint } };
  }
}
