import type { Result } from '../../util/result.ts';
import type { SimRun } from './run.ts';

/** What a form's fields say, and what is wrong with them, for the actions on a simulated yard. */

export type Fields = Readonly<Record<string, string>>;

export interface SimAction {
  readonly plan: string;
  run(step: (line: string) => void): string | Promise<string>;
}

/** One sentence for the person who asked. */
export class Refused extends Error {}

export function must<T>(parsed: Result<T, string>): T {
  if (!parsed.ok) throw new Refused(parsed.error);
  return parsed.value;
}

export function text(fields: Fields, name: string): string {
  const value = fields[name]?.trim() ?? '';
  if (value === '') throw new Refused(`${name} is missing`);
  return value;
}

export function letter(run: SimRun, fields: Fields, name = 'node'): string {
  const word = text(fields, name).toUpperCase();
  if (!run.yard.letters.includes(word))
    throw new Refused(`no node '${word}' in this yard: there is ${run.yard.letters.join(', ')}`);
  return word;
}

export function up(run: SimRun, fields: Fields): string {
  const node = letter(run, fields);
  if (!run.yard.node(node).up) throw new Refused(`node ${node} is down; start it first`);
  return node;
}

/** One that can be asked to do something. */
export function awake(run: SimRun, fields: Fields, name = 'node'): string {
  const node = letter(run, fields, name);
  if (!run.yard.node(node).up) throw new Refused(`node ${node} is down; start it first`);
  if (run.yard.node(node).frozen) throw new Refused(`node ${node} is frozen; thaw it first`);
  return node;
}
