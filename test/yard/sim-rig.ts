import { SimYard } from '../../src/sim/yard.ts';
import type { Awaitable, Patience, Yard, YardClock } from '../../src/yard/port.ts';
import { failed } from '../../src/yard/problem.ts';
import { simulatedYard } from '../../src/yard/simulated.ts';
import { templates } from '../dsl/networks.ts';

/** Of the simulated yard and of the live one beside it. */
export const PACE_MS = 500;

/** A simulated yard whose time passes as fast as verbs wait. */
export function simRig(letters: string): { sim: SimYard; yard: Yard } {
  const sim = new SimYard({
    template: templates().get('lab')!,
    seed: 'playbook',
    paceMs: PACE_MS,
    nodes: [...letters].map((letter) => ({ letter, hashrate: 50_000, mines: true })),
  });
  const clock: YardClock = {
    now: () => sim.world.log.time,
    sleep(ms) {
      sim.world.run(ms);
      return Promise.resolve();
    },
    async until<T>(ask: () => Awaitable<T | undefined>, { timeoutMs }: Patience, missing: () => string) {
      const end = sim.world.now + timeoutMs * 1_000;
      for (;;) {
        const answer = await ask();
        if (answer !== undefined) return answer;
        if (sim.world.now >= end) throw failed(`after ${timeoutMs / 1_000} s ${missing()}`);
        sim.world.run(5);
      }
    },
  };
  return { sim, yard: simulatedYard(sim, clock) };
}
