import type { LogEvent } from '../../events/events.ts';
import { Branches } from './branches.ts';
import { type Change, Conditions, type Shape } from './conditions.ts';
import { type Block, type Cut, type Epoch, type EpochFigures, readCut, readEpoch } from './epochs.ts';
import { type HealFigures, Heals } from './heals.ts';
import { NOBODY, type Opinion, opinionOf } from './opinion.ts';
import { type Figures, Tally } from './tally.ts';
import { FigureTree, minersOf } from './tree.ts';

/**
 * Every figure of a run from its event log, and from nothing else. Feed events in the order of their time; times between
 * two tip changes are integrated exactly.
 *
 * Memory is bounded however long the run: blocks of the last 5,000 heights (a conflict deeper than that counts as so
 * deep), 200 epochs, 1,000 heals, and per tally 4,096 values of each kind before they are counted in classes.
 */
export interface FiguresReader {
  apply(event: LogEvent): void;
  /** All figures, up to this moment (milliseconds, as `t` of the events) or to the last event. */
  read(now?: number): RunFigures;
}

export interface RunFigures {
  /** All of the log. */
  readonly whole: Figures;
  /** Stretches under unchanged conditions, oldest first; the last one is still going on. */
  readonly epochs: readonly EpochFigures[];
  /** The cut that is open, from its beginning: other conditions may have changed in it, each with an epoch of its own. */
  readonly cut?: EpochFigures;
  readonly heals: HealFigures;
  /** Nodes that are up. */
  readonly nodes: readonly string[];
}

export interface FiguresOptions {
  readonly keptHeights?: number;
  readonly keptEpochs?: number;
  /** Changes within this time of an epoch's beginning, before its first block, belong to the same change. */
  readonly settleMs?: number;
}

const KEPT_HEIGHTS = 5_000;
const KEPT_EPOCHS = 200;
const SETTLE_MS = 1_000;
/** Arrivals at nodes further behind than this are not waited for. */
const ARRIVAL_HEIGHTS = 100;
/** Changes that are remembered as the beginning of one epoch. */
const MOST_CHANGES = 300;

interface Height {
  count: number;
  readonly epoch: Epoch;
}

type Of<K extends LogEvent['kind']> = Extract<LogEvent, { kind: K }>;

export function newFigures(options: FiguresOptions = {}): FiguresReader {
  return new Reducer(options);
}

class Reducer implements FiguresReader {
  readonly #keptEpochs: number;
  readonly #settleMs: number;
  readonly #tree: FigureTree<Epoch>;
  readonly #conditions = new Conditions();
  readonly #heights = new Map<number, Height>();
  /** Tip of every node that is up. */
  readonly #tips = new Map<string, Block>();
  readonly #branches: Branches<Epoch>;
  /** Nodes whose last tip change could not be measured in the tree: their `reorg` event tells. */
  readonly #unmeasured = new Set<string>();
  readonly #epochs: Epoch[] = [];
  readonly #heals = new Heals();
  #whole: Tally | undefined;
  #epoch: Epoch | undefined;
  #nextEpoch = 1;
  /** The open cut, and what began it. */
  #cut: Cut | undefined;
  #opinion: Opinion = NOBODY;
  #now = 0;

