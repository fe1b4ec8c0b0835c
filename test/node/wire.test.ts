import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/node/limits.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/node/wire/messages.ts';
import { concat } from '../../src/util/bytes.ts';

const bytes = (n: number) => fc.uint8Array({ minLength: n, maxLength: n });
const hash = bytes(32);
const u32 = fc.nat({ max: 0xffff_ffff });
const work = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const ids = (most: number) =>
  fc.uniqueArray(hash, { minLength: 1, maxLength: Math.min(most, 40), selector: (id) => id.join() });
const name = fc.string({ unit: 'grapheme-ascii', maxLength: 32 });

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    version: fc.integer({ min: 1, max: 0xffff_ffff }),
    genesis: hash,
    name,
    height: u32,
    work,
    tip: hash,
  }),
  fc.record({
    kind: fc.constant('getheaders' as const),
    id: u32,
    locator: fc.array(hash, { minLength: 1, maxLength: limits.maxLocator }),
    stop: hash,
  }),
  fc.record({
    kind: fc.constant('headers' as const),
    id: u32,
    headers: fc.array(bytes(80), { maxLength: 30 }),
  }),
  fc.record({ kind: fc.constant('getblocks' as const), ids: ids(limits.maxBlocksPerRequest) }),
  fc.record({ kind: fc.constant('notfound' as const), ids: ids(limits.maxBlocksPerRequest) }),
  fc.record({ kind: fc.constant('gettxs' as const), ids: ids(limits.maxTxsPerRequest) }),
  fc.record({ kind: fc.constant('inv' as const), ids: ids(limits.maxInv) }),
  fc.record({ kind: fc.constant('block' as const), bytes: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ kind: fc.constant('tx' as const), bytes: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    kind: fc.constant('tip' as const),
    header: bytes(80),
    height: u32,
    work,
    gossiped: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('getblocktxs' as const),
    hash,
    indexes: fc
      .uniqueArray(fc.nat({ max: 0xffff }), { minLength: 1, maxLength: 40 })
      .map((places) => places.sort((a, b) => a - b)),
  }),
  fc.record({
    kind: fc.constant('blocktxs' as const),
    hash,
    count: fc.nat({ max: 0xffff }),
    bytes: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({ kind: fc.constant('ping' as const), nonce: bytes(8) }),
  fc.record({ kind: fc.constant('pong' as const), nonce: bytes(8) }),
);

function refused(frame: Uint8Array): string {
  const decoded = decodeMessage(frame, limits);
  return decoded.ok ? 'accepted' : decoded.error;
}

describe('wire', () => {
  it('what is encoded is decoded again', () => {
    fc.assert(
      fc.property(message, (m) => {
        const decoded = decodeMessage(encodeMessage(m), limits);
        expect(decoded).toEqual({ ok: true, value: m });
      }),
    );
  });

  it('a frame has one encoding: whatever decodes, encodes to the same bytes', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat({ max: 255 }), (m, where, value) => {
        const frame = encodeMessage(m);
        frame[where % frame.length] = value;
        const decoded = decodeMessage(frame, limits);
        if (decoded.ok) expect(encodeMessage(decoded.value)).toEqual(frame);
      }),
      { numRuns: 500 },
    );
  });

  it('any bytes give a message or a refusal, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 14 }), (tail, type) => {
        const decoded = decodeMessage(concat(Uint8Array.of(type), tail), limits);
        expect(typeof decoded.ok).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  it('cut or prolonged frames of a fixed form are refused', () => {
    fc.assert(
      fc.property(message, (m) => {
        if (m.kind === 'block' || m.kind === 'tx' || m.kind === 'blocktxs') return;
        const frame = encodeMessage(m);
        for (let n = 0; n < frame.length; n++)
          expect(decodeMessage(frame.subarray(0, n), limits).ok).toBe(false);
        expect(decodeMessage(concat(frame, Uint8Array.of(0)), limits).ok).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('names what is wrong', () => {
    const id = (n: number) => new Uint8Array(32).fill(n);
    expect(refused(new Uint8Array())).toBe('an empty frame');
    expect(refused(Uint8Array.of(99))).toBe('unknown message type 99');
    expect(refused(encodeMessage({ kind: 'getblocks', ids: [] }))).toContain('0 of at most 16');
    const many = Array.from({ length: 17 }, (_, i) => id(i));
    expect(refused(encodeMessage({ kind: 'getblocks', ids: many }))).toContain('17 of at most 16');
    expect(refused(encodeMessage({ kind: 'gettxs', ids: [id(1), id(2), id(1)] }))).toContain('an id twice');
    expect(refused(concat(Uint8Array.of(8), new Uint8Array(limits.maxTxBytes + 1)))).toContain(
      'transaction of',
    );
    expect(refused(concat(Uint8Array.of(5), new Uint8Array(limits.maxFrameBytes)))).toContain('a frame of');
    const hello = { kind: 'hello', version: 1, genesis: id(0), height: 0, work: 0n, tip: id(0) } as const;
    expect(refused(encodeMessage({ ...hello, name: 'x'.repeat(33) }))).toContain('name of 33 bytes');
    expect(refused(encodeMessage({ ...hello, name: 'a\u001b[2J' }))).toContain('plain UTF-8');
    expect(refused(encodeMessage({ ...hello, name: 'a', version: 0 }))).toBe('version 0');
    expect(refused(encodeMessage({ ...hello, name: 'Ä' }))).toBe('accepted');
  });
});
