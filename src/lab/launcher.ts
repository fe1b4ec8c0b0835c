import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Params } from '../consensus/params.ts';
import { sleep } from './action.ts';
import { YardClient } from './client.ts';
import { type Follower, follow } from './follow.ts';
import { minerKey } from './keyring.ts';
import { awaitLinks, refusedBy, sameGroup, wantedPairs } from './links.ts';
import { pickNode } from './names.ts';
import { describeExit, type Exit, type NodeChild, spawnNode } from './node-child.ts';
import { failed, Problem } from './problem.ts';
import { formatDuration } from './units.ts';
import { writeYard, type YardFile, type YardNode } from './yard-file.ts';
import type { YardLog } from './yard-log.ts';

/** How long a node may take to end when asked, before it is made to. */
const STOP_MS = 8_000;
/** How long a node may take from spawn to its ready line; a slow machine with a long chain needs a while. */
const READY_MS = 60_000;
const LINK_MS = 60_000;
/** More events than a node tells between its start and our first look at it. */
const FOLLOW_BACK = 5_000;

export interface LauncherOptions {
  readonly dir: string;
  /** The program to spawn: `node PROGRAM node …`. */
  readonly programPath: string;
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
  readonly #programPath: string;
  readonly #say: (line: string) => void;
  readonly #began = performance.timeOrigin + performance.now();
  readonly #children = new Map<string, NodeChild>();
  readonly #followers = new Map<string, Follower>();
  /** Time of the newest event of each node that is in the merged log. */
  readonly #lastTime = new Map<string, number>();
  /** Nodes whose end was asked for. */
  readonly #ending = new Set<string>();
  readonly #held = new Set<string>();
  /** Nodes that ended unasked, in a sentence each. */
  readonly #fallen: string[] = [];
  #yard: YardFile;
  #mining = false;
  #closing: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LauncherOptions) {
    this.dir = options.dir;
    this.params = options.params;
    this.log = options.log;
    this.#programPath = options.programPath;
    this.#say = options.say;
    this.#yard = options.yard;
    this.client = new YardClient(options.dir, options.yard);
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

  setControl(port: number): void {
    this.#update({ launcher: { pid: process.pid, port } });
  }

