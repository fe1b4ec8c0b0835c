import { readFileSync } from 'node:fs';
import type { NodeContext } from '../../src/app/rpc/context.ts';
import { nodeMethods } from '../../src/app/rpc/methods.ts';
import { MiningControl } from '../../src/app/rpc/mining-control.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { parseNetworks, regtestParams } from '../../src/consensus/params/params.ts';
import type { HostNews, LogEvent, News } from '../../src/events/events.ts';
import { offsetClock } from '../../src/host/driver/clock.ts';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { stringify } from '../../src/host/http/json.ts';
import { bindArguments, type RpcRegistry } from '../../src/host/http/methods.ts';
import type { HeldMessage, LinkRules, Network, PeerInfo, ProbeResult } from '../../src/host/net/types.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import type { Command, CommandResult, Input, Job } from '../../src/node/types.ts';
import { compare, keyOf } from '../../src/util/bytes.ts';

export function regtest(): Params {
  const text = readFileSync(new URL('../../genesis.json', import.meta.url), 'utf8');
  const networks = parseNetworks(JSON.parse(text));
  if (!networks.ok) throw new Error(networks.error);
  return regtestParams(networks.value);
}

/** The whole RPC over a real FullNode, with memory for a disk, a list for a network, and a clock that stands still. */
export class RpcHarness {
  readonly registry: RpcRegistry;
  readonly node: FullNode;
  readonly network = new FakeNetwork();
  readonly clock = offsetClock({ now: () => 0, wall: () => 0 });
  readonly log: LogEvent[] = [];
  readonly stops: string[] = [];
  readonly miners: FakeMiner[] = [];
  readonly jobs: (Job | undefined)[] = [];
  /** Records asked of the disk, and snapshots taken of it. */
  diskReads = 0;
  /** Writes and readers that wait for `release`. */
  #held: (() => void)[] | undefined;
  readonly #rows = new Map<string, { key: Uint8Array; value: Uint8Array }>();
  readonly #answers = new Map<number, CommandResult>();
  readonly #listeners = new Set<(news: News) => void>();
  #mining: MiningControl | undefined;
  #now = 0;
  #ticket = 0;

  /** Where `watch.json` is; without, nowhere. */
  readonly #datadir: string;

  constructor(params: Params, wallS: number, o: { readonly datadir?: string } = {}) {
    this.#datadir = o.datadir ?? '/nowhere';
    this.node = new FullNode({
      params,
      store: { get: (key) => this.#read(key) },
      index: [],
      verify: nobleVerify,
      seed: 1,
      name: 'A',
    });
    this.step({ kind: 'clock', offset: wallS * 1_000_000 });
    this.registry = nodeMethods(this.#context());
  }

  /** One input, then everything that the node wants to do at once, or as much of it as there is before `stop`. */
  step(input: Input, stop = () => false): void {
    let next: Input | undefined = input;
    while (next !== undefined && !stop()) {
      const step = this.node.step(this.#now, next);
      next = undefined;
      const commit = () => {
        for (const { key, value } of step.writes) {
          if (value === undefined) this.#rows.delete(keyOf(key));
          else this.#rows.set(keyOf(key), { key, value });
        }
      };
      if (this.#held === undefined) commit();
      else this.#held.push(commit);
      for (const effect of step.effects) {
        if (effect.kind === 'answer') this.#answers.set(effect.ticket, effect.result);
        if (effect.kind === 'work') {
          this.jobs.push(effect.job);
          this.#mining?.work(effect.job);
        }
        if (effect.kind === 'wake' && effect.at <= this.#now) next = { kind: 'timer' };
        if (effect.kind === 'tell') this.#tell(effect.news);
      }
    }
  }

  /** From now on nothing gets to the disk, so memory is ahead of it and readers wait. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  /** How many writes and readers wait. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  /** Lets virtual time pass. */
  advance(seconds: number): void {
    this.#now += seconds * 1_000_000;
    this.step({ kind: 'timer' });
  }

  /** A call as it comes over HTTP: bound, run, written and read back, so that amounts are plain numbers. */
  async call(method: string, ...params: JsonInput[]): Promise<JsonInput> {
    return JSON.parse(await this.text(method, params)) as JsonInput;
  }

  async object(method: string, ...params: JsonInput[]): Promise<JsonObject> {
    return (await this.call(method, ...params)) as JsonObject;
  }

  async text(
    method: string,
    params: JsonInput[] | JsonObject,
    signal = new AbortController().signal,
  ): Promise<string> {
    const found = this.registry.find(method);
    return stringify(await found.run(bindArguments(found, params), { signal }));
  }

  /** The refusal of a call as "code message". */
  async refusal(method: string, ...params: JsonInput[]): Promise<string> {
    try {
      return `answered ${await this.text(method, params)}`;
    } catch (error) {
      const { code, message } = error as { code?: number; message: string };
      return `${code} ${message}`;
    }
  }

  #record(news: News | HostNews): void {
    this.log.push({ v: 1, seq: this.log.length + 1, t: 0, node: 'A', ...news });
  }

  #tell(news: News): void {
    this.#record(news);
    for (const listener of [...this.#listeners]) listener(news);
    if (news.kind === 'mining' && !news.on) void this.#mining?.stopped();
  }

  #command(command: Command): Promise<CommandResult> {
    const ticket = ++this.#ticket;
    this.step({ kind: 'command', ticket, command });
    const answer = this.#answers.get(ticket);
    return answer === undefined
      ? Promise.reject(new Error(`${command.kind} got no answer`))
      : Promise.resolve(answer);
  }

  #context(): NodeContext {
    const { log, node, network, stops } = this;
    const command = (c: Command) => this.#command(c);
    const mining = (this.#mining = new MiningControl({
      hashrate: 0,
      payout: undefined,
      tag: 'A',
      threads: 1,
      kernel: 'auto',
      createMiner: (options) => {
        const miner = new FakeMiner(options);
        this.miners.push(miner);
        return miner;
      },
      command,
      view: () => node.view,
    }));
    return {
      view: node.view,
      network,
      mining,
      signatures: { ecdsa: 'noble', schnorr: 'noble' },
      datadir: this.#datadir,
      version: '1.2.3',
      startedAt: Date.now() - 5_000,
      log: {
        since: (after, max) => log.filter((event) => event.seq > after).slice(0, max),
        oldestSeq: 1,
        get lastSeq() {
          return log.length;
        },
      },
      clock: this.clock,
      grind: () => Promise.reject(new Error('regtest needs no threads')),
      command,
      between: async (_looks, read) => {
        const held = this.#held;
        if (held !== undefined) await new Promise<void>((resolve) => held.push(resolve));
        return await read();
      },
      snapshot: () => this.#snapshot(),
      stored: (key) => this.#read(key),
      tipSince: () => 0,
      onNews: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      tell: (news) => this.#record(news),
      requestStop: (why) => stops.push(why),
      diskUsage: () => Promise.resolve(4096),
      stepFigures: () => ({ steps: 0, longestStepMs: 0, meanStepMs: 0 }),
    };
  }

  #read(key: Uint8Array): Uint8Array | undefined {
    this.diskReads++;
    return this.#rows.get(keyOf(key))?.value;
  }

