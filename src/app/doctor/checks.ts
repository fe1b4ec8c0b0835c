import { mkdirSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import type { SigCheck } from '../../consensus/validate/verify.ts';
import { KERNELS, selfTest } from '../../host/miner/kernels/select.ts';
import { KNOWN_CHECKS } from '../../host/verify/backends.ts';
import { createVerify } from '../../host/verify/verify.ts';
import { FIRST_CONTROL_PORT, FIRST_P2P_PORT, FIRST_RPC_PORT, isFree } from '../../lab/yard/ports.ts';
import { formatSpeed } from '../../observe/words/units.ts';
import { measure, measuredFigure } from './measure.ts';

export interface DoctorRow {
  readonly name: string;
  /** `bad`: a yard will not run; `warn`: it will, worse than it could. */
  readonly state: 'ok' | 'warn' | 'bad';
  /** What was measured. */
  readonly figure: string;
  /** What to do about it. */
  readonly advice?: string;
}

const MB = 1e6;
const NODE_FLOOR = [20, 19] as const;
/** A yard of five nodes and their launcher take about this much. */
const YARD_MB = 600;
/** How many ports of each kind a yard of five asks for first. */
const PORTS_EACH = 5;
/** The header's time field has 32 bits. */
const LAST_HEADER_TIME_MS = 2 ** 32 * 1000;
const DAY_MS = 86_400_000;
/** Tried between two looks at the clock: a few milliseconds of the slowest kernel. */
const NONCES = 2_048;

export function nodeCheck(version: string): DoctorRow {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const floor = NODE_FLOOR.join('.');
  return major > NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor >= NODE_FLOOR[1])
    ? { name: 'node', state: 'ok', figure: `Node ${version}` }
    : { name: 'node', state: 'bad', figure: `Node ${version}`, advice: `Install Node ${floor} or later.` };
}

export function coresCheck(): DoctorRow {
  const cores = availableParallelism();
  return cores > 1
    ? { name: 'cores', state: 'ok', figure: `${cores} cores` }
    : {
        name: 'cores',
        state: 'warn',
        figure: 'one core',
        advice: 'Keep hash rates capped, and yards to four nodes.',
      };
}

export function memoryCheck(): DoctorRow {
  const free = Math.round(process.availableMemory() / MB);
  const figure = `${free} MB of ${Math.round(totalmem() / MB)} MB available`;
  if (free >= YARD_MB) return { name: 'memory', state: 'ok', figure };
  const advice = `A yard of five nodes takes about ${YARD_MB} MB: close some programs, or start fewer nodes.`;
  return { name: 'memory', state: free >= YARD_MB / 3 ? 'warn' : 'bad', figure, advice };
}

/** Wall clock beside monotonic clock, and beside the age of the program's own files. */
export async function clockCheck(): Promise<DoctorRow> {
  const wall = Date.now();
  const steady = performance.now();
  await new Promise((done) => setTimeout(done, 250));
  return clockVerdict(Date.now(), Date.now() - wall - (performance.now() - steady), programDate());
}

/** `drift`: milliseconds that the wall clock gained on the monotonic one during the check. */
export function clockVerdict(wall: number, drift: number, program: number): DoctorRow {
  const figure = `${new Date(wall).toISOString()}, steady to ${Math.abs(drift).toFixed(1)} ms in 250 ms`;
  const advice = 'Set the system clock: blocks carry its time, and other nodes refuse what is far off.';
  if (wall < program - DAY_MS || wall >= LAST_HEADER_TIME_MS) {
    const odd =
      wall < program ? 'earlier than this program was installed' : 'later than a block header can say';
    return { name: 'clock', state: 'bad', figure: `${new Date(wall).toISOString()} is ${odd}`, advice };
  }
  return Math.abs(drift) < 20
    ? { name: 'clock', state: 'ok', figure }
    : { name: 'clock', state: 'warn', figure, advice };
}

/** When this file was written to disk; package managers may give files a date in the past, never in the future. */
function programDate(): number {
  return statSync(fileURLToPath(import.meta.url)).mtimeMs;
}

