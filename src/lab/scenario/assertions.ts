import { splitLetters } from '../../observe/words/parse.ts';
import { parseDuration } from '../../observe/words/units.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { didYouMean } from '../../yard/names.ts';
import { FIGURES, type FigureKind, figureNames } from './assertion-figures.ts';

/** Sentences that are true or false of a yard at a moment: what `when:`, `check:` and `assert:` say. */

export type Condition = { readonly text: string } & (
  | { readonly kind: 'agree'; readonly nodes: readonly string[] }
  | {
      readonly kind: 'leads';
      readonly nodes: readonly string[];
      readonly over: readonly string[];
      readonly by: number;
    }
  | { readonly kind: 'height'; readonly nodes: readonly string[]; readonly height: number }
  | { readonly kind: 'process'; readonly node: string; readonly up: boolean }
  | {
      readonly kind: 'payment';
      readonly payment: string;
      readonly state: PaymentState;
      readonly least: number;
      readonly nodes: readonly string[];
    }
  | {
      readonly kind: 'figure';
      readonly figure: FigureKind;
      /** A node's letter or a payment's name, where the figure is of one. */
      readonly of: string | undefined;
      readonly since: string | undefined;
      readonly op: Operator;
      /** In the figure's own unit. */
      readonly value: number;
      readonly upTo: number;
    }
);

type PaymentState = 'waiting' | 'confirmed' | 'lost' | 'unknown' | 'returned';
export type Operator = '>=' | '<=' | '>' | '<' | '=' | 'between';

/** What there is to speak of. */
export interface Vocabulary {
  readonly nodes: readonly string[];
  readonly payments: readonly string[];
  readonly marks: readonly string[];
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  '>=': '>=',
  '<=': '<=',
  '>': '>',
  '<': '<',
  '=': '=',
  '==': '=',
  is: '=',
  'at least': '>=',
  'at most': '<=',
  'more than': '>',
  'less than': '<',
  between: 'between',
};

const STATES: Readonly<Record<string, PaymentState>> = {
  waits: 'waiting',
  waiting: 'waiting',
  confirmed: 'confirmed',
  lost: 'lost',
  unknown: 'unknown',
  returned: 'returned',
};

export function parseCondition(text: string, words: Vocabulary): Result<Condition, string> {
  const line = text.trim().replace(/\s+/g, ' ');
  const tries = [parseAgree, parseLeads, parseHeight, parseProcess, parsePayment, parseFigure];
  for (const attempt of tries) {
    const parsed = attempt(line, words);
    if (parsed !== undefined) return parsed;
  }
  return err(
    `'${line}' is no sentence that can be checked. Such as: all agree · AB leads by 2 · C is down · ` +
      `rent has 2 confirmations on A · rent is lost on all · deepest reorg >= 2 blocks`,
  );
}

/** `all`, `AB`, `A B`, `A,B`: letters of the yard's nodes. */
function nodesOf(text: string, words: Vocabulary): Result<readonly string[], string> {
  if (text === 'all') return ok(words.nodes);
  const letters = splitLetters(text);
  if (!letters.ok) return letters;
  const stranger = letters.value.find((l) => !words.nodes.includes(l));
  if (stranger !== undefined)
    return err(`no node '${stranger}' in this scenario: there is ${words.nodes.join(', ')}`);
  return ok(letters.value);
}

type Parsed = Result<Condition, string> | undefined;

function parseAgree(text: string, words: Vocabulary): Parsed {
  const match = /^(.+?) agrees?$/.exec(text);
  if (match === null) return undefined;
  const nodes = nodesOf(match[1]!, words);
  return nodes.ok ? ok({ kind: 'agree', nodes: nodes.value, text }) : nodes;
}

function parseLeads(text: string, words: Vocabulary): Parsed {
  const match = /^(.+?) leads?(?: (?!by )(.+?))?(?: by (\d+)(?: blocks?)?)?$/.exec(text);
  if (match === null) return undefined;
  const nodes = nodesOf(match[1]!, words);
  if (!nodes.ok) return nodes;
  const rest = words.nodes.filter((l) => !nodes.value.includes(l));
  const over = match[2] === undefined ? ok(rest) : nodesOf(match[2], words);
  if (!over.ok) return over;
  if (over.value.length === 0) return err(`'${text}': nobody is left to lead`);
  return ok({ kind: 'leads', nodes: nodes.value, over: over.value, by: Number(match[3] ?? 1), text });
}

function parseHeight(text: string, words: Vocabulary): Parsed {
  const match = /^(.+?) (?:is |are )?at height (\d{1,9})$/.exec(text);
  if (match === null) return undefined;
  const nodes = nodesOf(match[1]!, words);
  return nodes.ok ? ok({ kind: 'height', nodes: nodes.value, height: Number(match[2]), text }) : nodes;
}

