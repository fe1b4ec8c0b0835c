import { defined } from '../../util/defined.ts';
import { squareRoot } from '../../util/elementary.ts';
import { BatchMeans } from './batches.ts';
import { Episodes, type SumError, Z95 } from './errors.ts';
import { DEPTHS, type Opinion } from './opinion.ts';
import { Quantiles, type Spread } from './quantiles.ts';

/** Depths whose time averages are batched. */
const SE_DEPTHS = 6;
/** With fewer episodes the scatter of batches is too uncertain itself: then the episodes are counted. */
const ENOUGH_EPISODES = 30;
/** Miners by name; a tag in a coinbase is free text, so what comes beyond counts as 'others'. */
const MINERS = 256;

interface MinerFigures {
  readonly miner: string;
  readonly blocks: number;
  readonly stale: number;
}

export interface DepthFigures {
  readonly k: number;
  /** D_k: time average over pairs of nodes of "they differ more than k blocks deep". */
  readonly d: number;
  /** A_k: share of the time in which some pair does. */
  readonly a: number;
  /** Standard errors and 95 % intervals; absent where there is nothing to average. */
  readonly dError?: SumError;
  readonly aError?: SumError;
  /** V_k: tip changes (not forced) that disconnected more than k blocks. */
  readonly v: number;
  readonly vPerHeight: number;
  readonly vPerNodeAndBlock: number;
  /** Of `vPerHeight`. */
  readonly vError?: SumError;
}

/** Figures of one stretch of time. Durations in milliseconds. */
export interface Figures {
  readonly from: number;
  readonly to: number;
  /** Time in which at least two nodes were up: the base of every share of time. */
  readonly comparedMs: number;
  /** Time in which any node was up. */
  readonly upMs: number;
  readonly blocks: number;
  readonly blocksPerS: number;
  readonly stale: number;
  readonly heights: number;
  readonly forkedHeights: number;
  readonly agreeMs: number;
  readonly lagMs: number;
  readonly conflictMs: number;
  readonly agreeError?: SumError;
  readonly depths: readonly DepthFigures[];
  /** Deepest conflict met. */
  readonly deepestConflict: number;
  /** Raced reorgs by depth, ascending. */
  readonly reorgs: readonly { readonly depth: number; readonly count: number }[];
  /** Reorgs by `invalidateblock` or `preciousblock`: shown, not counted in `reorgs` and V_k. */
  readonly forcedReorgs: number;
  readonly deepestReorg: number;
  /** CP_k held for every k from this on. */
  readonly commonPrefixFrom: number;
  readonly windows: Spread & { readonly perBlock: number; readonly openMs: number };
  readonly body: Spread;
  readonly tip: Spread;
  /** From a find to another node's first job on top of it; between two clusters, only across. */
  readonly job: Spread;
  /** Arrivals after the conditions under which the block was found had changed: in neither of the two. */
  readonly lateArrivals: number;
  readonly miners: readonly MinerFigures[];
  /** Tip changes of a node to less work, unforced: must be 0. */
  readonly workDecreases: number;
}

/** Everything that is counted over one stretch of time: an epoch, or the whole run. */
export class Tally {
  readonly from: number;
  to: number;
  blocks = 0;
  stale = 0;
  heights = 0;
  forkedHeights = 0;
  forcedReorgs = 0;
  deepestReorg = 0;
  deepestConflict = 0;
  lateArrivals = 0;
  workDecreases = 0;
  mostNodes = 0;
  tipChanges = 0;
  readonly body = new Quantiles();
  readonly tip = new Quantiles();
  readonly job = new Quantiles();
  readonly #windows = new Quantiles();
  readonly #reorgs = new Map<number, number>();
  readonly #miners = new Map<string, { blocks: number; stale: number }>();
  readonly #pairMs: number[] = [];
  readonly #anyMs: number[] = [];
  readonly #batches = new BatchMeans(1 + 2 * SE_DEPTHS);
  #upMs = 0;
  #comparedMs = 0;
  #agreeMs = 0;
  #lagMs = 0;
  #windowMs: number | undefined;
  /** By window of disagreement: time of pairs and of any pair in conflict deeper than k, and breaks of reads so deep. */
  readonly #pairEpisodes = new Episodes();
  readonly #anyEpisodes = new Episodes();
  readonly #breaks = new Episodes();
  /** Stretches in which the tips differ, in conflict or not. */
  readonly #differing = new Episodes();

