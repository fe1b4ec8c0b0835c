import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { failed } from '../../yard/problem.ts';
import {
  describeExit,
  type Exit,
  exitOf,
  ignoreBrokenPipe,
  lastWordsAt,
  MAX_WORDS,
  type NodeChild,
  type ReadyLine,
  readyLineOf,
  spawnNode,
} from './node-child.ts';

export interface ProcessOptions {
  /** The yard's directory, in which its processes run. */
  readonly dir: string;
  /** The program to spawn: `node PROGRAM node …`. */
  readonly programPath: string;
  /** Arguments beyond those that the yard's state tells, by letter. */
  readonly moreArguments?: (letter: string) => readonly string[];
}

/** The processes of a yard: one for each node, or several nodes in each (`up --per-process`). */
export class NodeProcesses {
  readonly #programPath: string;
  readonly #cwd: string;
  readonly #perProcess: number;
  readonly #more: (letter: string) => readonly string[];
  readonly #hosts = new Map<number, NodeHost>();

  constructor(o: ProcessOptions & { readonly perProcess: number }) {
    this.#programPath = o.programPath;
    this.#cwd = o.dir;
    this.#perProcess = o.perProcess;
    this.#more = o.moreArguments ?? (() => []);
  }

  /** `index`: the node's place in the yard, which decides with whom it shares a process. */
  spawn(letter: string, index: number, known: readonly string[]): NodeChild {
    const args = [...known, ...this.#more(letter)];
    if (this.#perProcess <= 1) return spawnNode(this.#programPath, args, this.#cwd);
    const place = Math.floor(index / this.#perProcess);
    let host = this.#hosts.get(place);
    if (host === undefined || host.isOver) {
      host = new NodeHost(this.#programPath, this.#cwd);
      this.#hosts.set(place, host);
    }
    return host.start(letter, args);
  }
}

/** What strikes a process strikes every node in it: throws where others share that of this one. */
export function mustBeAlone(running: ReadonlyMap<string, NodeChild>, letter: string, what: string): void {
  const pid = running.get(letter)?.pid;
  const others = [...running].filter(([l, child]) => l !== letter && child.pid === pid).map(([l]) => l);
  // They are listed as they became ready; N27 comes after Z.
  others.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  if (others.length === 0) return;
  throw failed(
    `${letter} shares its process with ${others.join(' ')}: ${what} it would strike them too. ` +
      `Alone it can be ended politely: forkyard kill ${letter} --clean; for processes of their own: up --per-process 1`,
  );
}

interface Guest {
  ready(line: ReadyLine): void;
  end(exit: Exit, words: string): void;
}

/**
 * One `forkyard nodes` process: told by lines of JSON which nodes to run (`{"start": [arguments]}`, `{"stop": name}`),
 * it says by such lines which are ready and which have ended. It ends with its last node.
 */
class NodeHost {
  readonly #child: ChildProcess;
  readonly #guests = new Map<string, Guest>();
  #words = '';
  isOver = false;

  constructor(programPath: string, cwd: string) {
    this.#child = spawn(process.execPath, [programPath, 'nodes'], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child.stdin?.on('error', ignoreBrokenPipe);
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      if (line.trim() !== '') this.#words = line.trim().slice(0, MAX_WORDS);
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#hear(line));
    void exitOf(this.#child).then((exit) => {
      this.isOver = true;
      const words = lastWordsAt(exit, this.#words);
      for (const name of [...this.#guests.keys()]) this.#end(name, exit, words);
    });
  }

  start(name: string, args: readonly string[]): NodeChild {
    let words = '';
    let resolveReady: (line: ReadyLine) => void = ignoreBrokenPipe;
    let rejectReady: (error: Error) => void = ignoreBrokenPipe;
    const ready = new Promise<ReadyLine>((done, fail) => {
      resolveReady = done;
      rejectReady = fail;
    });
    // Whoever awaits it tells it; see spawnNode.
    ready.catch(ignoreBrokenPipe);
    const exited = new Promise<Exit>((done) => {
      this.#guests.set(name, {
        ready: resolveReady,
        end: (exit, last) => {
          words = last;
          rejectReady(new Error(last === '' ? `it ended with ${describeExit(exit)}` : last));
          done(exit);
        },
      });
    });
    this.#tell({ start: args });
    const stop = (): void => this.#tell({ stop: name });
    return {
      pid: this.#child.pid ?? -1,
      ready,
      exited,
      lastWords: () => words,
      stop: async (deadlineMs) => {
        stop();
        // All that is left then is to end the process, and the others with it.
        const timer = setTimeout(() => this.#child.kill('SIGKILL'), deadlineMs);
        const exit = await exited;
        clearTimeout(timer);
        return exit;
      },
      // One node of several cannot be killed without the others; who asks for it is refused before.
      kill: () => {
        stop();
        return exited;
      },
    };
  }

  #tell(line: object): void {
    if (!this.isOver) this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  #hear(line: string): void {
    const said = readyLineOf(line);
    if (said?.name !== undefined) {
      this.#guests.get(said.name)?.ready(said);
      return;
    }
    const over = /^\{"ended":/.test(line) ? (JSON.parse(line) as Ended) : undefined;
    if (over !== undefined) this.#end(over.ended, { code: over.code, signal: null }, over.words);
  }

  #end(name: string, exit: Exit, words: string): void {
    const guest = this.#guests.get(name);
    this.#guests.delete(name);
    guest?.end(exit, words);
    if (this.#guests.size > 0 || this.isOver) return;
    // Nobody may start another in a process that is about to end.
    this.isOver = true;
    this.#child.stdin?.end();
  }
}

interface Ended {
  readonly ended: string;
  readonly code: number;
  readonly words: string;
}
