import { headerHash } from '../bitcoin/header.ts';
import { Chain } from '../consensus/chain.ts';
import { plainReading } from '../consensus/check.ts';
import { PREFIX } from '../consensus/records.ts';
import type { Row, Write } from '../consensus/store.ts';
import type { SigCheck } from '../consensus/verify.ts';
import { assert, unreachable } from '../util/assert.ts';
import { seeded } from '../util/random.ts';
import { Blocks } from './blocks.ts';
import { Commands } from './commands.ts';
import { isCompact } from './compact.ts';
import { CompactRelay } from './compact-relay.ts';
import { Connector } from './connector.ts';
import { Core, NEVER } from './core.ts';
import { Download } from './download.ts';
import { FutureBlocks } from './future.ts';
import { HeaderSync } from './headers.ts';
import { limits as standardLimits } from './limits.ts';
import { Mempool } from './mempool.ts';
import { Mining } from './mining.ts';
import { Orphans } from './orphans.ts';
import { Peers } from './peers.ts';
import { Pieces } from './pieces.ts';
import { TxRelay } from './relay.ts';
import { Server } from './serve.ts';
import { Session } from './session.ts';
import type { Input, Micros, NodeOptions, PeerId, Step } from './types.ts';
import type { NodeView } from './view.ts';
import { viewOf } from './view-of.ts';
import { decodeMessage, isBlockFrame, type Message } from './wire.ts';

/**
 * A whole node as a state machine: `step` is the only way in, `view` the only way to look. It is synchronous, does no
 * I/O, and has no clock and no chance but its inputs and seed; the same options and inputs give the same steps.
 *
 * The wall clock must be given (`clock`) before anything with a time can be judged: until then every block is
 * time-too-new, nothing is mined, and the mempool of the last run waits.
 */