  constructor(from: number) {
    this.from = from;
    this.to = from;
  }

  get differedMs(): number {
    return this.#comparedMs - this.#agreeMs;
  }

  /** The nodes were of this opinion up to the moment `to`. */
  integrate(opinion: Opinion, to: number): void {
    const ms = to - this.to;
    this.to = to;
    if (opinion.nodes > 0) this.#upMs += ms;
    this.mostNodes = Math.max(this.mostNodes, opinion.nodes);
    if (opinion.nodes < 2 || ms === 0) return;
    this.#comparedMs += ms;
    if (opinion.equal) {
      this.#agreeMs += ms;
      this.#differing.end();
    } else {
      this.#differing.add(0, ms);
      if (opinion.deepest === 0) this.#lagMs += ms;
    }
    const depth = Math.min(opinion.deepest, DEPTHS);
    for (let k = 0; k < depth; k++) {
      const pairMs = (opinion.pairs[k] ?? 0) * ms;
      this.#pairMs[k] = (this.#pairMs[k] ?? 0) + pairMs;
      this.#anyMs[k] = (this.#anyMs[k] ?? 0) + ms;
      this.#pairEpisodes.add(k, pairMs);
      this.#anyEpisodes.add(k, ms);
    }
    const values = [opinion.equal ? 1 : 0];
    for (let k = 0; k < SE_DEPTHS; k++) values.push(opinion.pairs[k] ?? 0, k < depth ? 1 : 0);
    this.#batches.add(values, ms);
    if (this.#windowMs !== undefined) this.#windowMs += ms;
  }

  /** A conflict begins or ends; call after `integrate`. */
  inConflict(yes: boolean, deepest: number): void {
    this.deepestConflict = Math.max(this.deepestConflict, deepest);
    if (yes) {
      this.#windowMs ??= 0;
      return;
    }
    // The nodes of a side that loses reorganise together: one window is one event, however many they are.
    for (const episodes of [this.#pairEpisodes, this.#anyEpisodes, this.#breaks]) episodes.end();
    if (this.#windowMs === undefined) return;
    this.#windows.add(this.#windowMs);
    this.#windowMs = undefined;
  }

  found(miner: string, blocks: number, stale: number): void {
    this.blocks += blocks;
    this.stale += stale;
    const name = this.#miners.has(miner) || this.#miners.size < MINERS ? miner : 'others';
    const known = this.#miners.get(name);
    if (known === undefined) this.#miners.set(name, { blocks, stale });
    else {
      known.blocks += blocks;
      known.stale += stale;
    }
  }

  reorganised(depth: number, forced: boolean): void {
    this.deepestReorg = Math.max(this.deepestReorg, depth);
    if (forced) {
      this.forcedReorgs++;
      return;
    }
    this.#reorgs.set(depth, (this.#reorgs.get(depth) ?? 0) + 1);
    for (let k = 0; k < Math.min(depth, DEPTHS); k++) this.#breaks.add(k, 1);
  }

  /** No more time or arrivals will come: gives up what only they need. Stale counts may still change. */
  close(): void {
    this.inConflict(false, 0);
    for (const quantiles of [this.body, this.tip, this.job, this.#windows]) quantiles.fold();
  }

  /** `pending`: blocks on nobody's branch so far that another of their height has already beaten, by miner. */
  read(pending: ReadonlyMap<string, number>): Figures {
    const miners = [...this.#miners]
      .map(([miner, { blocks, stale }]) => ({ miner, blocks, stale: stale + (pending.get(miner) ?? 0) }))
      .sort((a, b) => (a.miner < b.miner ? -1 : 1));
    let stale = this.stale;
    for (const count of pending.values()) stale += count;
    const reorgs = [...this.#reorgs]
      .map(([depth, count]) => ({ depth, count }))
      .sort((a, b) => a.depth - b.depth);
    const agreeError = this.#agreeError();
    const windows = this.#windows.spread();
    return {
      from: this.from,
      to: this.to,
      comparedMs: this.#comparedMs,
      upMs: this.#upMs,
      blocks: this.blocks,
      blocksPerS: this.#upMs === 0 ? 0 : (this.blocks * 1000) / this.#upMs,
      stale,
      heights: this.heights,
      forkedHeights: this.forkedHeights,
      agreeMs: this.#agreeMs,
      lagMs: this.#lagMs,
      conflictMs: this.#anyMs[0] ?? 0,
      ...defined({ agreeError }),
      depths: this.#depths(reorgs),
      deepestConflict: this.deepestConflict,
      reorgs,
      forcedReorgs: this.forcedReorgs,
      deepestReorg: this.deepestReorg,
      commonPrefixFrom: Math.max(this.deepestConflict, this.deepestReorg),
      windows: {
        ...windows,
        perBlock: this.blocks === 0 ? 0 : windows.n / this.blocks,
        openMs: this.#windowMs ?? 0,
      },
      body: this.body.spread(),
      tip: this.tip.spread(),
      job: this.job.spread(),
      lateArrivals: this.lateArrivals,
      miners,
      workDecreases: this.workDecreases,
    };
  }

  /** Three block intervals: what happened longer ago has no say in whether nodes differ now. */
  #memoryMs(): number {
    return this.blocks === 0 ? 0 : (3 * this.#upMs) / this.blocks;
  }

  /** A mean interval between blocks: about as long as a conflict lasts. */
  #usualMs(): number {
    return this.blocks === 0 ? this.#comparedMs : this.#upMs / this.blocks;
  }

  #agreeError(): SumError | undefined {
    if (this.#comparedMs === 0) return undefined;
    const differ = this.differedMs;
    const { se, low, high } = this.#timeError(this.#differing, 0, 0, differ, differ);
    return { se, low: 1 - high, high: 1 - low };
  }

  /** Of a share of time: the scatter of batches where episodes are many, else by the number of episodes. */
  #timeError(episodes: Episodes, k: number, batch: number, sum: number, anyMs: number): SumError {
    const base = this.#comparedMs;
    const share = sum / base;
    const scatter = batch <= 2 * SE_DEPTHS ? this.#batches.se(batch, this.#memoryMs()) : undefined;
    if (scatter !== undefined && scatter > 0 && episodes.count(k) >= ENOUGH_EPISODES) {
      const [low, high] = [Math.max(0, share - Z95 * scatter), Math.min(1, share + Z95 * scatter)];
      return { se: scatter, low, high };
    }
    const { se, low, high } = episodes.error(k, sum, this.#usualMs());
    // Episodes take turns with stretches without one: the more of the time they fill, the less their sum scatters.
    const free = 1 - anyMs / base;
    const least = share - ((sum - low) / base) * free;
    return {
      se: (se / base) * free,
      low: Math.max(0, least),
      high: Math.min(1, share + ((high - sum) / base) * free),
    };
  }

  /** One row a depth, as deep as anything went, at least k = 0 … 2. */
  #depths(reorgs: readonly { readonly depth: number; readonly count: number }[]): DepthFigures[] {
    const rows: DepthFigures[] = [];
    const deepest = Math.min(DEPTHS, Math.max(3, this.#anyMs.length, reorgs.at(-1)?.depth ?? 0));
    for (let k = 0; k < deepest; k++) {
      let v = 0;
      for (const { depth, count } of reorgs) if (depth > k) v += count;
      const share = (ms: number | undefined) => (this.#comparedMs === 0 ? 0 : (ms ?? 0) / this.#comparedMs);
      const any = this.#anyMs[k] ?? 0;
      const isTimed = this.#comparedMs > 0;
      const heights = this.heights;
      const broken = this.#breaks.error(k, v, Math.max(1, this.mostNodes / 2));
      rows.push({
        k,
        d: share(this.#pairMs[k]),
        a: share(any),
        ...(isTimed
          ? {
              dError: this.#timeError(this.#pairEpisodes, k, 1 + 2 * k, this.#pairMs[k] ?? 0, any),
              aError: this.#timeError(this.#anyEpisodes, k, 2 + 2 * k, any, any),
            }
          : {}),
        v,
        vPerHeight: heights === 0 ? 0 : v / heights,
        ...(heights === 0
          ? {}
          : {
              vError: { se: broken.se / heights, low: broken.low / heights, high: broken.high / heights },
            }),
        vPerNodeAndBlock: this.blocks * this.mostNodes === 0 ? 0 : v / (this.blocks * this.mostNodes),
      });
    }
    return rows;
  }
}

/** Binomial standard error of a share p of n trials. */
export function binomialSe(p: number, n: number): number {
  return n === 0 ? 0 : squareRoot((p * (1 - p)) / n);
}