export async function portsCheck(): Promise<DoctorRow> {
  const any = await listenAnywhere();
  if (any !== undefined) {
    const advice = 'A firewall or sandbox forbids servers on 127.0.0.1; allow them for node.';
    return { name: 'ports', state: 'bad', figure: `no server can listen on 127.0.0.1: ${any}`, advice };
  }
  const kinds = [FIRST_RPC_PORT, FIRST_P2P_PORT, FIRST_CONTROL_PORT];
  const wanted = kinds.flatMap((first) => Array.from({ length: PORTS_EACH }, (_, i) => first + i));
  const taken: number[] = [];
  for (const port of wanted) if (!(await isFree(port))) taken.push(port);
  const ranges = kinds.map((first) => `${first}–${first + PORTS_EACH - 1}`).join(', ');
  return taken.length === 0
    ? { name: 'ports', state: 'ok', figure: `${ranges} on 127.0.0.1 are free` }
    : {
        name: 'ports',
        state: 'warn',
        figure: `in use on 127.0.0.1: ${taken.join(', ')}`,
        advice: 'The next free ones are taken instead; perhaps a yard is running (forkyard status).',
      };
}

function listenAnywhere(): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error) => done(error.message));
    server.listen(0, '127.0.0.1', () => server.close(() => done(undefined)));
  });
}

/** Opens a real database where the yard's would lie, and writes to it durably. */
export async function diskCheck(dir: string): Promise<DoctorRow> {
  const home = resolve(dir);
  const existing = firstExisting(home);
  const probe = mkdtempSync(join(existing, '.forkyard-doctor-'));
  try {
    const { bavail, bsize } = statfsSync(probe);
    const free = bavail * bsize;
    const ms = await durableWriteMs(join(probe, 'db'));
    const figure = `${home}: ${(free / 1e9).toFixed(1)} GB free, a durable write takes ${ms.toFixed(1)} ms`;
    if (free < 200 * MB) {
      return { name: 'disk', state: 'bad', figure, advice: 'Free some space: a full disk ends a node.' };
    }
    if (ms > 50) {
      return { name: 'disk', state: 'warn', figure, advice: 'A slow disk: choose another with --data DIR.' };
    }
    return { name: 'disk', state: 'ok', figure };
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** The directory itself or the nearest above it. Throws where a file is in the way. */
function firstExisting(dir: string): string {
  for (let at = dir; ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return at;
    if (found !== undefined) throw new Error(`${at} is not a directory`);
  }
}

/** Median of some synchronous writes of 1 kB. */
async function durableWriteMs(dir: string): Promise<number> {
  mkdirSync(dir);
  const db = new Level<string, Uint8Array>(dir, { valueEncoding: 'view' });
  await db.open();
  try {
    const times: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = performance.now();
      await db.put(`${i}`, new Uint8Array(1000), { sync: true });
      times.push(performance.now() - before);
    }
    if ((await db.get('8'))?.length !== 1000) throw new Error('the database lost what was written to it');
    return median(times);
  } finally {
    await db.close();
  }
}

export async function signatureChecks(): Promise<readonly DoctorRow[]> {
  // A cache of nothing: every check goes to the back end.
  const host = createVerify({ cacheEntries: 0 });
  const row = (name: string, scheme: SigCheck['scheme']): DoctorRow => {
    const measured = measure(() => {
      host.verify(KNOWN_CHECKS[scheme]);
      return 1;
    });
    // The name last: a library that fails on the way is left.
    const words = `${Math.round(measured.rate).toLocaleString('en')} signatures/s by ${host.backends[scheme]}`;
    const row = { name, ...measuredFigure(words, measured) };
    const note = host.notes.find((text) => scheme === 'ecdsa' || !text.includes('native'));
    return note === undefined ? row : { ...row, state: 'warn', advice: note };
  };
  return [row('ECDSA', 'ecdsa'), row('Schnorr', 'schnorr')];
}

export function kernelChecks(): readonly DoctorRow[] {
  const rows = KERNELS.map(({ name, make }): DoctorRow => {
    const title = `kernel ${name}`;
    try {
      const kernel = make();
      const cold = selfTest(kernel);
      kernel.prepare(new Uint8Array(76), new Uint8Array(32));
      let from = 0;
      const measured = measure(() => {
        kernel.scan(from, NONCES);
        from = (from + NONCES) >>> 0;
        return NONCES;
      });
      const problem = cold ?? selfTest(kernel);
      if (problem === undefined)
        return { name: title, ...measuredFigure(`${formatSpeed(measured.rate)} a thread`, measured) };
      return {
        name: title,
        state: 'warn',
        figure: 'fails its self-test',
        advice: `It will not be used: ${problem}.`,
      };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return {
        name: title,
        state: 'warn',
        figure: 'does not run here',
        advice: `It will not be used: ${why}.`,
      };
    }
  });
  // The reference is plain arithmetic: if even that fails, nothing here can be trusted.
  const last = rows.at(-1)!;
  return last.figure.includes(' a thread') ? rows : [...rows.slice(0, -1), { ...last, state: 'bad' }];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
