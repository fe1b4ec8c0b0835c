import type { Conditions } from '../../events/events.ts';
import {
  allLinks,
  askedShape,
  parseLinks,
  regionOf,
  type YardLinks,
} from '../../observe/state/yard-links.ts';
import {
  type Direction,
  formatLinks,
  formatShape,
  linkName,
  type ShapeWish,
  wishedShape,
} from '../../observe/words/conditions.ts';
import {
  formatMs,
  formatShare,
  parseBandwidth,
  parseDelay,
  parseLoss,
  parseShare,
} from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { MAX_DROP, UNSHAPED } from '../../util/link-shape.ts';
import { plural } from '../../util/plural.ts';
import { type Profile, REGIONS, type Region } from '../../util/profiles.ts';
import { err, ok, type Result } from '../../util/result.ts';
import type { Action } from '../action.ts';
import * as fields from '../fields.ts';
import { blockName, checkNodes, tailOf } from '../names.ts';
import type { WireMessage, Yard } from '../port.ts';
import { failed, misuse, must } from '../problem.ts';
import { parseProfile, parseRegion } from '../profiles.ts';
import { type Values, verb } from '../verb.ts';

/** `link`, and the verbs that hold the messages of every wire: `hold-links`, `release-links`, `step-links`. */

const LINK_FIELDS = {
  links: fields.optional(fields.text('A-C both ways, A>C one way, AB-CD all between (default: every link)')),
  delay: fields.optional(fields.quantity('one-way delay, such as 200ms', parseDelay)),
  jitter: fields.optional(fields.quantity('to either side of the delay; order is kept', parseDelay)),
  loss: fields.optional(
    fields.quantity('of segments, such as 1%; each costs the wait for its retransmission', parseLoss),
  ),
  rate: fields.optional(fields.quantity('bandwidth, such as 1Mbit/s; none = no bound', parseBandwidth)),
  drop: fields.optional(
    fields.quantity(
      'of messages, such as 10%; they are lost for good, and only the protocol can ask again',
      parseDrop,
    ),
  ),
  clear: fields.flag('take back what was asked of these links'),
  profile: fields.optional(
    fields.parsed('lan, world (six regions) or none: the delays of all other links', parseProfile),
  ),
  regions: fields.optional(
    fields.parsed('where the nodes stand, in their order: europe,japan,...', parseRegions),
  ),
};

function parseDrop(text: string): Result<number, string> {
  const drop = parseShare(text);
  if (drop.ok && drop.value > MAX_DROP)
    return err(`${text} is more than ${formatShare(MAX_DROP)}, over which no protocol gets anywhere`);
  return drop;
}

type LinkValues = Values<typeof LINK_FIELDS>;

function parseRegions(text: string): Result<readonly Region[], string> {
  const regions: Region[] = [];
  for (const word of text.split(',')) {
    const region = parseRegion(word);
    if (!region.ok) return err(region.error);
    regions.push(region.value);
  }
  return ok(regions);
}

export interface Asked {
  /** The line that the log has of it. */
  readonly asked: string;
  readonly links: readonly { readonly from: string; readonly to: string }[];
}

export const link = verb({
  name: 'link',
  says: 'delay, jitter, loss and rate of links',
  fields: LINK_FIELDS,
  action(yard, values): Action<Asked> {
    const chosen = linksOf(yard, values.links);
    const where = values.links === undefined ? 'every link' : formatLinks(chosen);
    const { plan } = wishOn(yard.links.facts(), chosen, values, where);
    return {
      plan,
      async run() {
        // Conditions may have changed since the plan.
        const { says, change } = wishOn(yard.links.facts(), chosen, values, where);
        const asked = `link: ${says}`;
        await yard.links.change(asked, change);
        return { line: asked, data: { asked, links: chosen.map(([from, to]) => ({ from, to })) } };
      },
    };
  },
});

/** The links that are meant; without a text all. */
export function linksOf(yard: Yard, text: string | undefined): Direction[] {
  if (text === undefined) return allLinks(yard);
  checkNodes(text, yard.letters);
  return must(parseLinks(text, yard));
}

interface Wish {
  readonly plan: string;
  readonly says: string;
  readonly change: Partial<Conditions>;
}

function wishOn(yard: YardLinks, chosen: readonly Direction[], values: LinkValues, where: string): Wish {
  const { delay: delayMs, jitter: jitterMs, loss, rate: bitsPerSecond, drop } = values;
  const shape: ShapeWish = defined({ delayMs, jitterMs, loss, bitsPerSecond, drop });
  const shapes = Object.keys(shape).length > 0;
  const { profile, regions, links, clear } = values;
  if (profile !== undefined || regions !== undefined) {
    if (links !== undefined || shapes || clear)
      throw misuse(
        'a profile and regions are for all links, and alone',
        'First `link --profile world`, then `link A-C --delay 200ms`',
      );
    return wishProfile(yard, profile, regions);
  }
  if (clear) {
    if (shapes) throw misuse('clear takes back; it cannot ask for something too');
    const names = new Set(chosen.map((d) => linkName(...d)));
    const kept = Object.entries(yard.conditions.shapes).filter(([name]) => !names.has(name));
    return {
      plan: `Take back what was asked of ${where}`,
      says: `${where} as before`,
      change: { shapes: Object.fromEntries(kept) },
    };
  }
  if (!shapes)
    throw misuse('nothing is asked of these links: give a delay, a jitter, a loss, a rate or a drop');
  return wishShape(yard, chosen, shape, where);
}

