import { parseAmount } from '../bitcoin/amount.ts';
import type { YardShape } from '../observe/state/yard-links.ts';
import { parseAt, splitLetters } from '../observe/words/parse.ts';
import type { Result } from '../util/result.ts';
import { pickNode } from './names.ts';
import { misuse, must } from './problem.ts';

/** The types of a verb's fields: what a person writes for each, and its bounds. */

export interface Field<T> {
  /** `flag`: true or false. `text`: what a person types. */
  readonly kind: 'text' | 'flag';
  /** What it is, for help. */
  readonly says: string;
  /** `given`: a text, or the value itself. `label` names the field in the Problem that refuses it. */
  readonly read: (given: unknown, yard: YardShape, label: string) => T;
}

/** Longer than anything that a person types. */
const MAX_TEXT = 1_000;

function isAbsent(given: unknown): boolean {
  return given === undefined || (typeof given === 'string' && given.trim() === '');
}

function textOf(given: unknown, label: string): string {
  if (typeof given !== 'string') throw misuse(`${label} must be a text`);
  const text = given.trim();
  if (text.length > MAX_TEXT) throw misuse(`${label} has ${text.length} characters; ${MAX_TEXT} is the most`);
  return text;
}

/** A field that must be given. */
function required<T>(says: string, read: (given: unknown, yard: YardShape, label: string) => T): Field<T> {
  return {
    kind: 'text',
    says,
    read: (given, yard, label) => {
      if (isAbsent(given)) throw misuse(`${label} is missing`);
      return read(given, yard, label);
    },
  };
}

export function optional<T>(field: Field<T>): Field<T | undefined>;
export function optional<T>(field: Field<T>, fallback: T): Field<T>;
export function optional<T>(field: Field<T>, fallback?: T): Field<T | undefined> {
  return {
    ...field,
    read: (given, yard, label) => (isAbsent(given) ? fallback : field.read(given, yard, label)),
  };
}

export function flag(says: string, fallback = false): Field<boolean> {
  return {
    kind: 'flag',
    says,
    read: (given, _yard, label) => {
      if (isAbsent(given)) return fallback;
      if (given === true || given === 'true') return true;
      if (given === false || given === 'false') return false;
      throw misuse(`${label} must be true or false`);
    },
  };
}

/** A number is taken as it is if it parses to itself: its unit is the field's own. */
export function quantity(says: string, parse: (text: string) => Result<number, string>): Field<number> {
  return required(says, (given, _yard, label) => {
    if (typeof given === 'number' && Number.isFinite(given)) return given;
    return must(parse(textOf(given, label)), label);
  });
}

export function count(says: string, least: number, most: number): Field<number> {
  return required(says, (given, _yard, label) => {
    const text = typeof given === 'number' ? String(given) : textOf(given, label);
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw misuse(`${label} must be a whole number from ${least} to ${most}, not '${text.slice(0, 20)}'`);
  });
}

/** Coins as a text, or satoshis as a number. */
export const amount: Field<number> = required('coins, such as 1.5', (given, _yard, label) => {
  const value = typeof given === 'number' ? given : must(parseAmount(textOf(given, label)));
  if (value === 0) throw misuse('an amount of 0 pays nobody');
  return value;
});

export function parsed<T>(says: string, parse: (text: string) => Result<T, string>): Field<T> {
  return required(says, (given, _yard, label) => must(parse(textOf(given, label)), label));
}

/** One of these words; true and false are words, too. */
export function choice<W extends string>(says: string, words: readonly W[]): Field<W> {
  return required(says, (given, _yard, label) => {
    const word = words.find((w) => w === String(given).trim());
    if (word === undefined) throw misuse(`${label} must be ${words.join(' or ')}, not '${String(given)}'`);
    return word;
  });
}

export function text(says: string): Field<string> {
  return required(says, (given, _yard, label) => textOf(given, label));
}

function letterIn(word: string, yard: YardShape): string {
  return pickNode(
    yard.letters.map((letter) => ({ letter })),
    word,
  ).letter;
}

export function node(says: string): Field<string> {
  return required(says, (given, yard, label) => letterIn(textOf(given, label), yard));
}

/** `AB`, `A,B`, or a list of letters; absent: every node. */
export function nodes(says: string): Field<readonly string[]> {
  return {
    kind: 'text',
    says,
    read: (given, yard, label) => {
      if (isAbsent(given)) return yard.letters;
      const words = Array.isArray(given) ? given.map(String) : must(splitLetters(textOf(given, label)));
      return words.length === 0 ? yard.letters : words.map((word) => letterIn(word, yard));
    },
  };
}

export interface PaymentAt {
  readonly to: string;
  readonly node: string;
}

/** `carol@A`: whom to pay, and the node that gets the payment. */
export function paymentAt(says: string): Field<PaymentAt> {
  return required(says, (given, yard, label) => {
    const { name, node } = must(parseAt(textOf(given, label)));
    return { to: name, node: letterIn(node, yard) };
  });
}
