import type { Conditions } from '../../events/events.ts';
import type { JsonObject } from '../../host/http/json.ts';
import { CALM, type Direction, describeConditions, linkName } from '../../observe/words/conditions.ts';
import { linksIn } from '../../observe/words/parse.ts';
import { type LinkShape, UNSHAPED } from '../../util/link-shape.ts';
import { defaultRegion, type Profile, profileShape, type Region } from '../../util/profiles.ts';
import type { Result } from '../../util/result.ts';
import { sameGroup, type Topology, wantedPairs } from '../../util/topology.ts';
import type { YardFile } from '../yard/check.ts';
import { refusedBy } from './links.ts';

/** The faults that a yard is under, what they mean for each node's wire, and how they are said. Nothing here acts. */

export function conditionsOf(yard: YardFile): Conditions {
  return { ...CALM, ...yard.conditions };
}

/** What stays when a yard stops: where it is, not what is wrong with it. */
export function lasting(c: Conditions): Conditions {
  return { ...CALM, profile: c.profile, regions: c.regions };
}

export function isCalm(c: Conditions): boolean {
  return JSON.stringify({ ...CALM, ...c }) === JSON.stringify(CALM);
}

export function regionOf(yard: YardFile, letter: string): Region {
  const index = yard.nodes.findIndex((n) => n.letter === letter);
  return (conditionsOf(yard).regions[letter] as Region | undefined) ?? defaultRegion(index);
}

/** What was asked of this direction: its own shape, else the profile's, else the yard's delay. */
export function askedShape(yard: YardFile, from: string, to: string): LinkShape {
  const { shapes, profile } = conditionsOf(yard);
  const own = shapes[linkName(from, to)];
  if (own !== undefined) return own;
  if (profile !== '') return profileShape(profile as Profile, regionOf(yard, from), regionOf(yard, to));
  return { ...UNSHAPED, delayMs: yard.delayMs };
}

/** What a node is told of its own wire (RPC setlinks), whole: nothing of before remains. */
export function wireRules(yard: YardFile, letter: string): JsonObject {
  const { oneWay, wireHeld, frozen, shapes, profile } = conditionsOf(yard);
  const others = yard.nodes.filter((n) => n.letter !== letter && n.peerId !== '');
  const deaf = others.filter((n) => oneWay.some(([from, to]) => from === n.letter && to === letter));
  const unheard = (l: string) => oneWay.some(([from, to]) => from === letter && to === l);
  const mute = others.filter((n) => frozen.includes(n.letter) || unheard(n.letter));
  const shaped = others.filter((n) => profile !== '' || shapes[linkName(letter, n.letter)] !== undefined);
  return {
    refuse: refusedBy(yard, letter),
    deaf: deaf.map((n) => n.peerId),
    mute: mute.map((n) => n.peerId),
    hold: wireHeld,
    shape: Object.fromEntries(shaped.map((n) => [n.peerId, { ...askedShape(yard, letter, n.letter) }])),
  };
}

/** Nodes whose messages must not reach this one, not even in the moment before it is told so itself. */
export function unheardBy(yard: YardFile, letter: string): string[] {
  const { oneWay, wireHeld } = conditionsOf(yard);
  const others = yard.nodes.map((n) => n.letter).filter((l) => l !== letter);
  return others.filter((l) => wireHeld || oneWay.some(([from, to]) => from === l && to === letter));
}

/** As typed, and only links that the yard's topology has. */
export function parseLinks(
  text: string,
  yard: { readonly nodes: readonly { readonly letter: string }[]; readonly topology?: Topology },
): Result<Direction[], string> {
  const known = yard.nodes.map((n) => n.letter);
  const pairs = wantedPairs(known, yard.topology ?? 'full');
  const isLinked = (a: string, b: string) =>
    pairs.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  return linksIn(text, known, isLinked);
}

/** Every direction of every link. */
export function allLinks(yard: YardFile): Direction[] {
  const letters = yard.nodes.map((n) => n.letter);
  return wantedPairs(letters, yard.topology ?? 'full').flatMap(([a, b]): Direction[] => [
    [a, b],
    [b, a],
  ]);
}

/** Is the link closed in this direction? */
export function isCut(yard: YardFile, [from, to]: Direction): boolean {
  if (yard.groups !== undefined && !sameGroup(yard.groups, from, to)) return true;
  return conditionsOf(yard).oneWay.some(([a, b]) => a === from && b === to);
}

/** Each fault in a few words; `held` = messages on held wires. */
export function describeFaults(yard: YardFile, held: number): string[] {
  return describeConditions(yard.groups, conditionsOf(yard), held);
}

/** `FAULTS: A>B cut · C frozen · D clock +90s`, or '' in a yard where all is well. */
export function faultLine(yard: YardFile, held: number): string {
  const said = describeFaults(yard, held);
  return said.length === 0 ? '' : `FAULTS: ${said.join(' · ')}`;
}

/** The longest that a message may be on its way over an open link, one way, in milliseconds; losses aside. */
export function longestDelayMs(yard: YardFile): number {
  const shapes = allLinks(yard).map(([from, to]) => askedShape(yard, from, to));
  return Math.max(yard.delayMs, ...shapes.map((shape) => shape.delayMs + shape.jitterMs));
}
