import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compare,
  concat,
  equal,
  fromHex,
  hashOfId,
  idOf,
  keyOf,
  readU32BE,
  readU32LE,
  reversed,
  toHex,
  utf8Decode,
  utf8Encode,
  writeU32BE,
  writeU32LE,
} from '../../src/util/bytes.ts';

const RUN = { seed: 11, numRuns: 500 };
const bytes = fc.uint8Array({ maxLength: 80 });

describe('hex', () => {
  it('agrees with Buffer both ways', () => {
    fc.assert(
      fc.property(bytes, (b) => {
        const hex = Buffer.from(b).toString('hex');
        expect(toHex(b)).toBe(hex);
        expect(fromHex(hex.toUpperCase())).toEqual(b);
      }),
      RUN,
    );
  });

  it.each(['0', 'abc', '0g', 'g0', ' 00', '0x00', '00 ', '::', '@@', '``', 'é0'])('refuses %j', (text) => {
    expect(fromHex(text)).toBeUndefined();
  });

  it('shows a hash reversed, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (hash) => {
        expect(idOf(hash)).toBe(toHex(reversed(hash)));
        expect(hashOfId(idOf(hash))).toEqual(hash);
      }),
      RUN,
    );
    expect(hashOfId('00'.repeat(31))).toBeUndefined();
    expect(hashOfId('00'.repeat(33))).toBeUndefined();
    expect(hashOfId('zz'.repeat(32))).toBeUndefined();
  });
});

describe('comparing and joining', () => {
  it('orders as Buffer does', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 4, max: 3 }),
        fc.uint8Array({ maxLength: 4, max: 3 }),
        (a, b) => {
          expect(Math.sign(compare(a, b))).toBe(Buffer.compare(a, b));
          expect(equal(a, b)).toBe(Buffer.compare(a, b) === 0);
          expect(keyOf(a) === keyOf(b)).toBe(equal(a, b));
          expect(toHex(concat(a, b))).toBe(toHex(a) + toHex(b));
        },
      ),
      RUN,
    );
  });

  it('makes a key of one character a byte, at any length', () => {
    const long = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31) & 255);
    expect(keyOf(long)).toBe(Buffer.from(long).toString('latin1'));
    expect(keyOf(new Uint8Array(0))).toBe('');
  });

  it('leaves the original of a reversed copy alone', () => {
    const b = Uint8Array.of(1, 2, 3);
    expect(reversed(b)).toEqual(Uint8Array.of(3, 2, 1));
    expect(b).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('utf8', () => {
  it('encodes what TextEncoder encodes, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }), (codes) => {
        const text = String.fromCharCode(...codes);
        expect(utf8Encode(text)).toEqual(new TextEncoder().encode(text));
      }),
      RUN,
    );
    expect(utf8Encode('🦆é…')).toEqual(new TextEncoder().encode('🦆é…'));
  });

  it('decodes exactly what a fatal TextDecoder decodes', () => {
    const oracle = (b: Uint8Array): string | undefined => {
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(b);
      } catch {
        return undefined;
      }
    };
    // Lead and continuation bytes at every border, so that most samples are nearly valid.
    const byte = fc.constantFrom(
      0x00,
      0x41,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
    );
    const lead = fc.constantFrom(0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff, 0xbb);
    fc.assert(
      fc.property(fc.array(fc.oneof(byte, lead), { maxLength: 6 }), (list) => {
        const b = Uint8Array.from(list);
        expect(utf8Decode(b)).toBe(oracle(b));
      }),
      { seed: 12, numRuns: 5000 },
    );
  });
});

describe('u32', () => {
  it('writes and reads both byte orders as DataView does', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(4), (value, at) => {
        const b = new Uint8Array(8);
        const view = new DataView(b.buffer);
        writeU32LE(b, at, value);
        expect(view.getUint32(at, true)).toBe(value);
        expect(readU32LE(b, at)).toBe(value);
        writeU32BE(b, at, value);
        expect(view.getUint32(at, false)).toBe(value);
        expect(readU32BE(b, at)).toBe(value);
      }),
      RUN,
    );
  });
});
