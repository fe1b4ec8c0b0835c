import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createYard } from '../../src/lab/launcher/create.ts';
import { demoDirectory } from '../../src/lab/tour/tour.ts';

/** Where a tour lives, and what becomes of the yards that were there before. */

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
let cwd: string;
let said: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'forkyard-tours-'));
  said = '';
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const directory = () => {
  said = '';
  return demoDirectory({ cwd, write: (text) => (said += text) });
};

/** A yard in `dir`, with something in it that only this one has. */
function yardIn(dir: string, label: string, mark: string): void {
  mkdirSync(dir);
  createYard(dir, PROGRAM, { network: 'lab', label });
  writeFileSync(join(dir, 'mark'), mark);
}

it('keeps the yard of every tour before it, under the next number, and says where', () => {
  const own = join(cwd, '.forkyard');
  expect(directory()).toBe(own);
  expect(said).toBe('');
  for (const n of [1, 2, 3]) {
    yardIn(own, `demo-${n}`, `tour ${n}`);
    expect(directory()).toBe(own);
    expect(existsSync(own)).toBe(false);
    expect(said).toContain(`kept in ./.forkyard.old-${n}`);
  }
  expect(readdirSync(cwd).toSorted()).toEqual(['.forkyard.old-1', '.forkyard.old-2', '.forkyard.old-3']);
  for (const n of [1, 2, 3])
    expect(readFileSync(join(cwd, `.forkyard.old-${n}`, 'mark'), 'utf8')).toBe(`tour ${n}`);
});

it('leaves a yard that somebody made with up where it is', () => {
  const own = join(cwd, '.forkyard');
  yardIn(own, 'mine', 'mine');
  expect(directory()).toBe(`${own}-demo`);
  expect(said).toBe('');
  expect(readFileSync(join(own, 'mark'), 'utf8')).toBe('mine');
});
