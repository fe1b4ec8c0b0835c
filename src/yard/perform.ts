import { Interrupted, type RunContext } from './action.ts';
import type { Yard } from './port.ts';
import { misuse, Problem, spellVerbs } from './problem.ts';
import { actionOf, type Given } from './verb.ts';
import { verbNamed } from './verbs.ts';

/** A verb as a face with forms asks for it, and what it is told: the plan, a line a step, and the end. */

export interface ActionRequest {
  readonly verb: string;
  readonly fields: Given;
  /** Only the plan. */
  readonly dry?: boolean | undefined;
}

export type Told =
  | { readonly plan: string }
  | { readonly step: string }
  | { readonly done: string; readonly no: boolean }
  | { readonly problem: string; readonly hint?: string };

/** Throws only what is a bug. */
export async function performVerb(
  yard: Yard,
  { verb, fields, dry }: ActionRequest,
  context: Omit<RunContext, 'step'>,
  tell: (told: Told) => void,
): Promise<void> {
  try {
    const found = verbNamed(verb);
    if (found === undefined) throw misuse(`a yard has no action '${verb}'`);
    const action = actionOf(found, yard, fields);
    tell({ plan: spellVerbs(action.plan) });
    if (dry === true) return;
    const step = (line: string) => tell({ step: spellVerbs(line) });
    const done = await action.run({ ...context, step });
    tell({ done: spellVerbs(done.line), no: done.no === true });
  } catch (error) {
    if (error instanceof Interrupted) tell({ problem: 'interrupted: the yard is stopping' });
    else if (error instanceof Problem) {
      const hint = error.hint === undefined ? {} : { hint: spellVerbs(error.hint) };
      tell({ problem: spellVerbs(error.message), ...hint });
    } else throw error;
  }
}