  constructor(options: FiguresOptions) {
    this.#tree = new FigureTree(options.keptHeights ?? KEPT_HEIGHTS, (block, holders) =>
      this.#branches.gain(block, holders),
    );
    this.#branches = new Branches(this.#tree, (block, by) => this.#countStale(block, by));
    this.#keptEpochs = options.keptEpochs ?? KEPT_EPOCHS;
    this.#settleMs = options.settleMs ?? SETTLE_MS;
  }

  apply(event: LogEvent): void {
    // A launcher that begins had been away: what lies between is nobody's time, even if nobody said goodbye.
    if (event.kind === 'yard') this.#tips.clear();
    if (event.kind === 'yard') this.#opinion = NOBODY;
    this.#advance(event.t);
    const change = this.#conditions.apply(event);
    if (change !== undefined || this.#epoch === undefined) this.#begin(change ?? { what: 'the log begins' });
    this.#noteCut(change);
    this.#take(event);
    if (change !== undefined || event.kind === 'links') this.#look(this.#epoch!);
  }

  #take(event: LogEvent): void {
    switch (event.kind) {
      case 'start':
        this.#started(event);
        break;
      case 'stop':
        this.#gone(event.node);
        break;
      case 'process':
        if (event.what !== 'started') this.#gone(event.of);
        break;
      case 'header':
      case 'headers':
        this.#tree.put(event.id, event.prev, event.height);
        this.#prune();
        break;
      case 'block':
        this.#body(event);
        break;
      case 'mined':
        this.#found(this.#tree.put(event.id, '', event.height), event.node, event.miner, event.hidden);
        break;
      case 'job': {
        const parent = this.#tree.get(event.prev);
        if (parent !== undefined) this.#arrived(parent, event.node, 'job');
        break;
      }
      case 'tip':
        this.#tip(event);
        break;
      case 'reorg':
        if (this.#unmeasured.delete(event.node)) this.#reorganised(event.depth, event.because !== 'work');
        break;
      case 'refused':
        this.#refused(event.id);
        break;
      case 'partition':
        this.#heals.cut();
        break;
      case 'heal':
        this.#heals.healed(this.#now);
        if (this.#opinion.equal) this.#heals.agreed(this.#now);
        break;
      default:
        break;
    }
  }

  /** Time passes: the nodes were of one opinion from the last event to this one. One that comes late counts as now. */
  #advance(t: number): void {
    this.#whole ??= new Tally(t);
    this.#now = Math.max(this.#now, t);
    this.#whole.integrate(this.#opinion, this.#now);
    this.#epoch?.tally.integrate(this.#opinion, this.#now);
    this.#cut?.tally.integrate(this.#opinion, this.#now);
  }

  /** A cut is counted as a whole too, whatever else changes while it is open. */
  #noteCut(change: Change | undefined): void {
    const { cut } = this.#conditions;
    if (!cut || change === undefined) {
      if (!cut) this.#cut = undefined;
      return;
    }
    if (this.#cut === undefined || change.what.startsWith('cut ')) {
      this.#cut = { tally: this.#newTally(), because: change.what };
    }
    this.#epoch!.cutTally = this.#cut.tally;
  }

  #newTally(): Tally {
    const tally = new Tally(this.#now);
    tally.inConflict(this.#opinion.deepest > 0, this.#opinion.deepest);
    return tally;
  }

  #talliesOf({ tally, cutTally }: Epoch): readonly Tally[] {
    return cutTally === undefined ? [tally, this.#whole!] : [tally, this.#whole!, cutTally];
  }

  #begin(change: Change): void {
    const old = this.#epoch;
    let no = old?.no;
    let changes: Change[] = [];
    if (old !== undefined) {
      const { tally } = old;
      const same = this.#now - old.changedAt < this.#settleMs && tally.blocks === 0;
      const idle = tally.blocks === 0 && tally.tipChanges === 0 && tally.differedMs === 0;
      // Several events of one change, or a stretch in which nothing happened: not worth an epoch of its own.
      if (idle) {
        this.#epochs.pop();
        ({ changes } = old);
      } else if (same) {
        old.changedAt = this.#now;
        if (old.changes.length < MOST_CHANGES) old.changes.push(change);
        return;
      } else {
        tally.close();
        no = undefined;
      }
    }
    const epoch: Epoch = {
      no: no ?? this.#nextEpoch++,
      changes: changes.length < MOST_CHANGES ? [...changes, change] : changes,
      changedAt: this.#now,
      tally: this.#newTally(),
      shape: this.#conditions.shape(),
      cut: this.#conditions.cut,
      cutTally: undefined,
    };
    this.#epoch = epoch;
    this.#epochs.push(epoch);
    if (this.#epochs.length > this.#keptEpochs) this.#epochs.shift();
  }

  #look(epoch: Epoch): void {
    epoch.shape = this.#conditions.shape();
    epoch.cut = this.#conditions.cut;
  }

  #started(event: Of<'start'>): void {
    this.#tree.put(event.genesis, '', 0);
    const block = this.#tree.put(event.id, '', event.height);
    if (block === undefined) return;
    // What its disk holds after a crash is where it is: no reorg, and no work lost by its own choice.
    this.#move(event.node, block, BigInt(`0x${event.work}`));
  }

  #move(node: string, to: Block, work: bigint): void {
    this.#branches.move(node, to, work);
    this.#tips.set(node, to);
    this.#branches.dropBeaten((other) => this.#tips.has(other));
    this.#settleOpinion();
  }

  #gone(node: string): void {
    if (this.#tips.delete(node)) this.#settleOpinion();
  }

  #body(event: Of<'block'>): void {
    const known = this.#tree.get(event.id) !== undefined;
    const block = this.#tree.put(event.id, event.prev, event.height);
    if (block === undefined) return;
    this.#prune();
    if (event.from === 'self') {
      // The strategy shows it: its way to the others begins now.
      if (block.mined?.hidden === true) block.mined = { ...block.mined, t: this.#now, hidden: false };
      // A block handed in that others have sent before was not found here.
      else if (!known || block.mined === undefined) this.#found(block, event.node, event.miner);
      return;
    }
    this.#arrived(block, event.node, 'body');
  }

  #found(block: Block | undefined, node: string, miner: string, hidden = false): void {
    if (block === undefined || block.mined !== undefined || block.refused) return;
    const epoch = this.#epoch!;
    block.mined = { t: this.#now, node, miner: miner === '' ? node : miner, owner: epoch, hidden };
    for (const tally of this.#talliesOf(epoch)) tally.found(block.mined.miner, 1, 0);
    this.#countHeight(block, 1);
    this.#branches.found(block);
    for (const old of this.#tree.at(block.height - ARRIVAL_HEIGHTS)) {
      old.bodyAt = undefined;
      old.tipAt = undefined;
      old.jobAt = undefined;
    }
  }

  #prune(): void {
    for (const height of this.#tree.prune()) {
      this.#heights.delete(height);
      this.#branches.forget(height);
    }
  }

  #countHeight(block: Block, by: 1 | -1): void {
    const height = this.#heights.get(block.height) ?? { count: 0, epoch: this.#epoch! };
    this.#heights.set(block.height, height);
    const before = height.count;
    height.count += by;
    for (const tally of this.#talliesOf(height.epoch)) {
      tally.heights += Number(height.count > 0) - Number(before > 0);
      tally.forkedHeights += Number(height.count > 1) - Number(before > 1);
    }
  }

  #countStale(block: Block, by: 1 | -1): void {
    if (block.mined === undefined) return;
    for (const tally of this.#talliesOf(block.mined.owner)) tally.found(block.mined.miner, 0, by);
  }

  /** An invalid block is nobody's honest work: it is taken out of all counts. */
  #refused(id: string): void {
    const block = this.#tree.get(id);
    if (block === undefined || block.refused) return;
    block.refused = true;
    if (block.mined === undefined) return;
    const { owner, miner } = block.mined;
    this.#branches.refused(block);
    for (const tally of this.#talliesOf(owner)) tally.found(miner, -1, 0);
    this.#countHeight(block, -1);
    block.mined = undefined;
  }

  #tip(event: Of<'tip'>): void {
    const { node } = event;
    const block = this.#tree.put(event.id, '', event.height);
    if (block === undefined) return;
    const old = this.#tips.get(node) ?? this.#tree.get(event.old);
    const forced = event.because !== 'work';
    const work = BigInt(`0x${event.work}`);
    if (!forced && work < this.#branches.workOf(node)) this.#both((tally) => tally.workDecreases++);
    if (old !== undefined && old !== block) {
      const split = this.#tree.split(old, block);
      if (split.exact && split.left.length > 0) this.#reorganised(split.left.length, forced);
      if (split.exact) this.#unmeasured.delete(node);
      else this.#unmeasured.add(node);
      for (const passed of split.right) this.#arrived(passed, node, 'tip');
    } else if (old === undefined) this.#unmeasured.add(node);
    this.#both((tally) => tally.tipChanges++);
    this.#move(node, block, work);
  }

  #reorganised(depth: number, forced: boolean): void {
    this.#both((tally) => tally.reorganised(depth, forced));
  }

  #both(change: (tally: Tally) => void): void {
    for (const tally of this.#talliesOf(this.#epoch!)) change(tally);
  }

  /** First arrivals only, at others than its finder, and only under the conditions under which it was found. */
  #arrived(block: Block, node: string, what: 'body' | 'tip' | 'job'): void {
    const { mined } = block;
    if (mined === undefined || mined.node === node || block.height < this.#tree.highest - ARRIVAL_HEIGHTS)
      return;
    const seen = (block[`${what}At`] ??= new Set());
    if (seen.has(node)) return;
    seen.add(node);
    if (mined.owner !== this.#epoch) {
      if (what !== 'body') return;
      this.#whole!.lateArrivals++;
      mined.owner.tally.lateArrivals++;
      return;
    }
    const ms = this.#now - mined.t;
    if (what === 'job' && sameCluster(mined.owner.shape, mined.node, node)) return;
    this.#both((tally) => tally[what].add(ms));
  }

  #settleOpinion(): void {
    this.#opinion = opinionOf(this.#tips.values(), this.#tree);
    const { deepest } = this.#opinion;
    this.#both((tally) => tally.inConflict(deepest > 0, deepest));
    if (this.#opinion.nodes > 0 && this.#opinion.equal) this.#heals.agreed(this.#now);
  }

  read(now?: number): RunFigures {
    if (now !== undefined && this.#whole !== undefined) this.#advance(now);
    const whole = this.#whole ?? new Tally(this.#now);
    const beaten = this.#branches.beaten();
    return {
      whole: whole.read(minersOf(beaten)),
      epochs: this.#epochs.map((epoch) => readEpoch(epoch, beaten, epoch === this.#epoch)),
      ...(this.#cut === undefined || this.#epoch === undefined
        ? {}
        : { cut: readCut(this.#cut, this.#epoch, beaten) }),
      heals: this.#heals.read(),
      nodes: [...this.#conditions.up],
    };
  }
}

function sameCluster(shape: Shape, one: string, other: string): boolean {
  return (
    shape.kind === 'two-clusters' &&
    shape.groups.some((group) => group.includes(one) && group.includes(other))
  );
}
