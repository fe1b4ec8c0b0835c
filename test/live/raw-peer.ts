import { existsSync, readFileSync } from 'node:fs';
import { identify } from '@libp2p/identify';
import type { Connection, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import '../../src/host/net/polyfill.ts';
import { createLibp2p } from 'libp2p';
import type { Params } from '../../src/consensus/params/params.ts';
import { syncProtocol } from '../../src/host/net/network.ts';
import { limits } from '../../src/node/limits.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/node/wire/messages.ts';
import { concat } from '../../src/util/bytes.ts';

const GOSSIP = '/meshsub/1.1.0';
const frameOf = (bytes: Uint8Array) =>
  concat(Uint8Array.of(bytes.length, bytes.length >> 8, bytes.length >> 16, bytes.length >> 24), bytes);

type Libp2p = Awaited<ReturnType<typeof createLibp2p>>;

/** An identity made of bare libp2p, with none of our classes behind it. It may meet a node again after a break. */
export class RawPeer {
  readonly #params: Params;
  readonly #libp2p: Libp2p;
  #connection: Connection | undefined;
  #sync: Stream | undefined;
  #left: Uint8Array = new Uint8Array();
  /** Called for each message that it reads. */
  onMessage: (message: Message) => void = () => undefined;

  private constructor(params: Params, libp2p: Libp2p) {
    this.#params = params;
    this.#libp2p = libp2p;
  }

  static async make(params: Params): Promise<RawPeer> {
    const libp2p = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify() },
    });
    // What the node opens towards us is taken and left alone.
    await libp2p.handle([syncProtocol(params.genesisId), GOSSIP], () => undefined, { maxInboundStreams: 10 });
    return new RawPeer(params, libp2p);
  }

  get id(): string {
    return this.#libp2p.peerId.toString();
  }

  get isOpen(): boolean {
    return this.#connection?.status === 'open';
  }

  /** Connects and says hello. False when the node does not want it (any more). */
  async meet(address: string): Promise<boolean> {
    try {
      this.#connection = await this.#libp2p.dial(multiaddr(address));
      this.#sync = await this.#connection.newStream(syncProtocol(this.#params.genesisId));
    } catch {
      // Refused, banned, or hung up on in this moment.
      return false;
    }
    const sync = this.#sync;
    this.#left = new Uint8Array();
    sync.maxReadBufferLength = 64_000_000;
    sync.addEventListener('message', ({ data }) => this.#read(data.subarray()));
    const { genesisHash } = this.#params;
    const hello = {
      kind: 'hello',
      version: 1,
      genesis: genesisHash,
      name: 'raw',
      height: 0,
      work: 0n,
    } as const;
    return this.say({ ...hello, tip: genesisHash });
  }

  /** From now on nothing that the node sends by the sync stream is read; the connection as such stays alive. */
  deafen(): void {
    if (this.#sync?.readStatus === 'readable') this.#sync.pause();
  }

  hearAgain(): void {
    if (this.#sync?.readStatus === 'paused') this.#sync.resume();
  }

  /** False when the connection has ended. */
  say(message: Message): boolean {
    if (this.#sync?.writeStatus !== 'writable') return false;
    this.#sync.send(frameOf(encodeMessage(message)));
    return true;
  }

  #read(data: Uint8Array): void {
    this.#left = concat(this.#left, data);
    for (;;) {
      if (this.#left.length < 4) return;
      const length = new DataView(this.#left.buffer, this.#left.byteOffset).getUint32(0, true);
      if (this.#left.length < 4 + length) return;
      const message = decodeMessage(this.#left.slice(4, 4 + length), limits);
      this.#left = this.#left.slice(4 + length);
      if (!message.ok) throw new Error(`the node sent a bad frame: ${message.error}`);
      this.onMessage(message.value);
    }
  }

  async hangUp(): Promise<void> {
    this.#connection?.abort(new Error('enough'));
  }

  async stop(): Promise<void> {
    await this.hangUp();
    await this.#libp2p.stop();
  }
}

/** Where there is no /proc, the memory of another process cannot be read this way. */
export const canReadMemory = existsSync('/proc/self/status');

/** Resident memory of a process, in megabytes. */
export function residentMb(pid: number): number {
  const [, kB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kB) / 1_000;
}
