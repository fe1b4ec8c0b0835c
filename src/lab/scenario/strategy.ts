import { CHEAT, type PaidTwice } from '../../sim/strategy/paid-twice.ts';
import { type Play, playOf, STRATEGIES } from '../../sim/strategy/shipped.ts';
import { WorldAttack } from '../../sim/strategy/world-attack.ts';
import type { SimYard } from '../../sim/yard.ts';
import { tailOf } from '../../yard/names.ts';
import { failed } from '../../yard/problem.ts';
import type { RunningYard } from '../launcher/launch.ts';
import { LiveStrategy } from '../strategy/live.ts';
import { paymentLines, summaryLine } from '../strategy/story.ts';
import type { StrategyStep } from './scenario.ts';
import type { ScenarioWatch } from './watch.ts';

/** The step `strategy: C selfish`, on processes and on simulated nodes; `strategy: C stop` ends it. */

interface Simulated {
  readonly attack: WorldAttack;
  readonly paid: PaidTwice | undefined;
}

const live = new WeakMap<RunningYard, Map<string, LiveStrategy>>();
const simulated = new WeakMap<SimYard, Map<string, Simulated>>();

function playFor({ play, ...terms }: StrategyStep): Play {
  const shipped = STRATEGIES[play];
  if (shipped === undefined) throw failed(`there is no strategy '${play}'`);
  return playOf(shipped, terms);
}

/** Takes `letter` out of those that play; a Problem if it is not among them. */
function take<T>(playing: Map<string, T>, letter: string): T {
  const one = playing.get(letter);
  if (one === undefined) throw failed(`${letter} plays no strategy that could be stopped`);
  playing.delete(letter);
  return one;
}

function mustRest(playing: ReadonlyMap<string, unknown>, letter: string): void {
  if (playing.has(letter))
    throw failed(`${letter} plays a strategy already`, `Stop it first: - strategy: ${letter} stop`);
}

/** The names of its first two payments, and the line of the step. */
function begun({ node, play, as }: StrategyStep, paid: PaidTwice | undefined, watch: ScenarioWatch): string {
  if (paid === undefined) return `${node} plays ${play}`;
  const first = paid.attempts[0];
  if (first === undefined) throw failed(`${CHEAT} has no coin at ${node} to spend twice`);
  const { payment, conflict } = first;
  for (const [i, txid] of [payment, conflict].entries())
    if (as[i] !== undefined) watch.named.set(as[i], txid);
  const [one = tailOf(payment), other = tailOf(conflict)] = as;
  return `${node} plays ${play}: ${one} pays in the open, ${other} waits in secret`;
}

export async function playLive(
  { yard, programPath }: { readonly yard: RunningYard; readonly programPath: string },
  step: StrategyStep,
  watch: ScenarioWatch,
): Promise<string> {
  const { node: letter, play: name } = step;
  const playing = live.get(yard) ?? new Map<string, LiveStrategy>();
  live.set(yard, playing);
  if (name === 'stop') {
    const one = take(playing, letter);
    const summary = await one.summary();
    await one.stop();
    return [summaryLine(summary), ...paymentLines(letter, one.payments)].join('; ');
  }
  mustRest(playing, letter);
  const play = playFor(step);
  const one = await LiveStrategy.start(yard.client, {
    ...{ node: letter, name, play, programPath },
    // What it does is in the yard's log, as notes.
    say: () => undefined,
  });
  one.failed.catch((error: unknown) =>
    yard.launcher.log.tell({ kind: 'action', text: `${letter} plays no more: ${(error as Error).message}` }),
  );
  playing.set(letter, one);
  return begun(step, play.paid, watch);
}

/** Before the nodes go. */
export async function endStrategies(yard: RunningYard): Promise<void> {
  const playing = [...(live.get(yard)?.values() ?? [])];
  live.delete(yard);
  await Promise.all(playing.map((one) => one.stop()));
}

export function playSimulated(yard: SimYard, step: StrategyStep, watch: ScenarioWatch): string {
  const { node: letter, play: name } = step;
  const playing = simulated.get(yard) ?? new Map<string, Simulated>();
  simulated.set(yard, playing);
  if (name === 'stop') {
    const { attack, paid } = take(playing, letter);
    attack.stop();
    return [`${letter} is honest again`, ...paymentLines(letter, paid?.attempts)].join('; ');
  }
  mustRest(playing, letter);
  if (!yard.node(letter).up) throw failed(`node ${letter} is down`, `Start it first: - start: ${letter}`);
  const play = playFor(step);
  playing.set(letter, {
    attack: new WorldAttack(yard.world, letter, play, { name: step.play }),
    paid: play.paid,
  });
  return begun(step, play.paid, watch);
}
