import type { LogEvent } from '../../events/events.ts';
import type { Yard } from '../../yard/port.ts';
import type { StrategyStep } from './scenario.ts';
import type { ScenarioWatch } from './watch.ts';

/**
 * The yard that a scenario is played on: real processes on real time (live.ts) or the simulator's
 * (sim.ts). The runner sees no difference but in how long it takes.
 */
export interface Stage {
  readonly yard: Yard;
  /** `lab, pace 1.75s, delay 400ms`: what this yard is. */
  readonly describe: string;
  /** Waits in the file are so many times shorter here. */
  readonly speed: number;
  /** Until events that have happened are in the log. */
  settle(): Promise<void>;
  /** Every event of the log, those so far first. Returns the way out. */
  listen(listener: (event: LogEvent) => void): () => void;
  startMining(): Promise<void>;
  /** Begins or ends a strategy, and says in one line what came of it. */
  play(step: StrategyStep, watch: ScenarioWatch): Promise<string>;
  /** The end of it; the log goes to that file. */
  close(logFile: string | undefined): Promise<void>;
}
