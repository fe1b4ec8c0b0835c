import { describe, expect, it } from 'vitest';
import { parseFate } from '../../src/yard/verbs/fates.ts';
import { parseDepths } from '../../src/yard/verbs/reorg-series.ts';

describe('how deep', () => {
  it('is a number or a range', () => {
    expect(parseDepths('3', 10)).toEqual({ ok: true, value: { least: 3, most: 3 } });
    expect(parseDepths('1..4', 10)).toEqual({ ok: true, value: { least: 1, most: 4 } });
  });

  it.each([
    ['4..1', '--depth 4..1 goes down; write 1..4'],
    ['0', '--depth must be from 1 to 10, not 0'],
    ['1..11', '--depth must be from 1 to 10, not 11'],
    ['1-4', "--depth must be a number or a range such as 1..4, not '1-4'"],
    ['', "--depth must be a number or a range such as 1..4, not ''"],
  ])('%s is refused in words', (text, words) => {
    expect(parseDepths(text, 10)).toEqual({ ok: false, error: words });
  });
});

describe('what becomes of a payment', () => {
  it.each([
    ['a91f=drop', 'drop'],
    ['a91f=keep', 'keep'],
    ['a91f=later:2', { later: 2 }],
    ['a91f=conflict:frank', { conflict: 'frank' }],
  ])('%s', (text, fate) => {
    expect(parseFate(text)).toEqual({ ok: true, value: { tail: 'a91f', fate } });
  });

  it.each(['a91f', 'a91f=', '=drop', 'a91f=gone', 'a91f=later', 'a91f=later:', 'a91f=drop:2'])(
    '%s is refused with the forms that there are',
    (text) => {
      expect(parseFate(text)).toMatchObject({ ok: false, error: expect.stringContaining('a91f=later:2') });
    },
  );

  it('later needs a number', () => {
    expect(parseFate('a91f=later:-1')).toEqual({
      ok: false,
      error: "'a91f=later:-1': -1 is not a number of blocks",
    });
  });
});
