import { headerHash } from '../bitcoin/header.ts';
import { Chain } from '../consensus/chain/chain.ts';
import { PREFIX } from '../consensus/store/records.ts';
import type { Row, Write } from '../consensus/store/store.ts';
import { plainReading } from '../consensus/validate/check.ts';
import type { SigCheck } from '../consensus/validate/verify.ts';
import { assert, unreachable } from '../util/assert.ts';
import { defined } from '../util/defined.ts';
import { seeded } from '../util/random.ts';
import { CompactRelay } from './blocks/compact-relay.ts';
import { BlockIntake } from './blocks/intake.ts';
import { Commands } from './commands.ts';
import { limits as standardLimits } from './limits.ts';
import { Mempool } from './mempool/mempool.ts';
import { Orphans } from './mempool/orphans.ts';
import { Mining } from './mining/mining.ts';
import { Peers } from './peers/peers.ts';
import { Server } from './relay/serve.ts';
import { TxRelay } from './relay/tx-relay.ts';
import { Session } from './session.ts';
import { StepContext } from './step-context.ts';
import { Download } from './sync/download.ts';
import { FutureBlocks } from './sync/future.ts';
import { HeaderSync } from './sync/headers.ts';
import { TipUpdater } from './tip-updater.ts';
import { type Input, type Micros, NEVER, type NodeOptions, type PeerId, type Step } from './types.ts';
import type { NodeView } from './view.ts';
import { viewOf } from './view-of.ts';
import { isCompact } from './wire/compact.ts';
import { decodeMessage, isBlockFrame, type Message } from './wire/messages.ts';
import { WorkQueue } from './work-queue.ts';

/** A part that has work at a time of its own. */
interface Timed {
  /** When it wants a `tick`; `NEVER` if it has nothing to do. */
  due(): Micros;
  /** One bounded piece of what is due. */
  tick(): void;
}

/** The parts of a node, each after those that it calls. No part knows `FullNode`. */
function createParts(context: StepContext) {
  const queue = new WorkQueue(context);
  const future = new FutureBlocks(context);
  const download = new Download(context);
  const server = new Server(context);
  const headers = new HeaderSync(context, { download, queue, future });
  const blocks = new BlockIntake(context, { headers, download, queue, future });
  const compact = new CompactRelay(context, { blocks, headers, download, queue });
  const mining = new Mining(context, { queue, blocks });
  const relay = new TxRelay(context, { mining });
  const tips = new TipUpdater(context, { blocks, download, relay, mining });
  const session = new Session(context, { headers, relay, server });
  const commands = new Commands(context, { queue, headers, download, blocks, relay, mining, tips });
  return {
    queue,
    future,
    download,
    server,
    headers,
    blocks,
    compact,
    mining,
    relay,
    tips,
    session,
    commands,
  };
}

/**
 * A whole node as a state machine: `step` is the only way in, `view` the only way to look. It is synchronous, does no
 * I/O, and has no clock and no chance but its inputs and seed; the same options and inputs give the same steps.
 *
 * The wall clock must be given (`clock`) before anything with a time can be judged: until then every block is
 * time-too-new, nothing is mined, and the mempool of the last run waits.
 */
export class FullNode {
  readonly view: NodeView;
  readonly #context: StepContext;
  readonly #parts: ReturnType<typeof createParts>;
  /** After `tips` and `queue`, in this order: what is due at the same time reaches the effects in it. */
  readonly #timed: readonly Timed[];
  /** Mempool rows of the last run, until the clock is known. */
  #saved: Row[] = [];
  /** The earliest `wake` that the host still owes us. */
  #wakeAt: Micros = NEVER;
  #steps = 0;
  /** In the last step with both to do, connecting had its turn. */
  #connects = false;
  #startedAt: Micros = 0;

  constructor(o: NodeOptions) {
    const limits = o.limits ?? standardLimits;
    const { params, verify } = o;
    const { bounds } = o;
    const chain = new Chain({
      params,
      store: o.store,
      index: this.#chainRows(o.index),
      verify,
      ...defined({ forkChoice: o.forkChoice, bounds }),
    });
    const context = new StepContext({
      params,
      limits,
      name: o.name,
      chain,
      mempool: new Mempool({ params, chain, verify, limits }),
      orphans: new Orphans(limits),
      peers: new Peers(),
      random: seeded(o.seed),
      reading: o.reading ?? plainReading(o.pairs),
      pairs: o.pairs,
    });
    const parts = createParts(context);
    const { compact, headers, download, future, server, relay, blocks, mining, session } = parts;
    const early: Timed = { due: () => future.due(), tick: () => this.#judgeEarly() };
    this.#context = context;
    this.#parts = parts;
    this.#timed = [compact, headers, download, early, server, relay, blocks, mining, session];
    this.view = viewOf(context, parts, {
      startedAt: () => this.#startedAt,
      steps: () => this.#steps,
      busy: () => this.#due() <= context.now,
    });
  }

  /** The index without the mempool's rows, which are set aside. */
  *#chainRows(index: Iterable<Row>): Iterable<Row> {
    for (const row of index) {
      if (row.key[0] === PREFIX.mempool || row.key[0] === PREFIX.returning) this.#saved.push(row);
      else yield row;
    }
  }

