import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CheatTerms, type Play, playOf, STRATEGIES } from '../../sim/strategy/shipped.ts';
import { decisionProblem, type Strategy } from '../../sim/strategy/strategy.ts';
import { nearest } from '../../util/nearest.ts';
import { Problem } from '../../yard/problem.ts';

/** A strategy by what a person typed: a name that ships, or a file whose default export is the function. */
export async function loadStrategy(given: string, terms: CheatTerms = {}): Promise<Play> {
  const shipped = Object.hasOwn(STRATEGIES, given) ? STRATEGIES[given] : undefined;
  if (terms.confirmations !== undefined && shipped?.cheats !== true)
    throw new Problem(2, `--confirmations is for double-spend: ${given} pays nobody who would wait for them`);
  if (terms.patience !== undefined && shipped?.cheats !== true)
    throw new Problem(2, `--patience is for double-spend: ${given} has rules of its own`);
  if (shipped !== undefined) return playOf(shipped, terms);
  const names = Object.keys(STRATEGIES);
  const path = resolve(given);
  if (!/[./\\]/.test(given) || !existsSync(path)) {
    const near = nearest(given, names);
    const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
    throw new Problem(
      3,
      `there is no strategy '${given}'${hint}, and no file of that name`,
      `There is ${names.join(', ')}; or write one: examples/strategy.mjs.`,
    );
  }
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (error) {
    throw new Problem(2, `${given} cannot be loaded: ${(error as Error).message}`);
  }
  const strategy = loaded.default;
  if (typeof strategy !== 'function')
    throw new Problem(2, `${given} must have a function as its default export, not ${typeof strategy}`);
  // A first question, so that a slip of the pen is told before a node is taken for it.
  const race = { event: 'own', own: 1, public: 0, published: 0 } as const;
  let problem: string | undefined;
  try {
    problem = decisionProblem((strategy as Strategy)(race), race);
  } catch (error) {
    problem = `it throws: ${(error as Error).message}`;
  }
  if (problem !== undefined) throw new Problem(2, `${given}: ${problem}`);
  return { strategy: strategy as Strategy };
}
