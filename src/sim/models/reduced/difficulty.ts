import type { Header } from '../../../bitcoin/header.ts';
import { compactToTarget, targetToCompact } from '../../../bitcoin/target.ts';
import {
  nextBits,
  type Retarget,
  type RetargetEntry,
  type RetargetParams,
} from '../../../consensus/params/retarget.ts';
import { exponential, naturalLog, type Random, seeded } from '../../../util/random.ts';

export interface DifficultyInput {
  readonly retarget: Retarget;
  /** The hash rate becomes so many times what it was. */
  readonly factor: number;
  /** Blocks of the long run under one hash rate. */
  readonly blocks: number;
  /** Runs with a jump of the hash rate. */
  readonly jumps: number;
  /** When to look after a jump: after so many block intervals, or when so many blocks have been found. */
  readonly looks: readonly number[];
  readonly by: 'time' | 'blocks';
  readonly seed: string;
}

export interface DifficultyFigures {
  /** Mean time between blocks of each of 50 stretches, in intended intervals. */
  readonly intervals: readonly number[];
  /** Mean square of log2(target ÷ what is right) about its mean, of each stretch. */
  readonly spread: readonly number[];
  /** For each look, of each run: blocks per intended interval, as hash rate and target have it at that moment. */
  readonly speeds: readonly (readonly number[])[];
}

export const SPACING_MS = 600_000;
const BATCHES = 50;
/** Bits of the target at the start: small enough to grow tenfold and shrink without a limit in the way. */
const START_TARGET = 1n << 200n;
const START_BITS = targetToCompact(START_TARGET);
const SETTLE = 3;

export function runDifficulty(input: DifficultyInput, progress: (part: number) => void): DifficultyFigures {
  const random = seeded(input.seed);
  const { intervals, spread } = longRun(input, random, (part) => progress(part * 0.6));
  const speeds: number[][] = input.looks.map(() => []);
  for (let i = 0; i < input.jumps; i++) {
    for (const [j, speed] of jump(input, random).entries()) speeds[j]!.push(speed);
    progress(0.6 + (0.4 * i) / input.jumps);
  }
  return { intervals, spread, speeds };
}

/** A chain of headers, each with the bits that the consensus asks for and a time as chance has it. */
class HeaderChain {
  readonly #params: RetargetParams;
  readonly #random: Random;
  tip: RetargetEntry;
  /** Of the tip, exactly; headers have whole seconds. Microseconds. */
  now: number;
  bits: number;

  constructor(retarget: Retarget, random: Random) {
    const header = headerAt(1_000_000_000, START_BITS);
    this.#params = { retarget, spacingMs: SPACING_MS, powLimit: (1n << 256n) - 1n, genesis: { header } };
    this.#random = random;
    this.tip = { header, height: 0, parent: undefined };
    this.now = header.time * 1_000_000;
    this.bits = nextBits(this.tip, this.#params);
  }

  /** Blocks per intended interval with this hash rate, 1 being what the first target is right for. */
  speed(power: number): number {
    return power * ratio(this.bits);
  }

  /** When the next block comes, if none has come until `from`: the wait has no memory. */
  draw(power: number, from: number = this.now): number {
    return from + exponential(this.#random, (SPACING_MS * 1_000) / this.speed(power));
  }

  extend(time: number): void {
    this.now = time;
    const header = headerAt(Math.max(Math.floor(time / 1_000_000), this.tip.header.time), this.bits);
    this.tip = { header, height: this.tip.height + 1, parent: this.tip };
    this.bits = nextBits(this.tip, this.#params);
  }

  /** What lies further below than any rule looks is let go. */
  forget(): void {
    let at: RetargetEntry = this.tip;
    for (let i = 0; i < 5_000 && at.parent !== undefined; i++) at = at.parent;
    (at as { parent: RetargetEntry | undefined }).parent = undefined;
  }
}

function headerAt(time: number, bits: number): Header {
  return { version: 4, prev: NOTHING, merkleRoot: NOTHING, time, bits, nonce: 0 };
}

const NOTHING = new Uint8Array(32);

/** Target over the first target; both are small against 2^256, and 53 bits of them are plenty. */
function ratio(bits: number): number {
  return Number((compactToTarget(bits).target << 40n) / START_TARGET) / 2 ** 40;
}

function longRun(
  { retarget, blocks }: DifficultyInput,
  random: Random,
  progress: (part: number) => void,
): Pick<DifficultyFigures, 'intervals' | 'spread'> {
  const chain = new HeaderChain(retarget, random);
  const size = Math.ceil(blocks / BATCHES);
  for (let i = 0; i < SETTLE * size; i++) chain.extend(chain.draw(1));
  const intervals: number[] = [];
  const logs: number[][] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const began = chain.now;
    const log: number[] = [];
    for (let i = 0; i < size; i++) {
      log.push(naturalLog(ratio(chain.bits)) / Math.LN2);
      chain.extend(chain.draw(1));
    }
    chain.forget();
    intervals.push((chain.now - began) / size / SPACING_MS / 1_000);
    logs.push(log);
    progress(batch / BATCHES);
  }
  const all = logs.flat();
  let mean = 0;
  for (const value of all) mean += value / all.length;
  const spread = logs.map((log) => log.reduce((s, v) => s + (v - mean) * (v - mean), 0) / log.length);
  return { intervals, spread };
}

/** From a target that is right for the old hash rate; the speeds at the times asked for. */
function jump({ retarget, factor, looks, by }: DifficultyInput, random: Random): number[] {
  const chain = new HeaderChain(retarget, random);
  // Blocks 1 and 2 do not count under `ema`: the jump comes at the third.
  for (let i = 0; i < 2; i++) chain.extend(chain.draw(1));
  const began = chain.now;
  let from = began;
  const speeds: number[] = [];
  for (const look of looks) {
    if (by === 'blocks') {
      while (chain.tip.height < look) chain.extend(chain.draw(factor));
      speeds.push(chain.speed(factor));
      continue;
    }
    const at = began + look * SPACING_MS * 1_000;
    for (let next = chain.draw(factor, from); next <= at; next = chain.draw(factor)) chain.extend(next);
    from = at;
    speeds.push(chain.speed(factor));
  }
  return speeds;
}
