import { describe, expect, it } from 'vitest';
import { folded } from '../../src/app/cli/out.ts';

describe('a line wider than the terminal', () => {
  it('is broken at blanks, with its indent, when it is a sentence', () => {
    expect(folded('  one two three four', 11)).toBe('  one two\n  three\n  four');
    expect(folded('one two', 7)).toBe('one two');
  });

  it('stays whole when it is a row of a table, or a command to be copied', () => {
    for (const line of ['name  address  secret', 'until: npx forkyard heal --yard ./five'])
      expect(folded(line, 12)).toBe(line);
  });
});
