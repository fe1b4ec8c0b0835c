import { join } from 'node:path';
import type { LogEvent } from '../../events/events.ts';
import { type RpcAuth, RpcFailure, rpcCall } from '../../host/http/client.ts';
import type { JsonInput, JsonObject } from '../../host/http/json.ts';
import { until, type WaitOptions } from '../../yard/action.ts';
import { pickNode } from '../../yard/names.ts';
import { failed, missing } from '../../yard/problem.ts';
import { agreedTip, describeTips } from '../../yard/states.ts';
import type { YardFile, YardNode } from '../yard/check.ts';
import { ownerOf } from '../yard/claim.ts';
import { locateYard, readYard } from '../yard/file.ts';
import { type Follower, follow } from './follow.ts';

/** What a node says of itself (RPC `getnodeinfo`). */
export interface NodeInfo {
  readonly name: string;
  readonly pid: number;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly network: string;
  readonly tip: Tip;
  readonly pool: { readonly size: number; readonly bytes: number };
  readonly peers: readonly NodePeer[];
  readonly mining: {
    readonly on: boolean;
    readonly held: boolean;
    /** Measured, H/s. */
    readonly rate: number;
    /** H/s, 0 = uncapped. */
    readonly cap: number;
    /** Measured rate of each worker. */
    readonly rates: readonly number[];
    readonly threads: number;
    /** What was asked for: a kernel's name, or 'auto'. */
    readonly kernelOption: string;
    /** Expected hashes of the block at work, while there is one. */
    readonly difficulty?: number;
  };
  /** Own blocks since its start. */
  readonly mined: number;
  readonly lastSeq: number;
  /** A block is being connected, or a request served: its answer may change at once. */
  readonly busy: boolean;
  /** Messages that it holds because all wires are held. */
  readonly held: number;
  /** How far its wall clock is set off. */
  readonly clockOffsetMs: number;
}

interface NodePeer {
  readonly peer: string;
  readonly name: string;
  readonly inbound: boolean;
  /** Bytes sent to it on this connection. */
  readonly sent: number;
  /** Messages that came from it on this connection. */
  readonly heard: number;
}

export interface Tip {
  readonly id: string;
  readonly height: number;
  readonly miner: string;
  /** Total, hex. */
  readonly work: string;
  /** Milliseconds since 1970 at which it became the tip. */
  readonly since: number;
}

const CALL_TIMEOUT_MS = 30_000;

/** Speaks with a running yard: its nodes' RPC and its launcher. Reads `yard.json` and the cookies, nothing else. */
export class YardClient {
  readonly dir: string;
  #yard: YardFile;

  constructor(dir: string, yard: YardFile) {
    this.dir = dir;
    this.#yard = yard;
  }

  /** The yard found from the working directory (or `--yard`), which must be running; else exit 3 with a next step. */
  static open(given: string | undefined, cwd: string): YardClient {
    const { dir, yard } = locateYard(given, cwd);
    if (yard.launcher === undefined || ownerOf(dir) === undefined) {
      throw missing(
        `the yard in ${dir} is not running`,
        'Start it again, it goes on where it was: forkyard up',
      );
    }
    return new YardClient(dir, yard);
  }

  get yard(): YardFile {
    return this.#yard;
  }

  get letters(): readonly string[] {
    return this.#yard.nodes.map((n) => n.letter);
  }

  /** Reads `yard.json` anew: ports, processes and the partition may have changed. */
  refresh(): YardFile {
    const yard = readYard(this.dir);
    if (yard.ok) this.#yard = yard.value;
    return this.#yard;
  }

