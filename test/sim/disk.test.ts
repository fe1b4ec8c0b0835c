import { describe, expect, it } from 'vitest';
import { PREFIX } from '../../src/consensus/store/records.ts';
import type { Write } from '../../src/consensus/store/store.ts';
import { VirtualDisk } from '../../src/sim/world/disk.ts';
import { MAX_TABLE_VALUE, RowTable } from '../../src/sim/world/row-table.ts';
import { toHex } from '../../src/util/bytes.ts';
import { type Random, seeded } from '../../src/util/random.ts';

function key(random: Random, kinds: number): Uint8Array {
  const bytes = new Uint8Array(1 + random.below(3));
  bytes.fill(random.below(kinds));
  bytes[0] = random.below(20) === 0 ? PREFIX.body : PREFIX.coin;
  return bytes;
}

function value(random: Random): Uint8Array {
  const long = random.below(40) === 0 ? MAX_TABLE_VALUE + random.below(3) : random.below(60);
  return new Uint8Array(long).fill(random.below(256));
}

const told = (rows: Iterable<{ key: Uint8Array; value: Uint8Array }>) =>
  [...rows].map((row) => `${toHex(row.key)} ${toHex(row.value)}`).sort((a, b) => (a < b ? -1 : 1));

describe('the table of rows', () => {
  it('is a map, whatever is written, written over and deleted', () => {
    const random = seeded('table');
    const table = new RowTable();
    const map = new Map<string, { key: Uint8Array; value: Uint8Array }>();
    for (let i = 0; i < 40_000; i++) {
      const at = key(random, 200);
      if (random.below(4) === 0) {
        table.delete(at);
        map.delete(toHex(at));
      } else {
        const to = new Uint8Array(random.below(300)).fill(random.below(256));
        table.set(at, to);
        map.set(toHex(at), { key: at, value: to });
      }
      if (i % 1_000 === 0) expect(table.size).toBe(map.size);
    }
    expect(told(table.rows())).toEqual(told(map.values()));
    for (const row of map.values()) expect(table.get(row.key)).toEqual(row.value);
  });

  it('hands out copies: what was read does not change by a later write', () => {
    const table = new RowTable();
    table.set(Uint8Array.of(1), Uint8Array.of(1, 2));
    const read = table.get(Uint8Array.of(1))!;
    table.set(Uint8Array.of(1), Uint8Array.of(3, 4));
    expect(read).toEqual(Uint8Array.of(1, 2));
  });
});

describe('a virtual disk', () => {
  it('after a power cut holds the durable batches and some of those after them, each whole', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = seeded(`cut ${seed}`);
      const disk = new VirtualDisk();
      const states = [told(disk.rows())];
      let durableUpTo = 0;
      for (let batch = 1; batch <= 20; batch++) {
        const writes: Write[] = Array.from({ length: random.below(6) }, () => ({
          key: key(random, 6),
          value: random.below(4) === 0 ? undefined : value(random),
        }));
        const durable = random.below(4) === 0;
        disk.commit(writes, durable);
        states.push(told(disk.rows()));
        if (durable) durableUpTo = batch;
      }
      const whole = told(disk.rows());
      disk.stop('process', random);
      expect(told(disk.rows())).toEqual(whole);
      const cut = new VirtualDisk();
      const again = seeded(`cut ${seed}`);
      for (let batch = 1; batch <= 20; batch++) {
        const writes: Write[] = Array.from({ length: again.below(6) }, () => ({
          key: key(again, 6),
          value: again.below(4) === 0 ? undefined : value(again),
        }));
        cut.commit(writes, again.below(4) === 0);
      }
      cut.stop('power', seeded(`how much ${seed}`));
      const left = told(cut.rows()).join();
      expect(states.slice(durableUpTo).map((state) => state.join())).toContain(left);
    }
  });

  it('keeps so many of the newest bodies, and everything else', () => {
    const disk = new VirtualDisk(10);
    for (let i = 0; i < 100; i++) {
      const body = { key: Uint8Array.of(PREFIX.body, i), value: Uint8Array.of(i) };
      disk.commit([body, { key: Uint8Array.of(PREFIX.undo, i), value: new Uint8Array(0) }], true);
    }
    const bodies = disk.rows(PREFIX.body).map((row) => row.key[1]);
    expect(bodies.length).toBeGreaterThanOrEqual(10);
    expect(bodies.length).toBeLessThan(20);
    expect(bodies.at(-1)).toBe(99);
    expect(disk.rows(PREFIX.undo)).toHaveLength(100);
    expect(disk.get(Uint8Array.of(PREFIX.undo, 3))).toEqual(new Uint8Array(0));
  });
});
