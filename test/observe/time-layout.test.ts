import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { answersOf } from '../../src/observe/state/agreement.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { geometryOf } from '../../src/observe/tree/geometry.ts';
import type { MomentColumn } from '../../src/observe/tree/layout.ts';
import { endsOf, flagsOf, groundsOf } from '../../src/observe/tree/marks.ts';
import { timeAxis } from '../../src/observe/tree/time-axis.ts';
import { layoutByTime, type TimeWishes } from '../../src/observe/tree/time-layout.ts';
import { newTimeRows } from '../../src/observe/tree/time-rows.ts';
import { event, extend, fresh, start } from '../page/events.ts';

beforeEach(fresh);

describe('the axis of time', () => {
  const axis = timeAxis({ times: [1_000, 2_000, 60_000, 61_000], pixelsPerMs: 0.1, now: 62_000, zero: 0 });

  it('is so many pixels a millisecond, and a silence takes no more than a bound and says how long it was', () => {
    expect([1_000, 1_500, 2_000, 60_000, 61_000, 62_000].map((t) => axis.at(t))).toEqual([
      0, 50, 100, 760, 860, 960,
    ]);
    expect(axis.end).toBe(960);
    expect(axis.breaks).toEqual([{ at: 760, words: '58.0 s' }]);
    // In the silence it stands still at its end.
    expect(axis.at(30_000)).toBe(760);
  });

  it('has round times, none of them within what was left out', () => {
    const ticks = axis.ticks(0, 960);
    expect(ticks.map(({ words }) => words)).toEqual([
      ...['0:01', '0:02', '0:03', '0:04', '0:05', '0:06', '0:07', '0:08'],
      ...['1:00', '1:01', '1:02'],
    ]);
    expect(axis.ticks(800, 900).map(({ words }) => words)).toContain('1:01');
    const fine = timeAxis({ times: [0], pixelsPerMs: 0.5, now: 500, zero: 0 });
    expect(fine.ticks(0, 250).map(({ words }) => words)).toEqual(['0:00.0', '0:00.2', '0:00.4']);
  });

  it('never goes back, and what is placed stays where it is while time goes on', () => {
    const times = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(times, fc.nat(40), fc.nat(100_000), (list, cut, later) => {
        const sorted = [...list].sort((a, b) => a - b);
        const some = sorted.slice(0, Math.max(1, cut));
        const of = (times: readonly number[], now: number) =>
          timeAxis({ times, pixelsPerMs: 0.055, now, zero: 0 });
        const before = of(some, some.at(-1)!);
        const after = of(sorted, sorted.at(-1)! + later);
        for (const t of some) expect(after.at(t)).toBe(before.at(t));
        for (let i = 1; i < sorted.length; i++)
          expect(after.at(sorted[i]!)).toBeGreaterThanOrEqual(after.at(sorted[i - 1]!));
        expect(after.end).toBeGreaterThanOrEqual(after.at(sorted.at(-1)!));
      }),
    );
  });

  it('holds moments apart where no pace gives a scale, evenly within', () => {
    const times = [0, 10, 20, 5_020];
    const burst = timeAxis({ times, pixelsPerMs: 0.05, least: 20, now: 5_030, zero: 0 });
    expect([0, 5, 10, 20, 5_020].map((t) => burst.at(t))).toEqual([0, 10, 20, 40, 290]);
    expect(burst.end).toBe(290.5);
  });

  it('is there before anything was found', () => {
    const empty = timeAxis({ times: [], pixelsPerMs: 1, now: 5, zero: 0 });
    expect([empty.at(3), empty.end, empty.ticks(0, 100), empty.breaks]).toEqual([0, 0, [], []]);
  });
});

