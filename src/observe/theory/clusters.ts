import { exponentialOf, oneMinusExpOfMinus } from '../../util/elementary.ts';
import { twoClusters } from './predict.ts';

/**
 * Two clusters of any shares, first-seen, delay d between (derived). A cluster *is* at a level when it has a block of that
 * height, its own or the other's. W = (when the first is there) − (when the second is), in delays. From level to level W
 * changes by the difference of two exponential waits, and never leaves [−1, 1]: after one delay the other's block is here.
 * At ±1 the level has one block; strictly between, it has two, and that is a fork. So depths of forks are the lengths of
 * stays inside, and all figures follow from this walk, which is solved on a grid.
 */
export interface ClusterRace {
  /** Share of heights with two blocks. */
  readonly forked: number;
  /** Share of blocks that end on nobody's branch. */
  readonly stale: number;
  /** Asymptotic factor from depth to depth: 4·p1·p2·sin²θ, θ·tanθ = x/2, in closed form. */
  readonly rho: number;
  /** D_k: share of the time in conflict deeper than k. */
  disagreement(k: number): number;
  /** V_k: tip changes that disconnect more than k blocks, per height, both clusters together. */
  violations(k: number): number;
}

const CELLS = 1_000;
/** What is left of forks deeper than we look. */
const NEGLIGIBLE = 1e-13;
const DEEPEST = 400;

/** `x` = λd > 0; `share` of the first cluster in (0, 1). */
export function clusterRace(x: number, share: number): ClusterRace {
  const walk = new Walk(x * share, x * (1 - share));
  const up = walk.from(1);
  const down = walk.from(-1);
  // How often a stay at one end follows one at the other: the balance of a chain with two states.
  const weightUp = down.toUp / (down.toUp + up.toDown);
  const weightDown = 1 - weightUp;
  const mix = (of: (s: Stays) => number) => weightUp * of(up) + weightDown * of(down);
  const sum = (list: readonly number[], from: number) => {
    let total = 0;
    for (let i = list.length - 1; i >= from; i--) total += list[i]!;
    return total;
  };
  const forks = mix((s) => sum(s.mass, 0));
  // Each stay inside begins at an end: one level there for so many inside.
  const levels = 1 + forks;
  const time = mix((s) => s.endTime + sum(s.time, 0));
  const forked = forks / levels;
  return {
    forked,
    stale: forked / (1 + forked),
    rho: 4 * share * (1 - share) * twoClusters(x).rho,
    disagreement: (k) => mix((s) => sum(s.time, k)) / time,
    violations: (k) => mix((s) => s.mass[k] ?? 0) / levels,
  };
}

interface Stays {
  /** Chance that a level at this end is followed by a stay inside of at least r + 1 levels. */
  readonly mass: readonly number[];
  /** Mean time, in delays, spent at the (r + 1)st level inside. */
  readonly time: readonly number[];
  /** Mean time at the end itself. */
  readonly endTime: number;
  /** Where the next level with one block is. */
  readonly toUp: number;
  readonly toDown: number;
}

class Walk {
  readonly #a: number;
  readonly #b: number;

  /** Blocks of either cluster per delay. */
  constructor(a: number, b: number) {
    this.#a = a;
    this.#b = b;
  }

  from(end: 1 | -1): Stays {
    const h = 2 / CELLS;
    let cells = new Float64Array(CELLS);
    for (let i = 0; i < CELLS; i++) {
      const left = -1 + i * h - end;
      cells[i] = this.#above(left) - this.#above(left + h);
    }
    let toUp = this.#above(1 - end);
    let toDown = 1 - this.#above(-1 - end);
    const mass: number[] = [];
    const time: number[] = [];
    for (let r = 0; r < DEEPEST; r++) {
      let inside = 0;
      let spent = 0;
      for (let i = 0; i < CELLS; i++) {
        const v = -1 + (i + 0.5) * h;
        const m = cells[i]!;
        inside += m;
        spent += m * this.#levelTime(v);
        toUp += m * this.#above(1 - v);
        toDown += m * (1 - this.#above(-1 - v));
      }
      mass.push(inside);
      time.push(spent);
      if (inside < NEGLIGIBLE) break;
      cells = this.#next(cells, h);
    }
    return { mass, time, endTime: this.#levelTime(end), toUp, toDown };
  }

  /** P(E1 − E2 > y), the waits exponential with rates a and b. */
  #above(y: number): number {
    const a = this.#a;
    const b = this.#b;
    return y >= 0 ? (b / (a + b)) * exponentialOf(-a * y) : 1 - (a / (a + b)) * exponentialOf(b * y);
  }

  /** One step of the walk inside: a convolution with two exponential sides, each a running sum. */
  #next(cells: Float64Array, h: number): Float64Array<ArrayBuffer> {
    const a = this.#a;
    const b = this.#b;
    const c = (a * b) / (a + b);
    const next = new Float64Array(CELLS);
    // From a cell's middle into another cell as a whole, so that mass is kept exactly; within its own cell, both sides.
    const own = c * (oneMinusExpOfMinus((a * h) / 2) / a + oneMinusExpOfMinus((b * h) / 2) / b);
    const upFirst = (c * exponentialOf((-a * h) / 2) * oneMinusExpOfMinus(a * h)) / a;
    const downFirst = (c * exponentialOf((-b * h) / 2) * oneMinusExpOfMinus(b * h)) / b;
    const upDecay = exponentialOf(-a * h);
    const downDecay = exponentialOf(-b * h);
    let running = 0;
    for (let i = 0; i < CELLS; i++) {
      next[i] = cells[i]! * own + running;
      running = running * upDecay + cells[i]! * upFirst;
    }
    running = 0;
    for (let i = CELLS - 1; i >= 0; i--) {
      next[i] = next[i]! + running;
      running = running * downDecay + cells[i]! * downFirst;
    }
    return next;
  }

  /** Mean time from the moment when both are at a level, v apart, to the moment when both are at the next. */
  #levelTime(v: number): number {
    return v >= 0 ? levelTime(this.#a, this.#b, v) : levelTime(this.#b, this.#a, -v);
  }
}

/** The cluster with rate a came v ≥ 0 later. E[min + min(|difference|, 1)] of the two finds, less v. */
function levelTime(a: number, b: number, v: number): number {
  const lead = oneMinusExpOfMinus(b * v);
  const first = lead / b + (1 - lead) / (a + b);
  const earlier = ((a / (a + b)) * (1 - lead) * oneMinusExpOfMinus(b)) / b;
  const later = v - ((a / (a + b)) * lead) / b + ((b / (a + b)) * oneMinusExpOfMinus(a * (1 - v))) / a;
  return first + earlier + later - v;
}
