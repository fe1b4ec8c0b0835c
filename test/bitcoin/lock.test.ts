import * as bitcoin from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coinbaseHeightPrefix,
  isUnspendable,
  type Lock,
  lockScript,
  parseLock,
  pushData,
  scriptAsm,
} from '../../src/bitcoin/lock.ts';
import { InvariantError } from '../../src/util/assert.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';

const lock: fc.Arbitrary<Lock> = fc.oneof(
  fc.record({ kind: fc.constant('p2wpkh' as const), hash: fc.uint8Array({ minLength: 20, maxLength: 20 }) }),
  fc.record({ kind: fc.constant('p2tr' as const), key: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
  fc.record({ kind: fc.constant('data' as const), data: fc.uint8Array({ minLength: 1, maxLength: 80 }) }),
);

describe('locks', () => {
  it('are scripts and back', () => {
    fc.assert(
      fc.property(lock, (l) => {
        const script = lockScript(l);
        expect(parseLock(script)).toEqual(l);
        expect(isUnspendable(script)).toBe(l.kind === 'data');
      }),
      { seed: 81, numRuns: 500 },
    );
    for (let byte = 0; byte < 256; byte++) {
      const data = Uint8Array.of(byte);
      expect(parseLock(lockScript({ kind: 'data', data }))).toEqual({ kind: 'data', data });
    }
  });

  it('have one script each: whatever parses is what lockScript writes', () => {
    let parsed = 0;
    fc.assert(
      fc.property(lock, fc.nat(90), fc.nat(255), fc.boolean(), (l, at, value, cut) => {
        const script = lockScript(l).slice();
        script[at % Math.min(4, script.length)] = value; // where the opcodes and lengths are
        const changed = cut ? script.subarray(0, at % (script.length + 1)) : script;
        const again = parseLock(changed);
        if (again === undefined) return;
        parsed++;
        expect(toHex(lockScript(again))).toBe(toHex(changed));
      }),
      { seed: 82, numRuns: 5000 },
    );
    expect(parsed).toBeGreaterThan(500);
  });

  it.each([
    ['nothing', ''],
    ['P2PKH', '76a914' + '11'.repeat(20) + '88ac'],
    ['P2SH', 'a914' + '11'.repeat(20) + '87'],
    ['P2WSH', '0020' + '11'.repeat(32)],
    ['version 0 of 19 bytes', '0013' + '11'.repeat(19)],
    ['version 1 of 31 bytes', '511f' + '11'.repeat(31)],
    ['version 1 of 2 bytes (P2A)', '51024e73'],
    ['version 2', '5220' + '11'.repeat(32)],
    ['P2WPKH with a byte more', '0014' + '11'.repeat(21)],
    ['P2TR pushed with OP_PUSHDATA1', '514c20' + '11'.repeat(32)],
    ['OP_RETURN alone', '6a'],
    ['OP_RETURN with an empty push', '6a00'],
    ['OP_RETURN with OP_PUSHDATA1 of nothing', '6a4c00'],
    ['OP_RETURN with a one-byte push that has an opcode', '6a0105'],
    ['OP_RETURN with 81 pushed', '6a0181'],
    ['OP_RETURN with OP_PUSHDATA1 of 75', '6a4c4b' + '11'.repeat(75)],
    ['OP_RETURN with 81 bytes', '6a4c51' + '11'.repeat(81)],
    ['OP_RETURN with OP_PUSHDATA2', '6a4d5000' + '11'.repeat(80)],
    ['OP_RETURN with two pushes', '6a02aabb01cc'],
    ['OP_RETURN with a cut push', '6a05aabb'],
    ['OP_RETURN and an opcode', '6aac'],
    ['OP_RETURN and OP_RESERVED', '6a50'],
  ])('refuse %s', (_, hex) => {
    expect(parseLock(fromHex(hex)!)).toBeUndefined();
  });

  it('agree with bitcoinjs-lib on what they are', () => {
    fc.assert(
      fc.property(lock, (l) => {
        const chunks = bitcoin.script.decompile(lockScript(l))!;
        const payload = l.kind === 'p2wpkh' ? l.hash : l.kind === 'p2tr' ? l.key : l.data;
        expect(chunks.length).toBe(2);
        const theirs = chunks[1]!;
        if (typeof theirs === 'number') expect(payload.length).toBe(1);
        else expect(Uint8Array.from(theirs)).toEqual(payload);
        expect(toHex(bitcoin.script.compile(chunks))).toBe(toHex(lockScript(l)));
      }),
      { seed: 83, numRuns: 200 },
    );
  });

  it('throw on a payload of the wrong length: that is ours', () => {
    expect(() => lockScript({ kind: 'p2wpkh', hash: new Uint8Array(32) })).toThrow(InvariantError);
    expect(() => lockScript({ kind: 'p2tr', key: new Uint8Array(33) })).toThrow(InvariantError);
    expect(() => lockScript({ kind: 'data', data: new Uint8Array(81) })).toThrow(InvariantError);
    expect(() => lockScript({ kind: 'data', data: new Uint8Array(0) })).toThrow(InvariantError);
  });
});

describe('pushes', () => {
  it('are the shortest, as bitcoinjs-lib compiles them', () => {
    for (const n of [0, 1, 2, 20, 75, 76, 80, 255, 256, 520]) {
      const data = new Uint8Array(n).fill(0xaa);
      expect(toHex(pushData(data))).toBe(toHex(bitcoin.script.compile([data])));
    }
    for (let byte = 0; byte < 256; byte++) {
      const data = Uint8Array.of(byte);
      expect(toHex(pushData(data))).toBe(toHex(bitcoin.script.compile([data])));
    }
  });

  it.each([
    [0, '00'],
    [1, '51'],
    [16, '60'],
    [17, '0111'],
    [127, '017f'],
    [128, '028000'],
    [255, '02ff00'],
    [256, '020001'],
    [32767, '02ff7f'],
    [32768, '03008000'],
    [227931, '035b7a03'], // the first mainnet block under BIP34
    [840000, '0340d10c'],
    [2 ** 31 - 1, '04ffffff7f'],
  ])('begin the coinbase at height %i with %s', (height, hex) => {
    expect(toHex(coinbaseHeightPrefix(height))).toBe(hex);
    if (height > 16) {
      expect(toHex(bitcoin.script.compile([bitcoin.script.number.encode(height)]))).toBe(hex);
    }
  });
});

describe('scripts in words', () => {
  it.each([
    ['0014' + 'ab'.repeat(20), '0 ' + 'ab'.repeat(20)],
    ['5120' + 'ab'.repeat(32), '1 ' + 'ab'.repeat(32)],
    [
      '76a914' + '11'.repeat(20) + '88ac',
      'OP_DUP OP_HASH160 ' + '11'.repeat(20) + ' OP_EQUALVERIFY OP_CHECKSIG',
    ],
    ['6a24aa21a9ed' + '22'.repeat(32), 'OP_RETURN aa21a9ed' + '22'.repeat(32)],
    ['6a01ff', 'OP_RETURN -127'],
    ['6a0401020304', 'OP_RETURN 67305985'],
    ['6a04ffffffff', 'OP_RETURN -2147483647'],
    ['6a0180', 'OP_RETURN 0'],
    ['4f60', '-1 16'],
    ['04ffff001d0104', '486604799 4'],
    ['05aabb', '[error]'],
    ['4c', '[error]'],
    ['b1b2baff', 'OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY OP_CHECKSIGADD OP_INVALIDOPCODE'],
    ['bb', 'OP_UNKNOWN'],
    ['', ''],
  ])('%s', (hex, words) => {
    expect(scriptAsm(fromHex(hex)!)).toBe(words);
  });

  it('name opcodes as bitcoinjs-lib does, where both have a name', () => {
    const theirs = bitcoin.opcodes as unknown as Record<string, number>;
    // Second names of one opcode, and two that are no opcodes.
    const other = new Set(['OP_NOP2', 'OP_NOP3', 'OP_TRUE', 'OP_FALSE', 'OP_PUBKEYHASH', 'OP_PUBKEY']);
    let compared = 0;
    for (const [name, op] of Object.entries(theirs)) {
      if (!name.startsWith('OP_') || op < 0x61 || other.has(name)) continue;
      expect(scriptAsm(Uint8Array.of(op))).toBe(name);
      compared++;
    }
    expect(compared).toBeGreaterThan(80);
  });

  it('never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (script) => {
        expect(typeof scriptAsm(script)).toBe('string');
      }),
      { seed: 84, numRuns: 500 },
    );
  });
});
