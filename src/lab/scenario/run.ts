import { narrate } from '../../observe/state/narrate.ts';
import { formatMs } from '../../observe/words/units.ts';
import { formatGroups } from '../../observe/words/words.ts';
import { defined } from '../../util/defined.ts';
import { failed, Problem, spellVerbs } from '../../yard/problem.ts';
import { actionOf, type Given } from '../../yard/verb.ts';
import type { Chosen } from '../../yard/verbs/choice.ts';
import type { DoubleSpent, Sent } from '../../yard/verbs/payments.ts';
import { type VerbName, verbNamed } from '../../yard/verbs.ts';
import type { Condition } from './assertions.ts';
import { figureOf, formatFigure } from './figures.ts';
import { scaled } from './links.ts';
import { liveStage } from './live.ts';
import type { Scenario, Step, StepAction } from './scenario.ts';
import { simStage } from './sim.ts';
import type { Stage } from './stage.ts';
import { judge } from './verdict.ts';
import { ScenarioWatch } from './watch.ts';

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
  /** On invented time instead, from this seed: the same for the same seed. */
  readonly simulate?: { readonly seed: number };
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
  /** What the run itself measured, in words; not before there is an answer. */
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

export async function runScenario(options: RunOptions): Promise<Played> {
  const { scenario, programPath, simulate, signal } = options;
  const stage =
    simulate === undefined
      ? await liveStage({ ...options, say: (line) => options.say(0, line) })
      : simStage({ scenario, programPath, signal, ...simulate });
  try {
    const watch = new ScenarioWatch(scenario.nodes.map((n) => n.letter));
    return await new Play(options, stage, watch).run();
  } finally {
    await stage.close(options.logFile);
  }
}

type VerbStep = Extract<StepAction, { kind: 'verb' }>;

class Play {
  readonly #options: RunOptions;
  readonly #stage: Stage;
  readonly #watch: ScenarioWatch;
  readonly #steps: { atMs: number; text: string }[] = [];
  readonly #verdicts: ScenarioVerdict[] = [];
  /** Tips that were invalidated, by node, so that `reconsider` undoes just that. */
  readonly #refused = new Map<string, string>();
  #began: number;
  #mayTell = false;

  constructor(options: RunOptions, stage: Stage, watch: ScenarioWatch) {
    this.#options = options;
    this.#stage = stage;
    this.#watch = watch;
    this.#began = stage.yard.clock.now();
  }

