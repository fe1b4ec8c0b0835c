import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Params } from '../../src/consensus/params/params.ts';
import { LAB } from '../dsl/networks.ts';
import { agreed, aliceOn, connections, eventsOf, genesisFile, ofKind } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';

const ATTACK = fileURLToPath(new URL('attack.mjs', import.meta.url));

interface AttackOptions {
  readonly mode: string;
  readonly peers: number;
  readonly [other: string]: string | number | boolean;
}

/** What attack.mjs has done so far. */
interface Deeds {
  readonly opened: number;
  readonly ended: number;
  readonly bytes: number;
}

/** An attacker on this node, as a process of its own that knows nothing but the wire. */
class Attack {
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
function residentMB(node: LiveNode): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(node.child.pid)]).toString()) / 1_024;
}

/** Looks at a node again and again while something goes on. */
class Watch {
  mostMB = 0;
  /** How long each call took, in milliseconds. */
  readonly callMs: number[] = [];
  readonly #node: LiveNode;
  #going = true;
  readonly #loop: Promise<void>;

  constructor(node: LiveNode) {
    this.#node = node;
    this.#loop = this.#look();
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async #look(): Promise<void> {
    while (this.#going) {
      this.mostMB = Math.max(this.mostMB, residentMB(this.#node));
      // RPC is answered all the while.
      const began = performance.now();
      await this.#node.call('getblockcount');
      this.callMs.push(performance.now() - began);
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/** An attack goes on until it has done so much. */
interface Enough {
  readonly opened?: number;
  readonly bytes?: number;
  /** Blocks that an honest peer mines meanwhile. */
  readonly blocks?: number;
}

/** Nearest rank. */
function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** How long each block took from the miner to the tip of `node`, by their logs, in milliseconds. */
async function blockDelays(miner: LiveNode, node: LiveNode): Promise<number[]> {
  const found = new Map(ofKind(await eventsOf(miner), 'tip').map(({ id, t }) => [id, t]));
  return ofKind(await eventsOf(node), 'tip').flatMap(({ id, t }) =>
    found.has(id) ? [t - found.get(id)!] : [],
  );
}

/** From the start of a node to the first peer that is ready, by its log, in milliseconds. */
async function joinTime(node: LiveNode): Promise<number> {
  const events = await eventsOf(node);
  return ofKind(events, 'peer-ready')[0]!.t - ofKind(events, 'start')[0]!.t;
}

/** Above rest, whatever comes in. */
const MOST_MB = 150;

/** What a node has noted, each sentence once with how often. */
async function notesOf(node: LiveNode): Promise<string> {
  const counts = new Map<string, number>();
  for (const { text } of ofKind(await eventsOf(node), 'note')) {
    const what = text.replace(/12D3Koo\w+|\d+ bytes/g, '…');
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const peers = await node.call<number>('getconnectioncount');
  return `${node.datadir}: ${peers} peers; ${[...counts].map(([what, n]) => `${n} × ${what}`).join('; ')}`;
}

/** Nodes that are attacked, each once. */
export class Besieged {
  readonly #rig = new LiveRig();
  readonly #options = ['--genesis', genesisFile(this.#rig, LAB)];

  close(): Promise<void> {
    return this.#rig.close();
  }

  /** Blocks of an honest peer get through, a newcomer gets in, memory has its bound, and nobody honest is blamed. */
  async withstands(o: AttackOptions, enough: Enough): Promise<void> {
    const node = await this.#rig.start(`${o.mode}-node`, ...this.#options);
    const honest = await this.#peerOf(node, `${o.mode}-honest`);
    const restMB = residentMB(node);
    const watch = new Watch(node);
    const attack = new Attack(this.#rig, node, LAB, o);
    await until('the attack is under way', () => attack.deeds.opened > 0);
    const newcomer = this.#rig.launch(`${o.mode}-newcomer`, ...this.#options, '--connect', node.address);
    try {
      await newcomer.ready();
      await connections(newcomer, 1);
      for (let block = 0; block < (enough.blocks ?? 3); block++) {
        const [tip] = await honest.call<string[]>('generatetoaddress', 1, aliceOn(LAB));
        await agreed([node, newcomer], tip);
      }
      await until('it has gone on for long enough', () => {
        const { opened, bytes } = attack.deeds;
        return opened >= (enough.opened ?? 0) && bytes >= (enough.bytes ?? 0);
      });
    } catch (error) {
      const notes = await Promise.all([node, newcomer].map(notesOf));
      throw new Error(`${(error as Error).message}\n${notes.join('\n')}`, { cause: error });
    } finally {
      await attack.stop();
      await watch.stop();
    }
    const faults = ofKind(await eventsOf(node), 'fault');
    const blameless = [honest.peerId, newcomer.peerId];
    expect(faults.filter(({ peer }) => blameless.includes(peer))).toEqual([]);
    const peers = await node.call<{ peerid: string; score: number }[]>('getpeerinfo');
    expect(peers.find(({ peerid }) => peerid === honest.peerId)).toMatchObject({ score: 100 });
    const delays = await blockDelays(honest, node);
    console.log(
      `${o.mode} from ${o.peers}: ${(watch.mostMB - restMB).toFixed(0)} MB above rest; ` +
        `${delays.length} blocks in ${quantile(delays, 0.5).toFixed(0)} ms, p95 ${quantile(delays, 0.95).toFixed(0)} ms; ` +
        `RPC p50 ${quantile(watch.callMs, 0.5).toFixed(0)} ms, p99 ${quantile(watch.callMs, 0.99).toFixed(0)} ms; ` +
        `joined in ${(await joinTime(newcomer)).toFixed(0)} ms`,
    );
    expect(watch.mostMB - restMB).toBeLessThan(MOST_MB);
    expect(node.stderr).toBe('');
    for (const one of [newcomer, honest, node]) expect(await one.stop()).toEqual({ code: 0, signal: null });
  }

  async #peerOf(node: LiveNode, name: string): Promise<LiveNode> {
    const peer = await this.#rig.start(name, ...this.#options, '--connect', node.address);
    await connections(peer, 1);
    return peer;
  }
}
