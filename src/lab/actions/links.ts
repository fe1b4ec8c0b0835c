import type { Conditions } from '../../events/events.ts';
import {
  type Direction,
  formatLinks,
  formatShape,
  linkName,
  type ShapeWish,
  wishedShape,
} from '../../observe/words/conditions.ts';
import { formatMs } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { type LinkShape, UNSHAPED } from '../../util/link-shape.ts';
import { plural } from '../../util/plural.ts';
import { type Profile, REGIONS, type Region } from '../../util/profiles.ts';
import type { Action, RunContext } from '../action.ts';
import type { YardClient } from '../client/client.ts';
import { allLinks, askedShape, conditionsOf, isCut, parseLinks, regionOf } from '../client/conditions.ts';
import { blockName, checkNodes, tailOf } from '../names.ts';
import { failed, misuse, Problem } from '../problem.ts';
import type { YardFile } from '../yard/check.ts';

/** Shaping, measuring, cutting one way and holding the wires of a yard. */

/** Setting rules on every node, one call each; a busy machine takes its time. */
const APPLY_MS = 120_000;

export async function change(client: YardClient, text: string, to: Partial<Conditions>): Promise<void> {
  await client.control('conditions', { text, change: to as never }, APPLY_MS);
  client.refresh();
}

export interface LinkFigure {
  readonly from: string;
  readonly to: string;
  readonly asked: LinkShape;
  /** One way; null when nothing can be measured: see `state`. */
  readonly measuredMs: number | null;
  readonly state: 'open' | 'cut' | 'held' | 'down';
}

/** Measures these directions, all links of one node in one call. */
export async function measure(client: YardClient, links: readonly Direction[]): Promise<LinkFigure[]> {
  const yard = client.refresh();
  const { frozen, wireHeld } = conditionsOf(yard);
  const infos = await client.infos();
  const dead = (l: string) => frozen.includes(l) || infos.get(l) === undefined;
  const open = (d: Direction) => !d.some(dead) && !isCut({ ...yard, conditions: {} }, d);
  // One probe gives both directions, so each pair is measured from its first node.
  const pairs = new Map(
    links.filter(open).map(([a, b]) => (a < b ? [`${a} ${b}`, [a, b]] : [`${b} ${a}`, [b, a]])),
  );
  const probed = new Map<string, number>();
  await Promise.all(
    [...new Set([...pairs.values()].map(([a]) => a!))].map(async (a) => {
      const mates = [...pairs.values()].filter(([x]) => x === a).map(([, b]) => client.node(b!));
      type Answer = Record<string, { thereMs: number; backMs: number } | null>;
      const params = { peers: mates.map((n) => n.peerId) };
      const answer = await client.call<Answer>(a, 'probelinks', params, { timeoutMs: APPLY_MS });
      for (const { letter, peerId } of mates) {
        const figure = answer[peerId];
        if (figure === null || figure === undefined) continue;
        probed.set(linkName(a, letter), figure.thereMs);
        probed.set(linkName(letter, a), figure.backMs);
      }
    }),
  );
  return links.map((d) => {
    const [from, to] = d;
    const state = d.some(dead) ? 'down' : isCut(yard, d) ? 'cut' : wireHeld ? 'held' : 'open';
    const measuredMs = isCut(yard, d) ? null : (probed.get(linkName(from, to)) ?? null);
    return { from, to, asked: askedShape(yard, from, to), measuredMs, state };
  });
}

/** One row a link; two where its directions differ. */
export function figureRows(figures: readonly LinkFigure[]): string[][] {
  const rows: string[][] = [['LINK', 'ASKED', 'MEASURED (one way)']];
  const left = new Map(figures.map((f) => [linkName(f.from, f.to), f]));
  for (const f of figures) {
    if (!left.delete(linkName(f.from, f.to))) continue;
    const back = left.get(linkName(f.to, f.from));
    const same =
      back !== undefined && back.state === f.state && formatShape(back.asked) === formatShape(f.asked);
    if (same) left.delete(linkName(f.to, f.from));
    const name = same ? `${f.from}-${f.to}` : linkName(f.from, f.to);
    const measured = same && f.measuredMs !== null ? `${said(f)} there, ${said(back)} back` : said(f);
    rows.push([name, formatShape(f.asked), measured]);
  }
  return rows;
}

