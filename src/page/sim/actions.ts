import { formatMs } from '../../observe/words/units.ts';
import { type ActionRequest, performVerb, type Told } from '../../yard/perform.ts';
import type { Patience, Yard, YardClock } from '../../yard/port.ts';
import { failed } from '../../yard/problem.ts';
import { simulatedYard } from '../../yard/simulated.ts';
import type { SimRun } from './run.ts';

/** The page's actions on a simulated yard: the verbs of every yard, on the time of this tab. */

/** Simulated time after which an action gives up. */
const PATIENCE_MS = 600_000;

/** The time of the tab's world, which passes frame by frame. */
function clockOf(run: SimRun): YardClock {
  /** One look at every step of the world, or the promise of an answer. */
  async function look<T>(
    ask: () => T | Promise<T | undefined> | undefined,
    leftMs: number,
  ): Promise<T | undefined> {
    let answer: T | Promise<T | undefined> | undefined;
    const isAnswered = () => {
      answer = ask();
      return answer !== undefined;
    };
    return (await run.until(isAnswered, leftMs)) ? answer : undefined;
  }
  return {
    now: () => run.yard.world.log.time,
    async sleep(ms) {
      await run.until(() => false, ms);
    },
    async until<T>(ask: () => T | Promise<T | undefined> | undefined, o: Patience, missing: () => string) {
      const end = run.nowMs + o.timeoutMs;
      for (;;) {
        const answer = await look(ask, end - run.nowMs);
        if (answer !== undefined) return answer;
        if (run.nowMs >= end) throw failed(`after ${formatMs(o.timeoutMs)} ${missing()}`);
        // It was asked for something that took a turn of the event loop: it is asked again a step later.
        const now = run.nowMs;
        await run.until(() => run.nowMs > now, end - now);
      }
    },
  };
}

export type SimActor = (request: ActionRequest, onTold: (told: Told) => void) => Promise<void>;

export function simActor(run: SimRun): SimActor {
  const yard: Yard = simulatedYard(run.yard, clockOf(run));
  const context = { timeoutMs: PATIENCE_MS, signal: new AbortController().signal };
  return async (request, onTold) => {
    const isAsked = request.dry !== true;
    await performVerb(yard, request, context, (told) => {
      if (isAsked && 'plan' in told) run.wasTouched ||= run.check === undefined;
      onTold(told);
    });
  };
}
