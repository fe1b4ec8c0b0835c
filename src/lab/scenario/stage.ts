import type { LogEvent } from '../../events/events.ts';
import type { LinkWishes } from '../actions/links.ts';
import type { StepAction } from './scenario.ts';
import type { ScenarioWatch } from './watch.ts';

/** What needs the runner's own hands: verdicts are its. */
export type Doing = Exclude<StepAction, { kind: 'check' | 'mark' | 'say' }>;

/**
 * The yard that a scenario is played on: real processes on real time (live.ts) or the simulator's
 * (sim.ts). The runner sees no difference but in how long it takes.
 */
export interface Stage {
  /** `lab, pace 1.75s, delay 400ms`: what this yard is. */
  readonly describe: string;
  /** Waits in the file are so many times shorter here. */
  readonly speed: number;
  /** The log's time, milliseconds since 1970. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Asks until there is an answer; after `timeoutMs` a Problem that says what `describe` says. */
  until<T>(ask: () => T | undefined, timeoutMs: number, describe: () => string): Promise<T>;
  /** Until events that have happened are in the log. */
  settle(): Promise<void>;
  /** Every event of the log, those so far first. Returns the way out. */
  listen(listener: (event: LogEvent) => void): () => void;
  startMining(): Promise<void>;
  /** Sets what links are like from now on; a line that says so. */
  askLinks(wishes: LinkWishes): Promise<string>;
  /** The open partition, if there is one. */
  groups(): readonly (readonly string[])[] | undefined;
  /** Carries out one step, and says in one line what came of it. */
  act(action: Doing, watch: ScenarioWatch, timeoutMs: number): Promise<string>;
  /** The end of it; the log goes to that file. */
  close(logFile: string | undefined): Promise<void>;
}
