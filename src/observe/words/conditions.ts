import type { Conditions } from '../../events/events.ts';
import type { LinkShape } from '../../util/link-shape.ts';
import { plural } from '../../util/plural.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { formatBandwidth, formatDuration, formatMs, formatOffset, formatShare } from './units.ts';
import { formatGroups } from './words.ts';

/** The faults that a yard is under, as every face says them. */

export const CALM: Conditions = {
  oneWay: [],
  wireHeld: false,
  frozen: [],
  clockMs: {},
  shapes: {},
  profile: '',
  regions: {},
};

export type Direction = readonly [from: string, to: string];

export const linkName = (from: string, to: string): string => `${from}>${to}`;

/** `200 ms ± 20 ms, loss 1 %, 1 Mbit/s`; `no delay`. */
export function formatShape(shape: LinkShape): string {
  const jitter = shape.jitterMs === 0 ? '' : ` ± ${formatMs(shape.jitterMs)}`;
  const parts = [shape.delayMs === 0 ? 'no delay' : `${Math.round(shape.delayMs)} ms${jitter}`];
  if (shape.loss > 0) parts.push(`loss ${formatShare(shape.loss)}`);
  if (shape.bitsPerSecond > 0) parts.push(formatBandwidth(shape.bitsPerSecond));
  if (shape.drop !== undefined && shape.drop > 0) parts.push(`drops ${formatShare(shape.drop)}`);
  return parts.join(', ');
}

/** `A-C, B>D`: directions, with both of a link as one. */
export function formatLinks(links: readonly Direction[]): string {
  const names = new Set(links.map((d) => linkName(...d)));
  const said: string[] = [];
  for (const [a, b] of links) {
    if (!names.delete(linkName(a, b))) continue;
    const back = names.delete(linkName(b, a));
    said.push(back ? `${a}-${b}` : linkName(a, b));
  }
  return said.join(', ');
}

/** Each fault in a few words, in the order of their weight; `held` = messages on held wires, if somebody counted. */
export function describeConditions(
  groups: readonly (readonly string[])[] | undefined,
  c: Conditions,
  held?: number,
): string[] {
  const said: string[] = [];
  if (groups !== undefined) said.push(`${formatGroups(groups)} cut`);
  if (c.oneWay.length > 0) said.push(`${c.oneWay.map((d) => linkName(...d)).join(' ')} cut`);
  const counted = held === undefined ? '' : ` (${plural(held, 'message')})`;
  if (c.wireHeld) said.push(`wire held${counted}`);
  if (c.frozen.length > 0) said.push(`${c.frozen.join(' ')} frozen`);
  for (const [letter, ms] of Object.entries(c.clockMs)) said.push(`${letter} clock ${formatOffset(ms)}`);
  for (const [shape, links] of byShape(c)) said.push(`${formatLinks(links)} ${shape}`);
  if (c.profile !== '') said.push(`profile ${c.profile}`);
  return said;
}

function byShape(c: Conditions): Map<string, Direction[]> {
  const by = new Map<string, Direction[]>();
  for (const [name, shape] of Object.entries(c.shapes)) {
    const [from = '', to = ''] = name.split('>');
    const words = formatShape(shape);
    by.set(words, [...(by.get(words) ?? []), [from, to]]);
  }
  return by;
}

/** What `heal` does to the conditions: every link is open both ways and nothing is held. It changes nothing else. */
export function healed(c: Conditions): Conditions {
  return { ...c, oneWay: [], wireHeld: false };
}

/** What the log says when `heal` opened one-way cuts or held wires; a partition has a line of its own. */
export const HEALED_WIRES = 'healed: every link is open both ways, and what was held is on its way';

/** What `heal` left on the links, for the end of its line: what was asked of links, which stays, or ''. */
export function shapesLeft(c: Conditions): string {
  const left = [...byShape(c)].map(([shape, links]) => `${formatLinks(links)} ${shape}`);
  return left.length === 0 ? '' : `; links stay as asked, until \`link --clear\`: ${left.join(' · ')}`;
}

/** What `link` may ask for; what is absent stays as it is. */
export interface ShapeWish {
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly loss?: number;
  readonly bitsPerSecond?: number;
  readonly drop?: number;
}

/** Jitter that was asked for before gives way to a shorter delay; one that is asked for now must fit. */
export function wishedShape(now: LinkShape, wish: ShapeWish): Result<LinkShape, string> {
  const delayMs = wish.delayMs ?? now.delayMs;
  const jitterMs = wish.jitterMs ?? Math.min(now.jitterMs, delayMs);
  if (jitterMs > delayMs)
    return err(
      `a jitter of ${formatDuration(jitterMs)} around a delay of ${formatDuration(delayMs)} would be negative at times; jitter is at most the delay`,
    );
  const loss = wish.loss ?? now.loss;
  const drop = wish.drop ?? now.drop ?? 0;
  const bitsPerSecond = wish.bitsPerSecond ?? now.bitsPerSecond;
  return ok({ delayMs, jitterMs, loss, bitsPerSecond, ...(drop === 0 ? {} : { drop }) });
}
