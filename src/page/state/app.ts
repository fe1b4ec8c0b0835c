import type { ComponentChild } from 'preact';
import type { LogEvent } from '../../events/events.ts';
import type { RunFigures } from '../../observe/figures/figures.ts';
import type { ReorgScene } from '../../observe/state/story.ts';
import type { TimeWishes } from '../../observe/tree/time-layout.ts';
import type { ActionRequest } from '../../yard/perform.ts';
import type { VerbName } from '../../yard/verbs.ts';
import { Beats } from './beats.ts';
import type { NodeFacts, PageTold, YardFacts } from './facts.ts';
import { Run } from './run.ts';

/** Reading all figures costs more than a frame has when the log is long. */
const FIGURES_EVERY_MS = 500;

export type Selection =
  | { readonly kind: 'block'; readonly id: string }
  | { readonly kind: 'height'; readonly height: number }
  | { readonly kind: 'node'; readonly letter: string }
  | { readonly kind: 'link'; readonly from: string; readonly to: string }
  | { readonly kind: 'figure'; readonly id: string; readonly span: SpanOfTime }
  | { readonly kind: 'help' };

/** Which time figures speak of: since conditions changed last, the last such time without a cut, all of the log. */
export type SpanOfTime = 'now' | 'before' | 'whole';

export interface Doing {
  readonly verb: VerbName;
  lines: string[];
  state: 'running' | 'done' | 'no' | 'problem';
}

export type Actor = (request: ActionRequest, onTold: (told: PageTold) => void) => Promise<void>;

export type Tab = 'tree' | 'payment' | 'agree' | 'nodes';

/** Everything the page knows and shows. Components read it; whoever changes it calls `changed`. */
export class App {
  readonly run = new Run();
  readonly beats = new Beats(() => this.changed());
  facts: YardFacts = {
    label: '',
    network: '',
    nodes: [],
    people: [],
    spacingMs: 0,
    delayMs: 0,
    topology: 'full',
  };
  nodes: readonly NodeFacts[] = [];
  /** What carries out an action; undefined: the page only looks on. */
  actor: Actor | undefined;
  /** A part of the page of its own, above the nodes. */
  extra: (() => ComponentChild) | undefined;
  /** What stays in the address beside the position. */
  address = '';
  /** A file, not a running yard. */
  isExported = false;
  /** Time at which the yard was heard last, if it is silent now. */
  silentSince: number | undefined;
  isLoaded = false;
  isStage = false;
  /** Is the tree laid out by the time at which blocks were found, not by height? */
  isByTime = false;
  isLegendOpen = true;
  tab: Tab = 'tree';
  selection: Selection | undefined;
  /** The payment under the pointer: its rival lights up. */
  hovered: string | undefined;
  /** The payment whose lanes are shown. */
  payment: string | undefined;
  dialog: { readonly verb: VerbName; readonly fields: Record<string, string> } | undefined;
  doing: Doing | undefined;
  /** The scene that was closed by hand. */
  closedScene: number | undefined;
  readonly opened = new Set<number>();
  span: SpanOfTime = 'now';
  speed = 1;
  /** How much faster than life events come: what is shown moving moves faster by as much. */
  haste = 1;
  isPlaying = false;
  /** Columns of the tree that are in view. */
  view: readonly [number, number] | undefined;
  /** What happened in the newest batch, for those who asked for less motion. */
  readonly justChanged = new Map<string, number>();
  #isDirty = false;
  readonly #paint: () => void;
  #later: number | undefined;

  #figures: { readonly figures: RunFigures; readonly version: number; readonly at: number } | undefined;

  constructor(paint: () => void) {
    this.#paint = paint;
  }

  changed(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    const paint = () => {
      this.#isDirty = false;
      this.#paint();
    };
    // A hidden page gets no frames, but its state must not lag.
    if (document.hidden) setTimeout(paint, 200);
    else requestAnimationFrame(paint);
  }

