/**
 * Cyclic redundancy checks of 32 bits, eight bytes at a time (Kounavis, Berry: "slicing-by-8"). They find accidents, not
 * attacks: any burst of up to 32 changed bits, and all but one of 2^32 other changes.
 */

/** `crc`: of the bytes before these, to go on from; `from` and `to` bound the bytes that are read. */
export type Crc32 = (bytes: Uint8Array, crc?: number, from?: number, to?: number) => number;

function tablesOf(polynomial: number): Int32Array[] {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ polynomial : c >>> 1;
    tables[0]![i] = c;
  }
  for (let i = 0; i < 256; i++) {
    for (let j = 1; j < 8; j++) {
      const before = tables[j - 1]![i]!;
      tables[j]![i] = (before >>> 8) ^ tables[0]![before & 255]!;
    }
  }
  return tables;
}

function crcOf(polynomial: number): Crc32 {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tablesOf(polynomial) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  return (b, crc = 0, from = 0, to = b.length) => {
    let c = ~crc;
    let i = from;
    for (const last = to - 8; i <= last; i += 8) {
      c ^= b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24);
      c =
        t7[c & 255]! ^
        t6[(c >>> 8) & 255]! ^
        t5[(c >>> 16) & 255]! ^
        t4[c >>> 24]! ^
        t3[b[i + 4]!]! ^
        t2[b[i + 5]!]! ^
        t1[b[i + 6]!]! ^
        t0[b[i + 7]!]!;
    }
    for (; i < to; i++) c = t0[(c ^ b[i]!) & 255]! ^ (c >>> 8);
    return ~c >>> 0;
  };
}

/** CRC-32 of IEEE 802.3 (zlib, PNG). */
export const crc32: Crc32 = crcOf(0xedb88320);
/** CRC-32C (Castagnoli), which LevelDB's files carry. */
export const crc32c: Crc32 = crcOf(0x82f63b78);