/** A finds 1A at 1 s, B has it 400 ms later; B finds 2B at 3 s, and A its rival 2A within what 2B takes to arrive. */
function race(): LogEvent[] {
  return [
    start(0, 'A'),
    start(0, 'B'),
    ...extend(1_000, 'A', '1A', 'g'),
    ...extend(1_400, 'B', '1A', 'g'),
    ...extend(3_000, 'B', '2B', '1A'),
    ...extend(3_100, 'A', '2A', '1A'),
    event(3_400, 'A', {
      ...{ kind: 'block', id: '2B', prev: '1A', height: 2, work: '14', miner: 'B' },
      ...{ time: 0, txs: 1, size: 1, from: 'peer' },
    }),
  ];
}

function laid(events: readonly LogEvent[], more: Partial<TimeWishes> = {}) {
  const forest = newForest();
  const rows = newTimeRows();
  for (const e of events) {
    forest.apply(e);
    rows.apply(e, forest);
  }
  const now = events.at(-1)!.t;
  const layout = layoutByTime(forest, rows, {
    ...{ tips: forest.tips, spacingMs: 2_000, now, zero: 0, cutAt: undefined },
    ...more,
  });
  const column = (id: string) =>
    layout.columns[layout.columnOf({ id, height: 0 })] as MomentColumn | undefined;
  const heard = (id: string) => layout.time!.heardOf(column(id)!);
  return { forest, layout, column, heard };
}