  #snapshot() {
    this.diskReads++;
    const rows = [...this.#rows.values()].sort((a, b) => compare(a.key, b.key));
    return {
      get: (key: Uint8Array) => rows.find((row) => compare(row.key, key) === 0)?.value,
      rows: async function* (prefix: Uint8Array) {
        for (const row of rows) if (compare(row.key.subarray(0, prefix.length), prefix) === 0) yield row;
      },
      close: () => Promise.resolve(),
    };
  }
}

class FakeMiner {
  readonly options: object;
  job: Job | undefined;
  closed = false;
  #cap = 0;
  constructor(options: object) {
    this.options = options;
  }
  work(job: Job | undefined): void {
    this.job = job;
  }
  setHashrate(cap: number): void {
    this.#cap = cap;
  }
  hold(): void {}
  stats() {
    return { kernel: 'none', threads: 1, cap: this.#cap, rate: 0, rates: [0], hashes: 0, working: false };
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** Remembers what it is told. */
class FakeNetwork implements Network {
  readonly peerId = 'peer-A';
  readonly addresses = ['/ip4/127.0.0.1/tcp/1/p2p/peer-A'];
  links: LinkRules = { refuse: [], delayMs: 0, delayTo: {} };
  active = true;
  readonly connected: PeerInfo[] = [];
  readonly did: string[] = [];
  send(): void {}
  publish(): void {}
  drop(peer: string, why: string): void {
    this.did.push(`drop ${peer} ${why}`);
  }
  setLinks(rules: LinkRules): void {
    this.links = rules;
  }
  readonly heldMessages: HeldMessage[] = [];
  held(): readonly HeldMessage[] {
    return this.heldMessages;
  }
  heldByCut(): ReadonlyMap<string, number> {
    return new Map();
  }
  deliver(from?: string): HeldMessage | undefined {
    const at = this.heldMessages.findIndex((m) => from === undefined || m.peer === from);
    return at < 0 ? undefined : this.heldMessages.splice(at, 1)[0];
  }
  probe(peer: string): Promise<ProbeResult | undefined> {
    return Promise.resolve(peer === 'peer-B' ? { thereMs: 1.5, backMs: 2.5 } : undefined);
  }
  setActive(on: boolean): void {
    this.active = on;
  }
  add(address: string): Promise<void> {
    if (!address.startsWith('/ip4/')) return Promise.reject(new Error('not a multiaddress'));
    this.did.push(`add ${address}`);
    return Promise.resolve();
  }
  remove(address: string): void {
    this.did.push(`remove ${address}`);
  }
  protect(address: string): void {
    this.did.push(`protect ${address}`);
  }
  peers(): readonly PeerInfo[] {
    return this.connected;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
