import { describe, expect, it } from 'vitest';
import { Bell, Control, type SeatMessage } from '../../src/host/miner/control.ts';
import type { Kernel } from '../../src/host/miner/kernels/types.ts';
import { Seats } from '../../src/host/miner/slots.ts';

/** A worker's loop without a worker: its clock goes on by what it grinds and by how long it sleeps. */
class Table {
  readonly said: SeatMessage[] = [];
  readonly bell = new Bell();
  readonly seats: Seats;
  /** Every batch: the job that was ground, and the milliseconds it took. */
  readonly batches: { readonly job: number; readonly ms: number }[] = [];
  now = 0;
  #ids = 0;

  /** `speed`: hashes a millisecond. */
  constructor(speed: number) {
    const another = (): Kernel => {
      let job = 0;
      return {
        name: 'bent',
        another,
        prepare: (header) => {
          job = header[0]!;
        },
        scan: (_, count) => {
          this.now += count / speed;
          this.batches.push({ job, ms: count / speed });
          return [];
        },
      };
    };
    this.seats = new Seats(
      another(),
      this.bell,
      (message) => this.said.push(message),
      () => this.now,
    );
  }

  /** A miner on job `job` at `rate`; 0 = no cap. */
  add(job: number, rate: number, to = 2 ** 32, control = Control.forWorkers(1)): Control {
    const place = control.settle(this.bell);
    order(control, job, rate);
    this.seats.add({ id: ++this.#ids, control: control.buffer, place, index: 0, from: 0, to });
    this.seats.heed();
    return control;
  }

  run(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      const wait = this.seats.turn();
      // It wakes a little late, as a thread does.
      if (wait > 0) this.now += Math.min(wait + 0.05, end - this.now);
    }
  }
}

function order(control: Control, job: number, rate: number, held = false): void {
  control.publish({
    serial: job,
    hasJob: true,
    held,
    job,
    rate,
    header: new Uint8Array(76).fill(job),
    target: new Uint8Array(32),
  });
}

/** What is due, or up to a slice of 10 ms less. */
function expectDue(control: Control, rate: number, ms: number): void {
  const due = (rate * ms) / 1000;
  expect(control.hashes(0)).toBeLessThanOrEqual(due);
  expect(control.hashes(0)).toBeGreaterThanOrEqual(due - Math.max(1, rate / 100));
}

describe('the seats of a worker', () => {
  it('each keep their cap, which is the same as alone', () => {
    const rates = [7, 1000, 50_000, 50_000, 200_000];
    const table = new Table(4000);
    const controls = rates.map((rate, i) => table.add(i + 1, rate));
    table.run(60_000);
    for (const [i, control] of controls.entries()) expectDue(control, rates[i]!, 60_000);
  });

  it('take turns: one without a cap leaves the others theirs, and no batch is long on a slow kernel', () => {
    const table = new Table(100);
    const greedy = table.add(1, 0);
    const modest = table.add(2, 5000);
    table.run(20_000);
    expect(modest.hashes(0)).toBeGreaterThan(20 * 5000 * 0.95);
    expect(greedy.hashes(0) + modest.hashes(0)).toBeGreaterThan(20 * 100_000 * 0.95);
    // Between two batches the worker looks at its bell: so late is the news of a block at most.
    expect(Math.max(...table.batches.map(({ ms }) => ms))).toBeLessThan(4);
  });

  it('grind nothing while held, and owe nothing for that time', () => {
    const table = new Table(4000);
    const [held, other] = [table.add(1, 10_000), table.add(2, 10_000)];
    order(held, 1, 10_000, true);
    table.seats.heed();
    table.run(5000);
    expect(held.hashes(0)).toBe(0);
    expectDue(other, 10_000, 5000);
    order(held, 1, 10_000);
    table.seats.heed();
    table.run(1000);
    expectDue(held, 10_000, 1000);
  });

  it('are used up each by itself, which is told once', () => {
    const table = new Table(4000);
    const [short, long] = [table.add(1, 10_000, 5_000), table.add(2, 10_000)];
    table.run(3000);
    expect(table.said).toEqual([{ kind: 'exhausted', seat: 1, serial: 1 }]);
    expect(short.hashes(0)).toBe(5_000);
    expectDue(long, 10_000, 3000);
  });

  it('are left without a trace on the others, and taken up elsewhere where they were left', () => {
    const [table, next] = [new Table(4000), new Table(4000)];
    const [goes, stays] = [table.add(1, 10_000, 9_000), table.add(2, 10_000)];
    table.run(500);
    const before = goes.hashes(0);
    next.add(1, 10_000, 9_000, goes);
    table.seats.heed();
    expect(table.said).toEqual([{ kind: 'left', seat: 1 }]);
    table.run(500);
    expect(goes.hashes(0)).toBe(before);
    expectDue(stays, 10_000, 1000);
    next.run(1000);
    expect(next.said).toEqual([{ kind: 'exhausted', seat: 1, serial: 1 }]);
    expect(goes.hashes(0)).toBe(9_000);
  });

  it('grind the newest order, whatever was theirs before', () => {
    const table = new Table(4000);
    const control = table.add(1, 0);
    table.run(5);
    order(control, 2, 0);
    table.seats.heed();
    const before = table.batches.length;
    table.run(5);
    expect(new Set(table.batches.slice(before).map(({ job }) => job))).toEqual(new Set([2]));
    expect(control.hashesOn(0, 2)).toBeGreaterThan(10_000);
  });
});
