import { encodeHeader } from '../../bitcoin/header.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { concat, equal, keyOf } from '../../util/bytes.ts';
import type { Peer, Served } from '../peers/peers.ts';
import type { StepContext } from '../step-context.ts';
import { type Micros, NEVER } from '../types.ts';
import type { Message } from '../wire/messages.ts';

/**
 * Answers to peers. A request is only put into its peer's bounded queue; the queues are served in turns, at most
 * `limits.serveBytesPerStep` a step and `limits.serveBytesPerSecond` a peer, so that nobody's appetite makes a step long
 * or starves another peer. A peer that does not read has none (`Peer.flowing`): its requests wait, which cost an id each.
 */
export class Server {
  readonly #context: StepContext;
  /** Whose turn it is: index into the peers by id. Moves on with every item. */
  #turn = 0;

  constructor(context: StepContext) {
    this.#context = context;
  }

  getHeaders(peer: Peer, message: Message & { kind: 'getheaders' }): void {
    const { chain, limits } = this.#context;
    const waiting = peer.queue.filter((item) => item.kind === 'headers').length;
    if (waiting >= limits.servedRequestsPerPeer) {
      this.#context.fault(peer, 'too-many-requests', 'more than ' + waiting + ' getheaders at once');
      return;
    }
    const from = chain.findFork(message.locator);
    peer.queue.push({ kind: 'headers', id: message.id, from, stop: message.stop });
    this.run();
  }

  /** A peer on a slow link may ask again for what waits for it: that is sent once. */
  getBlocks(peer: Peer, ids: readonly Uint8Array[]): void {
    const waiting = new Set<string>();
    if (!peer.flowing) {
      for (const item of peer.queue) if (item.kind === 'block') waiting.add(keyOf(item.hash));
    }
    this.#enqueue(
      peer,
      ids.filter((hash) => !waiting.has(keyOf(hash))).map((hash) => ({ kind: 'block', hash })),
      this.#context.limits.servedBlocksPerPeer,
    );
  }

  getBlockTxs(peer: Peer, hash: Uint8Array, indexes: readonly number[]): void {
    this.#enqueue(peer, [{ kind: 'blocktxs', hash, indexes }], this.#context.limits.servedRequestsPerPeer);
  }

  getTxs(peer: Peer, ids: readonly Uint8Array[]): void {
    this.#enqueue(
      peer,
      ids.map((txid) => ({ kind: 'tx', txid })),
      this.#context.limits.servedTxsPerPeer,
    );
  }

  #enqueue(peer: Peer, items: readonly Served[], most: number): void {
    if (items.length === 0) return;
    const { kind } = items[0]!;
    const waiting = peer.queue.filter((item) => item.kind === kind).length;
    if (waiting + items.length > most) {
      this.#context.fault(peer, 'too-many-requests', waiting + items.length + ' requests at once');
      return;
    }
    peer.queue.push(...items);
    this.run();
  }

  /** Serves in turns until the step's bytes are used up; what remains waits for the next step. */
  run(): void {
    const { limits, now } = this.#context;
    let bytes = 0;
    while (bytes < limits.serveBytesPerStep) {
      const peer = this.#next(now);
      if (peer === undefined) return;
      const size = this.#serve(peer, peer.queue.shift()!);
      peer.serveBytes.charge(size, now);
      bytes += size;
    }
  }

  /** The next peer, after the last one served, that waits, reads what it is sent, and has bytes left. */
  #next(now: Micros): Peer | undefined {
    const peers = this.#context.peers.ready();
    for (let i = 0; i < peers.length; i++) {
      const at = (this.#turn + i) % peers.length;
      const peer = peers[at]!;
      if (peer.queue.length === 0 || !peer.flowing || !peer.serveBytes.has(0, now)) continue;
      this.#turn = at + 1;
      return peer;
    }
    return undefined;
  }

  /** Sends one answer and tells its size. A missing transaction is no answer: the asker has others to ask. */
  #serve(peer: Peer, item: Served): number {
    const { chain, limits, mempool } = this.#context;
    switch (item.kind) {
      case 'headers': {
        // The chain may have moved since the request: answer from where its branch still is on ours.
        let from = item.from;
        while (!chain.isActive(from) && from.parent !== undefined) from = from.parent;
        if (chain.forkChoice === 'ghost') return this.#serveTree(peer, item.id, from);
        const headers: Uint8Array[] = [];
        for (const header of chain.headersAfter(from, limits.maxHeadersPerMessage)) {
          headers.push(encodeHeader(header));
        }
        const stop = headers.findIndex((_, i) => equal(chain.atHeight(from.height + 1 + i)!.hash, item.stop));
        if (stop >= 0) headers.length = stop + 1;
        this.#context.send(peer, { kind: 'headers', id: item.id, headers });
        return 80 * headers.length + 32;
      }
      case 'block': {
        const entry = chain.entry(item.hash);
        const bytes =
          entry === undefined || entry.condemned !== undefined ? undefined : chain.blockBytes(entry);
        if (bytes === undefined) this.#context.send(peer, { kind: 'notfound', ids: [item.hash] });
        else this.#context.send(peer, { kind: 'block', bytes });
        return bytes?.length ?? 32;
      }
      case 'blocktxs': {
        const parts = this.#blockTxs(item.hash, item.indexes);
        const bytes = concat(...parts);
        this.#context.send(peer, { kind: 'blocktxs', hash: item.hash, count: parts.length, bytes });
        // The whole block may have been read and parsed for one small answer: that is what it costs.
        return parts.length === 0 ? 32 : Math.max(bytes.length, chain.entry(item.hash)!.size) + 32;
      }
      case 'tx': {
        const entry = mempool.get(item.txid);
        if (entry !== undefined) this.#context.send(peer, { kind: 'tx', bytes: entry.tx.bytes });
        return entry === undefined ? 32 : entry.tx.bytes.length;
      }
    }
  }

  /**
   * Under GHOST blocks beside the chain count too: all branches, from a little below the fork on, since one that was found
   * just before a cut may be on one side of it alone.
   */
  #serveTree(peer: Peer, id: number, fork: BlockEntry): number {
    const { chain, limits } = this.#context;
    const below = fork.height - limits.ghostBelowFork;
    const headers = chain.treeAbove(below, limits.maxHeadersPerMessage).map(encodeHeader);
    this.#context.send(peer, { kind: 'headers', id, headers });
    return 80 * headers.length + 32;
  }

  /** Only of a recent block, whose body is likely still at hand; none when it has no such transactions. */
  #blockTxs(hash: Uint8Array, indexes: readonly number[]): Uint8Array[] {
    const { chain, limits } = this.#context;
    const entry = chain.entry(hash);
    if (entry === undefined || entry.condemned !== undefined) return [];
    if (entry.height + limits.compactServeDepth < chain.tip.height) return [];
    if (!entry.hasBody || indexes.at(-1)! >= entry.txs) return [];
    const { txs } = chain.block(entry)!;
    return indexes.map((index) => txs[index]!.bytes);
  }

  tick(): void {
    this.run();
  }

  due(): Micros {
    const { now } = this.#context;
    let due = NEVER;
    for (const peer of this.#context.peers.ready()) {
      if (peer.queue.length > 0 && peer.flowing) due = Math.min(due, peer.serveBytes.readyAt(0, now));
    }
    return due;
  }
}