  /** `now` must not go back. */
  step(now: Micros, input: Input): Step {
    const context = this.#context;
    assert(Number.isSafeInteger(now) && now >= context.now, 'time goes forward, in whole microseconds');
    context.now = now;
    context.own = false;
    if (this.#steps++ === 0) this.#startedAt = now;
    // Showing what a big batch held is work enough for one turn of the timer.
    const caughtUp = this.#parts.tips.catchUp();
    if (!caughtUp || input.kind !== 'timer') this.#dispatch(input);
    this.#parts.download.run();
    const { writes, durable } = this.#batch();
    this.#wake(input);
    const effects = context.takeEffects();
    return context.chain.ahead ? { writes, durable, effects, ahead: true } : { writes, durable, effects };
  }

  /** What the next piece of connecting will verify. Reading it changes nothing. */
  signaturesAhead(): readonly SigCheck[] {
    return this.#context.chain.signaturesAhead(this.#context.limits.prefetchChecks);
  }

  /** Makes a bounded part of it ready; true when `signaturesAhead` has all at hand. Calling it, or not, changes nothing. */
  prefetch(): boolean {
    const { chain, limits } = this.#context;
    return chain.prefetch(limits.prefetchChecks, limits.prefetchPrepared);
  }

  #dispatch(input: Input): void {
    const parts = this.#parts;
    switch (input.kind) {
      case 'timer':
        this.#tick();
        return;
      case 'joined':
        this.#parts.session.joined(input.peer, input.inbound);
        return;
      case 'left':
        this.#parts.session.left(input.peer);
        return;
      case 'flow':
        this.#parts.session.flow(input.peer, input.open);
        return;
      case 'message':
        this.#frame(input.peer, input.bytes);
        return;
      case 'gossip':
        this.#gossip(input);
        return;
      case 'command':
        this.#parts.commands.run(input.ticket, input.command);
        return;
      case 'solved':
        parts.mining.solved(input.job, input.nonce, input.tries, input.ms);
        return;
      case 'exhausted':
        parts.mining.exhausted(input.job);
        return;
      case 'clock':
        this.#clock(input.offset);
        return;
      default:
        unreachable(input);
    }
  }

