import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNetwork } from '../../src/host/net/network.ts';
import type { LinkRules, Network, NetworkEvents, NetworkOptions } from '../../src/host/net/types.ts';
import type { GossipVerdict, PeerId, Topic } from '../../src/node/types.ts';

export const GENESIS = 'ab'.repeat(32);

/** One network with all that it told. */
export interface Rig {
  readonly name: string;
  readonly net: Network;
  readonly joined: PeerId[];
  readonly left: PeerId[];
  readonly frames: { peer: PeerId; bytes: Uint8Array; at: number }[];
  readonly gossip: { peer: PeerId; topic: Topic; bytes: Uint8Array; at: number }[];
  readonly notes: string[];
  /** What the node does with frames and gossip; both may be replaced. */
  onFrame: (bytes: Uint8Array) => void | Promise<void>;
  verdict: (bytes: Uint8Array) => GossipVerdict | undefined;
  readonly dir: string;
}

/** Networks of one test, on 127.0.0.1 and free ports; `close` ends them and removes their directories. */
export class Rigs {
  readonly all: Rig[] = [];
  readonly #dirs: string[] = [];

  async dir(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'forkyard-net-'));
    this.#dirs.push(dir);
    return dir;
  }

  async start(name: string, o: Partial<NetworkOptions> = {}): Promise<Rig> {
    const dir = o.dir ?? (await this.dir());
    const rig: Omit<Rig, 'net'> = {
      name,
      dir,
      joined: [],
      left: [],
      frames: [],
      gossip: [],
      notes: [],
      onFrame: () => undefined,
      verdict: () => 'accept',
    };
    const events: NetworkEvents = {
      joined: (peer) => void rig.joined.push(peer),
      left: (peer) => void rig.left.push(peer),
      message: (peer, bytes) => {
        rig.frames.push({ peer, bytes, at: performance.now() });
        return rig.onFrame(bytes);
      },
      gossip: (peer, topic, bytes, verdict) => {
        rig.gossip.push({ peer, topic, bytes, at: performance.now() });
        const v = rig.verdict(bytes);
        if (v !== undefined) verdict(v);
      },
    };
    const net = await createNetwork({
      genesisId: GENESIS,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      connect: [],
      maxGossip: 2 << 20,
      maxFrame: 4 << 20,
      asksForMuch: () => true,
      maxPeers: 32,
      events,
      note: (text) => void rig.notes.push(text),
      ...o,
      dir,
    });
    const whole = Object.assign(rig, { net });
    this.all.push(whole);
    return whole;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((r) => r.net.close()));
    await Promise.all(this.#dirs.map((dir) => rm(dir, { recursive: true, force: true })));
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Waits for a condition; what it waits for is named when it never comes. */
export async function until(what: string, condition: () => boolean, ms = 90_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(2);
  }
}

export const address = (rig: Rig): string => rig.net.addresses[0]!;

export const connected = (a: Rig, b: Rig): boolean =>
  a.net.peers().some((p) => p.peer === b.net.peerId) && b.net.peers().some((p) => p.peer === a.net.peerId);

export const rules = (o: Partial<LinkRules>): LinkRules => ({ refuse: [], delayMs: 0, delayTo: {}, ...o });

/** `size` bytes that are like no others: `tag`, then a fill. */
export function blob(tag: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(tag & 255);
  new DataView(bytes.buffer).setUint32(0, tag, true);
  return bytes;
}
