import type { HashPairs } from '../bitcoin/merkle.ts';
import type { Chain } from '../consensus/chain/chain.ts';
import type { Params } from '../consensus/params/params.ts';
import type { Write } from '../consensus/store/store.ts';
import type { BlockEntry } from '../consensus/tree/tree.ts';
import type { BlockReading } from '../consensus/validate/check.ts';
import type { News } from '../events/events.ts';
import type { Random } from '../util/random.ts';
import type { Limits } from './limits.ts';
import type { Mempool } from './mempool/mempool.ts';
import type { Orphans } from './mempool/orphans.ts';
import { type Fault, MISBEHAVIOUR } from './peers/misbehaviour.ts';
import type { Peer, Peers } from './peers/peers.ts';
import { SideRation } from './peers/side-ration.ts';
import { Bucket } from './peers/token-bucket.ts';
import type { Effect, Micros } from './types.ts';
import { encodeMessage, type Message } from './wire/messages.ts';

export interface StepContextOptions {
  readonly params: Params;
  readonly limits: Limits;
  readonly name: string;
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly orphans: Orphans;
  readonly peers: Peers;
  readonly random: Random;
  readonly reading: BlockReading;
  readonly pairs: HashPairs | undefined;
}

/**
 * The context of a step: the state that more than one part of a node needs, the clock of this step, and the effects and
 * writes that the step collects. It knows no part. FullNode creates it.
 */
export class StepContext {
  readonly params: Params;
  readonly limits: Limits;
  readonly name: string;
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly orphans: Orphans;
  readonly peers: Peers;
  readonly random: Random;
  readonly reading: BlockReading;
  readonly pairs: HashPairs | undefined;
  readonly side: SideRation;
  now: Micros = 0;
  offset: Micros | undefined;
  /** The step stored something that we made or confirm to a caller: its batch must be durable whatever it is. */
  own = false;
  #effects: Effect[] = [];
  #writes: Write[] = [];
  readonly #refusals: Bucket;

  constructor(o: StepContextOptions) {
    this.params = o.params;
    this.limits = o.limits;
    this.name = o.name;
    this.chain = o.chain;
    this.mempool = o.mempool;
    this.orphans = o.orphans;
    this.peers = o.peers;
    this.random = o.random;
    this.reading = o.reading;
    this.pairs = o.pairs;
    this.side = new SideRation(o.chain, o.limits);
    const rate = o.limits.newsRefusalsPerSecond;
    this.#refusals = new Bucket(10 * rate, rate, 0);
  }

  /** Seconds since 1970 as headers count them; 0 before the first `clock` input, when every block is too new. */
  get wallS(): number {
    return this.offset === undefined ? 0 : Math.max(0, Math.floor((this.now + this.offset) / 1_000_000));
  }

  /** A row beyond those of chain and mempool. */
  write(write: Write): void {
    this.#writes.push(write);
  }

  takeWrites(): Write[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  tell(news: News): void {
    this.#effects.push({ kind: 'tell', news });
  }

  /** News that a peer can cause at will: told at a bounded rate. */
  tellRefusal(news: News): void {
    if (this.#refusals.take(1, this.now)) this.tell(news);
  }

  send(peer: Peer, message: Message, early = false): void {
    if (peer.dropped) return;
    const bytes = encodeMessage(message);
    peer.framesOut++;
    peer.bytesOut += bytes.length;
    this.#effects.push(
      early ? { kind: 'send', peer: peer.id, bytes, early } : { kind: 'send', peer: peer.id, bytes },
    );
  }

  takeEffects(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Takes the fault's points from a peer; at 0 it is dropped and banned for a time. */
  fault(peer: Peer, fault: Fault, detail: string): void {
    if (peer.dropped) return;
    const banned = peer.punish(MISBEHAVIOUR[fault], this.now, this.limits);
    this.tellRefusal({ kind: 'fault', peer: peer.id, rule: fault, detail, banned });
    if (banned) this.drop(peer, fault + ': ' + detail, this.limits.banMs);
  }

  /** Closes the connection; the peer stays known, deaf and dumb, until the host says that it left. */
  drop(peer: Peer, why: string, banMs?: number): void {
    if (peer.dropped) return;
    this.#effects.push(
      banMs === undefined
        ? { kind: 'drop', peer: peer.id, why }
        : { kind: 'drop', peer: peer.id, why, banMs },
    );
    this.peers.end(peer);
  }

  /** Work below which a branch is not worth an entry in the tree: `blocks` blocks like the tip below the tip. */
  workBelowTip(blocks: number): bigint {
    return this.chain.tip.work - BigInt(blocks) * blockWork(this.chain.tip);
  }

  /** Far behind the best header: bodies come in bulk, and one sync write per connected piece is enough. */
  get initialSync(): boolean {
    const { tip, bestHeader } = this.chain;
    return bestHeader.work > tip.work && bestHeader.height - tip.height > this.limits.initialSyncBlocks;
  }
}

/** Work of this one block. */
function blockWork(entry: BlockEntry): bigint {
  return entry.parent === undefined ? entry.work : entry.work - entry.parent.work;
}

/** Hex without prefix, as news carries work. */
export function workHex(work: bigint): string {
  return work.toString(16);
}