  /** One bounded piece of everything that waits for a turn or for a time. */
  #tick(): void {
    const { now, chain } = this.#context;
    const { tips, queue } = this.#parts;
    // Each of these two may fill a step: they take turns where both have something to do.
    const both = tips.due() <= now && queue.due() <= now;
    this.#connects = !both || !this.#connects;
    if (this.#connects) tips.tick();
    if (chain.ahead) return;
    if (!both || !this.#connects) queue.tick();
    for (const part of this.#timed) part.tick();
  }

  #due(): Micros {
    const { now } = this.#context;
    // While the tip is being updated, that is due now, and nothing can be due before now.
    let due = this.#parts.tips.due();
    if (due <= now) return now;
    due = Math.min(due, this.#parts.queue.due());
    for (const part of this.#timed) due = Math.min(due, part.due());
    return due;
  }

  /** Judges the headers and blocks that were too new when they came. */
  #judgeEarly(): void {
    const { headers, blocks, future } = this.#parts;
    for (const early of future.takeDue()) {
      const sender = this.#context.peers.get(early.peer);
      const peer = sender?.dropped === true ? undefined : sender;
      if (early.block !== undefined) blocks.again(early.block, peer);
      else if (peer !== undefined) headers.announced(peer, early.header, false);
      // Behind this one there may be more that we did not look at.
      if (peer !== undefined) headers.catchUp(peer);
    }
  }

  /** Asks for the next step, unless an earlier or equal one is on its way already. */
  #wake(input: Input): void {
    const { now } = this.#context;
    if (input.kind === 'timer') this.#wakeAt = NEVER;
    const due = Math.max(now, this.#due());
    if (due >= this.#wakeAt) return;
    this.#wakeAt = due;
    this.#context.effect({ kind: 'wake', at: due });
  }

  /** Rows of payments go with a batch that there is anyway; others gather for a while. */
  #batch(): { readonly writes: readonly Write[]; readonly durable: boolean } {
    const context = this.#context;
    const chain = context.chain.takeWrites(context.own);
    const all = context.own || chain.writes.length > 0;
    const others = [context.mempool.takeWrites(all, context.now), context.takeWrites()];
    // Mostly the chain's alone, or none: not worth a copy.
    const writes = others.every((rows) => rows.length === 0) ? chain.writes : chain.writes.concat(...others);
    return { writes, durable: context.own || chain.durable };
  }

  #clock(offset: Micros): void {
    const context = this.#context;
    assert(Number.isSafeInteger(offset), 'the clock offset is in whole microseconds');
    const before = context.offset;
    context.offset = offset;
    if (before === undefined) {
      context.mempool.restore(this.#saved, context.now, context.wallS);
      this.#saved = [];
    } else if (Math.abs(offset - before) >= context.limits.clockStep) {
      context.tell({ kind: 'clock', offsetMs: Math.round(offset / 1_000) });
      this.#parts.headers.recheck();
    }
    this.#parts.mining.clockChanged();
  }

  /** Every message gets one verdict, also those that are not even looked at. */
  #gossip(input: Input & { kind: 'gossip' }): void {
    const context = this.#context;
    const peer = context.peers.get(input.peer);
    const deaf = context.params.headersOnly === true;
    if (peer === undefined || peer.dropped || deaf || !peer.gossip.take(1, context.now)) {
      context.effect({ kind: 'judge', ticket: input.ticket, verdict: 'ignore' });
      return;
    }
    peer.lastHeard = context.now;
    const { blocks, compact, relay } = this.#parts;
    switch (input.topic) {
      case 'block':
        (isCompact(input.bytes) ? compact : blocks).gossip(peer, input.ticket, input.bytes);
        return;
      case 'tx':
        relay.gossip(peer, input.ticket, input.bytes);
        return;
      default:
        unreachable(input.topic);
    }
  }

  #frame(id: PeerId, bytes: Uint8Array): void {
    const context = this.#context;
    const peer = context.peers.get(id);
    if (peer === undefined || peer.dropped) return;
    peer.framesIn++;
    peer.bytesIn += bytes.length;
    peer.lastHeard = context.now;
    // Bodies that we asked for are bounded by our asking, and come as fast as the link can carry them.
    const asked = isBlockFrame(bytes) && peer.bodies.inFlight.size > 0;
    if (!asked && !peer.frames.take(1, context.now)) {
      context.fault(peer, 'flood', 'more than ' + context.limits.framesPerSecond + ' frames a second');
      return;
    }
    const decoded = decodeMessage(bytes, context.limits);
    if (!decoded.ok) {
      context.fault(peer, 'malformed-frame', decoded.error);
      return;
    }
    const message = decoded.value;
    if (!peer.ready && message.kind !== 'hello') {
      context.fault(peer, 'no-hello', 'the first frame is ' + message.kind + ', not hello');
      return;
    }
    this.#message(id, message);
  }

  #message(id: PeerId, message: Message): void {
    const parts = this.#parts;
    const peer = this.#context.peers.get(id);
    assert(peer !== undefined, 'the sender of a message is here');
    switch (message.kind) {
      case 'hello':
        this.#parts.session.hello(peer, message);
        return;
      case 'getheaders':
        parts.server.getHeaders(peer, message);
        return;
      case 'headers':
        parts.headers.answer(peer, message);
        return;
      case 'getblocks':
        parts.server.getBlocks(peer, message.ids);
        return;
      case 'block':
        parts.blocks.answer(peer, message.bytes);
        return;
      case 'notfound':
        parts.download.notFound(peer, message.ids);
        return;
      case 'getblocktxs':
        parts.server.getBlockTxs(peer, message.hash, message.indexes);
        return;
      case 'blocktxs':
        parts.compact.answer(peer, message);
        return;
      case 'gettxs':
        parts.server.getTxs(peer, message.ids);
        return;
      case 'tx':
        parts.relay.answer(peer, message.bytes);
        return;
      case 'tip':
        this.#parts.session.tip(peer, message, headerHash(message.header));
        return;
      case 'ping':
        this.#parts.session.pinged(peer, message.nonce);
        return;
      case 'pong':
        this.#parts.session.pong(peer, message.nonce);
        return;
      case 'inv':
        parts.relay.inv(peer, message.ids);
        return;
      default:
        unreachable(message);
    }
  }
}
