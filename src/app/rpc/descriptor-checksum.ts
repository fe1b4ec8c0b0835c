/** The checksum of output descriptors, BIP380: a BCH code over their characters. */
const INPUT_CHARSET =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ ';
const CHECKSUM_CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
/** The generator's 40-bit words, each as its upper and lower 20 bits: bit operations on numbers have 32. */
const GENERATOR: readonly (readonly [number, number])[] = [
  [0xf5dee, 0x51989],
  [0xa9fdc, 0xa3312],
  [0x1bab1, 0x0e32d],
  [0x3706b, 0x1677a],
  [0x644d6, 0x26ffd],
];

class Polymod {
  high = 0;
  low = 1;

  push(value: number): void {
    const top = this.high >>> 15;
    this.high = ((this.high & 0x7fff) << 5) | (this.low >>> 15);
    this.low = ((this.low & 0x7fff) << 5) ^ value;
    for (let i = 0; i < 5; i++) {
      if (((top >>> i) & 1) === 0) continue;
      this.high ^= GENERATOR[i]![0];
      this.low ^= GENERATOR[i]![1];
    }
  }
}

/** BIP380's eight characters, or undefined if a character is not allowed in descriptors. */
export function descriptorChecksum(body: string): string | undefined {
  const c = new Polymod();
  let cls = 0;
  let count = 0;
  for (const ch of body) {
    const at = INPUT_CHARSET.indexOf(ch);
    if (at < 0) return undefined;
    c.push(at & 31);
    cls = cls * 3 + (at >> 5);
    if (++count === 3) {
      c.push(cls);
      cls = 0;
      count = 0;
    }
  }
  if (count > 0) c.push(cls);
  for (let i = 0; i < 8; i++) c.push(0);
  c.low ^= 1;
  let sum = '';
  for (let i = 0; i < 8; i++) {
    const half = i < 4 ? c.high : c.low;
    sum += CHECKSUM_CHARSET[(half >>> (5 * (3 - (i % 4)))) & 31];
  }
  return sum;
}

export function withChecksum(body: string): string {
  return `${body}#${descriptorChecksum(body)}`;
}
