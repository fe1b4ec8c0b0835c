import { parseAmount } from '../../bitcoin/amount.ts';
import { WELL_KNOWN } from '../../consensus/params/genesis.ts';
import { parseAt, parseGroups, splitLetters } from '../../observe/words/parse.ts';
import { parseDuration, parseOffset, parseRate } from '../../observe/words/units.ts';
import { MOST_CONFIRMATIONS, MOST_PATIENCE, STRATEGIES } from '../../sim/strategy/shipped.ts';
import type { Topology } from '../../util/topology.ts';
import { MAX_MINED } from '../../yard/limits.ts';
import { didYouMean, minerKeyName } from '../../yard/names.ts';
import { parseRegion } from '../../yard/profiles.ts';
import type { Given } from '../../yard/verb.ts';
import type { VerbName } from '../../yard/verbs.ts';
import { type Condition, parseCondition, type Vocabulary } from './assertions.ts';
import { linksOf, readShape, SHAPE_FIELDS } from './links.ts';
import type { Step, StepAction } from './scenario.ts';
import type { Field } from './yaml.ts';

/** One step of a scenario: what its fields mean. */

const MAX_WAIT_MS = 3_600_000;
const NAME = /^[a-z][\w-]{0,31}$/i;

/** Names that steps give, in the order in which they come: a sentence may only speak of what was named before it. */
export interface Names extends Vocabulary {
  readonly topology: Topology;
  readonly payments: string[];
  readonly marks: string[];
}

type Reader = (field: Field, names: Names) => StepAction;

function does(step: string, verb: VerbName, fields: Given, as: readonly string[] = []): StepAction {
  return { kind: 'verb', step, verb, fields, as };
}

/** A step that is a verb on one node. */
function onNode(step: string, verb: VerbName, more: Given = {}): Reader {
  return (field, names) => does(step, verb, { node: nodeOf(field, names), ...more });
}

export const ACTIONS: Readonly<Record<string, Reader>> = {
  mine: readMine,
  partition: readCut,
  cut: readCut,
  link: readLink,
  deliver: (field, names) => {
    const isNext = field.isEmpty || field.text() === 'next';
    return does('deliver', 'step-links', isNext ? {} : { node: nodeOf(field, names) });
  },
  heal: (field) => {
    const text = field.isEmpty ? 'wait' : field.text();
    if (text === 'true' || text === 'wait') return does('heal', 'heal', {});
    if (text === 'no-wait') return does('heal', 'heal', { wait: false });
    return field.refuse(`'${text}' is not wait or no-wait`);
  },
  kill: onNode('kill', 'kill'),
  stop: onNode('stop', 'kill', { clean: true }),
  start: onNode('start', 'start'),
  freeze: onNode('freeze', 'freeze'),
  thaw: onNode('thaw', 'thaw'),
  pay: readPay,
  'double-spend': readDoubleSpend,
  set: readSet,
  hold: (field, names) => readHold(field, names, true),
  release: (field, names) => readHold(field, names, false),
  wait: (field) => ({ kind: 'wait', ms: durationOf(field) }),
  invalidate: onNode('invalidate', 'invalidate'),
  reconsider: onNode('reconsider', 'reconsider'),
  strategy: readStrategy,
  precious: (field, names) => {
    const fields = field.map(['node', 'tip-of']);
    return does('precious', 'precious', {
      node: nodeOf(need(field, fields, 'node'), names),
      'tip-of': nodeOf(need(field, fields, 'tip-of'), names),
    });
  },
  mark: (field, names) => {
    const name = freshName(field, names.marks, 'mark');
    names.marks.push(name);
    return { kind: 'mark', name };
  },
  check: (field, names) => ({ kind: 'check', condition: conditionOf(field, names) }),
  say: (field) => ({ kind: 'say', text: field.text() }),
};

const MODIFIERS = ['when', 'at', 'timeout'];

export function readStep(field: Field, names: Names): Step {
  const fields = field.map([...Object.keys(ACTIONS), ...MODIFIERS]);
  const actions = [...fields.keys()].filter((key) => ACTIONS[key] !== undefined);
  if (actions.length > 1)
    field.refuse(`does two things, ${actions.join(' and ')}: write each as a step of its own`);
  const when = fields.get('when');
  const at = fields.get('at');
  const timeout = fields.get('timeout');
  const [action] = actions;
  if (action === undefined && when === undefined && at === undefined) field.refuse('does nothing');
  // Conditions are read before the action: `when` cannot speak of what the step itself names.
  const condition = when === undefined ? undefined : conditionOf(when, names);
  return {
    line: field.line,
    when: condition,
    atMs: at === undefined ? undefined : durationOf(at),
    timeoutMs: timeout === undefined ? undefined : durationOf(timeout),
    action: action === undefined ? undefined : ACTIONS[action]!(fields.get(action)!, names),
  };
}

