import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { narrate } from '../observe/narrate.ts';
import { formatDuration } from '../observe/units.ts';
import { formatGroups } from '../observe/words.ts';
import { type RunContext, sleep, until } from './action.ts';
import type { Condition } from './assertions.ts';
import { launch, type RunningYard } from './launch.ts';
import { Problem } from './problem.ts';
import type { Scenario, Step } from './scenario.ts';
import { act, type Stage } from './scenario-act.ts';
import { figureOf, formatFigure } from './scenario-figures.ts';
import { scaled } from './scenario-links.ts';
import { ScenarioWatch } from './scenario-watch.ts';
import { removeTemporary, temporaryDir } from './temporary.ts';
import { judge } from './verdict.ts';
import { askLinks } from './wire.ts';

/** Plays a scenario on a yard of its own and judges it. */

export interface RunOptions {
  readonly scenario: Scenario;
  readonly programPath: string;
  /** So many times as fast: pace, delays and waits together, so that their ratios stay. */
  readonly speed: number;
  /** One line as something happens; `atMs` since the beginning. */
  readonly say: (atMs: number, line: string) => void;
  /** Where the merged log goes at the end. */
  readonly logFile?: string;
  readonly signal: AbortSignal;
}

export interface ScenarioVerdict {
  readonly text: string;
  readonly line: number;
  readonly holds: boolean;
  readonly found: string;
  readonly value?: number;
}

export interface ScenarioAnswer {
  readonly id: string;
  readonly question: string;
  readonly answer?: string;
  /** What the run itself measured, in words. */
  readonly measured?: string;
  /** Is the answer within a tenth of it (or half of one)? */
  readonly right?: boolean;
}

export interface ScenarioResult {
  readonly title: string;
  readonly passed: boolean;
  readonly verdicts: readonly ScenarioVerdict[];
  readonly answers: readonly ScenarioAnswer[];
  readonly steps: readonly { readonly atMs: number; readonly text: string }[];
  /** Why it did not come to its end: a wait that never came true, a step that could not be done. */
  readonly failure?: string;
  readonly ms: number;
}

export interface Played {
  readonly result: ScenarioResult;
  readonly watch: ScenarioWatch;
}

/** Pace where a scenario names none; the networks' own (create.ts). */
const PACE_MS = { yard: 5_000, lab: 1_750, regtest: 0 };
const FASTEST_MS = 100;
/** Events on their way into the merged log. */
const SETTLE_MS = 120;
/** Conditions are looked at so often; what makes them true is told within the log's 30 ms. */
const LOOK_MS = 20;

const now = () => performance.timeOrigin + performance.now();

export async function runScenario(options: RunOptions): Promise<Played> {
  const { scenario } = options;
  const dir = temporaryDir();
  const watch = new ScenarioWatch(scenario.nodes.map((n) => n.letter));
  let yard: RunningYard | undefined;
  try {
    yard = await start(dir, options);
    return await new Play(options, yard, watch).run();
  } finally {
    await yard?.close();
    const log = join(dir, 'yard.jsonl');
    if (options.logFile !== undefined && existsSync(log)) copyFileSync(log, options.logFile);
    removeTemporary(dir);
  }
}

function start(dir: string, { scenario, programPath, speed, say, signal }: RunOptions): Promise<RunningYard> {
  const paceMs = Math.max(FASTEST_MS, Math.round((scenario.paceMs ?? PACE_MS[scenario.network]) / speed));
  return launch({
    dir,
    programPath,
    wishes: {
      nodes: scenario.nodes.length,
      network: scenario.network,
      ...(scenario.network === 'regtest' ? {} : { paceMs }),
      delayMs: Math.round(scenario.delayMs / speed),
      hashrates: scenario.nodes.map((n) => n.hashrate),
      miners: scenario.nodes.filter((n) => n.mines).map((n) => n.letter),
      topology: scenario.topology,
    },
    hold: true,
    randomPorts: true,
    say: (line) => say(0, line),
    signal,
  });
}

class Play {
  readonly #options: RunOptions;
  readonly #stage: Stage;
  readonly #steps: { atMs: number; text: string }[] = [];
  readonly #verdicts: ScenarioVerdict[] = [];
  #began = now();

  constructor(options: RunOptions, yard: RunningYard, watch: ScenarioWatch) {
    this.#options = options;
    this.#stage = { yard, watch, speed: options.speed };
  }

