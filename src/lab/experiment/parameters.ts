import { nearest } from '../../util/nearest.ts';
import { misuse } from '../../yard/problem.ts';
import type { Experiment, Parameter, Values } from './types.ts';

/** A list may have so many values: each is a run of its own. */
const MOST_VALUES = 40;

export function numbers(values: Values, name: string): readonly number[] {
  return values[name] as readonly number[];
}

export function number(values: Values, name: string): number {
  return numbers(values, name)[0]!;
}

export function words<W extends string>(values: Values, name: string): readonly W[] {
  return values[name] as readonly W[];
}

/** What was typed, by option name, as values that the experiment can run with; throws a Problem for what it cannot. */
export function readValues(experiment: Experiment, typed: Readonly<Record<string, string>>): Values {
  for (const name of Object.keys(typed)) {
    if (experiment.parameters.some((p) => p.name === name)) continue;
    throw misuse(
      `experiment ${experiment.name} has no --${name}`,
      `It takes ${experiment.parameters.map((p) => `--${p.name}`).join(', ')}.`,
    );
  }
  const values: Record<string, readonly (number | string)[]> = {};
  for (const parameter of experiment.parameters) {
    const text = typed[parameter.name];
    values[parameter.name] = text === undefined ? parameter.default : readList(parameter, text);
  }
  return values;
}

function readList(parameter: Parameter, text: string): (number | string)[] {
  const { name } = parameter;
  const parts = text.split(',').flatMap((part) => spread(parameter, part.trim()));
  if (parts.length > 1 && !parameter.many) throw misuse(`--${name} takes one value, not '${text}'`);
  if (parts.length > MOST_VALUES) throw misuse(`--${name}: at most ${MOST_VALUES} values at once`);
  const values = parts.map((part) => readOne(parameter, part));
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined && name !== 'shares') throw misuse(`--${name}: ${twice} is there twice`);
  return values;
}

/** `1..6` is 1,2,3,4,5,6. */
function spread(parameter: Parameter, part: string): string[] {
  const match = /^(\d{1,9})\.\.(\d{1,9})$/.exec(part);
  if (match === null || 'words' in parameter.range || !parameter.range.whole) return [part];
  const [from, to] = [Number(match[1]), Number(match[2])];
  if (to < from) throw misuse(`--${parameter.name}: '${part}' runs backwards; write ${to}..${from}`);
  // One more than allowed is enough to be refused.
  return Array.from({ length: Math.min(to - from, MOST_VALUES) + 1 }, (_, i) => String(from + i));
}

function readOne({ name, range }: Parameter, text: string): number | string {
  if ('words' in range) {
    if (range.words.includes(text)) return text;
    const near = nearest(text, range.words);
    throw misuse(
      `--${name}: '${text}' is not one of ${range.words.join(', ')}`,
      near === undefined ? undefined : `Did you mean ${near}?`,
    );
  }
  const { least, most, whole } = range;
  const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  const kind = whole ? 'a whole number' : 'a number';
  if (Number.isNaN(value) || (whole && !Number.isInteger(value)) || value < least || value > most)
    throw misuse(`--${name}: '${text}' is not ${kind} from ${plain(least)} to ${plain(most)}`);
  return value;
}

export function plain(value: number): string {
  return value >= 1e4 ? String(value).replace(/\B(?=(\d{3})+$)/g, ',') : String(value);
}