function parseProcess(text: string, words: Vocabulary): Parsed {
  const match = /^(\S+) is (up|down)$/.exec(text);
  if (match === null) return undefined;
  const nodes = nodesOf(match[1]!, words);
  if (!nodes.ok) return nodes;
  return ok({ kind: 'process', node: nodes.value[0]!, up: match[2] === 'up', text });
}

function paymentOf(name: string, words: Vocabulary): Result<string, string> {
  if (words.payments.includes(name)) return ok(name);
  return err(`no payment is called '${name}' up to here. ${didYouMean(name, words.payments)}`);
}

function parsePayment(text: string, words: Vocabulary): Parsed {
  const has = /^(\S+) has (\d+) confirmations?(?: on (.+))?$/.exec(text);
  const is = /^(\S+) (?:is )?(waits|waiting|confirmed|lost|unknown|returned)(?: on (.+))?$/.exec(text);
  const match = has ?? is;
  if (match === null) return undefined;
  const payment = paymentOf(match[1]!, words);
  if (!payment.ok) return payment;
  const nodes = nodesOf(match[3] ?? 'all', words);
  if (!nodes.ok) return nodes;
  const state = has === null ? STATES[match[2]!]! : 'confirmed';
  const least = has === null ? 1 : Number(match[2]);
  return ok({ kind: 'payment', payment: payment.value, state, least, nodes: nodes.value, text });
}

const FIGURE =
  /^(.+?)(?: (?:of|by) (\S+?))?(?: since (\S+))? (>=|<=|==|>|<|=|is|at least|at most|more than|less than|between) (.+)$/;

function parseFigure(text: string, words: Vocabulary): Parsed {
  const match = FIGURE.exec(text);
  if (match === null) return undefined;
  const [, name, of, since, op, amount] = match;
  const figure = FIGURES[name as FigureKind];
  if (figure === undefined) return err(`no figure '${name}'. ${didYouMean(name!, figureNames())}`);
  if (since !== undefined && !words.marks.includes(since))
    return err(`no mark '${since}' up to here. ${didYouMean(since, words.marks)}`);
  if (of === undefined && figure.of !== 'none' && figure.of !== 'node?')
    return err(`'${name}' is of a ${figure.of}; write: ${name} of ${figure.of === 'node' ? 'A' : 'rent'}`);
  if (of !== undefined && figure.of === 'none') return err(`'${name}' is not of one node`);
  if (of !== undefined) {
    const known = figure.of === 'payment' ? paymentOf(of, words) : nodesOf(of, words);
    if (!known.ok) return known;
  }
  const operator = OPERATORS[op!]!;
  const range = operator === 'between' ? amount!.split(' and ') : [amount!];
  if (operator === 'between' && range.length !== 2)
    return err(`'${text}': write it as between 1 and 3 ${figure.unit}`);
  // `between 1 and 3 s`: the unit stands once, at the end.
  const unit = /[a-z%]+$/i.exec(range.at(-1)!)?.[0] ?? '';
  const values = range.map((part) =>
    parseAmountOf(/[a-z%]$/i.test(part) ? part : `${part} ${unit}`, figure.unit, name!),
  );
  const bad = values.find((v) => !v.ok);
  if (bad !== undefined && !bad.ok) return bad;
  const [value, upTo] = values.map((v) => (v.ok ? v.value : 0));
  return ok({
    kind: 'figure',
    figure: name as FigureKind,
    of,
    since,
    op: operator,
    value: value!,
    upTo: upTo ?? value!,
    text,
  });
}

/** A figure without a value, `deepest reorg of C`, as a sentence that any value makes true. */
export function parseFigureName(text: string, words: Vocabulary): Result<Condition, string> {
  const name = text.trim().replace(/ (?:of|by|since) .*$/, '');
  const figure = FIGURES[name as FigureKind];
  if (figure === undefined) return err(`no figure '${name}'. ${didYouMean(name, figureNames())}`);
  const zero = figure.unit === 'ms' ? '0ms' : `0 ${figure.unit}`;
  const parsed = parseCondition(`${text.trim()} >= ${zero}`, words);
  return parsed.ok ? ok({ ...parsed.value, text: text.trim() }) : parsed;
}

/** A number with its unit: durations become milliseconds, everything else must be in the figure's own unit. */
function parseAmountOf(text: string, unit: string, figure: string): Result<number, string> {
  if (unit === 'ms') {
    const parsed = parseDuration(text.trim().replace(/\s+/g, ''));
    return parsed.ok ? parsed : err(`${figure} is a time: ${parsed.error}`);
  }
  const match = /^(\d+(?:\.\d+)?)\s*([a-z%]*)$/i.exec(text.trim());
  if (match === null) return err(`'${text.trim()}' is not a number of ${unit}`);
  const given = match[2]!.toLowerCase();
  const singular = unit.replace(/s$/, '');
  if (given !== unit && given !== singular)
    return err(
      given === ''
        ? `${figure} is counted in ${unit}; write ${match[1]} ${unit}`
        : `${figure} is counted in ${unit}, not in ${given}`,
    );
  return ok(Number(match[1]));
}
