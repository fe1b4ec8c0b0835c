import type { Conditions } from '../../events/events.ts';
import { CALM, HEALED_WIRES, healed } from '../../observe/words/conditions.ts';
import { cutPairs } from '../../util/topology.ts';
import { sleep } from '../../yard/action.ts';
import { failed } from '../../yard/problem.ts';
import type { YardClient } from '../client/client.ts';
import { conditionsOf, isCalm, unheardBy, wireRules } from '../client/conditions.ts';
import { awaitLinks } from '../client/links.ts';
import type { Resume, YardFile } from '../yard/check.ts';
import type { YardLog } from '../yard/log.ts';

const LINK_MS = 60_000;
const STOPPING_MS = 20;

/** One that has died meanwhile needs no signal. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What the faults need of the launcher. */
export interface WiringHost {
  readonly client: YardClient;
  readonly log: YardLog;
  readonly yard: () => YardFile;
  readonly update: (change: Partial<YardFile>) => void;
  /** Letters of the nodes that run, frozen ones too. */
  readonly running: () => string[];
  readonly pidOf: (letter: string) => number | undefined;
  /** Throws where others share its process. */
  readonly mustBeAlone: (letter: string, what: string) => void;
}

/** Sets the faults of a yard on its nodes, and keeps them in yard.json, so that a node that comes back has them too. */
export class Wiring {
  readonly #o: WiringHost;

  constructor(host: WiringHost) {
    this.#o = host;
  }

  get #now(): Conditions {
    return conditionsOf(this.#o.yard());
  }

  /** Nodes that can be told something. */
  awake(): string[] {
    const { frozen } = this.#now;
    return this.#o.running().filter((l) => !frozen.includes(l));
  }

