import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What stands beside a figure in BENCHMARKS.md was measured in the same run, for the same work. */

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'scripts', 'bench');

describe('a benchmark', () => {
  it('sets no figure beside one that somebody measured elsewhere', () => {
    const sources = readdirSync(FOLDER).map((file) => readFileSync(join(FOLDER, file), 'utf8'));
    expect(sources.length).toBeGreaterThan(10);
    for (const text of sources) {
      // A peer is { name, value }: its value comes from samples or from a setting, never from a number in the text.
      expect(text).not.toMatch(/name: [^\n]*,\s*value: \d/);
      expect(text).not.toMatch(/measured elsewhere/);
    }
    expect(readFileSync(join(ROOT, 'BENCHMARKS.md'), 'utf8')).not.toMatch(/measured elsewhere/);
  });
});
