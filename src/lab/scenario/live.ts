import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { eventTime } from '../../host/driver/clock.ts';
import { formatDuration } from '../../observe/words/units.ts';
import { type RunContext, sleep, until } from '../action.ts';
import { askLinks, type LinkWishes } from '../actions/links.ts';
import { launch, type RunningYard } from '../launcher/launch.ts';
import { removeTemporary, temporaryDir } from '../yard/temporary.ts';
import { act } from './act.ts';
import type { Scenario } from './scenario.ts';
import type { Doing, Stage } from './stage.ts';
import { endStrategies } from './strategy.ts';
import type { ScenarioWatch } from './watch.ts';

/** Pace where a scenario names none; the networks' own (lab/launcher/create.ts). */
export const SCENARIO_PACE_MS = { yard: 5_000, lab: 1_750, regtest: 0 };
const FASTEST_MS = 100;
/** Events on their way into the merged log. */
const SETTLE_MS = 120;
/** Conditions are looked at so often; what makes them true is told within the log's 30 ms. */
const LOOK_MS = 20;

export interface LiveOptions {
  readonly scenario: Scenario;
  readonly programPath: string;
  readonly speed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A yard of processes in a temporary directory, all up and linked; nobody mines yet. */
export async function liveStage(options: LiveOptions): Promise<Stage> {
  const { scenario, programPath, speed, say, signal } = options;
  const dir = temporaryDir();
  const pace = scenario.paceMs ?? SCENARIO_PACE_MS[scenario.network];
  try {
    const yard = await launch({
      dir,
      programPath,
      wishes: {
        nodes: scenario.nodes.length,
        network: scenario.network,
        ...(scenario.network === 'regtest' ? {} : { paceMs: Math.max(FASTEST_MS, Math.round(pace / speed)) }),
        delayMs: Math.round(scenario.delayMs / speed),
        hashrates: scenario.nodes.map((n) => n.hashrate),
        miners: scenario.nodes.filter((n) => n.mines).map((n) => n.letter),
        topology: scenario.topology,
      },
      hold: true,
      randomPorts: true,
      say,
      signal,
    });
    return new LiveStage(options, dir, yard);
  } catch (error) {
    removeTemporary(dir);
    throw error;
  }
}

class LiveStage implements Stage {
  readonly describe: string;
  readonly speed: number;
  readonly #signal: AbortSignal;
  readonly #dir: string;
  readonly #programPath: string;
  readonly #yard: RunningYard;

  constructor({ speed, signal, programPath }: LiveOptions, dir: string, yard: RunningYard) {
    this.speed = speed;
    this.#programPath = programPath;
    this.#signal = signal;
    this.#dir = dir;
    this.#yard = yard;
    this.describe = describeYard(yard.client.yard);
  }

  now(): number {
    return eventTime();
  }

  sleep(ms: number): Promise<void> {
    return sleep(ms, this.#signal);
  }

  until<T>(ask: () => T | undefined, timeoutMs: number, describe: () => string): Promise<T> {
    return until(ask, { timeoutMs, signal: this.#signal, everyMs: LOOK_MS }, describe);
  }

  settle(): Promise<void> {
    return this.sleep(SETTLE_MS);
  }

  listen(listener: (event: LogEvent) => void): () => void {
    const { log } = this.#yard.launcher;
    for (const event of log.since(0)) listener(event);
    return log.subscribe(listener);
  }

  startMining(): Promise<void> {
    return this.#yard.launcher.startMining();
  }

  askLinks(wishes: LinkWishes): Promise<string> {
    return askLinks(this.#yard.client, wishes);
  }

  groups(): readonly (readonly string[])[] | undefined {
    return this.#yard.client.refresh().groups;
  }

  act(action: Doing, watch: ScenarioWatch, timeoutMs: number): Promise<string> {
    return act(
      { yard: this.#yard, watch, speed: this.speed, programPath: this.#programPath },
      action,
      this.#context(timeoutMs),
    );
  }

  #context(timeoutMs: number): RunContext {
    return { step: () => undefined, timeoutMs, signal: this.#signal };
  }

  async close(logFile: string | undefined): Promise<void> {
    await endStrategies(this.#yard);
    await this.#yard.close();
    const log = join(this.#dir, 'yard.jsonl');
    if (logFile !== undefined && existsSync(log)) copyFileSync(log, logFile);
    removeTemporary(this.#dir);
  }
}

/** `lab, pace 1.75s, delay 400ms`. */
export function describeYard(yard: {
  readonly network: string;
  readonly spacingMs: number;
  readonly delayMs: number;
}): string {
  const pace = yard.spacingMs === 0 ? '' : `, pace ${formatDuration(yard.spacingMs)}`;
  const delay = yard.delayMs === 0 ? '' : `, delay ${formatDuration(yard.delayMs)}`;
  return `${yard.network}${pace}${delay}`;
}