  async #apply(letter: string): Promise<void> {
    await this.#o.client.call(letter, 'setlinks', [wireRules(this.#o.yard(), letter)]);
  }

  async #applyAll(): Promise<void> {
    await Promise.all(this.awake().map((l) => this.#apply(l)));
  }

  #keep(conditions: Conditions): void {
    this.#o.update({ conditions: isCalm(conditions) ? undefined : conditions });
  }

  /** All of them have started: what stayed from the last time applies again. */
  async afterStart(): Promise<void> {
    if (this.#o.yard().groups !== undefined || !isCalm(this.#now)) await this.#applyAll();
  }

  /** What else held when the yard was saved; the log is told what holds from the start. */
  async resume({ groups, conditions }: Partial<Resume> = {}): Promise<void> {
    if (groups !== undefined) this.#o.log.tell({ kind: 'partition', groups });
    if (conditions !== undefined) this.#say('everything is as it was saved');
    else if (!isCalm(this.#now))
      this.#say(
        this.#now.profile === ''
          ? 'nodes stand in their regions'
          : `links as on profile ${this.#now.profile}`,
      );
    for (const [letter, ms] of Object.entries(this.#now.clockMs)) {
      if (this.awake().includes(letter)) await this.#o.client.call(letter, 'setclock', [ms]);
    }
    for (const letter of conditions?.frozen ?? []) await this.freeze(letter);
  }

  /** Does something at once while no process of the yard runs: what lies on the disk then is one moment of all. */
  async standStill(work: () => void): Promise<void> {
    if (process.platform === 'win32')
      throw failed('processes cannot stand still on this system', 'Stop the yard first: forkyard down');
    const pids = [...new Set(this.awake().flatMap((letter) => this.#o.pidOf(letter) ?? []))];
    try {
      for (const pid of pids) signal(pid, 'SIGSTOP');
      // A thread that is on another core stops at its next interrupt.
      await sleep(STOPPING_MS);
      work();
    } finally {
      for (const pid of pids) signal(pid, 'SIGCONT');
    }
  }

  /**
   * Starts a node by `spawn` so that nothing slips through before it knows what it must not hear: those whose messages
   * it must not get refuse it until it has been told.
   */
  async aroundStart(letter: string, spawn: () => Promise<void>): Promise<void> {
    const yard = this.#o.yard();
    const peer = yard.nodes.find((n) => n.letter === letter)?.peerId ?? '';
    const awake = this.awake();
    const silent = peer === '' ? [] : unheardBy(yard, letter).filter((l) => awake.includes(l));
    const refusing = silent.map((l) => {
      const rules = wireRules(yard, l);
      return this.#o.client.call(l, 'setlinks', [{ refuse: [...(rules['refuse'] as string[]), peer] }]);
    });
    await Promise.all(refusing);
    try {
      await spawn();
      await this.#tell(letter);
    } finally {
      await Promise.all(silent.map((l) => this.#apply(l)));
    }
  }

  /** A node that has just come back hears of everything that holds for it. */
  async #tell(letter: string): Promise<void> {
    if (this.#o.yard().groups !== undefined || !isCalm(this.#now)) await this.#apply(letter);
    const offset = this.#now.clockMs[letter];
    if (offset !== undefined) await this.#o.client.call(letter, 'setclock', [offset]);
  }

  /** Cuts every link between groups and waits until none is left; gives the number of links cut. */
  async partition(groups: readonly (readonly string[])[]): Promise<number> {
    const letters = this.#o.yard().nodes.map((n) => n.letter);
    this.#o.update({ groups });
    await this.#applyAll();
    const topology = this.#o.yard().topology ?? 'full';
    const idle = new AbortController();
    await awaitLinks(this.#o.client, topology, groups, { timeoutMs: LINK_MS, signal: idle.signal });
    this.#o.log.tell({ kind: 'partition', groups });
    return cutPairs(letters, topology, groups).length;
  }

  /** Opens every cut and lets what is held arrive; delays, loss and rates of links stay. False: nothing was cut or held. */
  async heal(): Promise<boolean> {
    const wasCut = this.#o.yard().groups !== undefined;
    const before = this.#now;
    const wasHeld = before.oneWay.length > 0 || before.wireHeld;
    if (!wasCut && !wasHeld) return false;
    this.#keep(healed(before));
    this.#o.update({ groups: undefined });
    if (wasCut) this.#o.log.tell({ kind: 'heal' });
    if (wasHeld) this.#say(HEALED_WIRES);
    await this.#applyAll();
    return true;
  }

  /** Sets some of the conditions; the rest stays. */
  async change(text: string, change: Partial<Conditions>): Promise<void> {
    this.#keep({ ...this.#now, ...change });
    this.#say(text);
    await this.#applyAll();
  }

  async setClock(letter: string, ms: number, text: string): Promise<void> {
    const { [letter]: _, ...others } = this.#now.clockMs;
    this.#keep({ ...this.#now, clockMs: ms === 0 ? others : { ...others, [letter]: ms } });
    this.#say(text);
    if (this.awake().includes(letter)) await this.#o.client.call(letter, 'setclock', [ms]);
  }

  async freeze(letter: string): Promise<void> {
    if (process.platform === 'win32') throw failed('a process cannot be frozen on this system');
    const pid = this.#o.pidOf(letter);
    if (pid === undefined) throw failed(`node ${letter} is down`, `Start it: forkyard start ${letter}`);
    const { frozen } = this.#now;
    if (frozen.includes(letter)) throw failed(`node ${letter} is frozen already`, `forkyard thaw ${letter}`);
    this.#o.mustBeAlone(letter, 'freezing');
    process.kill(pid, 'SIGSTOP');
    this.#keep({ ...this.#now, frozen: [...frozen, letter] });
    this.#say(`${letter} is frozen`);
    await this.#applyAll();
  }

  /** It goes on, and hears what was changed meanwhile. */
  async thaw(letter: string): Promise<void> {
    if (!this.#now.frozen.includes(letter)) throw failed(`node ${letter} is not frozen`);
    this.wake(letter);
    this.forget(letter);
    this.#say(`${letter} goes on`);
    await this.#applyAll();
    await this.#o.client.call(letter, 'setclock', [this.#now.clockMs[letter] ?? 0]);
  }

  /** Before it is asked to end: a process that stands still hears no request. */
  wake(letter: string): void {
    const pid = this.#o.pidOf(letter);
    if (pid !== undefined && this.#now.frozen.includes(letter)) process.kill(pid, 'SIGCONT');
  }

  /** Its process has ended: it is no longer frozen. */
  forget(letter: string): void {
    const { frozen } = this.#now;
    if (frozen.includes(letter)) this.#keep({ ...this.#now, frozen: frozen.filter((l) => l !== letter) });
  }

  #say(text: string): void {
    this.#o.log.tell({ kind: 'conditions', text, ...CALM, ...this.#now });
  }
}
