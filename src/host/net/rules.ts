import type { PeerId } from '../../node/types.ts';
import { type LinkShape, shareProblem, UNSHAPED } from '../../util/link-shape.ts';
import { netLimits } from './limits.ts';
import type { LinkRules } from './types.ts';

/** What is sent to this peer gets this shape. */
export function shapeFor(rules: LinkRules, peer: PeerId): LinkShape {
  return rules.shapeTo?.[peer] ?? { ...UNSHAPED, delayMs: rules.delayTo[peer] ?? rules.delayMs };
}

/** What is wrong with a shape, in a sentence; undefined = nothing. */
export function shapeProblem(shape: LinkShape): string | undefined {
  const { delayMs, jitterMs, bitsPerSecond } = shape;
  const { maxDelayMs, minBitsPerSecond, maxBitsPerSecond } = netLimits;
  if (!(delayMs >= 0 && delayMs <= maxDelayMs))
    return `a delay of ${delayMs} ms; it must be from 0 to ${maxDelayMs}`;
  if (!(jitterMs >= 0 && jitterMs <= delayMs))
    return `a jitter of ${jitterMs} ms; it must be from 0 to the delay, ${delayMs} ms`;
  if (bitsPerSecond !== 0 && !(bitsPerSecond >= minBitsPerSecond && bitsPerSecond <= maxBitsPerSecond))
    return `a rate of ${bitsPerSecond} bit/s; it must be 0 (none) or from ${minBitsPerSecond} to ${maxBitsPerSecond}`;
  return shareProblem(shape);
}

/** @throws RangeError with a sentence; nothing of such rules is applied. */
export function checkRules(rules: LinkRules): void {
  const delays = [rules.delayMs, ...Object.values(rules.delayTo)].map((delayMs) => ({
    ...UNSHAPED,
    delayMs,
  }));
  for (const shape of [...delays, ...Object.values(rules.shapeTo ?? {})]) {
    const problem = shapeProblem(shape);
    if (problem !== undefined) throw new RangeError(problem);
  }
}
