import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Params } from '../../src/consensus/params/params.ts';
import { createNetwork } from '../../src/host/net/network.ts';
import type { Network } from '../../src/host/net/types.ts';
import { limits } from '../../src/node/limits.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/node/wire/messages.ts';
import { type LiveNode, type LiveRig, until } from './node-rig.ts';

/** A peer made of our own network stack and nothing behind it: it says what a test makes it say. */
export class Stranger {
  readonly heard: Message[] = [];
  /** Called for each message, such as to answer it. */
  onMessage: (message: Message) => void = () => undefined;
  readonly #params: Params;
  #network: Network | undefined;
  #victim = '';
  #met = 0;
  #parted = 0;

  private constructor(params: Params) {
    this.#params = params;
  }

  /** Connected to `victim`, hellos not yet exchanged. */
  static async meet(rig: LiveRig, victim: LiveNode, params: Params): Promise<Stranger> {
    const stranger = new Stranger(params);
    stranger.#victim = victim.peerId;
    stranger.#network = await createNetwork({
      dir: mkdtempSync(join(rig.dir, 'stranger-')),
      genesisId: params.genesisId,
      listen: [],
      connect: [victim.address],
      maxGossip: 4_000_000,
      maxFrame: 64_000_000,
      asksForMuch: () => true,
      maxPeers: 4,
      note: () => undefined,
      events: {
        joined: () => void stranger.#met++,
        left: () => void stranger.#parted++,
        message: (_, frame) => {
          const message = decodeMessage(frame, limits);
          if (!message.ok) throw new Error(`the node sent a bad frame: ${message.error}`);
          stranger.heard.push(message.value);
          stranger.onMessage(message.value);
        },
        gossip: (_peer, _topic, _bytes, verdict) => verdict('ignore'),
      },
    });
    rig.onClose(() => stranger.close());
    await until('the stranger is connected', () => stranger.#met > 0);
    return stranger;
  }

  get peerId(): string {
    return this.#network!.peerId;
  }

  /** How often the node has hung up. */
  get parted(): number {
    return this.#parted;
  }

  frame(bytes: Uint8Array): void {
    this.#network!.send(this.#victim, bytes);
  }

  say(message: Message): void {
    this.frame(encodeMessage(message));
  }

  hello(changes: Partial<Message & { kind: 'hello' }> = {}): void {
    const { genesisHash } = this.#params;
    const name = 'stranger';
    this.say({
      kind: 'hello',
      version: 1,
      genesis: genesisHash,
      name,
      height: 0,
      work: 0n,
      tip: genesisHash,
      ...changes,
    });
  }

  publish(topic: 'block' | 'tx', bytes: Uint8Array): void {
    this.#network!.publish(topic, bytes);
  }

  close(): Promise<void> {
    return this.#network!.close();
  }
}
