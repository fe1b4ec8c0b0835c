import type { Conditions } from '../../events/events.ts';
import { type LinkShape, UNSHAPED } from '../../util/link-shape.ts';
import { defaultRegion, type Profile, profileShape, type Region } from '../../util/profiles.ts';
import type { Result } from '../../util/result.ts';
import { sameGroup, type Topology, wantedPairs } from '../../util/topology.ts';
import { type Direction, linkName } from '../words/conditions.ts';
import { linksIn } from '../words/parse.ts';

/** The links of a yard, and what was asked of each. */

export interface YardShape {
  readonly letters: readonly string[];
  readonly topology: Topology;
}

export interface YardLinks extends YardShape {
  /** One-way delay of every link that has no shape of its own, in milliseconds. */
  readonly delayMs: number;
  readonly conditions: Conditions;
  /** The open partition. */
  readonly groups: readonly (readonly string[])[] | undefined;
}

export function regionOf({ letters, conditions }: YardLinks, letter: string): Region {
  return (conditions.regions[letter] as Region | undefined) ?? defaultRegion(letters.indexOf(letter));
}

/** What was asked of this direction: its own shape, else the profile's, else the yard's delay. */
export function askedShape(yard: YardLinks, from: string, to: string): LinkShape {
  const { shapes, profile } = yard.conditions;
  const own = shapes[linkName(from, to)];
  if (own !== undefined) return own;
  if (profile !== '') return profileShape(profile as Profile, regionOf(yard, from), regionOf(yard, to));
  return { ...UNSHAPED, delayMs: yard.delayMs };
}

/** Every direction of every link. */
export function allLinks({ letters, topology }: YardShape): Direction[] {
  return wantedPairs(letters, topology).flatMap(([a, b]): Direction[] => [
    [a, b],
    [b, a],
  ]);
}

/** As typed, and only links that the yard's topology has. */
export function parseLinks(text: string, { letters, topology }: YardShape): Result<Direction[], string> {
  const pairs = wantedPairs(letters, topology);
  const isLinked = (a: string, b: string) =>
    pairs.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  return linksIn(text, letters, isLinked);
}

/** Does nothing cross the link in this direction? */
export function isCut({ groups, conditions }: YardLinks, [from, to]: Direction): boolean {
  if (groups !== undefined && !sameGroup(groups, from, to)) return true;
  return conditions.oneWay.some(([a, b]) => a === from && b === to);
}

/** The longest that a message may be on its way over an open link, one way, in milliseconds; losses aside. */
export function longestDelayMs(yard: YardLinks): number {
  const shapes = allLinks(yard).map(([from, to]) => askedShape(yard, from, to));
  return Math.max(yard.delayMs, ...shapes.map((shape) => shape.delayMs + shape.jitterMs));
}