export class FullNode {
  readonly view: NodeView;
  readonly #core: Core;
  readonly #session: Session;
  readonly #commands: Commands;
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
      ...(o.forkChoice === undefined ? {} : { forkChoice: o.forkChoice }),
      ...(bounds === undefined ? {} : { bounds }),
    });
    const core = new Core({
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
    core.parts = {
      headers: new HeaderSync(core),
      download: new Download(core),
      blocks: new Blocks(core),
      compact: new CompactRelay(core),
      pieces: new Pieces(core),
      future: new FutureBlocks(core),
      connector: new Connector(core),
      relay: new TxRelay(core),
      server: new Server(core),
      mining: new Mining(core),
    };
    this.#core = core;
    this.#session = new Session(core);
    this.#commands = new Commands(core);
    this.view = viewOf(core, {
      startedAt: () => this.#startedAt,
      steps: () => this.#steps,
      busy: () => this.#due() <= core.now,
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
    const core = this.#core;
    assert(Number.isSafeInteger(now) && now >= core.now, 'time goes forward, in whole microseconds');
    core.now = now;
    core.own = false;
    if (this.#steps++ === 0) this.#startedAt = now;
    // Showing what a big batch held is work enough for one turn of the timer.
    const caughtUp = core.parts.connector.catchUp();
    if (!caughtUp || input.kind !== 'timer') this.#dispatch(input);
    core.parts.download.run();
    const { writes, durable } = this.#batch();
    this.#wake(input);
    const effects = core.takeEffects();
    return core.chain.ahead ? { writes, durable, effects, ahead: true } : { writes, durable, effects };
  }

  /** What the next piece of connecting will verify. Reading it changes nothing. */
  foresee(): readonly SigCheck[] {
    return this.#core.chain.foresee(this.#core.limits.foreseeChecks);
  }

  /** Makes a bounded part of it ready; true when `foresee` has all at hand. Calling it, or not, changes nothing. */
  lookAhead(): boolean {
    const { chain, limits } = this.#core;
    return chain.lookAhead(limits.foreseeChecks, limits.foreseePrepared);
  }

  #dispatch(input: Input): void {
    const { parts } = this.#core;
    switch (input.kind) {
      case 'timer':
        this.#tick();
        return;
      case 'joined':
        this.#session.joined(input.peer, input.inbound);
        return;
      case 'left':
        this.#session.left(input.peer);
        return;
      case 'flow':
        this.#session.flow(input.peer, input.open);
        return;
      case 'message':
        this.#frame(input.peer, input.bytes);
        return;
      case 'gossip':
        this.#gossip(input);
        return;
      case 'command':
        this.#commands.run(input.ticket, input.command);
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
    const { parts } = this.#core;
    // Each of these two may fill a step: they take turns where both have something to do.
    const both = parts.connector.due() <= this.#core.now && parts.pieces.due() <= this.#core.now;
    this.#connects = !both || !this.#connects;
    if (this.#connects) parts.connector.tick();
    if (this.#core.chain.ahead) return;
    if (!both || !this.#connects) parts.pieces.tick();
    parts.compact.tick();
    parts.headers.tick();
    parts.download.tick();
    parts.future.tick();
    parts.server.run();
    parts.relay.tick();
    parts.blocks.settle();
    parts.mining.tick();
    this.#session.tick();
  }

  #due(): Micros {
    const { parts, now } = this.#core;
    // Mostly it is connecting that goes on: nothing can be due before now.
    const first = parts.connector.due();
    if (first <= now) return now;
    return Math.min(
      first,
      parts.pieces.due(),
      parts.compact.due(),
      parts.headers.due(),
      parts.download.due(),
      parts.future.due(),
      parts.server.due(),
      parts.relay.due(),
      parts.blocks.due(),
      parts.mining.due(),
      this.#session.due(),
    );
  }

  /** Asks for the next step, unless an earlier or equal one is on its way already. */
  #wake(input: Input): void {
    const { now } = this.#core;
    if (input.kind === 'timer') this.#wakeAt = NEVER;
    const due = Math.max(now, this.#due());
    if (due >= this.#wakeAt) return;
    this.#wakeAt = due;
    this.#core.effect({ kind: 'wake', at: due });
  }

  /** Rows of payments go with a batch that there is anyway; others gather for a while. */
  #batch(): { readonly writes: readonly Write[]; readonly durable: boolean } {
    const core = this.#core;
    const chain = core.chain.takeWrites(core.own);
    const all = core.own || chain.writes.length > 0;
    const others = [core.mempool.takeWrites(all, core.now), core.takeWrites()];
    // Mostly the chain's alone, or none: not worth a copy.
    const writes = others.every((rows) => rows.length === 0) ? chain.writes : chain.writes.concat(...others);
    return { writes, durable: core.own || chain.durable };
  }

  #clock(offset: Micros): void {
    const core = this.#core;
    assert(Number.isSafeInteger(offset), 'the clock offset is in whole microseconds');
    const before = core.offset;
    core.offset = offset;
    if (before === undefined) {
      core.mempool.restore(this.#saved, core.now, core.wallS);
      this.#saved = [];
    } else if (Math.abs(offset - before) >= core.limits.clockStep) {
      core.tell({ kind: 'clock', offsetMs: Math.round(offset / 1_000) });
      core.parts.headers.recheck();
    }
    core.parts.mining.clockChanged();
  }

  /** Every message gets one verdict, also those that are not even looked at. */
  #gossip(input: Input & { kind: 'gossip' }): void {
    const core = this.#core;
    const peer = core.peers.get(input.peer);
    const deaf = core.params.headersOnly === true;
    if (peer === undefined || peer.dropped || deaf || !peer.gossip.take(1, core.now)) {
      core.effect({ kind: 'judge', ticket: input.ticket, verdict: 'ignore' });
      return;
    }
    peer.lastHeard = core.now;
    if (input.topic === 'block') {
      const form = isCompact(input.bytes) ? core.parts.compact : core.parts.blocks;
      form.gossip(peer, input.ticket, input.bytes);
    } else core.parts.relay.gossip(peer, input.ticket, input.bytes);
  }

  #frame(id: PeerId, bytes: Uint8Array): void {
    const core = this.#core;
    const peer = core.peers.get(id);
    if (peer === undefined || peer.dropped) return;
    peer.framesIn++;
    peer.bytesIn += bytes.length;
    peer.lastHeard = core.now;
    // Bodies that we asked for are bounded by our asking, and come as fast as the link can carry them.
    const asked = isBlockFrame(bytes) && peer.bodies.inFlight.size > 0;
    if (!asked && !peer.frames.take(1, core.now)) {
      core.fault(peer, 'flood', 'more than ' + core.limits.framesPerSecond + ' frames a second');
      return;
    }
    const decoded = decodeMessage(bytes, core.limits);
    if (!decoded.ok) {
      core.fault(peer, 'malformed-frame', decoded.error);
      return;
    }
    const message = decoded.value;
    if (!peer.ready && message.kind !== 'hello') {
      core.fault(peer, 'no-hello', 'the first frame is ' + message.kind + ', not hello');
      return;
    }
    this.#message(id, message);
  }

  #message(id: PeerId, message: Message): void {
    const { parts, peers } = this.#core;
    const peer = peers.get(id);
    assert(peer !== undefined, 'the sender of a message is here');
    switch (message.kind) {
      case 'hello':
        this.#session.hello(peer, message);
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
        this.#session.tip(peer, message, headerHash(message.header));
        return;
      case 'ping':
        this.#session.pinged(peer, message.nonce);
        return;
      case 'pong':
        this.#session.pong(peer, message.nonce);
        return;
      case 'inv':
        parts.relay.inv(peer, message.ids);
        return;
      default:
        unreachable(message);
    }
  }
}
