import { expect, it } from 'vitest';
import { scanTarget } from '../../src/app/rpc/descriptor.ts';
import { descriptorChecksum, withChecksum } from '../../src/app/rpc/descriptor-checksum.ts';
import { toHex } from '../../src/util/bytes.ts';

it('computes checksums as BIP380 and Bitcoin Core do', () => {
  // BIP380's own vector, and Core's descriptor tests (script/descriptor tests and doc/descriptors.md).
  expect(withChecksum('raw(deadbeef)')).toBe('raw(deadbeef)#89f8spxm');
  expect(descriptorChecksum('raw(\u0000)')).toBeUndefined();
});

it('knows the script behind each descriptor', () => {
  const key = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
  expect(toHex(scanTarget(`wpkh(${key})`, 'bcrt').script)).toBe(
    '0014751e76e8199196d454941c45d1b3a323f1433bd6',
  );
  // BIP86's idea: the key tweaked by nothing but itself.
  expect(toHex(scanTarget(`tr(${key.slice(2)})`, 'bcrt').script)).toBe(
    '5120da4710964f7852695de2da025290e24af6d8c281de5a0b902b7135fd9fd74d21',
  );
  expect(toHex(scanTarget(`rawtr(${key.slice(2)})`, 'bcrt').script)).toBe(`5120${key.slice(2)}`);
  expect(() => scanTarget('raw(deadbeef)#89f8spxx', 'bcrt')).toThrow('does not match');
  expect(() => scanTarget('wpkh(04)', 'bcrt')).toThrow('compressed public key');
});
