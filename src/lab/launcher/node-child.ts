import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One node as a child process of ours: what it said when ready, its last words, how it ended. */

export interface ReadyLine {
  /** What the node calls itself. */
  readonly name?: string | undefined;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly rpcPort: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NodeChild {
  readonly pid: number;
  /** Rejects, with the node's own last sentence, when it ends before it is ready. */
  readonly ready: Promise<ReadyLine>;
  readonly exited: Promise<Exit>;
  /** Last line that it wrote to stderr. */
  lastWords(): string;
  /** Asks, waits, insists: SIGTERM, and SIGKILL after the deadline. */
  stop(deadlineMs: number): Promise<Exit>;
  /** SIGKILL: no good-bye, as a power cut would. */
  kill(): Promise<Exit>;
}

/** Longest stderr line that is kept: a sentence with two paths in it. */
export const MAX_WORDS = 1_000;

/**
 * glibc raises this threshold to the size of any large block that is freed; from then on buffers of that size come from
 * the heap, which they leave in pieces. Set, it stays: a body that was served goes back to the system.
 */
export const NODE_ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '65536' };

/**
 * Starts `node PROGRAM node …`. The child is in a process group of its own, so that Ctrl-C reaches only us and nodes end
 * in our order; and it ends when its stdin does, so that none outlives a launcher that was killed.
 */
export function spawnNode(programPath: string, args: readonly string[], cwd: string): NodeChild {
  const child = spawn(process.execPath, [programPath, 'node', ...args, '--json', '--exit-with-stdin'], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...NODE_ENVIRONMENT },
  });
  child.stdin.on('error', ignoreBrokenPipe);
  let words = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.trim() !== '') words = line.trim().slice(0, MAX_WORDS);
  });
  const exited = exitOf(child).then((exit) => {
    words = lastWordsAt(exit, words);
    return exit;
  });
  const ready = new Promise<ReadyLine>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = readyLineOf(line);
      if (said !== undefined) done(said);
    });
    void exited.then((exit) => fail(new Error(words === '' ? `it ended with ${describeExit(exit)}` : words)));
  });
  ready.catch(toldByCaller);
  let over = false;
  void exited.then(() => {
    over = true;
  });
  return {
    pid: child.pid ?? -1,
    ready,
    exited,
    lastWords: () => words,
    async stop(deadlineMs) {
      if (!over) child.kill('SIGTERM');
      const timer = setTimeout(() => {
        if (!over) child.kill('SIGKILL');
      }, deadlineMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
    kill() {
      if (!over) child.kill('SIGKILL');
      return exited;
    },
  };
}

/** Without a listener an EPIPE at the child's death would end the launcher; the death itself is told by `exited`. */
export function ignoreBrokenPipe(): void {}

/** Whoever awaits `ready` tells it; a child that dies before anybody does must not be an unhandled rejection. */
function toldByCaller(): void {}

export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((done) => {
    child.once('error', () => done({ code: 127, signal: null }));
    // 'close', not 'exit': then stderr has been read to its end, and the last words are the last.
    child.once('close', (code, signal) => done({ code, signal }));
  });
}

export function readyLineOf(line: string): ReadyLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const said = JSON.parse(line) as {
      ready?: boolean;
      name?: string;
      peerId?: string;
      addresses?: string[];
      rpcPort?: number;
    };
    if (said.ready !== true || typeof said.peerId !== 'string') return undefined;
    return {
      name: said.name,
      peerId: said.peerId,
      addresses: said.addresses ?? [],
      rpcPort: said.rpcPort ?? 0,
    };
  } catch {
    // Other output of the program, not the ready line.
    return undefined;
  }
}

/**
 * The last words of a node, for a person. LevelDB ends the process where a block of a table is not as it expects, with C++
 * for words. The files are read before it opens them, so that damage came while the node ran.
 */
export function lastWordsAt(exit: Exit, words: string): string {
  if (exit.signal !== 'SIGABRT' || !/Assertion/.test(words)) return words;
  return 'its database was damaged while it ran. See what is damaged, and what to do: forkyard doctor --deep';
}

/** `exit code 1`, `SIGKILL`. */
export function describeExit(exit: Exit): string {
  return exit.signal !== null ? exit.signal : `exit code ${exit.code}`;
}