  /** Every figure up to the shown moment; while it lives on, as of the last half second. */
  figures(): RunFigures {
    const { version, isLive } = this.run;
    const known = this.#figures;
    const now = performance.now();
    if (known !== undefined) {
      if (known.version === version) return known.figures;
      const wait = FIGURES_EVERY_MS - (now - known.at);
      if (isLive && wait > 0) {
        this.#later ??= window.setTimeout(() => {
          this.#later = undefined;
          this.changed();
        }, wait);
        return known.figures;
      }
    }
    const figures = this.run.figures();
    this.#figures = { figures, version, at: now };
    return figures;
  }

  get wantsLessMotion(): boolean {
    return matchMedia('(prefers-reduced-motion: reduce)').matches;
  }

  /** May the buttons act? Not on the past, not in a file, not on a yard that nobody hears. */
  get mayAct(): boolean {
    return this.actor !== undefined && !this.isExported && this.run.isLive && this.silentSince === undefined;
  }

  get isHeld(): boolean {
    const miners = this.nodes.filter((n) => n.up && n.mining?.on === true);
    return miners.length > 0 && miners.every((n) => n.mining?.held === true);
  }

  /** All letters: those of the yard and whoever else is in the log. */
  get letters(): readonly string[] {
    return this.facts.nodes;
  }

  get scene(): ReorgScene | undefined {
    const scene = this.run.story.scenes.at(-1);
    return scene === undefined || scene.seq === this.closedScene ? undefined : scene;
  }

  take(events: readonly LogEvent[]): void {
    this.show(this.run.append(events));
  }

  /** Lets what was just applied be seen happening. */
  show(applied: readonly LogEvent[]): void {
    const isCatchingUp = !this.isLoaded || applied.length > 400 || document.hidden;
    for (const event of applied) {
      if (event.kind !== 'reorg' || isCatchingUp) continue;
      if (this.wantsLessMotion) {
        for (const block of [...event.out, ...event.in]) this.justChanged.set(block.id, performance.now());
        setTimeout(() => this.changed(), 3_050);
      } else {
        this.beats.start(event, this.isPlaying ? this.speed : this.haste);
      }
    }
    for (const [id, at] of this.justChanged) if (performance.now() - at > 3_000) this.justChanged.delete(id);
    this.changed();
  }

  seek(count: number): void {
    this.run.isLive = false;
    this.beats.stop();
    this.run.seek(count);
    this.writeAddress();
    this.changed();
  }

  goLive(): void {
    this.run.isLive = true;
    this.isPlaying = false;
    this.beats.stop();
    this.run.seek(this.run.events.length);
    this.writeAddress();
    this.changed();
  }

  stop(direction: 1 | -1, only?: LogEvent['kind']): void {
    const to = this.run.stop(direction, only);
    if (to === undefined) {
      if (direction === 1) this.goLive();
      return;
    }
    const forward = to > this.run.position;
    this.run.isLive = false;
    const applied = this.run.seek(to);
    this.writeAddress();
    if (forward) this.show(applied);
    else this.changed();
  }

  /** `#view=time&e=118`: what is shown is in the address, so that it can be sent. */
  writeAddress(): void {
    const { isLive, current } = this.run;
    const position = isLive ? '' : `e=${current?.seq ?? 0}`;
    const view = this.isByTime ? 'view=time' : '';
    const hash = [this.address, view, position].filter((part) => part !== '').join('&');
    history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`);
  }

  readAddress(): void {
    this.isByTime = /[#&]view=time(?:&|$)/.test(location.hash);
    const seq = /[#&]e=(\d+)/.exec(location.hash)?.[1];
    if (seq !== undefined) this.seek(this.run.countOf(Number(seq)));
    else if (!this.run.isLive) this.goLive();
  }

  showByTime(isByTime: boolean): void {
    if (this.isByTime === isByTime) return;
    this.isByTime = isByTime;
    this.writeAddress();
    this.changed();
  }

  /** What the tree by time needs to know beside its tips. */
  get timeWishes(): Omit<TimeWishes, 'tips'> {
    const { story, current, first } = this.run;
    const zero = first?.t ?? 0;
    return { spacingMs: this.facts.spacingMs, now: current?.t ?? zero, zero, cutAt: story.cutAt };
  }

  play(): void {
    if (this.isPlaying) {
      this.isPlaying = false;
      this.changed();
      return;
    }
    if (this.run.isLive || this.run.position >= this.run.events.length) this.seek(1);
    this.isPlaying = true;
    this.run.isLive = false;
    let at = this.run.current?.t ?? 0;
    let last = performance.now();
    const step = () => {
      if (!this.isPlaying) return;
      const now = performance.now();
      at += (now - last) * this.speed;
      last = now;
      const next = this.run.events[this.run.position];
      if (next === undefined) {
        this.goLive();
        return;
      }
      // Nobody watches an empty hour: a long silence passes in two seconds.
      if (next.t - at > 5_000 * this.speed) at = next.t - 2_000 * this.speed;
      const applied = this.run.seek(this.run.countAt(at));
      if (applied.length > 0) {
        this.writeAddress();
        this.show(applied);
      }
      setTimeout(step, 40);
    };
    step();
    this.changed();
  }

  open(verb: VerbName, fields: Record<string, string> = {}): void {
    if (!this.mayAct) return;
    this.dialog = { verb, fields };
    this.changed();
  }

  async perform(verb: VerbName, fields: Readonly<Record<string, string>> = {}): Promise<void> {
    const { actor } = this;
    if (actor === undefined || !this.mayAct) return;
    this.dialog = undefined;
    const doing: Doing = { verb, lines: [], state: 'running' };
    this.doing = doing;
    this.changed();
    try {
      await actor({ verb, fields }, (told) => this.#tell(doing, told));
    } catch (error) {
      this.#tell(doing, { problem: 'the page could not follow this action', hint: 'Reload the page.' });
      throw error;
    }
  }

  #tell(doing: Doing, told: PageTold): void {
    if ('plan' in told) doing.lines.push(told.plan);
    else if ('step' in told) doing.lines.push(told.step);
    else if ('done' in told) {
      doing.lines.push(...told.done.split('\n'));
      doing.state = told.no ? 'no' : 'done';
    } else {
      doing.lines.push(told.problem, ...(told.hint === undefined ? [] : [told.hint]));
      doing.state = 'problem';
    }
    this.changed();
  }

  /** `since 14:03:22`, on the reader's clock; empty while the yard is heard. */
  get silenceWords(): string {
    return this.silentSince === undefined
      ? ''
      : `since ${new Date(this.silentSince).toLocaleTimeString('en-GB')}`;
  }

  select(selection: Selection | undefined): void {
    this.selection = selection;
    this.changed();
  }
}
