import { describe, expect, it } from 'vitest';
import { folded, table } from '../../src/app/cli/fit.ts';

describe('a line wider than the terminal', () => {
  it('is broken at blanks, with its indent, when it is a sentence', () => {
    expect(folded('  one two three four', 11)).toBe('  one two\n  three\n  four');
    expect(folded('one two', 7)).toBe('one two');
  });

  it('goes on below its last column when it is a row', () => {
    expect(folded('  name  some words about it', 20)).toBe('  name  some words\n        about it');
    expect(folded('first row\nname  some words about it', 18)).toBe(
      'first row\nname  some words\n      about it',
    );
  });

  it('stays as it is where its last column has no room', () => {
    for (const line of ['name  address  secret', '[4C]──[5A]──[6B]──[7A]◄AB  work 4.0M'])
      expect(folded(line, 14)).toBe(line);
  });

  it('keeps a command in one piece, to be copied', () => {
    expect(folded('nothing arrives until: npx forkyard heal --yard ./five', 30)).toBe(
      'nothing arrives until:\nnpx forkyard heal --yard ./five',
    );
    expect(folded('One: forkyard release --step; all: forkyard release', 30)).toBe(
      'One: forkyard release --step;\nall: forkyard release',
    );
    expect(folded('See: forkyard status. Another: forkyard up --data DIR', 26)).toBe(
      'See: forkyard status.\nAnother:\nforkyard up --data DIR',
    );
  });

  it('puts what a command does below it where both have no room', () => {
    expect(folded('  forkyard reorg --depth 3 --yard ./y  undo three blocks, for real', 44)).toBe(
      '  forkyard reorg --depth 3 --yard ./y\n      undo three blocks, for real',
    );
  });

  it('parts no figure from its unit, and counts no colour', () => {
    expect(folded('one every 1.7 s, for 12 min', 14)).toBe('one every\n1.7 s, for\n12 min');
    expect(folded('\u001b[2mone two\u001b[22m', 7)).toBe('\u001b[2mone two\u001b[22m');
  });
});

describe('a table', () => {
  it('has columns as wide as they look', () => {
    expect(
      table([
        ['\u001b[32mok\u001b[39m', 'a'],
        ['no more', 'b'],
      ]),
    ).toEqual(['\u001b[32mok\u001b[39m       a', 'no more  b']);
  });
});
