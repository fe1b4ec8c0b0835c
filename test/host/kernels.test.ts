import { describe, expect, it } from 'vitest';
import {
  GENESIS_HEADER_76,
  GENESIS_NONCE,
  GENESIS_TARGET,
  KERNELS,
  kernelNameProblem,
  measureKernel,
  scanWithCrypto,
  selectKernel,
  selfTest,
} from '../../src/host/miner/kernels/select.ts';
import { HeaderJob } from '../../src/host/miner/kernels/sha256.ts';
import type { Kernel } from '../../src/host/miner/kernels/types.ts';
import { seeded } from '../../src/util/random.ts';

/** A target that about one hash in `chance` meets. */
function target(chance: number): Uint8Array {
  const bytes = Buffer.alloc(32, 0xff);
  bytes.writeUInt32BE(Math.floor(2 ** 32 / chance) - 1);
  return bytes;
}

function header(seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length: 80 }, () => random.below(256));
}

describe.each(KERNELS.map(({ name, make }) => ({ name, kernel: make() })))(
  'kernel $name',
  ({ name, kernel }) => {
    it('carries its name', () => expect(kernel.name).toBe(name));

    it("finds the nonce of Bitcoin's first block, as first, middle, last and only nonce of a range", () => {
      kernel.prepare(GENESIS_HEADER_76, GENESIS_TARGET);
      for (let before = 0; before < 11; before++) {
        expect(kernel.scan(GENESIS_NONCE - before, 11)).toEqual([GENESIS_NONCE]);
      }
      expect(kernel.scan(GENESIS_NONCE, 1)).toEqual([GENESIS_NONCE]);
      expect(kernel.scan(GENESIS_NONCE - 11, 11)).toEqual([]);
      expect(kernel.scan(GENESIS_NONCE + 1, 11)).toEqual([]);
    });

    it('equals node:crypto on random headers and ranges, in every lane', () => {
      const lanes = new Set<number>();
      for (let seed = 0; seed < 40; seed++) {
        const random = seeded(seed);
        const bytes = header(seed);
        const goal = target([2, 3, 20, 256, 5][seed % 5]!);
        const from = random.u32();
        const count = 1 + random.below(90);
        const want = scanWithCrypto(bytes, goal, from, count);
        kernel.prepare(bytes.subarray(0, 76), goal);
        expect(kernel.scan(from, count)).toEqual(want);
        for (const nonce of want) lanes.add((nonce - from) % 20);
      }
      expect(lanes.size).toBe(20);
    });

    it('keeps within the range, whatever its length', () => {
      const bytes = header(7);
      const all = new Uint8Array(32).fill(0xff);
      kernel.prepare(bytes.subarray(0, 76), all);
      for (let count = 0; count < 24; count++) {
        expect(kernel.scan(1000, count)).toEqual(Array.from({ length: count }, (_, i) => 1000 + i));
      }
    });

    it('goes on at 0 after 2^32 − 1', () => {
      const bytes = header(8);
      const goal = target(3);
      kernel.prepare(bytes.subarray(0, 76), goal);
      const found = kernel.scan(2 ** 32 - 30, 60);
      expect(found).toEqual(scanWithCrypto(bytes, goal, 2 ** 32 - 30, 60));
      expect(found.some((nonce) => nonce < 30) && found.some((nonce) => nonce > 2 ** 31)).toBe(true);
    });

    it('is exact to the last bit of the target', () => {
      const bytes = header(9);
      const view = new DataView(bytes.buffer);
      view.setUint32(76, 4711, true);
      // The hash itself is a target that it meets; one less is not.
      let low = 0n;
      let high = 2n ** 256n - 1n;
      while (low < high) {
        const middle = (low + high) / 2n;
        if (scanWithCrypto(bytes, be32(middle), 4711, 1).length === 1) high = middle;
        else low = middle + 1n;
      }
      kernel.prepare(bytes.subarray(0, 76), be32(low));
      expect(kernel.scan(4700, 30)).toContain(4711);
      kernel.prepare(bytes.subarray(0, 76), be32(low - 1n));
      expect(kernel.scan(4700, 30)).not.toContain(4711);
    });

    it('finds nothing for targets 0 and 1, and everything for the greatest', () => {
      const bytes = header(10);
      for (const goal of [0n, 1n]) {
        kernel.prepare(bytes.subarray(0, 76), be32(goal));
        expect(kernel.scan(5, 500)).toEqual([]);
      }
      kernel.prepare(bytes.subarray(0, 76), be32(2n ** 256n - 1n));
      expect(kernel.scan(2 ** 32 - 5, 10)).toEqual([...last(5), 0, 1, 2, 3, 4]);
    });

    it('remembers nothing of the job before', () => {
      const goal = target(4);
      for (const seed of [11, 12, 11]) {
        const bytes = header(seed);
        kernel.prepare(bytes.subarray(0, 76), goal);
        expect(kernel.scan(0, 50)).toEqual(scanWithCrypto(bytes, goal, 0, 50));
      }
    });

    it('goes by turns with others of the same code, each on its own job', () => {
      const jobs = [21, 22, 23].map((seed) => ({
        bytes: header(seed),
        goal: target(seed),
        made: kernel.another(),
      }));
      for (const { bytes, goal, made } of jobs) made.prepare(bytes.subarray(0, 76), goal);
      for (let from = 0; from < 300; from += 60) {
        for (const { bytes, goal, made } of jobs)
          expect(made.scan(from, 60)).toEqual(scanWithCrypto(bytes, goal, from, 60));
      }
      expect(jobs.map(({ made }) => made.name)).toEqual([name, name, name]);
    });

    it('is right after long running too, when the engine has optimised it', () => {
      expect(measureKernel(kernel, 400)).toBeGreaterThan(0);
      expect(selfTest(kernel)).toBeUndefined();
      const bytes = header(13);
      const goal = target(200);
      kernel.prepare(bytes.subarray(0, 76), goal);
      expect(kernel.scan(2 ** 32 - 2000, 20_000)).toEqual(
        scanWithCrypto(bytes, goal, 2 ** 32 - 2000, 20_000),
      );
    });
  },
);