  node(letter: string): YardNode {
    return pickNode(this.#yard.nodes, letter);
  }

  url(node: YardNode): string {
    return `http://127.0.0.1:${node.rpcPort}`;
  }

  auth(node: YardNode): RpcAuth {
    return { cookieFile: join(this.dir, node.dir, '.cookie') };
  }

  /** One call to one node; a node that is down is exit 3, its own refusal exit 1. */
  async call<T = JsonInput>(
    letter: string,
    method: string,
    params: readonly JsonInput[] | JsonObject = [],
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    const node = this.node(letter);
    this.mustBeAwake(node.letter);
    try {
      const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
      const more = options.signal === undefined ? {} : { signal: options.signal };
      return (await rpcCall(this.url(node), this.auth(node), method, params, { timeoutMs, ...more })) as T;
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      if (error.kind === 'rpc') throw failed(`${node.letter} refused ${method}: ${error.message}`);
      if (error.kind === 'timeout') throw failed(`${node.letter} did not answer ${method} in time`);
      throw missing(
        `node ${node.letter} is down (${error.message})`,
        `Start it: forkyard start ${node.letter}`,
      );
    }
  }

  /** Its process stands still and answers nothing: asking it would only wait. */
  isFrozen(letter: string): boolean {
    return this.#yard.conditions?.frozen?.includes(letter) === true;
  }

  /** A frozen node is exit 3 at once. */
  mustBeAwake(letter: string): void {
    if (this.isFrozen(letter))
      throw missing(`node ${letter} is frozen`, `Let it go on: forkyard thaw ${letter}`);
  }

  /** Undefined when the node is down or frozen. */
  async info(letter: string): Promise<NodeInfo | undefined> {
    const node = this.node(letter);
    if (this.isFrozen(node.letter)) return undefined;
    try {
      const options = { timeoutMs: 5_000 };
      const answer = await rpcCall(this.url(node), this.auth(node), 'getnodeinfo', [], options);
      return answer as unknown as NodeInfo;
    } catch (error) {
      if (error instanceof RpcFailure) return undefined;
      throw error;
    }
  }

  /** By letter, in the yard's order; undefined for those that are down. */
  async infos(letters: readonly string[] = this.letters): Promise<Map<string, NodeInfo | undefined>> {
    const answers = await Promise.all(letters.map((l) => this.info(l)));
    return new Map(letters.map((l, i) => [l, answers[i]]));
  }

  /** Letters of the nodes that answer; exit 3 when none does. */
  async up(): Promise<string[]> {
    const infos = await this.infos();
    const up = [...infos].filter(([, info]) => info !== undefined).map(([letter]) => letter);
    if (up.length === 0) throw missing('no node of this yard answers', 'Start one: forkyard start A');
    return up;
  }

  /** Waits until all these nodes have one tip, and gives it. */
  async settled(options: WaitOptions & { readonly letters?: readonly string[] }): Promise<Tip> {
    let last = new Map<string, NodeInfo | undefined>();
    return until(
      async () => {
        last = await this.infos(options.letters ?? this.letters);
        return agreedTip(last);
      },
      options,
      () => `they still disagree: ${describeTips(last)}`,
    );
  }

  /** A command to the launcher, which owns the processes and the links. */
  async control<T = JsonInput>(
    method: string,
    params: JsonObject = {},
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<T> {
    try {
      return (await rpcCall(this.controlUrl, this.controlAuth, method, params, { timeoutMs })) as T;
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      if (error.kind === 'rpc') throw failed(error.message);
      throw missing(
        `the yard's launcher does not answer (${error.message})`,
        'Start the yard again: forkyard up',
      );
    }
  }

  /** The yard's merged event log, live. */
  follow(onEvent: (event: LogEvent) => void, after: number, onState?: (up: boolean) => void): Follower {
    const state = onState === undefined ? {} : { onState };
    return follow({ url: this.controlUrl, auth: this.controlAuth, after, onEvent, ...state });
  }

  /** Events of the merged log after this number that the launcher still has in memory. */
  async events(after: number): Promise<LogEvent[]> {
    return (await this.control<{ events: unknown[] }>('events', { after })).events as LogEvent[];
  }

  /** Newest number of the merged log; events that are older by the clock may still come behind it. */
  async mark(): Promise<number> {
    return (await this.control<{ last: number }>('mark')).last;
  }

  get controlUrl(): string {
    return `http://127.0.0.1:${this.#yard.launcher?.port ?? 0}`;
  }

  get controlAuth(): RpcAuth {
    return { cookieFile: join(this.dir, 'control.cookie') };
  }
}
