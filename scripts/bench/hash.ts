import { randomBytes } from 'node:crypto';
import { KERNELS, scanWithCrypto } from '../../src/host/kernels/select.ts';
import { type BenchTable, byTurns, perSecond } from './table.ts';

const SPAN_MS = 1000;
const ROUNDS = 5;

/** Every kernel on one thread over one header, beside a loop over noble (the reference kernel) and over node:crypto. */
export function hashSuite(): BenchTable {
  const header = randomBytes(80);
  const never = new Uint8Array(32);
  const scans = KERNELS.map(({ name, make }) => {
    const kernel = make();
    kernel.prepare(header.subarray(0, 76), never);
    let from = 0;
    const count = name === 'reference' ? 512 : 8192;
    const scan = (): void => {
      kernel.scan(from, count);
      from = (from + count) >>> 0;
    };
    perSecond(scan, SPAN_MS); // the engine optimises
    return [name, () => perSecond(scan, SPAN_MS) * count] as const;
  });
  const crypto = (): number => perSecond(() => scanWithCrypto(header, never, 0, 512), SPAN_MS) * 512;
  const rates = byTurns(ROUNDS, Object.fromEntries([...scans, ['node:crypto', crypto]]));
  const noble = rates['reference']!;
  return {
    suite: 'hash',
    says: `SHA-256d of an 80-byte header, one thread, ${ROUNDS} × ${SPAN_MS / 1000} s by turns.`,
    rows: Object.entries(rates).map(([name, rate]) => ({
      what: name === 'reference' ? 'reference: a loop over @noble/hashes' : name,
      median: rate / 1e6,
      unit: 'MH/s',
      ...(name === 'reference' ? {} : { beside: { what: 'noble', times: rate / noble } }),
    })),
  };
}