  #now(): number {
    return this.#stage.yard.clock.now();
  }

  async run(): Promise<Played> {
    const stage = this.#stage;
    const watch = this.#watch;
    const unsubscribe = stage.listen((event) => {
      watch.apply(event);
      // What people came to see, whether a step asked for it or not.
      const words = this.#mayTell && event.kind === 'reorg' ? narrate(event, watch.forest) : undefined;
      if (words !== undefined) this.#say(`· ${words}`);
    });
    this.#began = this.#now();
    watch.began = this.#began;
    this.#mayTell = true;
    let failure: string | undefined;
    try {
      await this.#play();
    } catch (error) {
      // A refusal or a timeout ends the play and is its result; an interrupt or a bug goes on up.
      if (!(error instanceof Problem)) throw error;
      failure = error.message;
    } finally {
      unsubscribe();
    }
    const passed = failure === undefined && this.#verdicts.every((v) => v.holds);
    const { scenario } = this.#options;
    const result: ScenarioResult = {
      title: scenario.title,
      passed,
      verdicts: this.#verdicts,
      answers: this.#answers(),
      steps: this.#steps,
      ...defined({ failure }),
      ms: this.#now() - this.#began,
    };
    return { result, watch };
  }

  async #play(): Promise<void> {
    const { scenario } = this.#options;
    this.#say(this.#opening());
    await this.#shapeLinks();
    if (scenario.mining) await this.#stage.startMining();
    for (const step of scenario.steps) await this.#step(step);
    await this.#stage.settle();
    for (const { condition, line } of scenario.assertions) this.#judge(condition, line);
  }

  #opening(): string {
    const { mining, nodes } = this.#options.scenario;
    const miners = mining ? nodes.filter((n) => n.mines).map((n) => n.letter) : [];
    const who = miners.length === 0 ? 'nobody mines by itself' : `${miners.join(' ')} mine`;
    return `${nodes.length} nodes are up and linked on ${this.#stage.describe}; ${who}`;
  }

  /** Where the file names a profile, every link gets the delay between its ends' regions; then single links their own. */
  async #shapeLinks(): Promise<void> {
    const { profile, nodes, links } = this.#options.scenario;
    if (profile !== undefined) {
      const regions = nodes.map((n) => n.region);
      await this.#perform('link', { profile, regions: regions.join(',') });
      const where = profile === 'world' ? ` (${nodes.map((n) => `${n.letter} ${n.region}`).join(', ')})` : '';
      this.#say(`links as on profile ${profile}${where}`);
    }
    for (const { on, shape } of links) this.#say((await this.#perform('link', { links: on, ...shape })).line);
  }

  #say(text: string): void {
    const atMs = Math.max(0, this.#now() - this.#began);
    this.#steps.push({ atMs, text });
    this.#options.say(atMs, text);
  }

  async #step(step: Step): Promise<void> {
    const stage = this.#stage;
    const timeoutMs = step.timeoutMs ?? this.#options.scenario.timeoutMs;
    if (step.atMs !== undefined) {
      const left = step.atMs / stage.speed - (this.#now() - this.#began);
      if (left > 0) await this.#sleep(left);
    }
    if (step.when !== undefined) await this.#await(step, step.when, timeoutMs);
    const { action } = step;
    if (action === undefined) return;
    switch (action.kind) {
      case 'say':
        this.#say(action.text);
        return;
      case 'mark':
        this.#watch.marks.set(action.name, this.#now());
        this.#say(`mark ${action.name}`);
        return;
      case 'check':
        await stage.settle();
        this.#judge(action.condition, step.line);
        return;
      case 'wait': {
        const ms = Math.max(1, Math.round(action.ms / stage.speed));
        await this.#sleep(ms);
        this.#say(`waited ${formatMs(ms)}`);
        return;
      }
      default:
        try {
          const line =
            action.kind === 'strategy'
              ? await stage.play(action, this.#watch)
              : await this.#verb(action, timeoutMs);
          this.#say(line);
          await stage.settle();
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          const name = action.kind === 'verb' ? action.step : action.kind;
          const message = spellVerbs(error.message);
          throw new Problem(error.exit, `line ${step.line}, ${name}: ${message}`, error.hint);
        }
    }
  }

  async #sleep(ms: number): Promise<void> {
    await this.#stage.yard.clock.sleep(ms, this.#options.signal);
  }

  /** One step that is a verb; its payments get the names that the file gives them. */
  async #verb({ verb, fields, as }: VerbStep, timeoutMs: number): Promise<string> {
    const node = String(fields['node']);
    const id = verb === 'reconsider' ? { id: this.#invalidated(node) } : {};
    const { line, data } = await this.#perform(verb, { ...fields, ...id }, timeoutMs);
    if (verb === 'invalidate') this.#refused.set(node, (data as Chosen).id);
    const txids =
      verb === 'send' ? [(data as Sent).txid] : verb === 'double-spend' ? (data as DoubleSpent).txids : [];
    for (const [i, name] of as.entries()) this.#watch.named.set(name, txids[i]!);
    const names = as.length === 0 ? '' : `${as.join(', ')}: `;
    return names + line.split('\n').join('; ');
  }

  async #perform(verb: VerbName, fields: Given, timeoutMs = this.#options.scenario.timeoutMs) {
    const { yard, speed } = this.#stage;
    const given = verb === 'link' ? scaled(fields, speed) : fields;
    const action = actionOf(verbNamed(verb), yard, given);
    const { signal } = this.#options;
    const done = await action.run({ step: () => undefined, timeoutMs, signal });
    return { line: spellVerbs(done.line), data: done.data };
  }

  #invalidated(node: string): string {
    const id = this.#refused.get(node);
    if (id === undefined) throw failed(`no block was invalidated on ${node}, so there is none to reconsider`);
    return id;
  }

  /** Waits for a sentence to come true; when it does not, says what was the case instead. */
  async #await(step: Step, condition: Condition, timeoutMs: number): Promise<void> {
    const stage = this.#stage;
    const watch = this.#watch;
    const began = this.#now();
    const ask = () => {
      const verdict = judge(watch, condition, this.#now());
      return verdict.holds ? verdict : undefined;
    };
    const patience = { timeoutMs, signal: this.#options.signal };
    const verdict = await stage.yard.clock.until(ask, patience, () => {
      const cut = stage.yard.links.facts().groups;
      const why = cut === undefined ? '' : `; the network is cut ${formatGroups(cut)}`;
      return `line ${step.line}: waited for '${condition.text}', but ${judge(watch, condition, this.#now()).found}${why}`;
    });
    const waited = this.#now() - began;
    this.#say(
      `when ${condition.text}: ${verdict.found}${waited < 100 ? '' : ` after ${(waited / 1000).toFixed(1)} s`}`,
    );
  }

  #judge(condition: Condition, line: number): void {
    const judged = judge(this.#watch, condition, this.#now());
    const verdict = this.#isAsked(condition) ? { holds: judged.holds, found: ASKED } : judged;
    this.#verdicts.push({ text: condition.text, line, ...verdict });
    this.#say(`${verdict.holds ? '✓' : '✗'} ${condition.text}: ${verdict.found}`);
  }

  /** Is this the figure of a question that has no answer yet? */
  #isAsked(condition: Condition): boolean {
    if (condition.kind !== 'figure') return false;
    const { figure, of, since } = condition;
    return this.#options.scenario.asks.some(
      ({ answer, figure: asked }) =>
        answer === undefined &&
        asked?.kind === 'figure' &&
        asked.figure === figure &&
        asked.of === of &&
        asked.since === since,
    );
  }

  #answers(): ScenarioAnswer[] {
    const watch = this.#watch;
    return this.#options.scenario.asks.map(({ id, question, figure, answer }) => {
      // What was measured is the solution: it comes with an answer only.
      if (answer === undefined) return { id, question };
      if (figure?.kind !== 'figure') return { id, question, answer };
      const value = figureOf(watch, figure, this.#now());
      const measured = formatFigure(figure.figure, value);
      const right = value === undefined ? {} : { right: isNear(answer, value) };
      return { id, question, answer, measured, ...right };
    });
  }
}

/** Stands for the value of a figure that a question asks for. */
const ASKED = 'not shown before the question is answered';

/** A number in the answer, with its unit where it is a time. */
function isNear(answer: string, value: number): boolean {
  const match = /^(\d+(?:[.,]\d+)?)\s*(ms|s|min)?\b/.exec(answer.trim());
  if (match === null) return false;
  const factor = { ms: 1, s: 1_000, min: 60_000 }[match[2] ?? 'ms'] ?? 1;
  const given = Number(match[1]!.replace(',', '.')) * factor;
  return Math.abs(given - value) <= Math.max(0.5, value / 10);
}