  /** Faults and processes change one at a time; a second caller waits for the first. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    // The caller gets the error; whoever is next in turn only needs to know that this is over.
    this.#turn = mine.then(nothing, nothing);
    return mine;
  }

  /** Starts every node, links them, and waits until all are linked. */
  async startAll(signal: AbortSignal): Promise<void> {
    const starts = await Promise.allSettled(this.#yard.nodes.map((n) => this.#spawn(n.letter)));
    const fault = starts.find((s) => s.status === 'rejected');
    if (fault !== undefined) throw fault.reason;
    await this.#dialAll();
    await awaitLinks(this.client, this.#yard.topology ?? 'full', undefined, { timeoutMs: LINK_MS, signal });
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

  /** Which nodes a node dials: those before it, so that no pair dials twice. */
  #dialledBy(letter: string): YardNode[] {
    const letters = this.#yard.nodes.map((n) => n.letter);
    const pairs = wantedPairs(letters, this.#yard.topology ?? 'full');
    const earlier = pairs.filter(([, later]) => later === letter).map(([first]) => first);
    return this.#yard.nodes.filter((n) => earlier.includes(n.letter));
  }

  async #dialAll(): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (const node of this.#yard.nodes) {
      for (const peer of this.#dialledBy(node.letter)) {
        // Given at the start already, when the address was known; adding it again is refused and harmless.
        if (this.#knownAtSpawn.get(node.letter)?.includes(peer.address) === true) continue;
        calls.push(this.client.call(node.letter, 'addnode', [peer.address, 'add']));
      }
    }
    await Promise.all(calls);
  }

  readonly #knownAtSpawn = new Map<string, readonly string[]>();

  #argumentsFor(node: YardNode): string[] {
    const peers = this.#dialledBy(node.letter).map((p) => p.address);
    // An address is of use only if its port is still the one that the node will listen on.
    const connect = peers.filter((a, i) => a.includes(`/tcp/${this.#dialledBy(node.letter)[i]!.p2pPort}/`));
    this.#knownAtSpawn.set(node.letter, connect);
    const payout = minerKey(this.dir, node.letter, this.params).address;
    return [
      ...['--genesis', join(this.dir, 'genesis.json')],
      ...['--datadir', join(this.dir, node.dir)],
      ...['--name', node.letter],
      ...['--rpcport', String(node.rpcPort)],
      ...['--listen', `/ip4/127.0.0.1/tcp/${node.p2pPort}`],
      ...connect.flatMap((address) => ['--connect', address]),
      ...['--delay', formatDuration(this.#yard.delayMs)],
      ...['--payout', payout],
      ...(node.hashrate === 0 ? [] : ['--hashrate', String(node.hashrate)]),
      ...['--threads', '1'],
    ];
  }

  async #spawn(letter: string): Promise<void> {
    const node = pickNode(this.#yard.nodes, letter);
    mkdirSync(join(this.dir, node.dir), { recursive: true, mode: 0o700 });
    const child = spawnNode(this.#programPath, this.#argumentsFor(node), this.dir);
    this.#children.set(letter, child);
    this.#ending.delete(letter);
    child.exited.then((exit) => this.#onExit(letter, child, exit));
    let ready: Awaited<NodeChild['ready']>;
    try {
      ready = await withDeadline(child.ready, READY_MS, `it was not ready after ${READY_MS / 1000} s`);
    } catch (error) {
      this.#ending.add(letter);
      await child.kill();
      throw failed(`node ${letter} did not start: ${(error as Error).message}`);
    }
    const address = ready.addresses.find((a) => a.includes('/ip4/127.0.0.1/')) ?? ready.addresses[0] ?? '';
    this.#updateNode(letter, { pid: child.pid, peerId: ready.peerId, address });
    this.log.tell({ kind: 'process', what: 'started', of: letter, code: null, signal: null });
    await this.#follow(letter);
  }

  /**
   * A node keeps its sequence numbers over a restart, but one that was killed may give its last few again. So the stream
   * begins a good way back, and the clock says what is new.
   */
  async #follow(letter: string): Promise<void> {
    const node = pickNode(this.#yard.nodes, letter);
    const info = await this.client.info(letter);
    const since = this.#lastTime.get(letter) ?? this.#began;
    const follower = follow({
      url: this.client.url(node),
      auth: this.client.auth(node),
      after: Math.max(0, (info?.lastSeq ?? 0) - FOLLOW_BACK),
      onEvent: (event) => {
        if (event.t <= since) return;
        this.#lastTime.set(letter, event.t);
        this.log.merge(event);
      },
    });
    this.#followers.set(letter, follower);
  }

  #onExit(letter: string, child: NodeChild, exit: Exit): void {
    if (this.#children.get(letter) !== child) return;
    this.#children.delete(letter);
    // A moment for the last events to arrive, if its stream is still being read.
    setTimeout(() => {
      if (this.#children.has(letter)) return;
      this.#followers.get(letter)?.close();
      this.#followers.delete(letter);
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
      this.#ending.add(node.letter);
      const exit = await (clean ? child.stop(STOP_MS) : child.kill());
      return exit;
    });
  }

  /** Starts a node that is down: same data, same ports, same side of an open cut. */
  start(letter: string): Promise<void> {
    return this.#inTurn(async () => {
      const node = pickNode(this.#yard.nodes, letter);
      if (this.#children.has(node.letter)) throw failed(`node ${node.letter} is running already`);
      await this.#spawn(node.letter);
      if (this.#yard.groups !== undefined) await this.#applyLinks(node.letter);
      await this.#applyMining(node.letter);
    });
  }

  #running(): string[] {
    return this.#yard.nodes.map((n) => n.letter).filter((l) => this.#children.has(l));
  }

  async #applyLinks(letter: string): Promise<void> {
    await this.client.call(letter, 'setlinks', [{ refuse: refusedBy(this.#yard, letter) }]);
  }

  /** Cuts every link between groups and waits until none is left; gives the number of links cut. */
  partition(groups: readonly (readonly string[])[]): Promise<number> {
    return this.#inTurn(async () => {
      const letters = this.#yard.nodes.map((n) => n.letter);
      this.#update({ groups });
      await Promise.all(this.#running().map((l) => this.#applyLinks(l)));
      const topology = this.#yard.topology ?? 'full';
      const idle = new AbortController();
      await awaitLinks(this.client, topology, groups, { timeoutMs: LINK_MS, signal: idle.signal });
      this.log.tell({ kind: 'partition', groups });
      return wantedPairs(letters, topology).filter(([a, b]) => !sameGroup(groups, a, b)).length;
    });
  }

  /** Lifts the partition; the nodes dial each other again by themselves. False when nothing was cut. */
  heal(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#yard.groups === undefined) return false;
      const { groups: _, ...whole } = this.#yard;
      this.#yard = whole;
      this.#update({});
      this.log.tell({ kind: 'heal' });
      await Promise.all(this.#running().map((l) => this.#applyLinks(l)));
      return true;
    });
  }

  /** Holds or releases miners; a held node that is started again stays held. */
  hold(on: boolean, letters: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const letter of letters) {
        if (on) this.#held.add(letter);
        else this.#held.delete(letter);
      }
      const up = letters.filter((l) => this.#children.has(l));
      await Promise.all(up.map((l) => this.client.call(l, 'setmining', [{ held: on }])));
    });
  }

  /** Ends all nodes, politely first, and leaves the state for the next start. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const letter of this.#children.keys()) this.#ending.add(letter);
    await Promise.all([...this.#children.values()].map((child) => child.stop(STOP_MS)));
    for (const follower of this.#followers.values()) follower.close();
    this.#followers.clear();
    this.log.flush();
    const { launcher: _l, page: _p, groups: _g, ...rest } = this.#yard;
    this.#yard = { ...rest, nodes: rest.nodes.map(({ pid: _, ...node }) => node) };
    this.#update({});
    this.log.close();
  }
}

function nothing(): void {}

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
