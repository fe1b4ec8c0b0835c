import { exponentialOf, squareRoot } from '../../util/elementary.ts';
import { naturalLog } from '../../util/random.ts';

/** What theory says of floods, of difficulty that follows the hash rate, and of victims who are surrounded. */

/**
 * Mean number of hops from a node to another in a random graph without double links, `degree` links each (derived). Shell by
 * shell around the first node, each shell taken as large as it is on average: every node outside draws its partners without
 * repetition among all free ends. For large networks this is the discrete Gompertz law of Tishby, Biham, Kühn and Katzav,
 * J. Phys. A 55, 265005, 2022.
 */
export function meanHops(nodes: number, degree: number): number {
  let outside = nodes - 1;
  // Free ends of the outermost shell: at first those of the source, whose partners all differ.
  let ends = degree;
  let hops = 0;
  for (let distance = 1; distance <= MOST_HOPS; distance++) {
    const all = ends + degree * (outside - 1);
    let missed = distance === 1 ? 1 - degree / (nodes - 1) : 1;
    for (let link = 0; distance > 1 && link < degree; link++) {
      const left = all - link * degree;
      missed = left > ends ? missed * (1 - ends / left) : 0;
    }
    const used = distance === 1 ? degree : Math.min(ends, outside * degree * Math.min(1, ends / all));
    const shell = outside * (1 - missed);
    hops += distance * shell;
    outside -= shell;
    ends = degree * shell - used;
    if (outside < NOBODY || ends < NOBODY) break;
  }
  return hops / (nodes - 1);
}

/** More than a flood takes to anybody. */
const MOST_HOPS = 100;
/** Less of a node than this is left. */
const NOBODY = 1e-6;

/**
 * By how much of itself {@link meanHops} may be too low: early shells scatter, which a mean per shell leaves out. Measured
 * from 20 to 10,000 nodes and 3 to 50 links: at most three quarters of this.
 */
export function meanHopsBias(nodes: number, degree: number): number {
  return 2 / (nodes * (degree - 2));
}

/** Under `ema` a solve time counts at most so many intervals. */
export const EMA_CLAMP = 30;
const STEPS = 2_000;

/**
 * Mean number of blocks per intended interval at each of `times`, in ascending order: so many intervals after the hash rate
 * became `factor` times what the target was right for (derived; the chance in the target's course is left out). Without
 * `clamp`: under `asert`. With it: under `ema`, where a solve time counts at most `clamp` intervals. Both take into account
 * that a target moves only when a block is found.
 */
export function overspeeds(
  factor: number,
  times: readonly number[],
  halflife: number,
  clamp?: number,
): number[] {
  const c = Math.LN2 / halflife;
  return clamp === undefined
    ? speedsUnderAsert(factor, times, c)
    : times.map((t) => speedUnderEma(factor, t, c, clamp));
}

/**
 * After each block y becomes y·e^(c(min(s, clamp) − 1)), s the wait for it, c = ln 2/half-life; s is exponential with mean
 * 1/y, and no longer than the time since the change. By the midpoint rule.
 */
function speedUnderEma(factor: number, t: number, c: number, clamp: number): number {
  const slope = (y: number, at: number) => {
    const longest = Math.min(clamp, at);
    const rest = y - c;
    // The mean of e^(c·min(s, longest)) is 1 + c·counted.
    const near = rest * longest < 1e-9 && rest * longest > -1e-9;
    const counted = near ? longest : (1 - exponentialOf(-rest * longest)) / rest;
    return y * y * (exponentialOf(-c) * (1 + c * counted) - 1);
  };
  const step = t / STEPS;
  let y = factor;
  for (let i = 0; i < STEPS; i++) {
    const at = (i + 0.5) * step;
    y += step * slope(y + (step / 2) * slope(y, at), at);
  }
  return y;
}

/**
 * A block found now sets the speed to W, with ln W growing by c(1 − y) per interval; until the next block that speed stays.
 * So the network is a mixture of parts, each with the speed of the moment at which it had its last block.
 */
