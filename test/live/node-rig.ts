import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rpcCall } from '../../src/host/http/client.ts';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { NODE_ENVIRONMENT } from '../../src/lab/launcher/node-child.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/forkyard.js', import.meta.url));
/** For conditions that come within a second on an idle machine; the bound only ends a hopeless wait. */
const PATIENCE_MS = 240_000;

/** One `forkyard node` process and its RPC. */
export class LiveNode {
  readonly child: ChildProcess;
  readonly datadir: string;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  stdout = '';
  stderr = '';
  #ready: JsonObject | undefined;

  /** `through`: a command that starts the one that follows it, such as a shell that sets a limit first. */
  constructor(datadir: string, args: readonly string[], through: readonly string[] = []) {
    this.datadir = datadir;
    const whole = [...through, process.execPath, PROGRAM, 'node', '--json', '--datadir', datadir];
    this.child = spawn(whole[0]!, [...whole.slice(1), '--rpcport', '0', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...NODE_ENVIRONMENT },
    });
    this.child.stdout!.on('data', (data: Buffer) => {
      this.stdout += data.toString();
    });
    this.child.stderr!.on('data', (data: Buffer) => {
      this.stderr += data.toString();
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  async ready(): Promise<this> {
    const line = await until(`${this.datadir} is ready`, () => {
      if (this.child.exitCode !== null) throw new Error(`the node ended: ${this.stderr}`);
      return this.stdout.includes('\n') ? this.stdout.slice(0, this.stdout.indexOf('\n')) : undefined;
    });
    this.#ready = JSON.parse(line) as JsonObject;
    return this;
  }

  get said(): JsonObject {
    if (this.#ready === undefined) throw new Error('not ready yet');
    return this.#ready;
  }

  get url(): string {
    return `http://127.0.0.1:${this.said['rpcPort']}`;
  }

  get auth() {
    return { cookieFile: join(this.datadir, '.cookie') };
  }

  get address(): string {
    return (this.said['addresses'] as string[])[0]!;
  }

  get peerId(): string {
    return this.said['peerId'] as string;
  }

  call<T = JsonInput>(method: string, ...params: JsonInput[]): Promise<T> {
    return rpcCall(this.url, this.auth, method, params, { timeoutMs: PATIENCE_MS }) as Promise<T>;
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; signal: string | null }> {
    this.child.kill(signal);
    return this.exited;
  }
}

/** All nodes and directories of one test file, taken away together. */
export class LiveRig {
  readonly dir = mkdtempSync(join(tmpdir(), 'forkyard-live-'));
  readonly #nodes: LiveNode[] = [];
  readonly #closers: (() => Promise<void>)[] = [];

  constructor() {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run npm run build`);
  }

  /** A process that may still fail to start. */
  launch(name: string, ...args: string[]): LiveNode {
    return this.launchThrough([], name, ...args);
  }

  launchThrough(through: readonly string[], name: string, ...args: string[]): LiveNode {
    const node = new LiveNode(join(this.dir, name), ['--name', name, ...args], through);
    this.#nodes.push(node);
    return node;
  }

  start(name: string, ...args: string[]): Promise<LiveNode> {
    return this.launch(name, ...args).ready();
  }

  /** Something else to end with the rig, before its directory goes. */
  onClose(closer: () => Promise<void>): void {
    this.#closers.push(closer);
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
    for (const { child } of this.#nodes)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.all(this.#nodes.map((node) => node.exited));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Polls until the value is neither undefined nor false. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
