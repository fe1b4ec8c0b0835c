import { clockSpan, span } from '../words/words.ts';

/**
 * Time as a length: so many pixels a millisecond, but a silence takes no more than a bound and is marked. What is
 * placed stays where it is: a position hangs on what was before it alone. Pure.
 */
export interface TimeAxis {
  at(t: number): number;
  /** Round times between two places, with their clock. */
  ticks(from: number, to: number): readonly Tick[];
  /** Silences that were shortened, by where they end. */
  readonly breaks: readonly { readonly at: number; readonly words: string }[];
  /** Where the last moment lies. */
  readonly end: number;
}

export interface Tick {
  readonly at: number;
  readonly words: string;
}

export interface AxisWishes {
  /** Moments at which something was found, in their order. */
  readonly times: readonly number[];
  readonly pixelsPerMs: number;
  /** From one moment to the next at least: for blocks that come in bursts, where nobody promised a scale. */
  readonly least?: number;
  /** The shown moment: the axis ends there. */
  readonly now: number;
  /** What its clock counts from. */
  readonly zero: number;
}

/** A silence takes no more. */
const LONGEST = 660;
/** Between two ticks at least. */
const TICK = 80;
const STEPS_MS = [
  ...[100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000],
  ...[1_200_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000],
];

export function timeAxis(wishes: AxisWishes): TimeAxis {
  return new Stretches(wishes);
}

/** An axis as stretches: each begins at a time, at its place, and ends where the next begins. */
class Stretches implements TimeAxis {
  readonly breaks: { at: number; words: string }[] = [];
  readonly end: number;
  readonly #starts: number[] = [];
  readonly #places: number[] = [];
  readonly #wishes: AxisWishes;
  /** Between two ticks. */
  readonly #step: number;

  constructor(wishes: AxisWishes) {
    this.#wishes = wishes;
    const { times, pixelsPerMs, least = 0, now } = wishes;
    for (const t of times) {
      if (t === this.#starts.at(-1)) continue;
      const at = this.#pass(t, least);
      this.#starts.push(t);
      this.#places.push(at);
    }
    const last = this.#starts.at(-1) ?? now;
    this.end = now > last ? this.#pass(now, 0) : (this.#places.at(-1) ?? 0);
    this.#step = STEPS_MS.find((ms) => ms * pixelsPerMs >= TICK) ?? STEPS_MS.at(-1)!;
  }

  at(t: number): number {
    const starts = this.#starts;
    if (starts.length === 0) return 0;
    const i = stretchOf(t, starts);
    const [place, next] = [this.#places[i]!, this.#places[i + 1]];
    const natural = place + this.#length(t - starts[i]!);
    if (next === undefined) return natural;
    const whole = starts[i + 1]! - starts[i]!;
    // A stretch that was made longer is so evenly.
    return next > place + this.#length(whole)
      ? place + ((next - place) * (t - starts[i]!)) / whole
      : Math.min(natural, next);
  }

  ticks(from: number, to: number): readonly Tick[] {
    const { now, zero, pixelsPerMs } = this.#wishes;
    const [starts, places, step] = [this.#starts, this.#places, this.#step];
    const ticks: Tick[] = [];
    for (let i = stretchOf(from, places); i < starts.length && places[i]! <= to; i++) {
      const begin = starts[i]!;
      const until = Math.min(starts[i + 1] ?? now, begin + LONGEST / pixelsPerMs);
      for (
        let t = zero + Math.ceil((begin - zero) / step) * step;
        t < until || (i === starts.length - 1 && t === until);
        t += step
      )
        ticks.push({ at: this.at(t), words: clockWords(t - zero, step) });
    }
    return ticks;
  }

  #length(ms: number): number {
    return Math.min(LONGEST, ms * this.#wishes.pixelsPerMs);
  }

  /** Where a time lies behind the last start; a silence that is shortened is noted. */
  #pass(t: number, floor: number): number {
    const before = this.#starts.at(-1);
    if (before === undefined) return 0;
    const at = this.#places.at(-1)! + Math.max(floor, this.#length(t - before));
    if ((t - before) * this.#wishes.pixelsPerMs > LONGEST) this.breaks.push({ at, words: span(t - before) });
    return at;
  }
}

/** The stretch that holds a value: the last one that begins at or before it. */
function stretchOf(value: number, begins: readonly number[]): number {
  let low = 0;
  let high = begins.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (begins[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** `0:32`; with tenths where ticks are closer than a second. */
function clockWords(ms: number, step: number): string {
  return step >= 1_000 ? clockSpan(ms) : `${clockSpan(ms)}.${Math.floor(ms / 100) % 10}`;
}
