import {
  type Direction,
  formatLinks,
  formatShape,
  linkName,
  wishedShape,
} from '../../observe/words/conditions.ts';
import type { SimYard } from '../../sim/yard.ts';
import type { LinkShape } from '../../util/link-shape.ts';
import { wantedPairs } from '../../util/topology.ts';
import type { LinkWishes } from '../actions/links.ts';
import { parseLinks } from '../client/conditions.ts';
import { failed, misuse } from '../problem.ts';

/** What a scenario asks of a simulated yard's wires, in the words of lab/actions/links.ts. */

function linksIn(yard: SimYard, text: string): Direction[] {
  const parsed = parseLinks(text, {
    nodes: yard.letters.map((letter) => ({ letter })),
    topology: yard.topology,
  });
  if (!parsed.ok) throw misuse(parsed.error);
  return parsed.value;
}

function everyLink(yard: SimYard): Direction[] {
  return wantedPairs(yard.letters, yard.topology).flatMap(([a, b]): Direction[] => [
    [a, b],
    [b, a],
  ]);
}

export function askSimLinks(yard: SimYard, wishes: LinkWishes): string {
  const { links, shape, clear, profile, regions } = wishes;
  if (profile !== undefined) {
    const places = yard.letters.map((letter, i) => [letter, regions?.[i] ?? yard.regionOf(letter)] as const);
    const text = `link: ${profile === '' ? 'no profile' : `profile ${profile}`}`;
    yard.setProfile(text, profile, Object.fromEntries(places));
    return text;
  }
  const chosen = links === undefined ? everyLink(yard) : linksIn(yard, links);
  const where = links === undefined ? 'every link' : formatLinks(chosen);
  const { shapes } = yard.conditions;
  if (clear) {
    const text = `link: ${where} as before`;
    const kept = Object.entries(shapes).filter(([name]) => !chosen.some((d) => linkName(...d) === name));
    yard.setShapes(text, Object.fromEntries(kept));
    return text;
  }
  const next: Record<string, LinkShape> = { ...shapes };
  let said = '';
  for (const [from, to] of chosen) {
    const wished = wishedShape(yard.shapeOf(from, to), shape);
    if (!wished.ok) throw misuse(`${linkName(from, to)}: ${wished.error}`);
    next[linkName(from, to)] = wished.value;
    said = formatShape(wished.value);
  }
  const text = `link: ${where} ${said}`;
  yard.setShapes(text, next);
  return text;
}

export function cutSimLinks(yard: SimYard, links: string): string {
  const chosen = linksIn(yard, links);
  const text = `${formatLinks(chosen)} cut one way`;
  yard.cutOneWay(text, chosen);
  return `${text}: what is sent waits`;
}

/** Lets the oldest held message in, or the oldest to one node. */
export function deliverHeld(yard: SimYard, to: string | undefined): string {
  if (!yard.conditions.wireHeld) throw failed('no wire is held', 'Hold them first: - hold: links');
  const message = yard.world.wires.deliverHeld(to);
  if (message === undefined) return `nothing waits${to === undefined ? '' : ` for ${to}`}`;
  const text = `${message.to} gets a message from ${message.from}`;
  yard.note(text);
  return `${text}; ${yard.world.wires.held} still held`;
}
