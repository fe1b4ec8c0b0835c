import { encodeHeader, type Header, headerHash } from '../../src/bitcoin/header.ts';
import { nobleVerify } from '../../src/bitcoin/secp.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { isRuleName, type RuleName } from '../../src/consensus/params/rules.ts';
import type { News } from '../../src/events/events.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { limits } from '../../src/node/limits.ts';
import type { CommandResult, GossipVerdict, Input, PeerId } from '../../src/node/types.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/node/wire/messages.ts';
import { equal, idOf } from '../../src/util/bytes.ts';
import type { Driver } from '../dsl/driver.ts';
import { MemoryStore } from '../dsl/memory-store.ts';

/** How a block is shown to the node: by a local caller, by gossip, or as the answer to the node's own request. */
export type Way = 'submit' | 'gossip' | 'sync';

/** A whole node on a disk in memory, driven by nothing but `FullNode.step`. Each block comes from a peer of its own. */
export class StepDriver implements Driver {
  readonly store = new MemoryStore();
  readonly node: FullNode;
  readonly news: News[] = [];
  /** The last block's verdict, if it came by gossip. */
  verdict: GossipVerdict | undefined;
  readonly #way: Way;
  readonly #params: Params;
  readonly #answers = new Map<number, CommandResult>();
  readonly #inbox: { readonly peer: PeerId; readonly message: Message }[] = [];
  #serial = 0;

  constructor(o: { readonly params: Params; readonly wallS: number; readonly way: Way }) {
    this.#way = o.way;
    this.#params = o.params;
    this.node = new FullNode({
      params: o.params,
      store: this.store,
      index: [],
      verify: nobleVerify,
      seed: 1,
      name: 'S',
      limits: { ...limits, newsRefusalsPerSecond: 1_000 },
    });
    this.#step({ kind: 'clock', offset: o.wallS * 1_000_000 });
  }

  /** One step and all the timers that it asks for at once. Time stands still. */
  #step(input: Input): void {
    for (let next = input; ; next = { kind: 'timer' }) {
      const step = this.node.step(0, next);
      this.store.commit(step.writes);
      for (const effect of step.effects) {
        if (effect.kind === 'tell') this.news.push(effect.news);
        else if (effect.kind === 'judge') this.verdict = effect.verdict;
        else if (effect.kind === 'answer') this.#answers.set(effect.ticket, effect.result);
        else if (effect.kind === 'send') {
          const decoded = decodeMessage(effect.bytes, limits);
          if (decoded.ok) this.#inbox.push({ peer: effect.peer, message: decoded.value });
        }
      }
      if (!this.node.view.busy) return;
    }
  }

  #meet(tip: Uint8Array): PeerId {
    const peer = 'peer ' + this.#serial++;
    this.#step({ kind: 'joined', peer, inbound: true });
    this.#say(peer, {
      kind: 'hello',
      version: 1,
      genesis: this.#params.genesisHash,
      name: '',
      height: 0,
      work: 0n,
      tip,
    });
    return peer;
  }

  #say(peer: PeerId, message: Message): void {
    this.#step({ kind: 'message', peer, bytes: encodeMessage(message) });
  }

  header(header: Header): RuleName | undefined {
    const from = this.news.length;
    const peer = this.#meet(this.#params.genesisHash);
    this.#say(peer, { kind: 'tip', header: encodeHeader(header), height: 0, work: 0n, gossiped: true });
    this.#step({ kind: 'left', peer });
    return this.#blamed(from);
  }

  block(bytes: Uint8Array): RuleName | undefined {
    const from = this.news.length;
    if (this.#way === 'submit') return this.#submit(bytes);
    if (this.#way === 'gossip') {
      const peer = this.#meet(this.#params.genesisHash);
      this.verdict = undefined;
      this.#step({ kind: 'gossip', ticket: this.#serial++, peer, topic: 'block', bytes });
      this.#step({ kind: 'left', peer });
    } else {
      this.#serve(bytes);
    }
    return this.#refused(from, idOf(headerHash(bytes.slice(0, 80))));
  }

  #submit(bytes: Uint8Array): RuleName | undefined {
    const ticket = this.#serial++;
    this.#step({ kind: 'command', ticket, command: { kind: 'submit-block', bytes } });
    const result = this.#answers.get(ticket);
    return result?.kind === 'refused' ? result.refusal.rule : undefined;
  }

  /** A peer that has this one block more than we, and answers what it is asked. */
  #serve(bytes: Uint8Array): void {
    const header = bytes.slice(0, 80);
    const hash = headerHash(header);
    this.#inbox.length = 0;
    const peer = this.#meet(hash);
    for (let heard = this.#inbox.shift(); heard !== undefined; heard = this.#inbox.shift()) {
      if (heard.peer !== peer) continue;
      const { message } = heard;
      if (message.kind === 'getheaders')
        this.#say(peer, { kind: 'headers', id: message.id, headers: [header] });
      else if (message.kind === 'getblocks' && message.ids.some((id) => equal(id, hash))) {
        this.#say(peer, { kind: 'block', bytes });
      }
    }
    this.#step({ kind: 'left', peer });
  }

  #refused(from: number, id: string): RuleName | undefined {
    const told = this.news.slice(from).find((news) => news.kind === 'refused' && news.id === id);
    if (told?.kind === 'refused' && isRuleName(told.rule)) return told.rule;
    return this.#blamed(from);
  }

  /** Faults name the rule that a header broke. */
  #blamed(from: number): RuleName | undefined {
    const told = this.news.slice(from).find((news) => news.kind === 'fault');
    const rule = told?.kind === 'fault' ? told.detail.split(':')[0]! : '';
    return isRuleName(rule) ? rule : undefined;
  }

  tip(): string {
    return this.node.view.chain.tip.id;
  }
}