  async run(): Promise<Played> {
    const { scenario } = this.#options;
    const { yard, watch } = this.#stage;
    const { log } = yard.launcher;
    for (const event of log.since(0)) watch.apply(event);
    this.#began = now();
    watch.began = this.#began;
    const unsubscribe = log.subscribe((event) => {
      watch.apply(event);
      // What people came to see, whether a step asked for it or not.
      const words = event.kind === 'reorg' ? narrate(event, watch.forest) : undefined;
      if (words !== undefined) this.#say(`· ${words}`);
    });
    let failure: string | undefined;
    try {
      this.#say(this.#opening());
      await this.#shapeLinks();
      if (scenario.mining) await yard.launcher.startMining();
      for (const step of scenario.steps) await this.#step(step);
      await sleep(SETTLE_MS, this.#options.signal);
      for (const { condition, line } of scenario.assertions) this.#judge(condition, line);
    } catch (error) {
      // A refusal or a timeout ends the play and is its result; an interrupt or a bug goes on up.
      if (!(error instanceof Problem)) throw error;
      failure = error.message;
    } finally {
      unsubscribe();
    }
    const passed = failure === undefined && this.#verdicts.every((v) => v.holds);
    const result: ScenarioResult = {
      title: scenario.title,
      passed,
      verdicts: this.#verdicts,
      answers: this.#answers(),
      steps: this.#steps,
      ...(failure === undefined ? {} : { failure }),
      ms: now() - this.#began,
    };
    return { result, watch };
  }

  #opening(): string {
    const { yard } = this.#stage.yard.client;
    const { mining, nodes } = this.#options.scenario;
    const pace = yard.spacingMs === 0 ? '' : `, pace ${formatDuration(yard.spacingMs)}`;
    const delay = yard.delayMs === 0 ? '' : `, delay ${formatDuration(yard.delayMs)}`;
    const miners = mining ? nodes.filter((n) => n.mines).map((n) => n.letter) : [];
    const who = miners.length === 0 ? 'nobody mines by itself' : `${miners.join(' ')} mine`;
    return `${nodes.length} nodes are up and linked on ${yard.network}${pace}${delay}; ${who}`;
  }

  /** Where the file names a profile, every link gets the delay between its ends' regions; then single links their own. */
  async #shapeLinks(): Promise<void> {
    const { profile, nodes, links } = this.#options.scenario;
    const { client } = this.#stage.yard;
    if (profile !== undefined) {
      const regions = nodes.map((n) => n.region);
      await askLinks(client, { links: undefined, shape: {}, clear: false, profile, regions });
      const where = profile === 'world' ? ` (${nodes.map((n) => `${n.letter} ${n.region}`).join(', ')})` : '';
      this.#say(`links as on profile ${profile}${where}`);
    }
    for (const { on, shape } of links)
      this.#say(
        await askLinks(client, { links: on, shape: scaled(shape, this.#options.speed), clear: false }),
      );
  }

  #say(text: string): void {
    const atMs = Math.max(0, now() - this.#began);
    this.#steps.push({ atMs, text });
    this.#options.say(atMs, text);
  }

  #context(timeoutMs: number): RunContext {
    return { step: () => undefined, timeoutMs, signal: this.#options.signal };
  }

  async #step(step: Step): Promise<void> {
    const timeoutMs = step.timeoutMs ?? this.#options.scenario.timeoutMs;
    if (step.atMs !== undefined) {
      const left = step.atMs / this.#options.speed - (now() - this.#began);
      if (left > 0) await sleep(left, this.#options.signal);
    }
    if (step.when !== undefined) await this.#await(step, step.when, timeoutMs);
    const { action } = step;
    if (action === undefined) return;
    switch (action.kind) {
      case 'say':
        this.#say(action.text);
        return;
      case 'mark':
        this.#stage.watch.marks.set(action.name, now());
        this.#say(`mark ${action.name}`);
        return;
      case 'check':
        await sleep(SETTLE_MS, this.#options.signal);
        this.#judge(action.condition, step.line);
        return;
      default:
        try {
          this.#say(await act(this.#stage, action, this.#context(timeoutMs)));
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          throw new Problem(error.exit, `line ${step.line}, ${action.kind}: ${error.message}`, error.hint);
        }
    }
  }

  /** Waits for a sentence to come true; when it does not, says what was the case instead. */
  async #await(step: Step, condition: Condition, timeoutMs: number): Promise<void> {
    const { watch, yard } = this.#stage;
    const began = now();
    const ask = () => {
      const verdict = judge(watch, condition, now());
      return verdict.holds ? verdict : undefined;
    };
    const verdict = await until(ask, { timeoutMs, signal: this.#options.signal, everyMs: LOOK_MS }, () => {
      const cut = yard.client.refresh().groups;
      const why = cut === undefined ? '' : `; the network is cut ${formatGroups(cut)}`;
      return `line ${step.line}: waited for '${condition.text}', but ${judge(watch, condition, now()).found}${why}`;
    });
    const waited = now() - began;
    this.#say(
      `when ${condition.text}: ${verdict.found}${waited < 100 ? '' : ` after ${(waited / 1000).toFixed(1)} s`}`,
    );
  }

  #judge(condition: Condition, line: number): void {
    const verdict = judge(this.#stage.watch, condition, now());
    this.#verdicts.push({ text: condition.text, line, ...verdict });
    this.#say(`${verdict.holds ? '✓' : '✗'} ${condition.text}: ${verdict.found}`);
  }

  #answers(): ScenarioAnswer[] {
    const { watch } = this.#stage;
    return this.#options.scenario.asks.map(({ id, question, figure, answer }) => {
      const given = answer === undefined ? {} : { answer };
      if (figure?.kind !== 'figure') return { id, question, ...given };
      const value = figureOf(watch, figure, now());
      const measured = formatFigure(figure.figure, value);
      const right = answer === undefined || value === undefined ? {} : { right: isNear(answer, value) };
      return { id, question, ...given, measured, ...right };
    });
  }
}

/** A number in the answer, with its unit where it is a time. */
function isNear(answer: string, value: number): boolean {
  const match = /^(\d+(?:[.,]\d+)?)\s*(ms|s|min)?\b/.exec(answer.trim());
  if (match === null) return false;
  const factor = { ms: 1, s: 1_000, min: 60_000 }[match[2] ?? 'ms'] ?? 1;
  const given = Number(match[1]!.replace(',', '.')) * factor;
  return Math.abs(given - value) <= Math.max(0.5, value / 10);
}