function said(f: LinkFigure): string {
  if (f.state === 'cut') return 'cut';
  if (f.state === 'down') return 'a node is down or frozen';
  const figure = f.measuredMs === null ? 'no answer' : precise(f.measuredMs);
  return f.state === 'held' ? `${figure} (messages held)` : figure;
}

/** Small delays are told apart by tenths. */
function precise(ms: number): string {
  return ms < 10
    ? `${Math.max(0, ms).toFixed(1)} ms`
    : formatMs(ms).endsWith('ms')
      ? formatMs(ms)
      : `${Math.round(ms)} ms`;
}

export interface LinkWishes {
  /** `A-C`; default all links. */
  readonly links: string | undefined;
  readonly shape: ShapeWish;
  /** Forget these links' own shapes. */
  readonly clear: boolean;
  /** '' = none any more. */
  readonly profile?: Profile | '';
  /** One for all nodes, or one a node. */
  readonly regions?: readonly Region[];
}

interface LinkTable {
  readonly links: readonly LinkFigure[];
}

/** `link`: without a wish it only measures. */
export function link(client: YardClient, wishes: LinkWishes): Action<LinkTable> {
  const yard = client.refresh();
  const chosen = wishes.links === undefined ? allLinks(yard) : mustLinks(wishes.links, yard);
  const where = wishes.links === undefined ? 'every link' : formatLinks(chosen);
  const next = nextConditions(yard, chosen, wishes);
  if (next === undefined) {
    return { plan: `Measure ${where}, both ways`, run: (context) => table(client, chosen, context) };
  }
  return {
    plan: `${next.plan(where)}`,
    async run(context) {
      await askLinks(client, wishes);
      context.step('asked; measuring');
      return table(client, chosen, context);
    },
  };
}

/** Shapes links and says in a line what was asked; nothing is measured. */
export async function askLinks(client: YardClient, wishes: LinkWishes): Promise<string> {
  const yard = client.refresh();
  const chosen = wishes.links === undefined ? allLinks(yard) : mustLinks(wishes.links, yard);
  const where = wishes.links === undefined ? 'every link' : formatLinks(chosen);
  const next = nextConditions(yard, chosen, wishes);
  if (next === undefined) throw misuse('nothing is asked of these links');
  const text = `link: ${next.says(where)}`;
  await change(client, text, next.change);
  return text;
}

function nextConditions(yard: YardFile, chosen: readonly Direction[], wishes: LinkWishes) {
  const { shapes, regions } = conditionsOf(yard);
  const { profile } = wishes;
  if (profile !== undefined || wishes.regions !== undefined) {
    const stands = wishes.regions === undefined ? regions : spread(yard, wishes.regions);
    const at = { ...yard, conditions: { ...yard.conditions, regions: stands } };
    const where = yard.nodes.map((n) => `${n.letter} ${regionOf(at, n.letter)}`).join(', ');
    const words =
      profile === ''
        ? `no profile: every link has the yard's own delay`
        : profile === 'lan'
          ? 'profile lan: one switch, a millisecond, a gigabit'
          : `profile ${profile ?? conditionsOf(yard).profile} (${where})`;
    return {
      change: { ...defined({ profile }), regions: stands },
      says: () => words,
      plan: () =>
        profile === '' ? words : `Every link gets ${words}; heal leaves it, link --profile none ends it`,
    };
  }
  if (wishes.clear) {
    const kept = Object.entries(shapes).filter(([name]) => !chosen.some((d) => linkName(...d) === name));
    return {
      change: { shapes: Object.fromEntries(kept) },
      says: (where: string) => `${where} as before`,
      plan: (where: string) => `Take back what was asked of ${where}`,
    };
  }
  if (Object.keys(wishes.shape).length === 0) return undefined;
  const asked = chosen.map((d) => {
    // A delay of its own begins a shape of its own; loss or rate alone come on top of what is asked already.
    const fresh = wishes.shape.delayMs !== undefined && shapes[linkName(...d)] === undefined;
    const shape = wishedShape(fresh ? UNSHAPED : askedShape(yard, ...d), wishes.shape);
    if (!shape.ok) throw misuse(shape.error);
    return [linkName(...d), shape.value] as const;
  });
  const all = [...new Set(asked.map(([, shape]) => formatShape(shape)))].join(' or ');
  return {
    change: { shapes: { ...shapes, ...Object.fromEntries(asked) } },
    says: (where: string) => `${where} ${all}`,
    plan: (where: string) =>
      `Shape ${where}, what is sent from now on: ${all} one way, until: forkyard link --clear (heal leaves it)`,
  };
}

