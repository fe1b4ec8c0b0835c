import { describe, expect, it } from 'vitest';
import { RETRANSMIT_MS, SEGMENT_BYTES, Shaper, UNSHAPED } from '../../src/util/link-shape.ts';

const shaped = (o: Partial<typeof UNSHAPED>, seed = 'A>B') => {
  const shaper = new Shaper(seed);
  shaper.set({ ...UNSHAPED, ...o });
  return shaper;
};

describe('the shape of a wire', () => {
  it('delays by exactly what was asked, and nothing overtakes when the delay falls', () => {
    const wire = shaped({ delayMs: 200 });
    expect(wire.due(1_000, 10)).toBe(1_200);
    expect(wire.due(1_050, 10_000)).toBe(1_250);
    wire.set({ ...UNSHAPED, delayMs: 10 });
    expect(wire.due(1_060, 10)).toBe(1_250);
    expect(wire.due(1_300, 10)).toBe(1_310);
    wire.set(UNSHAPED);
    expect(wire.isPlain).toBe(true);
    expect(wire.due(1_400, 10)).toBe(1_400);
  });

  it('jitter lies evenly within its bounds, keeps order, and is the same for the same seed', () => {
    const times = (seed: string) => {
      const wire = shaped({ delayMs: 200, jitterMs: 20 }, seed);
      // Far enough apart that order binds nobody.
      return Array.from({ length: 2_000 }, (_, i) => wire.due(i * 100, 100) - i * 100);
    };
    const got = times('A>B');
    expect(Math.min(...got)).toBeGreaterThanOrEqual(180);
    expect(Math.max(...got)).toBeLessThanOrEqual(220);
    expect(Math.min(...got)).toBeLessThan(182);
    expect(Math.max(...got)).toBeGreaterThan(218);
    const mean = got.reduce((a, b) => a + b) / got.length;
    expect(Math.abs(mean - 200)).toBeLessThan(1);
    expect(times('A>B')).toEqual(got);
    expect(times('B>A')).not.toEqual(got);
    const close = shaped({ delayMs: 200, jitterMs: 20 });
    const dues = Array.from({ length: 500 }, (_, i) => close.due(i, 100));
    expect(dues).toEqual([...dues].sort((a, b) => a - b));
  });

  it('a rate sends one bit after the other, and an idle wire saves nothing up', () => {
    const wire = shaped({ delayMs: 50, bitsPerSecond: 1_000_000 });
    // 12,500 bytes are 100,000 bits: 100 ms each.
    expect(wire.due(0, 12_500)).toBe(150);
    expect(wire.due(0, 12_500)).toBe(250);
    expect(wire.due(1_000, 12_500)).toBe(1_150);
    wire.set({ ...UNSHAPED, delayMs: 50 });
    expect(wire.due(1_001, 12_500)).toBe(1_150);
    expect(wire.due(2_000, 12_500)).toBe(2_050);
  });

  it('a lost segment waits for its retransmission, as often as asked, twice as long each time', () => {
    const wire = shaped({ delayMs: 100, loss: 0.1 });
    const timeout = 2 * 100 + RETRANSMIT_MS;
    let at = 0;
    const counts = new Map<number, number>();
    for (let i = 0; i < 20_000; i++) {
      at += 100_000;
      const late = wire.due(at, SEGMENT_BYTES) - at - 100;
      counts.set(late, (counts.get(late) ?? 0) + 1);
    }
    // 0, 1, 3, 7, … timeouts and nothing between.
    for (const late of counts.keys()) expect(Math.log2(late / timeout + 1) % 1).toBe(0);
    expect(counts.get(0)! / 20_000).toBeCloseTo(0.9, 2);
    expect(counts.get(timeout)! / 20_000).toBeCloseTo(0.09, 2);
    expect(counts.get(3 * timeout)! / 20_000).toBeCloseTo(0.009, 2);
  });

  it('a large piece is unluckier than a small one, and a loss holds up what comes behind', () => {
    const share = (bytes: number) => {
      const wire = shaped({ delayMs: 10, loss: 0.01 }, `loss ${bytes}`);
      let late = 0;
      for (let i = 1; i <= 5_000; i++) if (wire.due(i * 1e6, bytes) > i * 1e6 + 10) late++;
      return late / 5_000;
    };
    expect(share(100)).toBeGreaterThan(0.005);
    expect(share(100)).toBeLessThan(0.015);
    // 1 − 0.99^44
    expect(share(44 * SEGMENT_BYTES)).toBeGreaterThan(0.32);
    expect(share(44 * SEGMENT_BYTES)).toBeLessThan(0.4);
    const wire = shaped({ delayMs: 10, loss: 0.5 }, 'first is lost');
    const dues = Array.from({ length: 40 }, (_, i) => wire.due(i, 100));
    expect(dues).toEqual([...dues].sort((a, b) => a - b));
    expect(Math.max(...dues)).toBeGreaterThan(200);
  });

  it('drops its share of messages, and draws nothing where none is asked', () => {
    const wire = shaped({ drop: 0.3 }, 'drops');
    let lost = 0;
    for (let i = 0; i < 10_000; i++) if (wire.drops()) lost++;
    expect(lost / 10_000).toBeCloseTo(0.3, 1);
    const [plain, asked] = [
      shaped({ delayMs: 10, jitterMs: 5 }, 's'),
      shaped({ delayMs: 10, jitterMs: 5 }, 's'),
    ];
    for (let i = 0; i < 100; i++) {
      expect(asked.drops()).toBe(false);
      expect(asked.due(i * 1e3, 10)).toBe(plain.due(i * 1e3, 10));
    }
  });
});
