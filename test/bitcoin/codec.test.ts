import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactSizeLength, decode, Reader, Writer } from '../../src/bitcoin/codec.ts';
import { InvariantError } from '../../src/util/assert.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';

const size = (hex: string) => decode(fromHex(hex)!, (r) => r.compactSize());

describe('compact size', () => {
  it('has one encoding for each number, and reads it back', () => {
    for (const n of [0, 1, 0xfc, 0xfd, 0xfe, 0xff, 0x100, 0xffff, 0x1_0000, 0x200_0000]) {
      const bytes = new Writer().compactSize(n).finish();
      expect(bytes.length).toBe(compactSizeLength(n));
      expect(decode(bytes, (r) => r.compactSize())).toEqual({ ok: true, value: n });
    }
    expect(toHex(new Writer().compactSize(2 ** 32).finish())).toBe('ff0000000001000000');
  });

  it.each([
    ['fd0000', 'non-canonical'],
    ['fdfc00', 'non-canonical'],
    ['fe00000000', 'non-canonical'],
    ['feffff0000', 'non-canonical'],
    ['ff0000000000000000', 'non-canonical'],
    ['ffffffffff00000000', 'non-canonical'],
    ['fe01000002', 'too large'],
    ['ff0000000001000000', 'too large'],
    ['ffffffffffffffffff', 'too large'],
    ['', 'unexpected end'],
    ['fd', 'unexpected end'],
    ['fdff', 'unexpected end'],
    ['fe000001', 'unexpected end'],
    ['ff00000000000001', 'unexpected end'],
  ])('refuses %s: %s', (hex, what) => {
    const result = size(hex);
    expect(result.ok ? 'accepted' : result.error.what).toContain(what);
  });
});

describe('Reader and Writer', () => {
  it('are inverse for every kind of number', () => {
    fc.assert(
      fc.property(
        fc.nat(0xff),
        fc.nat(0xffff),
        fc.nat(0xffff_ffff),
        fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        fc.uint8Array({ maxLength: 300 }),
        (u8, u16, u32, i32, u64, part) => {
          const w = new Writer(1).u8(u8).u16(u16).u32(u32).i32(i32).u64(u64).varBytes(part).bytes(part);
          const bytes = w.finish();
          expect(w.length).toBe(bytes.length);
          const read = decode(bytes, (r) => [
            r.u8(),
            r.u16(),
            r.u32(),
            r.i32(),
            r.u64(),
            r.varBytes(),
            r.rest(),
          ]);
          expect(read).toEqual({ ok: true, value: [u8, u16, u32, i32, u64, part, part] });
        },
      ),
      { seed: 41, numRuns: 300 },
    );
  });

  it('refuse a u64 above 2^53 and money above 21e14, by name', () => {
    const u64 = (n: bigint) => {
      const b = Buffer.alloc(8);
      b.writeBigUInt64LE(n);
      return Uint8Array.from(b);
    };
    expect(decode(u64(2n ** 53n - 1n), (r) => r.u64())).toEqual({ ok: true, value: 2 ** 53 - 1 });
    expect(decode(u64(2n ** 53n), (r) => r.u64())).toEqual({
      ok: false,
      error: { what: 'number above 2^53', at: 0 },
    });
    expect(decode(u64(2_100_000_000_000_000n), (r) => r.money())).toEqual({ ok: true, value: 21e14 });
    for (const n of [2_100_000_000_000_001n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(decode(u64(n), (r) => r.money())).toEqual({
        ok: false,
        error: { what: 'value above 21 million coins', at: 0 },
      });
    }
  });

  it('say where a fault is, and refuse trailing bytes', () => {
    expect(decode(Uint8Array.of(1, 2, 3), (r) => [r.u8(), r.u32()])).toEqual({
      ok: false,
      error: { what: 'unexpected end', at: 1 },
    });
    expect(decode(Uint8Array.of(1, 2, 3), (r) => r.u8())).toEqual({
      ok: false,
      error: { what: 'trailing bytes', at: 1 },
    });
  });

  it('bound a count by the bytes left', () => {
    const bytes = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x00, 0, 0, 0);
    const result = decode(bytes, (r) => r.count(1));
    expect(result).toEqual({ ok: false, error: { what: 'count exceeds the bytes left', at: 0 } });
    expect(new Reader(Uint8Array.of(2, 9, 9)).count(1)).toBe(2);
  });

  it('let a bug through, instead of calling it bad input', () => {
    expect(() =>
      decode(new Uint8Array(1), () => {
        throw new TypeError('a bug');
      }),
    ).toThrow(TypeError);
  });

  it('throw on numbers out of range: those are ours', () => {
    for (const write of [
      (w: Writer) => w.u8(256),
      (w: Writer) => w.u8(-1),
      (w: Writer) => w.u16(0x1_0000),
      (w: Writer) => w.u32(2 ** 32),
      (w: Writer) => w.u32(-1),
      (w: Writer) => w.i32(2 ** 31),
      (w: Writer) => w.u64(2 ** 53),
      (w: Writer) => w.u64(1.5),
      (w: Writer) => w.u64(-1),
    ]) {
      expect(() => write(new Writer())).toThrow(InvariantError);
    }
  });

  it('view a Buffer as plain bytes, wherever it lies in its memory', () => {
    const pool = Buffer.from([9, 9, 1, 2, 3, 9]).subarray(2, 5);
    const result = decode(pool, (r) => r.rest());
    expect(result.ok && result.value.constructor === Uint8Array).toBe(true);
    expect(result.ok && [...result.value]).toEqual([1, 2, 3]);
  });
});
