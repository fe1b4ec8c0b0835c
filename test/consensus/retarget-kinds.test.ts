import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactToTarget, targetToCompact } from '../../src/bitcoin/target.ts';
import {
  asertTarget,
  nextBits,
  type Retarget,
  type RetargetEntry,
  scaleTarget,
  windowTarget,
} from '../../src/consensus/params/retarget.ts';
import { templates, YARD } from '../dsl/networks.ts';

const MAIN_LIMIT = compactToTarget(0x1d00ffff).target;

/** Rules with a genesis of these bits at time 0. */
const rules = (retarget: Retarget, bits: number, spacingMs = 600_000) => ({
  retarget,
  spacingMs,
  powLimit: MAIN_LIMIT,
  genesis: { header: { ...YARD.genesis.header, time: 0, bits } },
});

/** Entries at these times, the first at `height`, each with the bits that the rule asks for. */
function chain(params: ReturnType<typeof rules>, times: readonly number[], height = 0): RetargetEntry {
  let at: RetargetEntry | undefined;
  for (const [i, time] of times.entries()) {
    const bits = at === undefined ? params.genesis.header.bits : nextBits(at, params);
    at = { header: { ...params.genesis.header, time, bits }, height: height + i, parent: at };
  }
  return at!;
}

describe('asert', () => {
  const rule = { spacingMs: 600_000, halflifeMs: 172_800_000, powLimit: MAIN_LIMIT };

  /** Runs 1, 5 and 9 of the published aserti3-2d vectors: anchor, then [height, time, bits]. Ten minutes, two days. */
  it.each([
    {
      anchor: { height: 1, parentTime: 0, bits: 0x1d00ffff },
      rows: [
        [2, 1200, 0x1d00ffff],
        [3, 1800, 0x1d00ffff],
        [11, 6600, 0x1d00ffff],
      ],
    },
    {
      anchor: { height: 1, parentTime: 0, bits: 0x1d00ffff },
      rows: [
        [2, 0, 0x1d00fec5],
        [290, 0, 0x1c7f62c0],
        [866, 0, 0x1c1fd8b0],
        [30242, 0, 0x0f7f62c0],
        [63650, 0, 0x01070000],
        [64514, 0, 0x01010000],
        [70000, 0, 0x01010000],
      ],
    },
    {
      anchor: { height: 2147483642, parentTime: 1234567290, bits: 0x1802aee8 },
      rows: [
        [2147483643, 1234568190, 0x1802ae16],
        [2147483645, 1234568790, 0x1802ac71],
        [2147483652, 1234570890, 0x1802a6b7],
      ],
    },
  ])('gives the published targets: anchor $anchor.height, first row $rows.0', ({ anchor, rows }) => {
    for (const [height, time, bits] of rows as [number, number, number][]) {
      const from = { bits: anchor.bits, height: anchor.height, parentTimeMs: anchor.parentTime * 1000 };
      expect(targetToCompact(asertTarget(from, height, time * 1000, rule)).toString(16)).toBe(
        bits.toString(16),
      );
    }
  });

  it('halves after a half-life ahead of schedule and doubles after one behind it', () => {
    const anchor = { bits: 0x1c00ffff, height: 0, parentTimeMs: -600_000 };
    const { target } = compactToTarget(anchor.bits);
    expect(asertTarget(anchor, 1000, 600_000_000, rule)).toBe(target);
    expect(asertTarget(anchor, 1000, 600_000_000 - 172_800_000, rule)).toBe(target / 2n);
    expect(asertTarget(anchor, 1000, 600_000_000 + 172_800_000, rule)).toBe(target * 2n);
  });

  it('depends on height and time alone, whatever happened between, and stays within 1 and the limit', () => {
    const params = rules({ kind: 'asert', halflifeMs: 172_800_000 }, 0x1c00ffff);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -2_000_000, max: 40_000_000 }), { minLength: 1, maxLength: 40 }),
        (times) => {
          const straight = times.map((_, i) => i * 600);
          straight[times.length - 1] = times.at(-1)!;
          const bits = nextBits(chain(params, [0, ...times]), params);
          expect(bits).toBe(nextBits(chain(params, [0, ...straight]), params));
          const { target } = compactToTarget(bits);
          expect(target >= 1n && target <= MAIN_LIMIT).toBe(true);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('is as easy as the limit allows after any sleep, and no arithmetic runs away', () => {
    const params = rules({ kind: 'asert', halflifeMs: 1 }, 0x1c00ffff);
    expect(nextBits(chain(params, [0, 4_000_000_000]), params)).toBe(0x1d00ffff);
    expect(compactToTarget(nextBits(chain(params, [0, -4_000_000_000]), params)).target).toBe(1n);
    expect(scaleTarget(1n, 1n << 80n)).toBe(1n << 257n);
    expect(scaleTarget(1n << 255n, -(1n << 80n))).toBe(0n);
  });
});

describe('bitcoin', () => {
  const params = templates().get('main-headers')!.base;
  const rule = { intendedMs: 2016 * 600_000, powLimit: params.powLimit };
  const window = (bits: number, first: number, last: number) =>
    targetToCompact(windowTarget(bits, (last - first) * 1000, rule)).toString(16);

  it("gives real retargets of Bitcoin's chain, and Core's own cases of its two clamps", () => {
    // Block 32256, the first that changed anything: times of blocks 30240 and 32255.
    expect(window(0x1d00ffff, 1261130161, 1262152739)).toBe('1d00d86a');
    // Block 2016: slower than intended, but the limit is the limit.
    expect(window(0x1d00ffff, 1231006505, 1233061996)).toBe('1d00ffff');
    // Block 68544: less than a quarter of the time.
    expect(window(0x1c05a3f4, 1279008237, 1279297671)).toBe('1c0168fd');
    // More than four times (Core: pow_tests, get_next_work_upper_limit_actual).
    expect(window(0x1c387f6f, 1263163443, 1269211443)).toBe('1d00e1fd');
  });

  it('changes at every 2016th block alone, by the time from the first to the last of the window', () => {
    const main = rules({ kind: 'bitcoin', window: 2016 }, 0x1d00ffff);
    const times = Array.from({ length: 2016 }, (_, i) => 1261130161 + i * 500);
    times[2015] = 1262152739;
    const last = chain(main, times, 30240);
    expect(last.height).toBe(32255);
    expect(nextBits(last.parent!, main)).toBe(0x1d00ffff);
    expect(nextBits(last, main)).toBe(0x1d00d86a);
    const first = { header: { ...last.header, bits: 0x1d00d86a }, height: 32256, parent: last };
    expect(nextBits(first, main)).toBe(0x1d00d86a);
  });

  it('is one interval short of its window: steady blocks at the intended pace make it harder', () => {
    const small = rules({ kind: 'bitcoin', window: 10 }, 0x1c00ffff);
    const bits = nextBits(
      chain(
        small,
        Array.from({ length: 10 }, (_, i) => i * 600),
      ),
      small,
    );
    const ratio = Number((compactToTarget(bits).target * 1000n) / compactToTarget(0x1c00ffff).target) / 1000;
    expect(ratio).toBeCloseTo(0.9, 2);
  });

  it('never moves by more than four, nor beyond the limit, whatever the times say', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 32 }), (span) => {
        const before = compactToTarget(0x1c05a3f4).target;
        const after = windowTarget(0x1c05a3f4, span * 1000, rule);
        expect(after >= before / 4n && after <= before * 4n && after <= MAIN_LIMIT).toBe(true);
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});
