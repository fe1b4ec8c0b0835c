import { join } from 'node:path';
import type { Params } from '../../consensus/params/params.ts';
import type { Conditions } from '../../events/events.ts';
import { makeDirectory } from '../../host/directories.ts';
import { eventTime } from '../../host/driver/clock.ts';
import { sleep } from '../../yard/action.ts';
import { pickNode } from '../../yard/names.ts';
import { failed, Problem } from '../../yard/problem.ts';
import { YardClient } from '../client/client.ts';
import { conditionsOf } from '../client/conditions.ts';
import { type Follower, follow } from '../client/follow.ts';
import { awaitLinks } from '../client/links.ts';
import type { YardFile, YardNode } from '../yard/check.ts';
import { writeYard } from '../yard/file.ts';
import type { YardLog } from '../yard/log.ts';
import { otherPorts, PORT_ATTEMPTS } from '../yard/ports.ts';
import { dialledBy, isCurrent, nodeArguments } from './node-arguments.ts';
import { describeExit, type Exit, type NodeChild, type ReadyLine } from './node-child.ts';
import { mustBeAlone, NodeProcesses, type ProcessOptions } from './node-host.ts';
import { stoppedYard, yardToResume } from './resume.ts';
import { packStaged, type Saved, stage } from './save-write.ts';
import { newSeenEvents, type SeenEvents } from './seen-events.ts';
import { Wiring } from './wiring.ts';

/** How long a node may take to end when asked, before it is made to. */
const STOP_MS = 8_000;
/** How long a node may take from spawn to its ready line; a slow machine with a long chain needs a while. */
const READY_MS = 60_000;
const LINK_MS = 60_000;

export interface LauncherOptions extends ProcessOptions {
  readonly params: Params;
  readonly yard: YardFile;
  readonly log: YardLog;
  /** One line for a person: a node that died, a slow start. */
  readonly say: (line: string) => void;
}

