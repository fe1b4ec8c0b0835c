import type { YardShape } from '../observe/state/yard-links.ts';
import type { Action } from './action.ts';
import type { Field } from './fields.ts';
import type { Yard } from './port.ts';
import { misuse } from './problem.ts';

/** A verb: its fields, with their bounds, and what it does to a yard. Every face gives it fields and shows its lines. */

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface Verb<F extends Fields, T> {
  readonly name: string;
  /** What it does, for help. */
  readonly says: string;
  readonly fields: F;
  /** Throws a Problem when the fields cannot be meant for this yard. */
  readonly action: (yard: Yard, values: Values<F>) => Action<T>;
}

/** What a face was given: texts as a person typed them, or values. A field that is absent or '' takes its default. */
export type Given = Readonly<Record<string, unknown>>;

export function verb<F extends Fields, T>(definition: Verb<F, T>): Verb<F, T> {
  return definition;
}

/** `spell`: how the face calls a field, for sentences: `--delay`. */
export function readFields<F extends Fields>(
  { name, fields }: Verb<F, unknown>,
  yard: YardShape,
  given: Given,
  spell: (field: string) => string = (field) => field,
): Values<F> {
  const foreign = Object.keys(given).find((field) => !Object.hasOwn(fields, field));
  if (foreign !== undefined) {
    const names = Object.keys(fields);
    throw misuse(
      `${name} has no field '${foreign}'`,
      names.length === 0 ? undefined : `It has ${names.join(', ')}.`,
    );
  }
  const values = Object.entries(fields).map(
    ([field, type]) => [field, type.read(given[field], yard, spell(field))] as const,
  );
  return Object.fromEntries(values) as Values<F>;
}

export function actionOf<F extends Fields, T>(
  verb: Verb<F, T>,
  yard: Yard,
  given: Given,
  spell?: (field: string) => string,
): Action<T> {
  return verb.action(yard, readFields(verb, yard, given, spell));
}