function be32(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

function last(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 2 ** 32 - count + i);
}

describe('a job taken apart', () => {
  it('refuses anything but 76 bytes and 32', () => {
    expect(() => new HeaderJob(new Uint8Array(75), new Uint8Array(32))).toThrow('76 header bytes');
    expect(() => new HeaderJob(new Uint8Array(76), new Uint8Array(31))).toThrow('32 target bytes');
  });
});

describe('choosing a kernel', () => {
  /** A kernel that misses every nonce that is a multiple of 8. */
  const broken = (name: string): { name: string; make: () => Kernel } => ({
    name,
    make: () => {
      const right = KERNELS.at(-1)!.make();
      return {
        name,
        another: () => expect.fail('nobody asked for another'),
        prepare: (a, b) => right.prepare(a, b),
        scan: (from, count) => right.scan(from, count).filter((nonce) => nonce % 8 !== 0),
      };
    },
  });
  const impossible = {
    name: 'impossible',
    make: (): Kernel => {
      throw new Error('no such instruction');
    },
  };
  const reference = KERNELS.at(-1)!;

  it('lists the kernels when the name is unknown', () => {
    expect(kernelNameProblem('auto')).toBeUndefined();
    for (const { name } of KERNELS) expect(kernelNameProblem(name)).toBeUndefined();
    expect(kernelNameProblem('gpu')).toBe(
      "there is no kernel 'gpu'; there are auto, simd4, simd5, javascript, reference",
    );
  });

  it('refuses those that fail, says so, and takes one that does not', () => {
    const chosen = selectKernel({ name: 'auto', kernels: [impossible, broken('broken'), reference] });
    expect(chosen.kernel.name).toBe('reference');
    expect(chosen.notes[0]).toBe('kernel impossible refused: no such instruction');
    expect(chosen.notes[1]).toMatch(/^kernel broken refused: for header [0-9a-f]{160} it finds/);
  });

  it('replaces a named kernel that fails, and says so', () => {
    const chosen = selectKernel({ name: 'broken', kernels: [broken('broken'), reference] });
    expect(chosen.kernel.name).toBe('reference');
    expect(chosen.notes).toHaveLength(1);
  });

  it('takes the one asked for by name without comparing', () => {
    const chosen = selectKernel({ name: 'javascript' });
    expect([chosen.kernel.name, chosen.rate, chosen.notes]).toEqual(['javascript', 0, []]);
  });

  it('stops at the first that is fast enough', () => {
    const trap = { name: 'trap', make: () => expect.fail('was made without need') as Kernel };
    expect(selectKernel({ name: 'auto', enough: 1, kernels: [reference, trap] }).kernel.name).toBe(
      'reference',
    );
  });

  it('throws when nothing hashes rightly', () => {
    expect(() => selectKernel({ name: 'auto', kernels: [impossible] })).toThrow('no kernel hashes rightly');
  });
});

it('the self-test sees one wrong nonce in any of four ranges', () => {
  const right = KERNELS.at(-1)!.make();
  const lying: Kernel = {
    ...right,
    scan: (from, count) => (from === 5 ? right.scan(from, count).slice(1) : right.scan(from, count)),
  };
  expect(selfTest(right)).toBeUndefined();
  expect(selfTest(lying)).toContain('it finds');
});
