import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { formatDuration } from '../../observe/words/units.ts';
import { sleep } from '../../yard/action.ts';
import type { Yard } from '../../yard/port.ts';
import { launch, type RunningYard } from '../launcher/launch.ts';
import { liveYard } from '../live/yard.ts';
import { removeTemporary, temporaryDir } from '../yard/temporary.ts';
import type { Scenario, StrategyStep } from './scenario.ts';
import type { Stage } from './stage.ts';
import { endStrategies, playLive } from './strategy.ts';
import type { ScenarioWatch } from './watch.ts';

/** Pace where a scenario names none; the networks' own (lab/launcher/create.ts). */
export const SCENARIO_PACE_MS = { yard: 5_000, lab: 1_750, regtest: 0 };
const FASTEST_MS = 100;
/** Events on their way into the merged log. */
const SETTLE_MS = 120;

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
  readonly yard: Yard;
  readonly describe: string;
  readonly speed: number;
  readonly #signal: AbortSignal;
  readonly #dir: string;
  readonly #programPath: string;
  readonly #running: RunningYard;

  constructor({ speed, signal, programPath }: LiveOptions, dir: string, yard: RunningYard) {
    this.speed = speed;
    this.#programPath = programPath;
    this.#signal = signal;
    this.#dir = dir;
    this.#running = yard;
    this.yard = liveYard(yard.client);
    this.describe = describeYard(yard.client.yard);
  }

  settle(): Promise<void> {
    return sleep(SETTLE_MS, this.#signal);
  }

  listen(listener: (event: LogEvent) => void): () => void {
    const { log } = this.#running.launcher;
    for (const event of log.since(0)) listener(event);
    return log.subscribe(listener);
  }

  startMining(): Promise<void> {
    return this.#running.launcher.startMining();
  }

  play(step: StrategyStep, watch: ScenarioWatch): Promise<string> {
    return playLive({ yard: this.#running, programPath: this.#programPath }, step, watch);
  }

  async close(logFile: string | undefined): Promise<void> {
    await endStrategies(this.#running);
    await this.#running.close();
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
