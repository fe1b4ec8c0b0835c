import { limits } from '../../src/node/limits.ts';
import type { PeerId, Topic } from '../../src/node/types.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/node/wire/messages.ts';
import type { Net, Party } from './net.ts';

type Kind = Message['kind'];

/** A peer on strings: says what a test makes it say, and remembers what it heard. */
export class Puppet implements Party {
  readonly id: PeerId;
  readonly heard: Message[] = [];
  readonly #net: Net;
  /** What it does on a message. */
  react: (message: Message) => void = () => {};
  connected = false;

  constructor(net: Net, id: PeerId) {
    this.id = id;
    this.#net = net;
    net.party(this);
  }

  joined(): void {
    this.connected = true;
  }

  left(): void {
    this.connected = false;
  }

  message(_peer: PeerId, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, limits);
    if (!decoded.ok) throw new Error('an honest node sent a bad frame: ' + decoded.error);
    this.heard.push(decoded.value);
    this.react(decoded.value);
  }

  gossip(): void {}

  all<K extends Kind>(kind: K): (Message & { kind: K })[] {
    return this.heard.filter((message): message is Message & { kind: K } => message.kind === kind);
  }

  raw(to: string, bytes: Uint8Array): void {
    this.#net.carry(this.id, to, (party) => party.message(this.id, bytes));
  }

  send(to: string, message: Message): void {
    this.raw(to, encodeMessage(message));
  }

  publish(to: string, topic: Topic, bytes: Uint8Array): void {
    this.#net.carry(this.id, to, (party) => party.gossip(this.id, topic, bytes));
  }

  hello(to: string, changed: Partial<Message & { kind: 'hello' }> = {}): void {
    const { params } = this.#net;
    this.send(to, {
      kind: 'hello',
      version: 1,
      genesis: params.genesisHash,
      name: this.id,
      height: 0,
      work: 1n,
      tip: params.genesisHash,
      ...changed,
    });
  }

  /** Joined and greeted. */
  meet(to: string, changed: Partial<Message & { kind: 'hello' }> = {}): void {
    this.#net.connect(this.id, to);
    this.hello(to, changed);
    this.#net.run(50);
  }
}