function speedsUnderAsert(factor: number, times: readonly number[], c: number): number[] {
  let parts: { share: number; readonly speed: number }[] = [{ share: 1, speed: factor }];
  let logW = naturalLog(factor);
  let y = factor;
  let now = 0;
  return times.map((t) => {
    while (now < t) {
      const off = y > 1 ? y - 1 : 1 - y;
      const step = Math.min(1, MOST_CHANGE / (c * off + 1e-9), t - now);
      let found = 0;
      for (const part of parts) {
        const none = exponentialOf(-part.speed * step);
        found += part.share * (1 - none);
        part.share *= none;
      }
      parts = parts.filter(({ share }) => share > NEGLIGIBLE);
      parts.push({ share: found, speed: exponentialOf(logW + (c * (1 - y) * step) / 2) });
      const after = parts.reduce((sum, { share, speed }) => sum + share * speed, 0);
      logW += c * (1 - (y + after) / 2) * step;
      y = after;
      now += step;
    }
    return y;
  });
}

/** Of ln W, in one step. */
const MOST_CHANGE = 0.002;
/** A part of the mixture that no longer counts. */
const NEGLIGIBLE = 1e-9;

/** Standard deviation of log2 of the target under a steady hash rate, half-life in intervals (derived). */
export function targetDeviation(halflife: number): number {
  return squareRoot(1 / (2 * halflife * Math.LN2));
}

/** Mean interval under Bitcoin's rule over a window of W blocks, in intended intervals: W/(W − 2) (derived). */
export function windowInterval(window: number): number {
  return window / (window - 2);
}

/** All outbound connections lead to an attacker who has this share of a table of addresses. */
export function allOutbound(degree: number, share: number): number {
  let chance = 1;
  for (let i = 0; i < degree; i++) chance *= share;
  return chance;
}

/** And no honest node of the others, who choose alike, connects to the victim (derived). */
export function isolated(degree: number, share: number): number {
  return allOutbound(degree, share) * exponentialOf(-degree * (1 - share));
}

/** No block for m intervals, by chance alone. */
export function falseAlarm(intervals: number): number {
  return exponentialOf(-intervals);
}

/**
 * Mean speeds one window of `window` blocks after the other under Bitcoin's rule after a jump of the hash rate (derived). A
 * window holds W − 1 waits, two of the first window at the old rate, and is counted as W/4 to 4W intervals long.
 */
export function windowSpeeds(factor: number, windows: number, window: number): number[] {
  const speeds = [factor];
  for (let i = 1; i < windows; i++) {
    const speed = speeds.at(-1)!;
    const waits = window - 1;
    const fresh = i === 1 ? 2 : 0;
    const mean = fresh + (waits - fresh) / speed;
    const variance = fresh + (waits - fresh) / speed / speed;
    // A sum of so many equal exponential waits has this mean and variance.
    const terms = Math.round((mean * mean) / variance);
    speeds.push((speed * clippedMean(terms, mean / terms, window / 4, window * 4)) / window);
  }
  return speeds;
}

/** Mean of a sum of `terms` exponential waits of mean `wait` each, brought to `least` or `most` where it is beyond. */
function clippedMean(terms: number, wait: number, least: number, most: number): number {
  // The sum exceeds a when a Poisson process has fewer than `terms` events until a.
  const exceeds = (a: number) => poissonUpTo(terms - 1, a / wait);
  const meanBeyond = (a: number) => terms * wait * poissonUpTo(terms, a / wait);
  return least * (1 - exceeds(least)) + meanBeyond(least) - meanBeyond(most) + most * exceeds(most);
}

/** P(Poisson(mean) ≤ k). */
function poissonUpTo(k: number, mean: number): number {
  let term = exponentialOf(-mean);
  let sum = term;
  for (let i = 1; i <= k; i++) {
    term *= mean / i;
    sum += term;
  }
  return Math.min(1, sum);
}
