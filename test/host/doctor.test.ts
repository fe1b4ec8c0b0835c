import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type DoctorRow, renderRow, runDoctor } from '../../src/app/doctor.ts';
import { clockVerdict, diskCheck, nodeCheck } from '../../src/app/doctor-checks.ts';

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
    expect(kernels.map((row) => row.state)).toEqual(['ok', 'ok', 'ok', 'ok']);
    for (const row of kernels) expect(Number.parseFloat(row.figure)).toBeGreaterThan(0);
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
