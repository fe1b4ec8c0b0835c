import type { LogEvent } from '../../events/events.ts';
import { type FiguresReader, newFigures, type RunFigures } from '../../observe/figures/figures.ts';
import { type Forest, newForest } from '../../observe/state/forest.ts';
import { type Lanes, newLanes } from '../../observe/state/lanes.ts';
import { Story } from '../../observe/state/story.ts';
import { newTimeRows, type TimeRows } from '../../observe/tree/time-rows.ts';

/** All events that the page holds, and the state at one of them. Going back reduces anew from the first. */

/** Then the oldest tenth is forgotten; the timeline begins later. */
const MAX_EVENTS = 250_000;

/** What ←/→ stop at: what a person would call an event. */
const STOPS: ReadonlySet<LogEvent['kind']> = new Set([
  'mined',
  'reorg',
  'partition',
  'heal',
  'tx-lost',
  'tx-returned',
  'action',
  'process',
]);

/** The page tells nothing of these. */
const UNUSED: ReadonlySet<LogEvent['kind']> = new Set(['header', 'headers', 'peer-joined']);

/** Payments whose lanes are followed: the one that is shown, and its rival. */
const FOLLOWED = 4;

/** Reads the events up to the shown moment, only as far as it has not yet; anew after a step back. */
interface Follower<T> {
  readonly what: T;
  at: number;
}

export interface Marks {
  /** Times of blocks found, reorganisations (with their sequence numbers) and cuts, over the whole log. */
  readonly blocks: number[];
  readonly reorgs: { readonly t: number; readonly seq: number }[];
  readonly cuts: { readonly from: number; to?: number }[];
}

export class Run {
  #events: LogEvent[] = [];
  /** How many events are applied. */
  #at = 0;
  #forest: Forest = newForest();
  #story = new Story();
  #timeRows: TimeRows = newTimeRows();
  readonly marks: Marks = { blocks: [], reorgs: [], cuts: [] };
  readonly #lanes = new Map<string, Follower<Lanes>>();
  #figures: Follower<FiguresReader> | undefined;
  isLive = true;
  /** Grows with every change of the state. */
  version = 0;

  get events(): readonly LogEvent[] {
    return this.#events;
  }
  get forest(): Forest {
    return this.#forest;
  }
  get story(): Story {
    return this.#story;
  }
  /** Where blocks go when the tree is laid out by time. */
  get timeRows(): TimeRows {
    return this.#timeRows;
  }
  /** Number of applied events. */
  get position(): number {
    return this.#at;
  }
  get current(): LogEvent | undefined {
    return this.#events[this.#at - 1];
  }
  get first(): LogEvent | undefined {
    return this.#events[0];
  }
  get last(): LogEvent | undefined {
    return this.#events.at(-1);
  }

  /** Answers what was applied, so that what just happened can be shown happening. */
  append(events: readonly LogEvent[]): readonly LogEvent[] {
    const newest = this.last?.seq ?? -1;
    const fresh = events.filter((e) => e.seq > newest && !UNUSED.has(e.kind));
    for (const event of fresh) {
      this.#events.push(event);
      this.#mark(event);
    }
    if (this.#events.length > MAX_EVENTS) {
      const gone = Math.floor(MAX_EVENTS / 10);
      this.#events = this.#events.slice(gone);
      this.#at = Math.max(0, this.#at - gone);
      for (const follower of [...this.#lanes.values(), this.#figures]) {
        if (follower !== undefined) follower.at -= gone;
      }
    }
    if (!this.isLive) return [];
    return this.#applyTo(this.#events.length);
  }

  #mark(event: LogEvent): void {
    const { blocks, reorgs, cuts } = this.marks;
    if (event.kind === 'mined') blocks.push(event.t);
    else if (event.kind === 'reorg') reorgs.push({ t: event.t, seq: event.seq });
    else if (event.kind === 'partition') {
      this.#endCut(event.t);
      cuts.push({ from: event.t });
    } else if (event.kind === 'heal') this.#endCut(event.t);
  }

  #endCut(t: number): void {
    const open = this.marks.cuts.at(-1);
    if (open !== undefined && open.to === undefined) open.to = t;
  }

  #applyTo(count: number): readonly LogEvent[] {
    const applied = this.#events.slice(this.#at, count);
    for (const event of applied) {
      this.#forest.apply(event);
      this.#story.apply(event, this.#forest);
      this.#timeRows.apply(event, this.#forest);
    }
    this.#at = count;
    this.version++;
    return applied;
  }

  /** To the state after so many events; forward answers what was applied. */
  seek(count: number): readonly LogEvent[] {
    const target = Math.max(1, Math.min(count, this.#events.length));
    if (target < this.#at) {
      this.#forest = newForest();
      this.#story = new Story();
      this.#timeRows = newTimeRows();
      this.#lanes.clear();
      this.#figures = undefined;
      this.#at = 0;
      this.#applyTo(target);
      return [];
    }
    return this.#applyTo(target);
  }

  /** One payment on every node, up to the shown moment. */
  lanesOf(txid: string, nodes: readonly string[]): Lanes {
    let follower = this.#lanes.get(txid);
    if (follower === undefined) {
      follower = { what: newLanes(txid, nodes), at: 0 };
      this.#lanes.set(txid, follower);
      if (this.#lanes.size > FOLLOWED) this.#lanes.delete(this.#lanes.keys().next().value!);
    }
    const { what } = follower;
    this.#follow(follower, (event) => what.apply(event, this.#forest));
    return what;
  }

  /** Every figure up to the shown moment. */
  figures(): RunFigures {
    this.#figures ??= { what: newFigures(), at: 0 };
    const { what } = this.#figures;
    this.#follow(this.#figures, (event) => what.apply(event));
    return what.read(this.current?.t);
  }

  #follow(follower: Follower<unknown>, apply: (event: LogEvent) => void): void {
    for (let i = Math.max(0, follower.at); i < this.#at; i++) apply(this.#events[i]!);
    follower.at = this.#at;
  }

  /** Number of events up to and with this sequence number. */
  countOf(seq: number): number {
    return this.#search((e) => e.seq <= seq);
  }

  countAt(t: number): number {
    return this.#search((e) => e.t <= t);
  }

  /** How many events at the front satisfy a condition that holds for a front part only. */
  #search(holds: (event: LogEvent) => boolean): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#events[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The next stop from here, or undefined at the end. */
  stop(direction: 1 | -1, only?: LogEvent['kind']): number | undefined {
    for (let i = this.#at - 1 + direction; i >= 0 && i < this.#events.length; i += direction) {
      const { kind } = this.#events[i]!;
      if (only === undefined ? STOPS.has(kind) : kind === only) return i + 1;
    }
    return undefined;
  }
}
