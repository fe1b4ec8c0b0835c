import type { LogEvent } from '../../src/events/events.ts';
import { Heap } from '../../src/util/heap.ts';
import { exponential, seeded } from '../../src/util/random.ts';
import { LogWriter } from './log-writer.ts';

interface Arrival {
  readonly t: number;
  readonly order: number;
  readonly node: number;
  readonly block: Found;
  /** Body and tip at once, or one of them. */
  readonly only: 'body' | 'tip' | 'all';
}

interface Found {
  readonly id: string;
  readonly prev: string;
  readonly height: number;
  readonly miner: number;
  readonly work: number;
  /** The work as the log writes it. */
  readonly workHex: string;
  /** Of its children, as a multiple of that of the first block. */
  readonly difficulty: number;
  /** Milliseconds. */
  readonly found: number;
}

/** Half-life of the difficulty, in mean intervals. */
const HALF_LIFE = 30;

export interface RaceOptions {
  powers: readonly number[];
  lambda: number;
  delay: (from: number, to: number) => number;
  blocks: number;
  seed: string;
  /** The difficulty follows the blocks of the branch, as under `ema`. */
  adjusted?: boolean;
  /** A body is at others so long before it becomes their tip and their miner's job; the log has `job` lines then. */
  connectMs?: number;
}

/**
 * First-seen mining at constant one-way delays, as an event log: nodes A, B, … with these powers, λ blocks a second
 * together, `delay(i, j)` in milliseconds. The smallest thing that forks.
 */
export function* race(o: RaceOptions): Iterable<LogEvent> {
  const names = [...'ABCDEFGHIJ'].slice(0, o.powers.length);
  const opening = new LogWriter().yard(names.join(''), { retarget: o.adjusted === true ? 'ema' : 'none' });
  for (const [i, name] of names.entries()) {
    opening.start(name, 'g', 0, o.powers[i]! * 1_000);
    const delayTo = Object.fromEntries(names.map((peer, j) => [`peer-${peer}`, i === j ? 0 : o.delay(i, j)]));
    opening.tell(name, { kind: 'links', refuse: [], delayMs: 0, delayTo });
  }
  yield* opening.events;
  const random = seeded(o.seed);
  const total = sum(o.powers);
  const pace = 1_000 / o.lambda;
  // Memoryless, so it may be drawn anew whenever a tip, and with it a difficulty, changes.
  const rates = () => tips.map((tip, i) => o.powers[i]! / tip.difficulty);
  const wait = () => (exponential(random, 1_000_000) / 1_000_000) * ((pace * total) / sum(rates()));
  const heap = new Heap<Arrival>((a, b) => a.t - b.t || a.order - b.order);
  const genesis: Found = {
    ...{ id: opening.id('g'), prev: '', height: 0, miner: 0 },
    ...{ work: 0, workHex: '0', difficulty: 1, found: 0 },
  };
  const tips: Found[] = names.map(() => genesis);
  let order = 0;
  let t = wait();
  for (let mined = 0; mined < o.blocks; ) {
    const next = heap.peek();
    if (next === undefined || next.t > t) {
      const power = rates();
      let at = random.unit() * sum(power);
      let miner = 0;
      while (at >= power[miner]!) at -= power[miner++]!;
      // None of them is that of the genesis.
      const id = `b${(++mined).toString(16).padStart(63, '0')}`;
      const on = tips[miner]!;
      const solve = Math.min(t - on.found, HALF_LIFE * pace);
      const work = on.work + Math.round(100_000 * on.difficulty);
      const block: Found = {
        id,
        prev: on.id,
        height: on.height + 1,
        miner,
        found: t,
        work,
        workHex: work.toString(16),
        difficulty: o.adjusted === true ? on.difficulty * 2 ** ((1 - solve / pace) / HALF_LIFE) : 1,
      };
      yield* arrive(miner, block, 'self', 'all');
      for (let to = 0; to < names.length; to++) {
        if (to === miner) continue;
        const at = t + o.delay(miner, to);
        if (o.connectMs !== undefined)
          heap.push({ t: at - o.connectMs, order: order++, node: to, block, only: 'body' });
        heap.push({
          t: at,
          order: order++,
          node: to,
          block,
          only: o.connectMs === undefined ? 'all' : 'tip',
        });
      }
      t += wait();
    } else {
      heap.pop();
      const late = t;
      t = next.t;
      yield* arrive(next.node, next.block, 'peer', next.only);
      t = o.adjusted === true ? t + wait() : late;
    }
  }

  function* arrive(index: number, block: Found, from: string, only: Arrival['only']): Iterable<LogEvent> {
    const node = names[index]!;
    const { id, prev, height, workHex: work } = block;
    const miner = names[block.miner]!;
    // Written out: spreading objects into each of a million events took as long as reading them.
    // biome-ignore format: one event, one line
    if (only !== 'tip') yield { v: 1, seq: 0, t, node, kind: 'block', id, prev, height, work, miner, time: 0, txs: 1, size: 1, from };
    const old = tips[index]!;
    if (only === 'body' || block.work <= old.work) return;
    tips[index] = block;
    yield { v: 1, seq: 0, t, node, kind: 'tip', id, height, work, miner, old: old.id, because: 'work' };
    if (o.connectMs !== undefined) yield { v: 1, seq: 0, t, node, kind: 'job', prev: id, height: height + 1 };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
