import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEvent } from '../../src/events/events.ts';
import { readOwnEventLine } from '../../src/events/read.ts';
import { followEvents, RpcFailure, rpcCall } from '../../src/host/http/client.ts';
import type { JsonInput } from '../../src/host/http/json.ts';
import { type Exit, exitOf, type ReadyLine, readyLineOf } from '../../src/lab/launcher/node-child.ts';

/** Ends a hopeless wait; a loaded machine needs seconds at most. */
const PATIENCE_MS = 180_000;

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Asks until the answer is neither undefined nor false. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not so after ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(20);
  }
}

/** One life of a `forkyard node` process: from its start to its end by SIGKILL. */
export class LifeOfNode {
  readonly dir: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #event: (event: LogEvent) => void;
  readonly #stopFollowing = new AbortController();
  #ready: ReadyLine | undefined;
  #following: Promise<void> = Promise.resolve();
  #out = '';
  #err = '';
  #over = false;

  constructor(o: {
    readonly program: string;
    readonly dir: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    /** Each line that the node announces on its event stream. */
    readonly event: (event: LogEvent) => void;
  }) {
    this.dir = o.dir;
    this.#event = o.event;
    const args = ['node', '--json', '--exit-with-stdin', '--datadir', o.dir, '--rpcport', '0', ...o.args];
    this.#child = spawn(process.execPath, [o.program, ...args], {
      cwd: tmpdir(),
      env: { ...process.env, ...o.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout!.on('data', (data: Buffer) => (this.#out += data.toString()));
    this.#child.stderr!.on('data', (data: Buffer) => (this.#err += data.toString()));
    this.exited = exitOf(this.#child);
    void this.exited.then(() => (this.#over = true));
  }

  get over(): boolean {
    return this.#over;
  }

  /** What it wrote to standard error. */
  get words(): string {
    return this.#err.trim();
  }

  get said(): ReadyLine {
    if (this.#ready === undefined) throw new Error(`${this.dir}: not ready yet`);
    return this.#ready;
  }

  get address(): string {
    return this.said.addresses[0]!;
  }

  get #url(): string {
    return `http://127.0.0.1:${this.said.rpcPort}`;
  }

  get #auth(): { readonly cookieFile: string } {
    return { cookieFile: join(this.dir, '.cookie') };
  }

  /** Waits until it serves calls and its event stream flows. Throws its last words if it ends instead. */
  async ready(): Promise<this> {
    this.#ready = await until(`${this.dir} is ready`, () => {
      if (this.#over) throw new Error(`a node did not open again: ${this.words}`);
      const line = this.#out.split('\n').find((one, i, all) => i < all.length - 1 && one.startsWith('{'));
      return line === undefined ? undefined : readyLineOf(line);
    });
    this.#following = followEvents(this.#url, this.#auth, { signal: this.#stopFollowing.signal }, (event) =>
      this.#event(event),
    ).catch((error: unknown) => {
      // The stream breaks when the node is killed; anything else is a failure of this program.
      if (!(error instanceof RpcFailure) || !this.#over) this.#err += `\nevent stream: ${String(error)}`;
    });
    return this;
  }

  call<T = JsonInput>(method: string, ...params: JsonInput[]): Promise<T> {
    return rpcCall(this.#url, this.#auth, method, params, { timeoutMs: PATIENCE_MS }) as Promise<T>;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
    // What had left the node before the signal may still be in the socket.
    await Promise.race([this.#following, sleep(1_000)]);
    this.#stopFollowing.abort();
  }

  async stop(): Promise<Exit> {
    this.#stopFollowing.abort();
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** Whole lines of the event log on disk, for events after `seq`. */
  eventsOnDisk(seq: number): LogEvent[] {
    let text: string;
    try {
      text = readFileSync(join(this.dir, 'events.jsonl'), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const events: LogEvent[] = [];
    for (const line of text.split('\n').slice(0, -1)) {
      // A power cut may have left zeros in the middle of the log.
      if (!line.startsWith('{') || !line.endsWith('}')) continue;
      const read = readOwnEventLine(line);
      if (!read.ok) throw new Error(`a line of ${this.dir}/events.jsonl is no event: ${read.error.detail}`);
      if (read.value.seq > seq) events.push(read.value);
    }
    return events;
  }
}
