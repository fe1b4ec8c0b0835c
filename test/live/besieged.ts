import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Params } from '../../src/consensus/params.ts';
import { type LiveNode, type LiveRig, until } from './node-rig.ts';

const ATTACK = fileURLToPath(new URL('attack.mjs', import.meta.url));

export interface AttackOptions {
  readonly mode: string;
  readonly peers: number;
  readonly [other: string]: string | number | boolean;
}

/** What attack.mjs has done so far. */
export interface Deeds {
  readonly opened: number;
  readonly ended: number;
  readonly bytes: number;
}

/** An attacker on this node, as a process of its own that knows nothing but the wire. */
export class Attack {
  deeds: Deeds = { opened: 0, ended: 0, bytes: 0 };
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #rest = '';

  constructor(rig: LiveRig, node: LiveNode, params: Params, o: AttackOptions) {
    const options = { ...o, address: node.address, genesis: params.genesisId };
    this.#child = spawn(process.execPath, [ATTACK, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#exited = new Promise((done) => this.#child.once('close', () => done()));
    this.#child.stdout!.on('data', (data: Buffer) => {
      const lines = (this.#rest + data.toString()).split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) this.deeds = { ...this.deeds, ...JSON.parse(line) };
    });
    rig.onClose(() => this.stop());
  }

  /** It has opened so many connections. */
  async opened(count: number): Promise<void> {
    await until(`${count} attackers are there`, () => this.deeds.opened >= count);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

/** Resident memory of a node, in MB. */
export function residentMB(node: LiveNode): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(node.child.pid)]).toString()) / 1_024;
}

/** Looks at a node again and again while something goes on. */
export class Watch {
  /** Before anything happened. */
  readonly firstMB: number;
  mostMB = 0;
  readonly rpcMs: number[] = [];
  readonly #node: LiveNode;
  #going = true;
  readonly #loop: Promise<void>;

  constructor(node: LiveNode) {
    this.#node = node;
    this.firstMB = residentMB(node);
    this.#loop = this.#look();
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async #look(): Promise<void> {
    while (this.#going) {
      this.mostMB = Math.max(this.mostMB, residentMB(this.#node));
      const began = performance.now();
      await this.#node.call('getblockcount');
      this.rpcMs.push(performance.now() - began);
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/** The value below which `share` of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
