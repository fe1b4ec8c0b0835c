import type { NetworkTemplate } from '../../consensus/params/params.ts';
import type { LogEvent } from '../../events/events.ts';
import { SimYard } from '../../sim/yard.ts';
import { err, ok, type Result } from '../../util/result.ts';
import type { NodeFacts } from '../state/facts.ts';

/** A yard on invented time in this tab: time passes only as far as `advance` lets it. */

export interface SimSettings {
  readonly seed: string;
  readonly nodes: number;
  readonly delayMs: number;
  readonly paceMs: number;
}

export const USUAL_SETTINGS: SimSettings = { seed: '7', nodes: 4, delayMs: 400, paceMs: 2_000 };

/** What a tab can carry. */
const BOUNDS = {
  nodes: [2, 12],
  delayMs: [0, 60_000],
  paceMs: [100, 600_000],
} as const;

/** `seed=7&nodes=4&delay=400&pace=2000`, as in the address; what is absent is as usual. */
export function parseSettings(text: string): Result<SimSettings, string> {
  const given = new Map<string, string>();
  for (const part of text.replace(/^#/, '').split('&')) {
    const [name = '', value = ''] = part.split('=');
    given.set(name, value);
  }
  const seed = given.get('seed') ?? USUAL_SETTINGS.seed;
  if (!/^[\w-]{1,20}$/.test(seed)) return err(`seed '${seed}' is not 1 to 20 letters or digits`);
  const numbers: Record<string, number> = {};
  for (const [field, name] of [
    ['nodes', 'nodes'],
    ['delayMs', 'delay'],
    ['paceMs', 'pace'],
  ] as const) {
    const word = given.get(name);
    const value = word === undefined ? USUAL_SETTINGS[field] : Number(word);
    const [least, most] = BOUNDS[field];
    if (!Number.isSafeInteger(value) || value < least || value > most)
      return err(`${name} must be a whole number from ${least} to ${most}, not '${word}'`);
    numbers[field] = value;
  }
  return ok({ seed, nodes: numbers['nodes']!, delayMs: numbers['delayMs']!, paceMs: numbers['paceMs']! });
}

export function formatSettings(s: SimSettings): string {
  return `seed=${s.seed}&nodes=${s.nodes}&delay=${s.delayMs}&pace=${s.paceMs}`;
}

/** After so much simulated time the trace hash is taken, for comparing machines. */
export const CHECK_MS = 60_000;
/** Simulated milliseconds between two looks at the real clock. */
const STEP_MS = 20;
/** Real time that one slice may take: a frame's worth. */
const SLICE_MS = 12;
/** A tab that cannot keep up does not save up more than this much real time. */
const BEHIND_MS = 250;

interface Waiter {
  readonly condition: () => boolean;
  readonly until: number;
  readonly done: (held: boolean) => void;
}

export class SimRun {
  readonly yard: SimYard;
  readonly settings: SimSettings;
  speed = 1;
  isRunning = true;
  /** Hash of everything that every node did in the first minute; undefined before. */
  check: string | undefined;
  /** Did somebody interfere before the check? Then it is the hash of that run alone. */
  wasTouched = false;
  /** Does the tab keep up with the speed that was asked for? */
  keepsUp = true;
  #due = 0;
  #waiters: Waiter[] = [];

  constructor(template: NetworkTemplate, settings: SimSettings, onEvent: (event: LogEvent) => void) {
    this.settings = settings;
    const nodes = Array.from({ length: settings.nodes }, (_, i) => ({
      letter: String.fromCharCode(65 + i),
      hashrate: 50_000,
      mines: true,
    }));
    this.yard = new SimYard({
      template,
      seed: settings.seed,
      nodes,
      paceMs: settings.paceMs,
      delayMs: settings.delayMs,
      trace: true,
      onEvent,
    });
    this.yard.startMining();
  }

  /** Simulated milliseconds since the world began. */
  get nowMs(): number {
    return this.yard.world.now / 1_000;
  }

  /** Lets as much simulated time pass as `ms` of real time ask for, within a slice of `clock`. */
  advance(ms: number, clock: () => number): void {
    if (!this.isRunning) return;
    this.#due = Math.min(this.#due + ms * this.speed, BEHIND_MS * this.speed);
    const end = clock() + SLICE_MS;
    while (this.#due >= 1 && clock() < end) {
      const step = Math.min(STEP_MS, Math.floor(this.#due));
      this.#due -= step;
      this.run(step);
    }
    this.keepsUp = this.#due < (BEHIND_MS * this.speed) / 2;
  }

  /** So many simulated milliseconds, with a stop at the check. */
  run(ms: number): void {
    const left = CHECK_MS - this.nowMs;
    if (left > 0 && left <= ms) {
      this.yard.world.run(left);
      this.check = this.yard.world.traceHash();
      if (ms > left) this.yard.world.run(ms - left);
    } else this.yard.world.run(ms);
    this.#ask();
  }

  /** True as soon as the condition holds; false when so much simulated time has passed first. */
  until(condition: () => boolean, limitMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((done) => this.#waiters.push({ condition, until: this.nowMs + limitMs, done }));
  }

  #ask(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => {
      const holds = waiter.condition();
      if (!holds && this.nowMs < waiter.until) return true;
      waiter.done(holds);
      return false;
    });
  }

  /** What each node says of itself, as a live one does. */
  nodes(): NodeFacts[] {
    return this.yard.letters.map((letter): NodeFacts => {
      const node = this.yard.node(letter);
      if (!node.up) return { letter, up: false };
      const { on, held, hashrate } = node.mining;
      return {
        letter,
        up: true,
        peers: this.yard.world.wires.peersOf(letter),
        pool: node.view.mempool.size,
        mining: { on, held, rate: hashrate },
      };
    });
  }
}
