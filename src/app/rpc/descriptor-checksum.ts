/** The checksum of output descriptors, BIP380: a BCH code over their characters. */
const INPUT_CHARSET =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ ';
const CHECKSUM_CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn];

function polymod(c: bigint, value: number): bigint {
  const top = c >> 35n;
  let next = ((c & 0x7ffffffffn) << 5n) ^ BigInt(value);
  for (let i = 0; i < 5; i++) if ((top >> BigInt(i)) & 1n) next ^= GENERATOR[i]!;
  return next;
}

/** BIP380's eight characters, or undefined if a character is not allowed in descriptors. */
export function descriptorChecksum(body: string): string | undefined {
  let c = 1n;
  let cls = 0;
  let count = 0;
  for (const ch of body) {
    const at = INPUT_CHARSET.indexOf(ch);
    if (at < 0) return undefined;
    c = polymod(c, at & 31);
    cls = cls * 3 + (at >> 5);
    if (++count === 3) {
      c = polymod(c, cls);
      cls = 0;
      count = 0;
    }
  }
  if (count > 0) c = polymod(c, cls);
  for (let i = 0; i < 8; i++) c = polymod(c, 0);
  c ^= 1n;
  let sum = '';
  for (let i = 0; i < 8; i++) sum += CHECKSUM_CHARSET[Number((c >> BigInt(5 * (7 - i))) & 31n)];
  return sum;
}

export function withChecksum(body: string): string {
  return `${body}#${descriptorChecksum(body)}`;
}