function wishShape(yard: YardLinks, chosen: readonly Direction[], wish: ShapeWish, where: string): Wish {
  const { shapes } = yard.conditions;
  const asked = chosen.map((d) => {
    // A delay of its own begins a shape of its own; loss or rate alone come on top of what is asked already.
    const fresh = wish.delayMs !== undefined && shapes[linkName(...d)] === undefined;
    const shape = wishedShape(fresh ? UNSHAPED : askedShape(yard, ...d), wish);
    return [linkName(...d), must(shape)] as const;
  });
  const all = [...new Set(asked.map(([, shape]) => formatShape(shape)))].join(' or ');
  return {
    plan: `Shape ${where}, what is sent from now on: ${all} one way, until \`link --clear\` (heal leaves it)`,
    says: `${where} ${all}`,
    change: { shapes: { ...shapes, ...Object.fromEntries(asked) } },
  };
}

function wishProfile(
  yard: YardLinks,
  profile: Profile | '' | undefined,
  given: readonly Region[] | undefined,
): Wish {
  const regions = given === undefined ? yard.conditions.regions : spread(yard.letters, given);
  const at = { ...yard, conditions: { ...yard.conditions, regions } };
  const where = yard.letters.map((letter) => `${letter} ${regionOf(at, letter)}`).join(', ');
  const words =
    profile === ''
      ? `no profile: every link has the yard's own delay`
      : profile === 'lan'
        ? 'profile lan: one switch, a millisecond, a gigabit'
        : `profile ${profile ?? yard.conditions.profile} (${where})`;
  return {
    plan:
      profile === '' ? words : `Every link gets ${words}; heal leaves it, \`link --profile none\` ends it`,
    says: words,
    change: { ...defined({ profile }), regions },
  };
}

function spread(letters: readonly string[], regions: readonly Region[]): Record<string, string> {
  if (regions.length !== 1 && regions.length !== letters.length)
    throw misuse(
      `${regions.length} regions for ${letters.length} nodes`,
      `Give one for all, or one for each node, of: ${REGIONS.join(', ')}.`,
    );
  return Object.fromEntries(letters.map((letter, i) => [letter, regions[regions.length === 1 ? 0 : i]!]));
}

/** `2 block, 1 tip`. */
function countKinds(messages: readonly WireMessage[]): string {
  const by = new Map<string, number>();
  for (const { kind } of messages) by.set(kind, (by.get(kind) ?? 0) + 1);
  return [...by].map(([kind, n]) => `${n} ${kind}`).join(', ');
}

function heldLine(messages: readonly WireMessage[]): string {
  if (messages.length === 0) return 'nothing on the wire';
  return `${plural(messages.length, 'message')} on the wire: ${countKinds(messages)}`;
}

export interface Wire {
  readonly links: number;
  readonly messages: readonly WireMessage[];
}

export const holdLinks = verb({
  name: 'hold-links',
  says: 'hold every message on every link, in order; nothing is lost',
  fields: {},
  action(yard): Action<Wire> {
    const links = allLinks(yard).length / 2;
    return {
      plan: `Hold every message on ${plural(links, 'link')}, in order; nothing is lost. One by one: \`release --links --step\`; all: \`release --links\``,
      async run() {
        await yard.links.change('every wire is held', { wireHeld: true });
        const messages = await yard.links.held();
        return { line: `held: ${plural(links, 'link')} (${heldLine(messages)})`, data: { links, messages } };
      },
    };
  },
});

export const releaseLinks = verb({
  name: 'release-links',
  says: 'release the wires: all that is held arrives, in order',
  fields: {},
  action(yard): Action<Wire> {
    const links = allLinks(yard).length / 2;
    return {
      plan: `Release ${plural(links, 'link')}: what is on the wire arrives, in order`,
      async run() {
        mustBeHeld(yard);
        const messages = await yard.links.held();
        await yard.links.change('every wire is released', { wireHeld: false });
        const line = `released: ${plural(links, 'link')} (${heldLine(messages)} then)`;
        return { line, data: { links, messages } };
      },
    };
  },
});

export interface Stepped {
  readonly message: WireMessage | null;
  readonly left: number;
}

export const stepLinks = verb({
  name: 'step-links',
  says: 'let the oldest held message arrive, and only that',
  fields: { node: fields.optional(fields.node('only messages to this node')) },
  action(yard, { node }): Action<Stepped> {
    const to = node === undefined ? '' : ` to ${node}`;
    return {
      plan: `Let the oldest held message${to} arrive, and only that`,
      async run() {
        mustBeHeld(yard);
        const waiting = await yard.links.held();
        const next = waiting.find((m) => node === undefined || m.to === node);
        if (next === undefined) {
          const whom = node === undefined ? '' : ` for ${node}`;
          return { line: `nothing waits${whom}`, data: { message: null, left: waiting.length } };
        }
        const message = await yard.links.deliver(next.from, next.to);
        if (message === undefined)
          throw failed('that message is gone: somebody else let it in, or its link broke');
        const text = `${message.to} gets ${await nameOf(yard, message)} from ${message.from}, ${formatMs(message.heldMs)} on the wire`;
        await yard.note(text);
        const left = waiting.length - 1;
        return { line: `${text}; ${left} still held`, data: { message, left } };
      },
    };
  },
});

/** `block 8A …4f1c2e`, `tx …a91f3c`. The sender knows the name of the block that it sent. */
async function nameOf(yard: Yard, { kind, about, from }: WireMessage): Promise<string> {
  if (about === '') return kind;
  const isBlock = kind === 'block' || kind === 'tip';
  const isUp = isBlock && yard.letters.includes(from) && (await yard.states([from])).get(from) !== undefined;
  const block = isUp ? await yard.node(from).findBlock(about) : undefined;
  return `${kind} ${block === undefined ? '' : `${blockName(block)} `}${tailOf(about)}`;
}

function mustBeHeld(yard: Yard): void {
  if (!yard.links.facts().conditions.wireHeld)
    throw failed('no wire is held', 'Hold them first: `hold --links`');
}
