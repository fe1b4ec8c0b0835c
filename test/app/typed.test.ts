import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/app/cli/program.ts';
import { asTyped } from '../../src/app/cli/typed.ts';

const npx = { npm_command: 'exec' };
buildProgram({ programPath: '', version: '1.0.0' });

describe('a printed next step', () => {
  it('runs as it is printed for those who came through npx', () => {
    expect(asTyped('Start it: forkyard start C', npx)).toBe('Start it: npx forkyard start C');
    expect(asTyped("  forkyard double-spend a b@A c@B  one coin\nor 'forkyard up'", npx)).toBe(
      "  npx forkyard double-spend a b@A c@B  one coin\nor 'npx forkyard up'",
    );
  });

  it('is left alone otherwise: names of yards, paths, what says npx already', () => {
    for (const text of [
      'forkyard yard-mws1 (new)',
      'bin/forkyard up',
      'npx forkyard tree',
      'forkyard: no verb',
      'forkyard up-to-date',
    ]) {
      expect(asTyped(text, npx)).toBe(text);
    }
    expect(asTyped('forkyard start C', {})).toBe('forkyard start C');
  });
});