export function conditionOf(field: Field, names: Names): Condition {
  return field.must(parseCondition(field.text(), names));
}

export function durationOf(field: Field): number {
  const text = field.text();
  if (text.startsWith('-')) field.refuse(`'${text}' is before now: a time cannot be negative`);
  const ms = field.must(parseDuration(text));
  if (ms > MAX_WAIT_MS) field.refuse(`'${text}' is longer than an hour`);
  return Math.round(ms);
}

function need(field: Field, fields: ReadonlyMap<string, Field>, name: string): Field {
  return fields.get(name) ?? field.refuse(`lacks '${name}'`);
}

function letterOf(field: Field, text: string, names: Names): string {
  const letter = text.toUpperCase();
  if (names.nodes.includes(letter)) return letter;
  return field.refuse(`no node '${text}' in this scenario: there is ${names.nodes.join(', ')}`);
}

function nodeOf(field: Field, names: Names): string {
  return letterOf(field, field.text(), names);
}

function nodesOf(field: Field, names: Names): readonly string[] {
  if (field.isEmpty) return names.nodes;
  const text = field.text();
  if (text === 'all' || text === 'true') return names.nodes;
  return field.must(splitLetters(text)).map((letter) => letterOf(field, letter, names));
}

function freshName(field: Field, taken: readonly string[], what: string): string {
  const name = field.text();
  if (!NAME.test(name)) field.refuse(`'${name}' cannot be a ${what}'s name: one word, such as rent`);
  if (taken.includes(name)) field.refuse(`there is a ${what} '${name}' already`);
  return name;
}

function keyOf(field: Field, names: Names): string {
  const text = field.text();
  const known = [...WELL_KNOWN, ...names.nodes.map(minerKeyName)];
  // An address is judged when it is paid; a short word that is no key is a typo.
  if (known.includes(text) || text.length > 32) return text;
  return field.refuse(`no key '${text}'. ${didYouMean(text, known)}`);
}

/** `AB/CD`, or `A>B` for one direction. */
function readCut(field: Field, names: Names): StepAction {
  const text = field.text();
  if (/[<>]/.test(text)) linksOf(field, text, names);
  else field.must(parseGroups(text, names.nodes));
  return does('partition', 'partition', { groups: text });
}

/** Miners by letter or all of them; `links`: every message on every wire. */
function readHold(field: Field, names: Names, on: boolean): StepAction {
  const step = on ? 'hold' : 'release';
  if (!field.isEmpty && !field.isMap && !field.isList && field.text() === 'links')
    return does(step, on ? 'hold-links' : 'release-links', {});
  return does(step, step, { nodes: nodesOf(field, names) });
}

function readLink(field: Field, names: Names): StepAction {
  const fields = field.map(['on', 'clear', ...SHAPE_FIELDS]);
  const on = fields.get('on');
  const clear = fields.get('clear')?.flag() ?? false;
  const shape = readShape(field, ['on', 'clear']);
  if (clear && Object.keys(shape).length > 0)
    field.refuse('clear takes back; it cannot ask for something too');
  if (!clear && Object.keys(shape).length === 0) field.refuse(`lacks ${SHAPE_FIELDS.join(', ')} or clear`);
  const links = on === undefined ? undefined : linksOf(on, on.text(), names);
  return does('link', 'link', { links, clear, ...shape });
}

/** `A`, `A 3`, or fields. */
function readMine(field: Field, names: Names): StepAction {
  if (!field.isMap) {
    const match = /^([A-Za-z]\d*)(?: (\d{1,6}))?$/.exec(field.text().trim());
    if (match === null) return field.refuse(`'${field.text()}' is not a node and a number of blocks: A 3`);
    const blocks = Number(match[2] ?? 1);
    if (blocks < 1 || blocks > MAX_MINED) field.refuse(`from 1 to ${MAX_MINED} blocks, not ${blocks}`);
    return does('mine', 'mine', { node: letterOf(field, match[1]!, names), blocks, uncapped: true });
  }
  const fields = field.map(['node', 'blocks', 'capped']);
  return does('mine', 'mine', {
    node: nodeOf(need(field, fields, 'node'), names),
    blocks: fields.get('blocks')?.whole(1, MAX_MINED) ?? 1,
    uncapped: !(fields.get('capped')?.flag() ?? false),
  });
}

