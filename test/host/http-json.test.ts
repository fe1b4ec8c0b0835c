import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/host/http/json.ts';
import { coins, JsonNumber, stringify, typeName } from '../../src/host/http/json.ts';

describe('the serializer', () => {
  it('writes what JSON.stringify writes, for everything but exact numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(stringify(value as Json))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { seed: 1, numRuns: 150 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(stringify(text)).toBe(JSON.stringify(text));
        expect(stringify({ [text]: 1 })).toBe(JSON.stringify({ [text]: 1 }));
      }),
      { seed: 2, numRuns: 150 },
    );
    expect(stringify(['"', '\\', '\u007f', '\n', '\ud800', 'é'])).toBe(
      JSON.stringify(['"', '\\', '\u007f', '\n', '\ud800', 'é']),
    );
    expect(stringify({ a: undefined, b: [], c: {} })).toBe('{"b":[],"c":{}}');
    expect(() => stringify({ rate: Number.NaN })).toThrow('not a JSON number');
  });

  it('keeps amounts exact to eight decimals', () => {
    const cases: [number, string][] = [
      [0, '0.00000000'],
      [1, '0.00000001'],
      [-1, '-0.00000001'],
      [99_999_999, '0.99999999'],
      [100_000_000, '1.00000000'],
      [2_099_999_997_690_000, '20999999.97690000'],
      [2_100_000_000_000_000, '21000000.00000000'],
    ];
    for (const [sats, text] of cases) expect(stringify(coins(sats))).toBe(text);
    for (const bad of [0.5, Number.NaN, 2 ** 60])
      expect(() => coins(bad)).toThrow('whole number of satoshis');
    expect(() => new JsonNumber('1e3')).toThrow('not a plain decimal');
  });

  it('names types as Core does', () => {
    expect([null, [], true, '', 1, {}].map(typeName)).toEqual([
      'null',
      'array',
      'bool',
      'string',
      'number',
      'object',
    ]);
  });
});
