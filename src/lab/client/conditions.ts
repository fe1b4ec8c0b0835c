import type { Conditions } from '../../events/events.ts';
import type { JsonObject } from '../../host/http/json.ts';
import { askedShape, type YardLinks } from '../../observe/state/yard-links.ts';
import { CALM, describeConditions, linkName } from '../../observe/words/conditions.ts';
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

/** What the file says of the yard's links. */
export function linksFacts(yard: YardFile): YardLinks {
  return {
    letters: yard.nodes.map((n) => n.letter),
    topology: yard.topology ?? 'full',
    delayMs: yard.delayMs,
    conditions: conditionsOf(yard),
    groups: yard.groups,
  };
}

/** What a node is told of its own wire (RPC setlinks), whole: nothing of before remains. */
export function wireRules(yard: YardFile, letter: string): JsonObject {
  const facts = linksFacts(yard);
  const { oneWay, wireHeld, frozen, shapes, profile } = facts.conditions;
  const others = yard.nodes.filter((n) => n.letter !== letter && n.peerId !== '');
  const deaf = others.filter((n) => oneWay.some(([from, to]) => from === n.letter && to === letter));
  const unheard = (l: string) => oneWay.some(([from, to]) => from === letter && to === l);
  // A request or its answer may have been dropped: silence is then no fault of the peer.
  const drops = (l: string) =>
    [askedShape(facts, letter, l), askedShape(facts, l, letter)].some(({ drop = 0 }) => drop > 0);
  const mute = others.filter((n) => frozen.includes(n.letter) || unheard(n.letter) || drops(n.letter));
  const shaped = others.filter((n) => profile !== '' || shapes[linkName(letter, n.letter)] !== undefined);
  return {
    refuse: refusedBy(yard, letter),
    deaf: deaf.map((n) => n.peerId),
    mute: mute.map((n) => n.peerId),
    hold: wireHeld,
    shape: Object.fromEntries(shaped.map((n) => [n.peerId, { ...askedShape(facts, letter, n.letter) }])),
  };
}

/** Nodes whose messages must not reach this one, not even in the moment before it is told so itself. */
export function unheardBy(yard: YardFile, letter: string): string[] {
  const { oneWay, wireHeld } = conditionsOf(yard);
  const others = yard.nodes.map((n) => n.letter).filter((l) => l !== letter);
  return others.filter((l) => wireHeld || oneWay.some(([from, to]) => from === l && to === letter));
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