describe('the tree by time', () => {
  it('puts each block where it was found, a mean interval being the same length at any pace', () => {
    const { layout, column } = laid(race());
    expect(layout.columns.map((c) => c.blocks[0]!.id)).toEqual(['g', '1A', '2B', '2A']);
    expect(column('2B')!.at - column('1A')!.at).toBeCloseTo(110, 6);
    const slow = laid(race(), { spacingMs: 20_000 });
    expect(slow.column('2B')!.at - slow.column('1A')!.at).toBeCloseTo(11, 6);
    expect(layout.time!.axis.end).toBeCloseTo(column('2B')!.at + 22, 6);
  });

  it('tells how far behind others had it: a fork is a rival within that stretch', () => {
    const { column, heard } = laid(race());
    expect(heard('1A')).toEqual([{ node: 'B', after: expect.closeTo(22, 6) }]);
    expect(heard('2B')[0]!.after).toBeGreaterThan(column('2A')!.at - column('2B')!.at);
    // Who has it an hour later, as after a cut, is no matter of how far a message goes.
    const late = laid([...race(), ...extend(3_600_000, 'B', '2A', '1A')]);
    expect(late.heard('2A')).toEqual([]);
  });

  it('lets a block of one row that is close to the one before it step aside', () => {
    const chain = [1_000, 1_100, 2_000, 2_050, 9_000].flatMap((t, i) =>
      extend(t, 'A', `${i + 1}A`, i === 0 ? 'g' : `${i}A`),
    );
    const { column } = laid([start(0, 'A'), ...chain]);
    expect(['1A', '2A', '3A', '4A', '5A'].map((id) => column(id)!.aside)).toEqual([
      ...[false, true, false, true, false],
    ]);
  });

  it.each([false, true])(
    'stays inside its picture, and what is in view is found (upright: %s)',
    (upright) => {
      const { forest, layout } = laid(race());
      const geometry = geometryOf(layout, upright, answersOf(forest, forest.tips).length);
      const [width, height] = geometry.size;
      const inside = ([x, y]: readonly [number, number]) => x > 10 && x < width && y > 10 && y < height;
      for (const block of forest.blocks.values()) {
        const index = layout.columnOf(block);
        const at = geometry.at(index, block.track);
        expect(inside(at)).toBe(true);
        const along = at[upright ? 1 : 0];
        const [from, to] = geometry.columnsIn(along - 30, 60, 0);
        expect(from <= index && index <= to).toBe(true);
      }
      expect(flagsOf(forest, layout, geometry, forest.tips).every((flag) => inside(flag.at))).toBe(true);
      const all = answersOf(forest, forest.tips);
      for (const end of endsOf(forest, layout, geometry, all, () => true)) {
        // The block that is guessed at is of the future: beyond the present moment.
        const index = layout.columnOf(forest.blocks.get(end.id)!);
        const tip = geometry.at(index, forest.blocks.get(end.id)!.track);
        expect(upright ? end.next![1] < tip[1] : end.next![0] > tip[0]).toBe(true);
        expect(inside(end.next!)).toBe(true);
      }
    },
  );

  it.each([false, true])('has the seam of a cut at the moment of the cut (upright: %s)', (upright) => {
    const events = [
      ...race(),
      event(4_000, '', { kind: 'partition', groups: [['A'], ['B']] }),
      ...extend(6_000, 'A', '3A', '2A'),
    ];
    const { forest, layout } = laid(events, { cutAt: 4_000 });
    const geometry = geometryOf(layout, upright, 2);
    const found = groundsOf(forest, layout, geometry, forest.tips)!;
    const along = (point: readonly [number, number]) => point[upright ? 1 : 0];
    const at = (id: string) => {
      const block = forest.blocks.get(id)!;
      return along(geometry.at(layout.columnOf(block), block.track));
    };
    const ways = [at('2A'), along(found.seam[0]), at('3A')];
    expect(ways).toEqual([...ways].sort((a, b) => (upright ? b - a : a - b)));
    expect(found.grounds).toHaveLength(2);
    for (const { strips } of found.grounds)
      for (const [, , w, h] of strips) expect(Math.min(w, h)).toBeGreaterThan(0);
  });

  it('keeps the row of a side that finds nothing for long, and gives away that of a stale block', () => {
    // A and B part at 1A. B finds one block and no more, A goes on and forks once.
    const parted = [
      ...[start(0, 'A'), start(0, 'B'), start(0, 'C')],
      ...['A', 'B', 'C'].flatMap((node, i) => extend(1_000 + i, node, '1A', 'g')),
      ...extend(2_000, 'A', '2A', '1A'),
      ...extend(2_500, 'B', '2B', '1A'),
      ...extend(9_000, 'A', '3A', '2A'),
    ];
    const rival = [
      ...extend(9_100, 'C', '3C', '2A'),
      ...extend(11_000, 'A', '4A', '3A'),
      ...extend(11_100, 'C', '4A', '3A'),
    ];
    const open = laid([...parted, ...rival]);
    const rows = (of: ReturnType<typeof laid>, ids: string) => ids.split(' ').map((id) => of.column(id)?.row);
    expect(rows(open, '1A 2A 3A 4A')).toEqual([0, 0, 0, 0]);
    expect(rows(open, '2B 3C')).toEqual([1, 2]);
    const healed = laid([
      ...[...parted, ...rival],
      ...extend(12_000, 'B', '4A', '3A'),
      ...extend(14_000, 'A', '5A', '4A'),
      ...extend(14_100, 'B', '5B', '4A'),
    ]);
    expect(rows(healed, '2B 3C 5A 5B')).toEqual([1, 2, 0, 1]);
  });

  it('moves nothing that was drawn: every block keeps its place as the log goes on', () => {
    const events = [...race(), ...extend(5_000, 'A', '3A', '2A'), ...extend(5_400, 'B', '3A', '2A')];
    const places = new Map<string, string>();
    for (let n = 3; n <= events.length; n++) {
      const { layout, forest } = laid(events.slice(0, n));
      const geometry = geometryOf(layout, false, 1);
      for (const block of forest.blocks.values()) {
        const at = String(geometry.at(layout.columnOf(block), block.track));
        expect(places.get(block.id) ?? at).toBe(at);
        places.set(block.id, at);
      }
    }
    expect(places.size).toBe(5);
  });

  it('lays out five thousand blocks in a moment', () => {
    const events = [start(0, 'A')];
    for (let h = 1; h <= 5_000; h++)
      events.push(...extend(h * 1_000, 'A', `${h}A`, h === 1 ? 'g' : `${h - 1}A`));
    const { layout } = laid(events);
    expect(layout.columns).toHaveLength(5_001);
  });
});