/** Owns the nodes of one yard: their processes, their links, their merged log. Every change goes through here. */
export class Launcher {
  readonly dir: string;
  readonly client: YardClient;
  readonly log: YardLog;
  readonly params: Params;
  readonly #processes: NodeProcesses;
  readonly #say: (line: string) => void;
  readonly #began = eventTime();
  readonly #children = new Map<string, NodeChild>();
  readonly #followers = new Map<string, Follower>();
  readonly #seen = new Map<string, SeenEvents>();
  /** Nodes whose end was asked for. */
  readonly #ending = new Set<string>();
  readonly #held = new Set<string>();
  /** Nodes that ended unasked, in a sentence each. */
  readonly #fallen: string[] = [];
  readonly #wiring: Wiring;
  #yard: YardFile;
  #mining = false;
  /** Nodes start without knowing each other. */
  #apart = false;
  #closing: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LauncherOptions) {
    this.dir = options.dir;
    this.params = options.params;
    this.log = options.log;
    this.#processes = new NodeProcesses({ ...options, perProcess: options.yard.perProcess ?? 1 });
    this.#say = options.say;
    this.#yard = options.yard;
    this.client = new YardClient(options.dir, options.yard);
    this.#wiring = new Wiring({
      client: this.client,
      log: this.log,
      yard: () => this.#yard,
      update: (change) => this.#update(change),
      running: () => this.#running(),
      pidOf: (letter) => this.#children.get(letter)?.pid,
      mustBeAlone: (letter, what) => mustBeAlone(this.#children, letter, what),
    });
  }

  get yard(): YardFile {
    return this.#yard;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  #update(change: Partial<YardFile>): void {
    this.#yard = { ...this.#yard, ...change };
    writeYard(this.dir, this.#yard);
    this.client.refresh();
  }

  #updateNode(letter: string, change: Partial<YardNode>): void {
    this.#update({ nodes: this.#yard.nodes.map((n) => (n.letter === letter ? { ...n, ...change } : n)) });
  }

  setServers(servers: Pick<YardFile, 'launcher' | 'page'>): void {
    this.#update(servers);
  }

  /** Faults and processes change one at a time; a second caller waits for the first. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    // The caller gets the error; whoever is next in turn only needs to know that this is over.
    this.#turn = mine.then(nothing, nothing);
    return mine;
  }

  /** Starts every node, links them, and waits until all are linked; takes up what held when the yard was saved. */
  async startAll(signal: AbortSignal): Promise<void> {
    const { resume, groups } = this.#yard;
    const letters = this.#yard.nodes.map((n) => n.letter).filter((l) => resume?.down.includes(l) !== true);
    // What crosses no cut must not cross it in the first moment either: then nobody dials before all know the rules.
    this.#apart = resume !== undefined;
    const starts = await Promise.allSettled(letters.map((letter) => this.#spawn(letter)));
    const fault = starts.find((s) => s.status === 'rejected');
    if (fault !== undefined) throw fault.reason;
    if (this.#apart) await this.#wiring.afterStart();
    this.#apart = false;
    await this.#dialAll();
    await keepPlaces(this.client, this.#yard, this.#children.keys());
    await awaitLinks(this.client, this.#yard.topology ?? 'full', groups, { timeoutMs: LINK_MS, signal });
    await this.#wiring.afterStart();
    for (const letter of resume?.held ?? []) this.#held.add(letter);
    await this.#wiring.resume(resume);
    if (resume !== undefined) this.#update({ resume: undefined });
  }

  /** The whole yard as one file. Its processes stand still only while they are copied. */
  save(file: string): Promise<Saved> {
    return this.#inTurn(() =>
      packStaged(this.dir, file, async (to) => {
        this.log.flush();
        await this.#wiring.standStill(() => stage(this.dir, to));
        const down = this.#yard.nodes.map((n) => n.letter).filter((l) => !this.#children.has(l));
        return yardToResume(this.#yard, { held: [...this.#held], down });
      }),
    );
  }

  /** Why a call to a node may have failed just now: it died. Its end is seen a moment after its silence. */
  async causeOfDeath(): Promise<string | undefined> {
    await sleep(300);
    return this.#fallen.at(-1);
  }

  /** From now on nodes that mine do, and go on when they are started again. */
  async startMining(): Promise<void> {
    this.#mining = true;
    await Promise.all(this.#yard.nodes.map((n) => this.#applyMining(n.letter)));
  }

  async #applyMining(letter: string): Promise<void> {
    const node = pickNode(this.#yard.nodes, letter);
    if (!this.#mining || !this.#children.has(letter)) return;
    const held = this.#held.has(letter);
    if (node.miner || held) await this.client.call(letter, 'setmining', [{ on: node.miner, held }]);
  }

  async #dialAll(): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (const node of this.#yard.nodes.filter((n) => this.#children.has(n.letter))) {
      for (const peer of dialledBy(this.#yard, node.letter).filter(isCurrent)) {
        // Given at the start already, when the address was known; adding it again is refused and harmless.
        if (this.#knownAtSpawn.get(node.letter)?.includes(peer.address) === true) continue;
        calls.push(this.client.call(node.letter, 'addnode', [peer.address, 'add']));
      }
    }
    await Promise.all(calls);
  }

  /** A node has moved to another port: those who dial it, dial it there. */
  async #tellAddress(letter: string): Promise<void> {
    const { address } = pickNode(this.#yard.nodes, letter);
    const diallers = this.#wiring
      .awake()
      .filter((l) => dialledBy(this.#yard, l).some((n) => n.letter === letter));
    await Promise.all(diallers.map((l) => this.client.call(l, 'addnode', [address, 'add'])));
  }

  readonly #knownAtSpawn = new Map<string, readonly string[]>();

  #argumentsFor(node: YardNode): string[] {
    // An address is of use only if its port is still the one that the node will listen on.
    const peers = this.#apart ? [] : dialledBy(this.#yard, node.letter).filter(isCurrent);
    const connect = peers.map((p) => p.address);
    this.#knownAtSpawn.set(node.letter, connect);
    return nodeArguments(this.dir, this.#yard, this.params, node, connect);
  }

  async #spawn(letter: string): Promise<void> {
    let started: { child: NodeChild; ready: ReadyLine } | undefined;
    for (let attempt = 1; started === undefined; attempt++) {
      try {
        started = await this.#spawnOnce(pickNode(this.#yard.nodes, letter));
      } catch (error) {
        if (attempt < PORT_ATTEMPTS && (await this.#movePorts(letter))) continue;
        throw failed(`node ${letter} did not start: ${(error as Error).message}`);
      }
    }
    const { child, ready } = started;
    const address = ready.addresses.find((a) => a.includes('/ip4/127.0.0.1/')) ?? ready.addresses[0] ?? '';
    this.#updateNode(letter, { pid: child.pid, peerId: ready.peerId, address });
    this.log.tell({ kind: 'process', what: 'started', of: letter, code: null, signal: null });
    await this.#follow(letter);
  }

  /** Throws the node's own last sentence when it ends before it is ready. */
  async #spawnOnce(node: YardNode): Promise<{ child: NodeChild; ready: ReadyLine }> {
    const { letter } = node;
    // A stream of the last run would take up the new one's events too.
    this.#unfollow(letter);
    makeDirectory(join(this.dir, node.dir));
    const index = this.#yard.nodes.findIndex((n) => n.letter === letter);
    const child = this.#processes.spawn(letter, index, this.#argumentsFor(node));
    this.#children.set(letter, child);
    // Until it is ready its end is told by whoever waits for it here.
    this.#ending.add(letter);
    void child.exited.then((exit) => this.#onExit(letter, child, exit));
    try {
      const words = `it was not ready after ${READY_MS / 1000} s`;
      const ready = await withDeadline(child.ready, READY_MS, words);
      this.#ending.delete(letter);
      return { child, ready };
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** Other ports for a node that did not start because somebody took its own a moment before; false: nobody did. */
  async #movePorts(letter: string): Promise<boolean> {
    const ports = await otherPorts(this.#yard.nodes, pickNode(this.#yard.nodes, letter));
    if (ports === undefined) return false;
    this.#updateNode(letter, ports);
    return true;
  }

  async #follow(letter: string): Promise<void> {
    const node = pickNode(this.#yard.nodes, letter);
    const info = await this.client.info(letter);
    const seen = this.#seen.get(letter) ?? newSeenEvents(this.#began);
    this.#seen.set(letter, seen);
    const follower = follow({
      url: this.client.url(node),
      auth: this.client.auth(node),
      after: seen.startAfter(info?.lastSeq ?? 0),
      onEvent: (event) => {
        if (seen.add(event)) this.log.merge(event);
      },
    });
    this.#followers.set(letter, follower);
  }

  #unfollow(letter: string): void {
    this.#followers.get(letter)?.close();
    this.#followers.delete(letter);
  }

  #onExit(letter: string, child: NodeChild, exit: Exit): void {
    if (this.#children.get(letter) !== child) return;
    this.#children.delete(letter);
    this.#wiring.forget(letter);
    // A moment for the last events to arrive, if its stream is still being read.
    setTimeout(() => {
      if (!this.#children.has(letter)) this.#unfollow(letter);
    }, 100);
    const { pid: _, ...rest } = pickNode(this.#yard.nodes, letter);
    this.#update({ nodes: this.#yard.nodes.map((n) => (n.letter === letter ? rest : n)) });
    const asked = this.#ending.has(letter);
    const what = asked && exit.signal === 'SIGKILL' ? 'killed' : 'exited';
    this.log.tell({ kind: 'process', what, of: letter, code: exit.code, signal: exit.signal });
    if (asked) return;
    const words = child.lastWords() === '' ? '' : `: ${child.lastWords()}`;
    this.#fallen.push(`node ${letter} ended by itself (${describeExit(exit)})${words}`);
    this.#say(
      `${letter} ended by itself (${describeExit(exit)})${words}. Start it again: forkyard start ${letter}`,
    );
  }

  /** Kills (-9) or politely ends one node. */
  kill(letter: string, clean: boolean): Promise<Exit> {
    return this.#inTurn(async () => {
      const node = pickNode(this.#yard.nodes, letter);
      const child = this.#children.get(node.letter);
      if (child === undefined) throw failed(`node ${node.letter} is down already`);
      if (!clean) mustBeAlone(this.#children, node.letter, 'killing');
      this.#ending.add(node.letter);
      if (clean) this.#wiring.wake(node.letter);
      return clean ? child.stop(STOP_MS) : child.kill();
    });
  }

  /** Starts a node that is down: same data, same ports unless somebody took them, same side of an open cut. */
  start(letter: string): Promise<void> {
    return this.#inTurn(async () => {
      const node = pickNode(this.#yard.nodes, letter);
      if (this.#children.has(node.letter)) throw failed(`node ${node.letter} is running already`);
      await this.#wiring.aroundStart(node.letter, () => this.#spawn(node.letter));
      await keepPlaces(this.client, this.#yard, [node.letter]);
      if (pickNode(this.#yard.nodes, letter).address !== node.address) await this.#tellAddress(letter);
      await this.#applyMining(node.letter);
    });
  }

  #running(): string[] {
    return this.#yard.nodes.map((n) => n.letter).filter((l) => this.#children.has(l));
  }

  /** Cuts every link between groups and waits until none is left; gives the number of links cut. */
  partition(groups: readonly (readonly string[])[]): Promise<number> {
    return this.#inTurn(() => this.#wiring.partition(groups));
  }

  /** Opens all links; the nodes dial each other again by themselves. False when none was cut or held. */
  heal(): Promise<boolean> {
    return this.#inTurn(() => this.#wiring.heal());
  }

  /** Sets other faults of links, told in a sentence; what is absent stays. */
  conditions(text: string, change: Partial<Conditions>): Promise<void> {
    return this.#inTurn(() => this.#wiring.change(text, change));
  }

  freeze(letter: string): Promise<void> {
    return this.#inTurn(async () => this.#wiring.freeze(pickNode(this.#yard.nodes, letter).letter));
  }

  thaw(letter: string): Promise<void> {
    return this.#inTurn(async () => {
      const node = pickNode(this.#yard.nodes, letter);
      await this.#wiring.thaw(node.letter);
      const { hashrate } = node;
      await this.client.call(node.letter, 'setmining', [{ held: this.#held.has(node.letter), hashrate }]);
    });
  }

  /** What holds for one node from now on, over its restarts too. */
  set(
    letter: string,
    text: string,
    to: { hashrate?: number; clockMs?: number; region?: string },
  ): Promise<void> {
    return this.#inTurn(async () => {
      const node = pickNode(this.#yard.nodes, letter);
      const awake = this.#wiring.awake().includes(node.letter);
      if (to.hashrate !== undefined) {
        this.#updateNode(node.letter, { hashrate: to.hashrate });
        if (awake) await this.client.call(node.letter, 'setmining', [{ hashrate: to.hashrate }]);
        this.log.tell({ kind: 'action', text });
      }
      if (to.clockMs !== undefined) await this.#wiring.setClock(node.letter, to.clockMs, text);
      if (to.region !== undefined) {
        const { regions } = conditionsOf(this.#yard);
        await this.#wiring.change(text, { regions: { ...regions, [node.letter]: to.region } });
      }
    });
  }

  /** Holds or releases miners; a held node that is started again stays held. */
  hold(on: boolean, letters: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const letter of letters) {
        if (on) this.#held.add(letter);
        else this.#held.delete(letter);
      }
      const up = letters.filter((l) => this.#wiring.awake().includes(l));
      await Promise.all(up.map((l) => this.client.call(l, 'setmining', [{ held: on }])));
    });
  }

  /** Ends all nodes, politely first, and leaves the state for the next start. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const letter of this.#children.keys()) {
      this.#ending.add(letter);
      this.#wiring.wake(letter);
    }
    await Promise.all([...this.#children.values()].map((child) => child.stop(STOP_MS)));
    for (const follower of this.#followers.values()) follower.close();
    this.#followers.clear();
    this.log.flush();
    this.#yard = stoppedYard(this.#yard);
    this.#update({});
    this.log.close();
  }
}

function nothing(): void {}

/** The work's own end, or a Problem with these words if it takes longer. The work itself goes on. */
async function withDeadline<T>(work: Promise<T>, ms: number, words: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Problem(1, words)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Tells these nodes to keep a place for the siblings that dial them. For those that they dial themselves they have one;
 * without this, strangers that take all places would keep a sibling out that was started again.
 */
async function keepPlaces(client: YardClient, yard: YardFile, letters: Iterable<string>): Promise<void> {
  const calls: Promise<unknown>[] = [];
  for (const letter of letters) {
    for (const other of yard.nodes.filter((n) => n.letter !== letter && n.address !== '')) {
      if (!dialledBy(yard, other.letter).some((n) => n.letter === letter)) continue;
      calls.push(client.call(letter, 'addnode', [other.address, 'protect']));
    }
  }
  await Promise.all(calls);
}
