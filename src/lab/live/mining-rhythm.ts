import { randomInt } from 'node:crypto';
import { formatDuration } from '../../observe/words/units.ts';
import { exponential, seeded } from '../../util/random.ts';
import type { Action, RunContext } from '../../yard/action.ts';
import type { MinePower } from '../../yard/port.ts';
import type { NodeInfo, YardClient } from '../client/client.ts';
import { type MinedOn, type MineReport, mineWhile, powerRequest } from './mine-on.ts';

/** When a node shall mine its next block; it then grinds for it as for any other. */
export type Rhythm =
  /** At a fixed beat. */
  | { readonly kind: 'every'; readonly ms: number }
  /** As soon as its mempool holds a payment. */
  | { readonly kind: 'on-tx' }
  /** After exponential waits with this mean, as if difficulty and power made them. */
  | { readonly kind: 'random'; readonly ms: number };

export interface RhythmWishes {
  readonly node: string;
  readonly rhythm: Rhythm;
  /** Undefined: until Ctrl-C. */
  readonly blocks: number | undefined;
  readonly power: MinePower;
}

/** How often the mempool is looked at. */
const LOOK_MS = 100;

function describeRhythm(rhythm: Rhythm): string {
  switch (rhythm.kind) {
    case 'every':
      return `a block every ${formatDuration(rhythm.ms)}`;
    case 'on-tx':
      return 'a block whenever a payment waits';
    case 'random':
      return `blocks at random, ${formatDuration(rhythm.ms)} apart on average`;
  }
}

/** The moments at which blocks are due (milliseconds), one after the other. */
export class Beat {
  readonly #gap: () => number;
  #due: number;
  /** Beats that came while the block before was not found yet. */
  missed = 0;

  constructor(now: number, gap: () => number) {
    this.#gap = gap;
    this.#due = now + gap();
  }

  get due(): number {
    return this.#due;
  }

  /** The block that was due has been ordered. A beat that has passed meanwhile is left out, so that no burst follows. */
  next(now: number): void {
    this.#due += this.#gap();
    while (this.#due < now) {
      this.#due += this.#gap();
      this.missed++;
    }
  }
}

/** Mines by a rhythm; real work, as fast as the node can unless a rate is given. The miner is then as it was. */
export function mineByRhythm(
  client: YardClient,
  wishes: RhythmWishes,
  report: MineReport,
  seed: number = randomInt(2 ** 32),
): Action<MinedOn> {
  const { letter } = client.node(wishes.node);
  const { rhythm, blocks } = wishes;
  const end = blocks === undefined ? 'until Ctrl-C' : `${blocks} in all`;
  const power = powerRequest({ ...wishes.power, uncapped: wishes.power.hashrate === undefined });
  return {
    plan: `Mine on ${letter}: ${describeRhythm(rhythm)}, ${end}`,
    run: (context) =>
      mineWhile(client, letter, context, report, async () => {
        await client.call(letter, 'setmining', [{ on: false }]);
        const isDue = dueness(rhythm, seed, context);
        let ordered = 0;
        return async (found, info) => {
          if (blocks !== undefined && found >= blocks) return true;
          if (ordered > found || !(await isDue(info))) return false;
          ordered++;
          await client.call(letter, 'setmining', [{ held: false, blocks: 1, ...power }]);
          return false;
        };
      }),
  };
}

function dueness(
  rhythm: Rhythm,
  seed: number,
  context: RunContext,
): (info: () => Promise<NodeInfo>) => Promise<boolean> {
  if (rhythm.kind === 'on-tx') {
    let lookAt = 0;
    return async (info) => {
      if (Date.now() < lookAt) return false;
      lookAt = Date.now() + LOOK_MS;
      return (await info()).pool.size > 0;
    };
  }
  const random = seeded(seed);
  const gap = rhythm.kind === 'every' ? () => rhythm.ms : () => exponential(random, rhythm.ms * 1000) / 1000;
  const beat = new Beat(Date.now(), gap);
  let told = 0;
  return () => {
    const now = Date.now();
    if (now < beat.due) return Promise.resolve(false);
    beat.next(now);
    if (beat.missed > told)
      context.step(`${(told = beat.missed)} left out: blocks take longer to find than their time apart`);
    return Promise.resolve(true);
  };
}