function spread(yard: YardFile, regions: readonly Region[]): Record<string, string> {
  if (regions.length !== 1 && regions.length !== yard.nodes.length)
    throw misuse(
      `${regions.length} regions for ${yard.nodes.length} nodes`,
      `Give one for all, or one for each node, of: ${REGIONS.join(', ')}.`,
    );
  return Object.fromEntries(yard.nodes.map((n, i) => [n.letter, regions[regions.length === 1 ? 0 : i]!]));
}

function mustLinks(text: string, yard: YardFile): Direction[] {
  checkNodes(
    text,
    yard.nodes.map((n) => n.letter),
  );
  const links = parseLinks(text, yard);
  if (!links.ok) throw misuse(links.error);
  return links.value;
}

async function table(client: YardClient, links: readonly Direction[], _context: RunContext) {
  const figures = await measure(client, links);
  const rows = figureRows(figures);
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return { line: lines.join('\n'), data: { links: figures } };
}

interface OneWay {
  readonly oneWay: readonly Direction[];
}

/** `partition "A>B"`: what A sends does not reach B; everything else does. */
export function cutOneWay(client: YardClient, text: string): Action<OneWay> {
  if (text.includes('-')) throw misuse(`'${text}': write groups such as AB/CD, or one direction such as A>B`);
  const yard = client.refresh();
  const wanted = mustLinks(text, yard);
  const words = formatLinks(wanted);
  return {
    plan: `Cut ${words} in one direction: nothing that ${[...new Set(wanted.map(([a]) => a))].join(' ')} sends there arrives until: forkyard heal`,
    async run() {
      const before = conditionsOf(client.refresh()).oneWay;
      const names = new Set(before.map((d) => linkName(...d)));
      const oneWay = [...before, ...wanted.filter((d) => !names.has(linkName(...d)))];
      await change(client, `cut one way: ${words}`, { oneWay });
      const n = wanted.length;
      return {
        line: `${words}: ${plural(n, 'direction')} cut; the other way is open`,
        data: { oneWay },
      };
    },
  };
}

interface HeldJson {
  readonly peer: string;
  readonly kind: string;
  readonly about: string;
  readonly bytes: number;
  readonly heldMs: number;
}

export interface WireMessage {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly about: string;
  readonly bytes: number;
  readonly heldMs: number;
}

/** All messages on held wires, oldest first. */
export async function onTheWire(client: YardClient): Promise<WireMessage[]> {
  const infos = await client.infos();
  const up = client.letters.filter((l) => infos.get(l) !== undefined);
  const lists = await Promise.all(
    up.map(async (to) => {
      const { messages } = await client.call<{ messages: HeldJson[] }>(to, 'getheld');
      return messages.map((m) => toMessage(client, m, to));
    }),
  );
  return lists.flat().sort((a, b) => b.heldMs - a.heldMs);
}

function toMessage(client: YardClient, { peer, ...m }: HeldJson, to: string): WireMessage {
  const from = client.yard.nodes.find((n) => n.peerId === peer)?.letter ?? tailOf(peer);
  return { from, to, ...m };
}

