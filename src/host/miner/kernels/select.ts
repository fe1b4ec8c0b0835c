import { createHash, randomBytes } from 'node:crypto';
import { javascriptKernel } from './javascript.ts';
import { referenceKernel } from './reference.ts';
import type { Kernel } from './types.ts';
import { simd4Kernel, simd5Kernel } from './wasm-simd.ts';

export interface KernelMaker {
  readonly name: string;
  readonly make: () => Kernel;
}

/**
 * Every kernel in the order in which they are tried: the first is made in a quarter of the second's time, and its first
 * code is as fast as the second's best, so where it is enough there is no need of another. The last always works.
 */
export const KERNELS: readonly KernelMaker[] = [
  { name: 'simd4', make: simd4Kernel },
  { name: 'simd5', make: simd5Kernel },
  { name: 'javascript', make: javascriptKernel },
  { name: 'reference', make: referenceKernel },
];

/** undefined for 'auto' and every kernel's name; else a sentence that lists them. */
export function kernelNameProblem(name: string): string | undefined {
  const names = ['auto', ...KERNELS.map((kernel) => kernel.name)];
  return names.includes(name) ? undefined : `there is no kernel '${name}'; there are ${names.join(', ')}`;
}

export interface Selection {
  readonly kernel: Kernel;
  /** Hashes a second in the calibration; 0 if there was none. */
  readonly rate: number;
  /** What the user should hear: kernels that were refused, and why. */
  readonly notes: readonly string[];
}

export interface SelectionOptions {
  /** 'auto' or a kernel's name (see kernelNameProblem). */
  readonly name: string;
  /** Hashes a second beyond which a faster kernel is of no use: the first that reaches it is taken. */
  readonly enough?: number;
  /** The rate itself is of interest: it is measured for the whole time even where it is soon enough. */
  readonly exact?: boolean;
  readonly kernels?: readonly KernelMaker[];
}

/** How long a kernel is run to see its speed: long enough for the engine to compile it well. */
const CALIBRATION_MS = 150;
const SLICE_MS = 15;

/**
 * The fastest kernel that computes rightly. A kernel is tried before calibration and once more after it, when the
 * engine has replaced its first code with optimised code. One asked for by name is not compared, only tried.
 */
export function selectKernel(o: SelectionOptions): Selection {
  const all = o.kernels ?? KERNELS;
  const notes: string[] = [];
  const named = all.find((maker) => maker.name === o.name);
  if (named !== undefined) {
    const kernel = made(named, notes);
    if (kernel !== undefined) return { kernel, rate: 0, notes };
  }
  let best: { kernel: Kernel; rate: number } | undefined;
  for (const maker of all) {
    if (maker === named) continue;
    // The last one is slow by design: it is there for machines on which nothing else works.
    if (best !== undefined && maker === all.at(-1)) break;
    const kernel = made(maker, notes);
    if (kernel === undefined) continue;
    const rate = measureKernel(kernel, CALIBRATION_MS, o.exact === true ? undefined : o.enough);
    const problem = selfTest(kernel);
    if (problem !== undefined) {
      notes.push(`kernel ${maker.name} refused once optimised: ${problem}`);
      continue;
    }
    if (best === undefined || rate > best.rate) best = { kernel, rate };
    if (o.enough !== undefined && rate >= o.enough) break;
  }
  if (best === undefined) throw new Error(`no kernel hashes rightly on this machine: ${notes.join('; ')}`);
  return { ...best, notes };
}

function made(maker: KernelMaker, notes: string[]): Kernel | undefined {
  try {
    const kernel = maker.make();
    const problem = selfTest(kernel);
    if (problem === undefined) return kernel;
    notes.push(`kernel ${maker.name} refused: ${problem}`);
  } catch (error) {
    notes.push(`kernel ${maker.name} refused: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}

/**
 * Best of several short slices, hashes a second: other work on the machine can only make a slice slower. Ends before
 * `ms` when a slice reaches `enough`.
 */
export function measureKernel(kernel: Kernel, ms: number, enough = Number.POSITIVE_INFINITY): number {
  kernel.prepare(new Uint8Array(76), new Uint8Array(32));
  const end = performance.now() + ms;
  let best = 0;
  let count = 128;
  let from = 0;
  for (let now = performance.now(); now < end && best < enough; ) {
    kernel.scan(from, count);
    from = (from + count) >>> 0;
    const after = performance.now();
    const took = Math.max(after - now, 0.001);
    best = Math.max(best, (count / took) * 1000);
    if (took < SLICE_MS) count = Math.min(count * 2, 65_536);
    now = after;
  }
  return best;
}

/** Bitcoin's first block, and the nonce that Satoshi's machine found. */
export const GENESIS_HEADER_76 = Buffer.from(
  '01000000' +
    '00'.repeat(32) +
    '3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a' +
    '29ab5f49ffff001d',
  'hex',
);
export const GENESIS_TARGET = Buffer.from(`00000000ffff${'00'.repeat(26)}`, 'hex');
export const GENESIS_NONCE = 2_083_236_893;

/** What the kernel gets wrong, or undefined. Compares with node:crypto on random headers at easy targets. */
export function selfTest(kernel: Kernel): string | undefined {
  kernel.prepare(GENESIS_HEADER_76, GENESIS_TARGET);
  const found = kernel.scan(GENESIS_NONCE - 6, 13);
  if (found.length !== 1 || found[0] !== GENESIS_NONCE) {
    return `Bitcoin's first block has nonce ${GENESIS_NONCE}, it finds ${found.join(', ') || 'nothing'}`;
  }
  // First bytes of the target: half of all hashes, one of eight, all, none. The start before 2^32 wraps.
  for (const [top, from] of [
    [0x7f, 0xffff_fff0],
    [0x1f, 123_456_789],
    [0xff, 5],
    [0x00, 77],
  ] as const) {
    const header = randomBytes(80);
    const target = Buffer.alloc(32, top);
    kernel.prepare(header.subarray(0, 76), target);
    const got = kernel.scan(from, 43).join();
    const want = scanWithCrypto(header, target, from, 43).join();
    if (got !== want) return `for header ${header.toString('hex')} it finds [${got}], node:crypto [${want}]`;
  }
  return undefined;
}

/** The same scan by node:crypto: what a kernel must equal. Overwrites the header's nonce. */
export function scanWithCrypto(
  header: Uint8Array,
  target: Uint8Array,
  from: number,
  count: number,
): number[] {
  const view = new DataView(header.buffer, header.byteOffset, 80);
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const nonce = (from + i) >>> 0;
    view.setUint32(76, nonce, true);
    const once = createHash('sha256').update(header.subarray(0, 80)).digest();
    const hash = createHash('sha256').update(once).digest().reverse();
    if (Buffer.compare(hash, target) <= 0) found.push(nonce);
  }
  return found;
}
