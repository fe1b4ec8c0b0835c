import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeValue } from '../../src/node/record/decode-value.ts';
import { encodeValue } from '../../src/node/record/encode-step.ts';

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(undefined, null, true, false),
    fc.double({ noNaN: true }),
    fc.bigInt(),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ maxLength: 5 }).filter((key) => key !== '__proto__'),
      tie('any'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).any;

it('gives back what was encoded', () => {
  fc.assert(
    fc.property(value, (before) => {
      expect(decodeValue(encodeValue(before))).toEqual({ ok: true, value: before });
    }),
    { numRuns: 300, seed: 3 },
  );
});

it('never throws on other bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), value, fc.nat(), (junk, before, at) => {
      decodeValue(junk);
      const bytes = encodeValue(before);
      bytes[at % bytes.length]! ^= 1 + (at % 255);
      decodeValue(bytes);
    }),
    { numRuns: 300, seed: 4 },
  );
});
