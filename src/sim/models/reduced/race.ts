import { assert } from '../../../util/assert.ts';
import { exponential, type Random } from '../../../util/random.ts';
import { firstSeenTie, genesisBlock, ReducedBlock, type Tie, wins } from './block.ts';
import { ArrivalQueue } from './queue.ts';

export interface RaceOptions {
  /** Hash power of each node, in any unit. */
  readonly shares: readonly number[];
  /** Microseconds from the finding at `from` until `to` has the block; row by row. */
  readonly delays: Float64Array;
  /** Mean time between two blocks of the whole network, microseconds. */
  readonly interval: number;
  readonly random: Random;
  /** What decides at equal work; first seen unless told otherwise. */
  readonly tie?: Tie;
}

/** Called after the change; `now` in microseconds. */
export interface RaceWatcher {
  found?(block: ReducedBlock, now: number): void;
  tip?(node: number, old: ReducedBlock, now: number): void;
}

/**
 * Honest miners without transactions: blocks are found as exponential clocks ring, travel for a time, and are followed
 * by the node's own comparison. A block comes after its parent everywhere, as the delays obey the triangle inequality.
 */
export class Race {
  readonly genesis = genesisBlock();
  readonly tips: ReducedBlock[];
  readonly #delays: Float64Array;
  readonly #cumulative: Float64Array;
  readonly #interval: number;
  readonly #random: Random;
  readonly #tie: Tie;
  readonly #watcher: RaceWatcher;
  readonly #queue = new ArrivalQueue<ReducedBlock>();
  /** Group of each node while the network is cut. */
  #groups: readonly number[] | undefined;
  #now = 0;
  #nextFind: number;
  mined = 0;
  deliveries = 0;

  constructor(options: RaceOptions, watcher: RaceWatcher = {}) {
    const nodes = options.shares.length;
    assert(options.delays.length === nodes * nodes, 'one delay for every ordered pair of nodes');
    this.tips = options.shares.map(() => this.genesis);
    this.#delays = options.delays;
    this.#cumulative = cumulated(options.shares);
    this.#interval = options.interval;
    this.#random = options.random;
    this.#tie = options.tie ?? firstSeenTie;
    this.#watcher = watcher;
    this.#nextFind = exponential(this.#random, this.#interval);
  }

  get now(): number {
    return this.#now;
  }

  /** Of all blocks there are. */
  get best(): ReducedBlock {
    let best = this.tips[0]!;
    for (const tip of this.tips) if (tip !== best && wins(tip, best, this.#tie)) best = tip;
    return best;
  }

  get agree(): boolean {
    const [first] = this.tips;
    for (const tip of this.tips) if (tip !== first) return false;
    return true;
  }

  /** Until so many more blocks have been found; what is on its way then stays there. */
  runBlocks(blocks: number): void {
    for (const end = this.mined + blocks; this.mined < end; ) this.#event();
  }

  runUntil(time: number): void {
    while (Math.min(this.#nextFind, this.#queue.earliest) <= time) this.#event();
    this.#now = time;
  }

  /** Mining goes on until all tips are equal. */
  runToAgreement(): void {
    while (!this.agree) this.#event();
  }

  /** The miners stop, and what is on its way arrives. */
  drain(): void {
    while (this.#queue.size > 0) this.#arrive();
  }

  /** Nothing sent from now on crosses between groups. */
  cut(groups: readonly number[]): void {
    this.#groups = groups;
  }

  /** Each node tells all others its tip, and with it all blocks below. */
  heal(): void {
    this.#groups = undefined;
    for (const [from, tip] of this.tips.entries()) this.#send(from, tip);
  }

  #event(): void {
    if (this.#queue.earliest <= this.#nextFind) this.#arrive();
    else this.#find();
  }

  #arrive(): void {
    this.#now = this.#queue.earliest;
    const block = this.#queue.pop();
    this.deliveries++;
    this.#offer(this.#queue.where, block);
  }

  #offer(node: number, block: ReducedBlock): void {
    const old = this.tips[node]!;
    if (!wins(block, old, this.#tie)) return;
    this.tips[node] = block;
    this.#watcher.tip?.(node, old, this.#now);
  }

  #find(): void {
    this.#now = this.#nextFind;
    this.#nextFind += exponential(this.#random, this.#interval);
    const miner = pick(this.#cumulative, this.#random);
    const old = this.tips[miner]!;
    const block = new ReducedBlock(old, this.#now, miner, this.#random.u32() * 0x10_0000 + this.mined);
    this.mined++;
    this.#watcher.found?.(block, this.#now);
    this.tips[miner] = block;
    this.#watcher.tip?.(miner, old, this.#now);
    this.#send(miner, block);
  }

  #send(from: number, block: ReducedBlock): void {
    const nodes = this.tips.length;
    const groups = this.#groups;
    for (let to = 0; to < nodes; to++) {
      if (to === from || (groups !== undefined && groups[to] !== groups[from])) continue;
      this.#queue.push(this.#now + this.#delays[from * nodes + to]!, to, block);
    }
  }
}

/** Sums up to each share, as parts of 1. */
export function cumulated(shares: readonly number[]): Float64Array {
  let total = 0;
  for (const share of shares) total += share;
  const sums = new Float64Array(shares.length);
  let sum = 0;
  for (const [i, share] of shares.entries()) {
    sum += share / total;
    sums[i] = sum;
  }
  return sums;
}

function pick(cumulative: Float64Array, random: Random): number {
  const u = random.unit();
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}