/** `2 block, 1 tip`. */
export function countKinds(messages: readonly WireMessage[]): string {
  const by = new Map<string, number>();
  for (const { kind } of messages) by.set(kind, (by.get(kind) ?? 0) + 1);
  return [...by].map(([kind, n]) => `${n} ${kind}`).join(', ');
}

function heldLine(messages: readonly WireMessage[]): string {
  if (messages.length === 0) return 'nothing on the wire';
  return `${plural(messages.length, 'message')} on the wire: ${countKinds(messages)}`;
}

interface Wire {
  readonly links: number;
  readonly messages: readonly WireMessage[];
}

export function holdLinks(client: YardClient): Action<Wire> {
  const links = allLinks(client.refresh()).length / 2;
  return {
    plan: `Hold every message on ${links} links, in order; nothing is lost. One by one: forkyard release --links --step; all: forkyard release --links`,
    async run() {
      await change(client, 'every wire is held', { wireHeld: true });
      const messages = await onTheWire(client);
      return { line: `held: ${links} links (${heldLine(messages)})`, data: { links, messages } };
    },
  };
}

export function releaseLinks(client: YardClient): Action<Wire> {
  const links = allLinks(client.refresh()).length / 2;
  return {
    plan: `Release ${links} links: what is on the wire arrives, in order`,
    async run() {
      mustBeHeld(client);
      const messages = await onTheWire(client);
      await change(client, 'every wire is released', { wireHeld: false });
      return { line: `released: ${links} links (${heldLine(messages)} then)`, data: { links, messages } };
    },
  };
}

interface Stepped {
  readonly message: WireMessage | null;
  readonly left: number;
}

/** Lets one message in: the oldest, or the oldest on its way to one node. */
export function stepLinks(client: YardClient, to: string | undefined): Action<Stepped> {
  const node = to === undefined ? undefined : client.node(to).letter;
  return {
    plan: `Let the oldest held message${node === undefined ? '' : ` to ${node}`} arrive, and only that`,
    async run() {
      mustBeHeld(client);
      const waiting = await onTheWire(client);
      const next = waiting.find((m) => node === undefined || m.to === node);
      if (next === undefined)
        return {
          line: `nothing waits${node === undefined ? '' : ` for ${node}`}`,
          data: { message: null, left: waiting.length },
        };
      const peer = client.yard.nodes.find((n) => n.letter === next.from)?.peerId;
      const got = await client.call<HeldJson | null>(
        next.to,
        'deliverheld',
        peer === undefined ? [] : [peer],
      );
      if (got === null) throw failed('that message is gone: somebody else let it in, or its link broke');
      const message = toMessage(client, got, next.to);
      const what = await nameOf(client, message);
      const text = `${message.to} gets ${what} from ${message.from}, ${formatMs(message.heldMs)} on the wire`;
      await client.control('note', { text });
      const left = waiting.length - 1;
      return { line: `${text}; ${left} still held`, data: { message, left } };
    },
  };
}

/** `block 8A …4f1c2e`, `tx …a91f3c`. The sender knows the name of the block that it sent. */
async function nameOf(client: YardClient, { kind, about, from }: WireMessage): Promise<string> {
  if (about === '') return kind;
  if (kind !== 'block' && kind !== 'tip') return `${kind} ${tailOf(about)}`;
  try {
    const params = [about.slice(-8)];
    const [found] = await client.call<{ height: number; miner: string }[]>(from, 'findblock', params);
    return `${kind} ${found === undefined ? '' : `${blockName(found)} `}${tailOf(about)}`;
  } catch (error) {
    // It may have gone meanwhile; the message has arrived all the same.
    if (!(error instanceof Problem)) throw error;
    return `${kind} ${tailOf(about)}`;
  }
}

function mustBeHeld(client: YardClient): void {
  if (!conditionsOf(client.refresh()).wireHeld)
    throw failed('no wire is held', 'Hold them first: forkyard hold --links');
}
