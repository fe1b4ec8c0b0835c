import { hostLimits } from '../limits.ts';
import { Bell, type ReadyMessage } from './control.ts';
import type { MinerOptions } from './kernels/types.ts';
import { MinerThread, type Sitter } from './thread.ts';

/**
 * The nodes go first, but only just: such a thread asks for a part of a core at most, and has the work of many. At five it
 * got a third of its hashes on a machine with two busy processes a core, at one all of them.
 */
const NICENESS = 1;

/** A shared thread, and what each of its miners may hash a second. */
interface Table {
  readonly bell: Bell;
  readonly thread: MinerThread;
  readonly caps: Map<Sitter, number>;
}

/**
 * Threads that the slow miners of one process share: a thread takes some 14 MB, and a miner with a small cap keeps it busy
 * for a few per cent of the time.
 */
export class Crew {
  readonly #file: string | undefined;
  readonly #tables = new Set<Table>();
  /** What the first thread chose, for those to come, and its hashes a second: 0 = not known yet. */
  #kernel = 'auto';
  #speed = 0;

  /** `file`: the worker's, if not the built one. */
  constructor(file?: string) {
    this.#file = file;
  }

  /** Whether such a miner shares its thread. */
  takes({ threads, kernel, hashrate }: Pick<MinerOptions, 'threads' | 'kernel' | 'hashrate'>): boolean {
    return threads === 1 && kernel === 'auto' && hashrate > 0 && hashrate <= hostLimits.crewSeatRate;
  }

  /** How many miners each thread has. */
  get sizes(): readonly number[] {
    return [...this.#tables].map(({ caps }) => caps.size);
  }

  sit(sitter: Sitter, cap: number): void {
    const isFree = (table: Table): boolean => !table.thread.isOver && this.#bears(load(table) + cap);
    const table = [...this.#tables].find(isFree) ?? this.#newTable();
    table.caps.set(sitter, cap);
    table.thread.sit(sitter, sitter.control.settle(table.bell));
  }

  /** Another cap for one who sits here: it may have to go to another table. */
  resize(sitter: Sitter, cap: number): void {
    const table = this.#tableOf(sitter);
    table?.caps.set(sitter, cap);
    if (table !== undefined && this.#isCrowded(table)) this.#move(sitter, cap);
  }

  /** Resolves when it is ground no more here. */
  async leave(sitter: Sitter): Promise<void> {
    sitter.control.settle(undefined);
    const table = this.#tableOf(sitter);
    if (table === undefined) return;
    table.caps.delete(sitter);
    if (table.caps.size === 0) this.#tables.delete(table);
    await table.thread.leave(sitter);
  }

  #tableOf(sitter: Sitter): Table | undefined {
    return [...this.#tables].find(({ caps }) => caps.has(sitter));
  }

  /** Before the first calibration one thread is supposed to bear them all; those that it cannot bear move then. */
  #bears(rate: number): boolean {
    return this.#speed === 0 || rate <= this.#speed * hostLimits.crewShare;
  }

  /** One alone is never too many. */
  #isCrowded(table: Table): boolean {
    return table.caps.size > 1 && !this.#bears(load(table));
  }

  #move(sitter: Sitter, cap: number): void {
    void this.leave(sitter);
    this.sit(sitter, cap);
  }

  #newTable(): Table {
    const bell = new Bell();
    const thread = new MinerThread({
      file: this.#file,
      name: 'the shared mining worker',
      bell,
      kernel: this.#kernel,
      enough: () => hostLimits.crewSeatRate / hostLimits.crewShare,
      exact: true,
      niceness: NICENESS,
      ready: (message) => this.#learn(message),
    });
    const table: Table = { bell, thread, caps: new Map() };
    this.#tables.add(table);
    return table;
  }

  #learn({ kernel, rate }: ReadyMessage): void {
    this.#kernel = kernel;
    // A kernel asked for by name is not calibrated.
    if (rate > 0) this.#speed = rate;
    for (const table of [...this.#tables])
      for (const [sitter, cap] of [...table.caps].reverse())
        if (this.#isCrowded(table)) this.#move(sitter, cap);
  }
}

function load({ caps }: Table): number {
  return [...caps.values()].reduce((sum, cap) => sum + cap, 0);
}
