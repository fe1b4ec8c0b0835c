import { describe, expect, it } from 'vitest';
import { parseAt, parseGroups, splitLetters } from '../../src/observe/words/parse.ts';
import { formatGroups } from '../../src/observe/words/words.ts';
import { blockName, letterOf, pickNode } from '../../src/yard/names.ts';
import { Problem } from '../../src/yard/problem.ts';

function error(result: { ok: boolean; error?: string }): string {
  return result.ok ? '' : (result.error ?? '');
}

describe('letters', () => {
  it('goes A to Z, then N27', () => {
    expect([0, 25, 26, 99].map(letterOf)).toEqual(['A', 'Z', 'N27', 'N100']);
  });

  it('takes apart what letterOf made, with or without commas', () => {
    const letters = ['A', 'B', 'N', 'N27', 'N28', 'Z'];
    for (const glue of ['', ',', ', ']) {
      const split = splitLetters(letters.join(glue));
      expect(split.ok && split.value).toEqual(letters);
    }
    expect(error(splitLetters('A+B'))).toContain("'A+B'");
  });
});

describe('groups', () => {
  const known = ['A', 'B', 'C', 'D'];

  it('reads AB/CD and AB|CD, in small letters too', () => {
    for (const text of ['AB/CD', 'ab|cd', 'A,B/C,D']) {
      const groups = parseGroups(text, known);
      expect(groups.ok && formatGroups(groups.value)).toBe('AB|CD');
    }
    const three = parseGroups('A/BC/D', known);
    expect(three.ok && three.value).toEqual([['A'], ['B', 'C'], ['D']]);
  });

  it('names who is forgotten, doubled or unknown', () => {
    expect(error(parseGroups('AB/C', known))).toBe(
      'node D is in no group; every node must be in exactly one',
    );
    expect(error(parseGroups('A/C', known))).toBe(
      'nodes B, D are in no group; every node must be in exactly one',
    );
    expect(error(parseGroups('AB/BCD', known))).toBe(
      'node B is in two groups; every node must be in exactly one',
    );
    expect(error(parseGroups('ABX/CD', known))).toContain("no node 'X'");
    expect(error(parseGroups('ABCD', known))).toContain('nothing would be cut');
    expect(error(parseGroups('AB//CD', known))).toContain('empty group');
    expect(error(parseGroups('A>B', known))).toContain('one-way');
  });
});

describe('picking', () => {
  const nodes = [{ letter: 'A' }, { letter: 'B' }, { letter: 'N27' }];

  it('finds a node by letter, small letters too', () => {
    expect(pickNode(nodes, 'b').letter).toBe('B');
    expect(pickNode(nodes, 'n27').letter).toBe('N27');
  });

  it('refuses with exit 3 and what there is', () => {
    const attempt = () => pickNode(nodes, 'N72');
    expect(attempt).toThrow(Problem);
    try {
      attempt();
    } catch (problem) {
      expect((problem as Problem).exit).toBe(3);
      expect((problem as Problem).message).toBe("no node 'N72' in this yard");
    }
  });

  it('reads who and where', () => {
    const at = parseAt('carol@A');
    expect(at.ok && at.value).toEqual({ name: 'carol', node: 'A' });
    for (const bad of ['carol', '@A', 'carol@']) expect(parseAt(bad).ok).toBe(false);
  });

  it('calls a block by height and miner', () => {
    expect(blockName({ height: 8, miner: 'A' })).toBe('8A');
    expect(blockName({ height: 8, miner: '' })).toBe('8?');
    expect(blockName({ height: 0, miner: '' })).toBe('0');
  });
});
