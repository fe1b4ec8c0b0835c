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

  it('means the yard of the command that prints it', () => {
    const typed = (text: string, env = {}) => asTyped(text, env, ' --yard ./y');
    expect(typed('Start it: forkyard start C')).toBe('Start it: forkyard start --yard ./y C');
    expect(typed('one by one: forkyard release --links --step; all: forkyard release --links')).toBe(
      'one by one: forkyard release --yard ./y --links --step; all: forkyard release --yard ./y --links',
    );
    expect(typed('See: forkyard status. Another: forkyard up --data DIR')).toBe(
      'See: forkyard status --yard ./y. Another: forkyard up --data DIR',
    );
    expect(typed('until: npx forkyard heal')).toBe('until: npx forkyard heal --yard ./y');
    expect(typed('Start it: forkyard start C', npx)).toBe('Start it: npx forkyard start --yard ./y C');
    for (const text of [
      'forkyard send alice bob 1.5 --yard ./z  a payment',
      'Start another: forkyard up --data DIR',
      'Play one: forkyard run first-fork',
      'forkyard yard-mws1 (new)',
    ]) {
      expect(typed(text)).toBe(text);
    }
  });
});
