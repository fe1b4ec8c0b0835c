import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LogEvent } from '../../src/events/events.ts';
import { readOwnEventLine } from '../../src/events/read.ts';
import { rpcCall } from '../../src/host/http/client.ts';
import type { JsonInput } from '../../src/host/http/json.ts';
import { type NodeChild, type ReadyLine, spawnNode } from '../../src/lab/launcher/node-child.ts';

/** The bundled program: it stands beside the bundled benches. */
export const PROGRAM = fileURLToPath(new URL('./forkyard.js', import.meta.url));

const PATIENCE_MS = 120_000;
const STOP_MS = 8_000;

/** One `forkyard node` process on loopback, on ports that are free. */
export class BenchNode {
  readonly dir: string;
  readonly child: NodeChild;
  readonly said: ReadyLine;

  private constructor(dir: string, child: NodeChild, said: ReadyLine) {
    this.dir = dir;
    this.child = child;
    this.said = said;
  }

  static async start(dir: string, name: string, args: readonly string[]): Promise<BenchNode> {
    const fixed = ['--datadir', dir, '--name', name, '--rpcport', '0', '--listen', '/ip4/127.0.0.1/tcp/0'];
    const child = spawnNode(PROGRAM, [...fixed, ...args], tmpdir());
    return new BenchNode(dir, child, await child.ready);
  }

  get address(): string {
    return this.said.addresses[0]!;
  }

  call<T = JsonInput>(method: string, ...params: JsonInput[]): Promise<T> {
    const auth = { cookieFile: join(this.dir, '.cookie') };
    const url = `http://127.0.0.1:${this.said.rpcPort}`;
    return rpcCall(url, auth, method, params, { timeoutMs: PATIENCE_MS }) as Promise<T>;
  }

  /** What it has told so far, as its log file has it. */
  events(): LogEvent[] {
    const lines = readFileSync(join(this.dir, 'events.jsonl'), 'utf8').split('\n');
    // The last line may be half written.
    return lines.slice(0, -1).map((line) => {
      const read = readOwnEventLine(line);
      if (!read.ok) throw new Error(`a line of ${this.dir}/events.jsonl is no event: ${read.error.detail}`);
      return read.value;
    });
  }

  async longestStepMs(): Promise<number> {
    const info = await this.call<{ steps: { longestStepMs: number } }>('getnodeinfo');
    return info.steps.longestStepMs;
  }

  async stop(): Promise<void> {
    await this.child.stop(STOP_MS);
  }
}

/** Resident memory of a process in MB (10⁶ bytes). */
export function residentMb(pid: number): number {
  return (Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024) / 1e6;
}

/** What this process holds in its heap and in array buffers, garbage collected, in MB (10⁶ bytes). */
export function heapMb(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Asks until it is so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  everyMs = 20,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`still not so after ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(everyMs);
  }
}

/** Runs `work` with a directory of its own, which is taken away afterwards. */
export async function inTempDir<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-bench-'));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