function amountOf(field: Field): number {
  const text = field.text();
  if (text.startsWith('-')) field.refuse(`'${text}': an amount cannot be negative`);
  return field.must(parseAmount(text));
}

function readPay(field: Field, names: Names): StepAction {
  const fields = field.map(['from', 'to', 'amount', 'node', 'as']);
  const node = fields.get('node');
  const named = fields.get('as');
  const as = named === undefined ? undefined : freshName(named, names.payments, 'payment');
  if (as !== undefined) names.payments.push(as);
  const wishes = {
    from: keyOf(need(field, fields, 'from'), names),
    to: keyOf(need(field, fields, 'to'), names),
    amount: amountOf(need(field, fields, 'amount')),
    node: node === undefined ? undefined : nodeOf(node, names),
  };
  return does('pay', 'send', wishes, as === undefined ? [] : [as]);
}

function readDoubleSpend(field: Field, names: Names): StepAction {
  const fields = field.map(['from', 'to', 'amount', 'as']);
  const to = need(field, fields, 'to').list(2);
  if (to.length !== 2) need(field, fields, 'to').refuse('must be two: [carol@A, dave@D]');
  const [first, second] = to.map((entry) => {
    const { name, node } = entry.must(parseAt(entry.text()));
    return { to: name, node: letterOf(entry, node, names) };
  });
  if (first!.node === second!.node)
    need(field, fields, 'to').refuse('a double-spend needs two different nodes');
  const as = twoNames(fields.get('as'), names);
  const amount = fields.get('amount');
  const wishes = {
    from: keyOf(need(field, fields, 'from'), names),
    first: `${first!.to}@${first!.node}`,
    second: `${second!.to}@${second!.node}`,
    amount: amount === undefined ? undefined : amountOf(amount),
  };
  return does('double-spend', 'double-spend', wishes, as);
}

/** What the two payments of one coin are called. */
function twoNames(field: Field | undefined, names: Names): string[] {
  return (field?.list(2) ?? []).map((entry) => {
    const name = freshName(entry, names.payments, 'payment');
    names.payments.push(name);
    return name;
  });
}

function readStrategy(field: Field, names: Names): StepAction {
  if (!field.isMap) {
    const [letter = '', play = ''] = field.text().trim().split(/\s+/);
    const known = strategyOf(field, play);
    return {
      ...{ kind: 'strategy', node: letterOf(field, letter, names), play: known },
      ...{ confirmations: undefined, patience: undefined, as: [] },
    };
  }
  const fields = field.map(['node', 'play', 'confirmations', 'patience', 'as']);
  const playField = need(field, fields, 'play');
  const play = strategyOf(playField, playField.text());
  const stray = fields.get('confirmations') ?? fields.get('patience') ?? fields.get('as');
  if (stray !== undefined && STRATEGIES[play]?.cheats !== true)
    stray.refuse(`is for double-spend: ${play} pays nobody`);
  return {
    ...{ kind: 'strategy', node: nodeOf(need(field, fields, 'node'), names), play },
    confirmations: fields.get('confirmations')?.whole(1, MOST_CONFIRMATIONS),
    patience: fields.get('patience')?.whole(1, MOST_PATIENCE),
    as: twoNames(fields.get('as'), names),
  };
}

function strategyOf(field: Field, play: string): string {
  const known = [...Object.keys(STRATEGIES), 'stop'];
  if (known.includes(play)) return play;
  return field.refuse(`'${play}' is no strategy: write C selfish. ${didYouMean(play, known)}`);
}

function readSet(field: Field, names: Names): StepAction {
  const fields = field.map(['node', 'hashrate', 'mines', 'clock', 'region']);
  const rate = fields.get('hashrate');
  const mines = fields.get('mines')?.flag();
  const clock = fields.get('clock');
  const region = fields.get('region');
  if ([rate, mines, clock, region].every((given) => given === undefined))
    field.refuse("lacks 'hashrate', 'mines', 'clock' or 'region'");
  return does('set', 'set', {
    node: nodeOf(need(field, fields, 'node'), names),
    hashrate: rate === undefined ? undefined : rate.must(parseRate(rate.text())),
    mines,
    clock: clock === undefined ? undefined : clock.must(parseOffset(clock.text())),
    region: region === undefined ? undefined : region.must(parseRegion(region.text())),
  });
}
