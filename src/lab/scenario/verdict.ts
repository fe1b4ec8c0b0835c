import type { Standing } from '../../observe/state/payments.ts';
import { plural } from '../../util/plural.ts';
import type { Condition, Operator } from './assertions.ts';
import { figureOf, formatFigure } from './figures.ts';
import type { ScenarioWatch } from './watch.ts';

/** Is a sentence true now, and what is the case instead? */

export interface Verdict {
  readonly holds: boolean;
  /** What is the case, with its figure: printed behind the verdict whichever it is. */
  readonly found: string;
  readonly value?: number;
}

export function judge(watch: ScenarioWatch, condition: Condition, now: number): Verdict {
  switch (condition.kind) {
    case 'agree': {
      const tips = condition.nodes.map((l) => watch.forest.tips.get(l));
      const holds = tips[0] !== undefined && tips.every((tip) => tip === tips[0]);
      return { holds, found: describeTips(watch, condition.nodes) };
    }
    case 'leads':
      return judgeLead(watch, condition);
    case 'height': {
      const heights = condition.nodes.map((l) => watch.tipOf(l)?.height ?? -1);
      const holds = heights.every((h) => h >= condition.height);
      return { holds, found: describeTips(watch, condition.nodes), value: Math.min(...heights) };
    }
    case 'process': {
      const isUp = watch.forest.tips.has(condition.node);
      return { holds: isUp === condition.up, found: `${condition.node} is ${isUp ? 'up' : 'down'}` };
    }
    case 'payment':
      return judgePayment(watch, condition);
    case 'figure': {
      const value = figureOf(watch, condition, now);
      const holds = value !== undefined && compare(value, condition.op, condition.value, condition.upTo);
      const found = formatFigure(condition.figure, value);
      return value === undefined ? { holds, found } : { holds, found, value };
    }
  }
}

function compare(value: number, op: Operator, wanted: number, upTo: number): boolean {
  switch (op) {
    case '>=':
      return value >= wanted;
    case '<=':
      return value <= wanted;
    case '>':
      return value > wanted;
    case '<':
      return value < wanted;
    case '=':
      return value === wanted;
    case 'between':
      return value >= wanted && value <= upTo;
  }
}

/** `A B on 10A, C on 9C, D down`. */
function describeTips(watch: ScenarioWatch, nodes: readonly string[]): string {
  const by = new Map<string, string[]>();
  for (const letter of nodes) {
    const id = watch.forest.tips.get(letter);
    const where = id === undefined ? 'down' : `on ${watch.forest.nameOf(id)}`;
    by.set(where, [...(by.get(where) ?? []), letter]);
  }
  return [...by].map(([where, letters]) => `${letters.join(' ')} ${where}`).join(', ');
}

function judgeLead(watch: ScenarioWatch, condition: Extract<Condition, { kind: 'leads' }>): Verdict {
  const best = (letters: readonly string[]) =>
    Math.max(...letters.map((l) => watch.tipOf(l)?.height ?? Number.NEGATIVE_INFINITY));
  const ours = best(condition.nodes);
  const theirs = best(condition.over);
  const lead = ours - theirs;
  const known = Number.isFinite(lead);
  // A branch that merely has not arrived yet is no lead over a rival: but that is what height says, and people mean.
  const found = known
    ? `${condition.nodes.join('')} at height ${ours}, ${condition.over.join('')} at ${theirs}`
    : describeTips(watch, watch.nodes);
  return { holds: known && lead >= condition.by, found, ...(known ? { value: lead } : {}) };
}

function judgePayment(watch: ScenarioWatch, condition: Extract<Condition, { kind: 'payment' }>): Verdict {
  const txid = watch.named.get(condition.payment);
  if (txid === undefined) return { holds: false, found: `${condition.payment} was not paid` };
  const up = condition.nodes.filter((l) => watch.forest.tips.has(l));
  const states = up.map((l) => watch.payments.standing(txid, l));
  const holds = up.length > 0 && up.every((l, i) => isSo(watch, condition, txid, l, states[i]!));
  const found = up.map((l, i) => `${l} ${describeStanding(states[i]!)}`).join(', ');
  return { holds, found: found === '' ? 'none of these nodes is up' : found };
}

function isSo(
  watch: ScenarioWatch,
  condition: Extract<Condition, { kind: 'payment' }>,
  txid: string,
  letter: string,
  state: Standing,
): boolean {
  switch (condition.state) {
    case 'confirmed':
      return state.kind === 'confirmed' && state.depth >= condition.least;
    case 'waiting':
      return state.kind === 'waiting';
    case 'lost':
      return state.kind === 'gone';
    case 'unknown':
      return state.kind === 'unknown';
    case 'returned':
      return watch.payments.wasReturned(txid, letter);
  }
}

function describeStanding(state: Standing): string {
  switch (state.kind) {
    case 'confirmed':
      return plural(state.depth, 'confirmation');
    case 'waiting':
      return state.returned ? 'waits again' : 'waits';
    case 'gone':
      return `lost (${state.why})`;
    case 'unknown':
      return 'unknown';
  }
}
