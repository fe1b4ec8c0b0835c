import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorRow } from '../../src/app/doctor/checks.ts';
import { clockVerdict, diskCheck, nodeCheck } from '../../src/app/doctor/checks.ts';
import { renderRow, runDoctor } from '../../src/app/doctor/doctor.ts';
import { measure, measuredFigure } from '../../src/app/doctor/measure.ts';

it('looks at everything, tells each row, and leaves nothing behind', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-doctor-'));
  try {
    const told: DoctorRow[] = [];
    const report = await runDoctor({ dir: join(dir, 'yard', 'below'), onRow: (row) => told.push(row) });
    expect(report.rows).toEqual(told);
    const names = report.rows.map((row) => row.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'node',
        'cores',
        'memory',
        'clock',
        'ports',
        'disk',
        'ECDSA',
        'Schnorr',
        'kernel simd5',
      ]),
    );
    expect(report.ok).toBe(report.rows.every((row) => row.state !== 'bad'));
    const kernels = report.rows.filter((row) => row.name.startsWith('kernel'));
    expect(kernels).toHaveLength(4);
    // A machine that is busy while this runs is told so; the figure is there all the same.
    for (const row of kernels) {
      expect(row.figure).toMatch(
        row.state === 'ok'
          ? /^[\d.]+ [kM]?H\/s a thread$/
          : /^[\d.]+ [kM]?H\/s a thread, measured with \d+ % of a core$/,
      );
      expect(Number.parseFloat(row.figure)).toBeGreaterThan(0);
    }
    expect(readdirSync(dir)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

it('a directory that cannot be is a bad row, and stops no other check', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-doctor-'));
  try {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    await expect(diskCheck(file)).rejects.toThrow('is not a directory');
    const report = await runDoctor({ dir: join(file, 'below') });
    expect(report.rows.find((row) => row.name === 'disk')?.state).toBe('bad');
    expect(report.ok).toBe(false);
    expect(report.rows.at(-1)?.name).toBe('kernel reference');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe('a rate', () => {
  /** A machine that does `speed` a millisecond, a hundredth of it until it is warm, and gives us `share` of a core. */
  function machine(speed: number, share: number, slow: (call: number) => number = () => 1) {
    let cpu = 0;
    let wall = 0;
    let calls = 0;
    const work = () => {
      const ms = (cpu < 100 ? 100 : 1) * slow(calls++);
      cpu += ms;
      wall += ms / share;
      return speed;
    };
    return { work, clocks: { cpu: () => cpu, wall: () => wall } };
  }

  it('is that of warm code', () => {
    const { work, clocks } = machine(6_000, 1);
    const measured = measure(work, clocks);
    expect(measured.rate).toBeCloseTo(6_000_000, 3);
    expect(measuredFigure('6 MH/s', measured)).toEqual({ state: 'ok', figure: '6 MH/s' });
  });

  it('is the median: moments in which something else happens do not count', () => {
    const { work, clocks } = machine(6_000, 1, (call) => (call % 100 === 60 ? 500 : 1));
    expect(measure(work, clocks).rate).toBeCloseTo(6_000_000, 3);
  });

  it('under load says how much of a core it was measured with, and is no ✓', () => {
    const { work, clocks } = machine(6_000, 0.3);
    const measured = measure(work, clocks);
    expect(measured.share).toBeCloseTo(0.3, 6);
    expect(measuredFigure('2 MH/s', measured)).toMatchObject({
      state: 'warn',
      figure: '2 MH/s, measured with 30 % of a core',
      advice: expect.stringContaining('run doctor again'),
    });
  });

  it('ends where it is given nothing', () => {
    const { work, clocks } = machine(1, 0.000_1);
    expect(measure(work, clocks).share).toBeLessThan(0.01);
  });
});

it('knows the oldest Node that will do', () => {
  const states = ['18.20.0', '20.18.9', '20.19.0', '22.0.0'].map((version) => nodeCheck(version).state);
  expect(states).toEqual(['bad', 'bad', 'ok', 'ok']);
});

it('knows a wrong clock', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  const day = 86_400_000;
  expect(clockVerdict(now, 0.4, now - day).state).toBe('ok');
  expect(clockVerdict(now, -35, now - day).state).toBe('warn');
  expect(clockVerdict(now, 0, now + 2 * day).figure).toContain('earlier than this program was installed');
  expect(clockVerdict(2 ** 32 * 1000, 0, now).state).toBe('bad');
  expect(clockVerdict(0, 0, now).state).toBe('bad');
});

it('prints a row as mark, name, figure, and what to do', () => {
  expect(renderRow({ name: 'node', state: 'ok', figure: 'Node 20.20.0' })).toBe(
    '✓ node                 Node 20.20.0',
  );
  expect(renderRow({ name: 'disk', state: 'bad', figure: 'full', advice: 'Free some.' }).split('\n')).toEqual(
    ['✗ disk                 full', '                       Free some.'],
  );
  expect(renderRow({ name: 'x', state: 'bad', figure: 'y' }, true)[0]).toBe('x');
});
