import { parseAmount } from '../../bitcoin/amount.ts';
import type { Action } from '../../lab/action.ts';
import { heal, hold, kill, partition, start } from '../../lab/actions/faults.ts';
import { cutOneWay, holdLinks, link, releaseLinks, stepLinks } from '../../lab/actions/links.ts';
import { mineBlocks } from '../../lab/actions/mining.ts';
import { freeze, type SetWishes, setNode, thaw } from '../../lab/actions/node-faults.ts';
import { doubleSpend, send } from '../../lab/actions/pay.ts';
import { reorg } from '../../lab/actions/reorg.ts';
import type { YardClient } from '../../lab/client/client.ts';
import { misuse, must } from '../../lab/problem.ts';
import type { ShapeWish } from '../../observe/words/conditions.ts';
import { parseAt } from '../../observe/words/parse.ts';
import { parseBandwidth, parseDelay, parseLoss, parseOffset, parseRate } from '../../observe/words/units.ts';
import { type Fields, fieldsFault, type Verb } from './fields.ts';

/** What the page may ask for: the very actions of the command line, made from what a form holds. */

const VERBS: Readonly<Record<Verb, (client: YardClient, fields: Fields) => Action<unknown>>> = {
  hold: (client) => hold(client, true, []),
  release: (client) => hold(client, false, []),
  mine: (client, f) =>
    mineBlocks(client, {
      node: text(f, 'node'),
      blocks: whole(f, 'blocks', 1, 1_000),
      power: { uncapped: true },
    }),
  send: (client, f) => {
    const node = optional(f, 'node');
    const wishes = { from: text(f, 'from'), to: text(f, 'to'), amount: amount(f) };
    return send(client, node === undefined ? wishes : { ...wishes, node });
  },
  'double-spend': (client, f) => {
    const payments = [text(f, 'first'), text(f, 'second')].map((at) => {
      const parsed = parseAt(at);
      if (!parsed.ok) throw misuse(parsed.error);
      return { to: parsed.value.name, node: parsed.value.node };
    });
    const wishes = { from: text(f, 'from'), payments };
    return doubleSpend(
      client,
      optional(f, 'amount') === undefined ? wishes : { ...wishes, amount: amount(f) },
    );
  },
  partition: (client, f) => {
    const groups = text(f, 'groups');
    return /[<>]/.test(groups) ? cutOneWay(client, groups) : partition(client, groups);
  },
  link: (client, f) => {
    const links = optional(f, 'links');
    const clear = flag(f, 'clear');
    return link(client, { links, clear, shape: clear ? {} : shape(f) });
  },
  'hold-links': (client) => holdLinks(client),
  'release-links': (client) => releaseLinks(client),
  'step-links': (client, f) => stepLinks(client, optional(f, 'node')),
  freeze: (client, f) => freeze(client, text(f, 'node')),
  thaw: (client, f) => thaw(client, text(f, 'node')),
  set: (client, f) => setNode(client, text(f, 'node'), settings(f)),
  heal: (client) => heal(client, { wait: true }),
  reorg: (client, f) => {
    const losers = optional(f, 'losers');
    const wishes = { depth: whole(f, 'depth', 1, 50), lead: whole(f, 'lead', 1, 50), capped: false };
    return reorg(client, losers === undefined ? wishes : { ...wishes, losers });
  },
  kill: (client, f) => kill(client, text(f, 'node'), flag(f, 'clean')),
  start: (client, f) => start(client, text(f, 'node')),
};

function shape(fields: Fields): ShapeWish {
  const [delay, jitter, loss, rate] = ['delay', 'jitter', 'loss', 'rate'].map((n) => optional(fields, n));
  return {
    ...(delay === undefined ? {} : { delayMs: must(parseDelay(delay), 'delay') }),
    ...(jitter === undefined ? {} : { jitterMs: must(parseDelay(jitter), 'jitter') }),
    ...(loss === undefined ? {} : { loss: must(parseLoss(loss), 'loss') }),
    ...(rate === undefined ? {} : { bitsPerSecond: must(parseBandwidth(rate), 'rate') }),
  };
}

function settings(fields: Fields): SetWishes {
  const [clock, hashrate] = ['clock', 'hashrate'].map((n) => optional(fields, n));
  return {
    ...(hashrate === undefined ? {} : { hashrate: must(parseRate(hashrate), 'hash rate') }),
    ...(clock === undefined ? {} : { clockMs: must(parseOffset(clock), 'clock') }),
  };
}

/** Throws a Problem with one sentence when the fields make no action. */
export function actionFor(client: YardClient, verb: string, fields: Fields): Action<unknown> {
  const fault = fieldsFault(verb, fields);
  if (fault !== undefined) throw misuse(fault);
  client.refresh();
  return VERBS[verb as Verb](client, fields);
}

function optional(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value !== 'string' || value.trim() === '' ? undefined : value.trim();
}

function flag(fields: Fields, name: string): boolean {
  return fields[name] === true || fields[name] === 'true';
}

function text(fields: Fields, name: string): string {
  const value = optional(fields, name);
  if (value === undefined) throw misuse(`${name} is missing`);
  return value;
}

function whole(fields: Fields, name: string, least: number, most: number): number {
  const digits = /^\d{1,9}$/.exec(text(fields, name))?.[0];
  const value = Number(digits);
  if (digits === undefined || value < least || value > most) {
    throw misuse(`${name} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

function amount(fields: Fields): number {
  const parsed = parseAmount(text(fields, 'amount'));
  if (!parsed.ok) throw misuse(parsed.error);
  return parsed.value;
}
