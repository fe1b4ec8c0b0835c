import { closeSync, openSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogEvent } from '../../events/events.ts';
import { SimYard } from '../../sim/yard.ts';
import { Interrupted } from '../../yard/action.ts';
import type { Awaitable, Patience, Yard } from '../../yard/port.ts';
import { failed } from '../../yard/problem.ts';
import { simulatedYard } from '../../yard/simulated.ts';
import { findTemplate } from '../launcher/create.ts';
import { describeYard, SCENARIO_PACE_MS } from './live.ts';
import type { Scenario, StrategyStep } from './scenario.ts';
import type { Stage } from './stage.ts';
import { playSimulated } from './strategy.ts';
import type { ScenarioWatch } from './watch.ts';

export interface SimStageOptions {
  readonly scenario: Scenario;
  readonly programPath: string;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** How far time goes between two looks at a condition. */
const LOOK_MS = 10;
/** What a step takes at least, as it does by hand: what came of it then lies before the next mark. */
const HAND_MS = 1;
/** Real time that may pass before Ctrl-C is looked for. */
const BREATH_MS = 50;
/** A scenario is minutes, not weeks; beyond this the log is no longer kept in memory. */
const KEPT_EVENTS = 2_000_000;

/** The same yard on invented time: a minute of it takes a second or less, and the same seed gives the same run. */
export function simStage(options: SimStageOptions): Stage {
  return new SimStage(options);
}

class SimStage implements Stage {
  readonly speed = 1;
  readonly describe: string;
  readonly yard: Yard;
  readonly #sim: SimYard;
  readonly #signal: AbortSignal;
  readonly #events: LogEvent[] = [];
  #breathed = performance.now();

  constructor({ scenario, programPath, seed, signal }: SimStageOptions) {
    this.#signal = signal;
    this.#sim = new SimYard({
      template: findTemplate(programPath, {}, scenario.network),
      seed,
      nodes: scenario.nodes,
      paceMs: scenario.paceMs ?? SCENARIO_PACE_MS[scenario.network],
      delayMs: scenario.delayMs,
      topology: scenario.topology,
      onEvent: (event) => {
        if (this.#events.length < KEPT_EVENTS) this.#events.push(event);
      },
    });
    this.yard = simulatedYard(this.#sim, {
      now: () => this.#sim.world.log.time,
      sleep: (ms) => this.#sleep(ms),
      until: (ask, patience, missing) => this.#until(ask, patience, missing),
    });
    const { spacingMs, delayMs } = this.#sim;
    this.describe = `${describeYard({ network: scenario.network, spacingMs, delayMs })}, simulated from seed ${seed}`;
  }

  async #sleep(ms: number): Promise<void> {
    const end = this.#sim.world.now + Math.round(ms * 1_000);
    while (this.#sim.world.now < end) {
      this.#sim.world.run(Math.min(1_000, (end - this.#sim.world.now) / 1_000));
      await this.#breathe();
    }
  }

  async #until<T>(
    ask: () => Awaitable<T | undefined>,
    { timeoutMs }: Patience,
    missing: () => string,
  ): Promise<T> {
    const { world } = this.#sim;
    const end = world.now + timeoutMs * 1_000;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (world.now >= end)
        throw failed(
          `after ${Math.round(timeoutMs / 100) / 10} simulated seconds ${missing()}`,
          'Wait longer: --timeout 5m',
        );
      world.run(LOOK_MS);
      await this.#breathe();
    }
  }

  /** Invented time leaves none to the rest of the process: now and then it gets its turn. */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#breathed < BREATH_MS) return;
    await nextTurn();
    this.#breathed = performance.now();
    if (this.#signal.aborted) throw new Interrupted();
  }

  /** Nothing is on its way into this log; a step takes a moment, as it does by hand. */
  settle(): Promise<void> {
    this.#sim.world.run(HAND_MS);
    return Promise.resolve();
  }

  listen(listener: (event: LogEvent) => void): () => void {
    for (const event of this.#events) listener(event);
    return this.#sim.world.onEvent(listener);
  }

  startMining(): Promise<void> {
    this.#sim.startMining();
    return Promise.resolve();
  }

  play(step: StrategyStep, watch: ScenarioWatch): Promise<string> {
    return Promise.resolve(playSimulated(this.#sim, step, watch));
  }

  close(logFile: string | undefined): Promise<void> {
    if (logFile !== undefined) writeLog(logFile, this.#events);
    return Promise.resolve();
  }
}

/** One JSON line an event, as a live yard's merged log. */
function writeLog(path: string, events: readonly LogEvent[]): void {
  const fd = openSync(path, 'w');
  try {
    for (let from = 0; from < events.length; from += 1_000)
      writeSync(
        fd,
        events
          .slice(from, from + 1_000)
          .map((event) => `${JSON.stringify(event)}\n`)
          .join(''),
      );
  } finally {
    closeSync(fd);
  }
}
