import { createHash, randomBytes } from 'node:crypto';
import { createSHA256 } from 'hash-wasm';
import { KERNELS } from '../../src/host/miner/kernels/select.ts';
import { type BenchTable, byTurns, median, perSecond, rowOf } from './table.ts';

const SPAN_MS = 800;
const ROUNDS = 5;

/** Every kernel on one thread over one header, beside what somebody would loop over instead. */
export async function hashSuite(): Promise<BenchTable> {
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
  const wasm = await createSHA256();
  const loops = {
    'node:crypto': () => createHash('sha256').update(createHash('sha256').update(header).digest()).digest(),
    'hash-wasm': () => {
      const once = wasm.init().update(header).digest('binary');
      return wasm.init().update(once).digest('binary');
    },
  };
  const twice = (digest: () => Uint8Array): (() => number) => {
    let nonce = 0;
    return () =>
      perSecond(
        () => {
          header.writeUInt32LE(nonce++ >>> 0, 76);
          digest();
        },
        SPAN_MS,
        64,
      );
  };
  const others = Object.entries(loops).map(([name, digest]) => [name, twice(digest)] as const);
  const rates = byTurns(ROUNDS, Object.fromEntries<() => number>([...scans, ...others]));
  const mega = (name: string): number[] => rates[name]!.map((rate) => rate / 1e6);
  const noble = { name: 'a loop over @noble/hashes', value: median(mega('reference')) };
  return {
    suite: 'hash',
    says: `SHA-256d of an 80-byte header, one thread, ${ROUNDS} × ${SPAN_MS / 1000} s by turns. "reference" is a loop over @noble/hashes. It and the two libraries below hash all 80 bytes for each nonce; the kernels keep what the nonce does not reach.`,
    rows: Object.keys(rates).map((name) =>
      rowOf(name, mega(name), 'MH/s', name === 'reference' ? undefined : noble),
    ),
  };
}
