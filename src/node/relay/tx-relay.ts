import type { Block } from '../../bitcoin/block.ts';
import { decodeTx, type Tx } from '../../bitcoin/tx.ts';
import { type Refusal, type RuleName, refuse, ruleOf } from '../../consensus/params/rules.ts';
import { BoundedMap } from '../../util/bounded-map.ts';
import { hashOfId, idOf, keyOf } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';
import type { Accepted, PoolRefusal } from '../mempool/mempool.ts';
import { poolRowKey, poolRowValue } from '../mempool/rows.ts';
import type { Mining } from '../mining/mining.ts';
import type { Peer } from '../peers/peers.ts';
import type { StepContext } from '../step-context.ts';
import { type CommandResult, type GossipVerdict, type Micros, NEVER, type Ticket } from '../types.ts';
import { MempoolSync } from './mempool-sync.ts';

/** An orphan whose parent has come: to be judged in a following step. */
interface Retry {
  readonly tx: Tx;
  readonly from: string;
}

/** Wrong for every node that has the coins, whatever its tip. */
const HOPELESS: ReadonlySet<RuleName> = new Set<RuleName>([
  'mempool-script-verify-flag-failed',
  'bad-txns-in-belowout',
  'bad-txns-inputvalues-outofrange',
]);

/**
 * Transactions between nodes. Gossip carries new ones; what it missed (two halves that were apart, an orphan whose
 * parent came late) goes by inv and gettxs. A missing parent is asked of the peer that sent the child.
 */
export class TxRelay {
  readonly #context: StepContext;
  readonly #mining: Mining;
  /** Refusals that only a new tip can change, by wtxid. Never iterated. */
  readonly #rejects: BoundedMap<string, Refusal>;
  /** Txids asked for, of whom and when. Never iterated. */
  readonly #asked: BoundedMap<string, { readonly peer: string; readonly at: Micros }>;
  readonly #retries: Retry[] = [];
  /** Ids that gossip may not have carried to everybody; sent as inv a little later. */
  #unsaid: Uint8Array[] = [];
  #sayAt: Micros = NEVER;
  #expireAt: Micros = 0;
  readonly #telling: MempoolSync;

  constructor(context: StepContext, parts: { mining: Mining }) {
    this.#context = context;
    this.#mining = parts.mining;
    this.#telling = new MempoolSync(context);
    this.#rejects = new BoundedMap(context.limits.recentRejects);
    this.#asked = new BoundedMap(context.limits.txsAsked);
  }

  gossip(peer: Peer, ticket: Ticket, bytes: Uint8Array): void {
    const decoded = this.#decode(bytes);
    if (!decoded.ok) {
      this.#judge(ticket, ruleOf(decoded.error.rule).gossip);
      this.#context.fault(peer, 'bad-tx', decoded.error.rule + ': ' + decoded.error.detail);
      return;
    }
    const tx = decoded.value;
    const result = this.#admit(tx, peer.id);
    if (result.ok) {
      this.#judge(ticket, 'accept');
      return;
    }
    const { rule } = result.error;
    // Gossip forgets what it has seen; that we have it already is no reason to keep it from others.
    const known = rule === 'txn-already-in-mempool';
    this.#judge(ticket, known ? 'accept' : ruleOf(rule).gossip);
    this.#blame(peer, result.error);
    if (rule === 'missing-inputs') this.#orphan(tx, peer);
  }

  /** The answer to gettxs. */
  answer(peer: Peer, bytes: Uint8Array): void {
    const decoded = this.#decode(bytes);
    if (!decoded.ok) {
      this.#context.fault(peer, 'bad-tx', decoded.error.rule + ': ' + decoded.error.detail);
      return;
    }
    const tx = decoded.value;
    const key = keyOf(tx.txid);
    const times = peer.txsAsked.get(key) ?? 0;
    if (times === 0) {
      this.#context.fault(peer, 'unrequested', 'a transaction that nobody asked for');
      return;
    }
    if (times === 1) peer.txsAsked.delete(key);
    else peer.txsAsked.set(key, times - 1);
    if (this.#asked.get(key)?.peer === peer.id) this.#asked.delete(key);
    const result = this.#admit(tx, peer.id);
    if (result.ok) {
      this.#spread(tx);
      return;
    }
    this.#blame(peer, result.error);
    if (result.error.rule === 'missing-inputs') this.#orphan(tx, peer);
  }

  /** A local caller's transaction. One that is here already is published again: the caller thinks that it got lost. */
  submit(
    bytes: Uint8Array,
    o: { readonly test: boolean; readonly maxFeeRate?: number },
  ): Result<{ readonly tx: Tx; readonly fee: number; readonly known: boolean }, Refusal> {
    const { mempool, now, wallS } = this.#context;
    const decoded = decodeTx(bytes);
    if (!decoded.ok) return refuse('bad-encoding', decoded.error.what + ' at byte ' + decoded.error.at);
    const tx = decoded.value;
    // Core: BroadcastTransaction asks for its outputs before all else.
    if (!o.test && this.#isUnspent(tx)) return refuse('txn-already-known', tx.id);
    const limit = o.maxFeeRate === undefined ? {} : { maxFeeRate: o.maxFeeRate };
    if (o.test) {
      const tested = mempool.accept(tx, now, { wallS, test: true, ...limit });
      return tested.ok ? ok({ tx, fee: tested.value.entry.fee, known: false }) : this.#asTold(tx, tested);
    }
    const accepted = this.#accept(tx, 'self', limit);
    if (accepted.ok) {
      this.#context.own = true;
      this.#spread(tx);
      return ok({ tx, fee: accepted.value.entry.fee, known: false });
    }
    const pooled = mempool.get(tx.txid);
    if (accepted.error.rule !== 'txn-already-in-mempool' || pooled === undefined)
      return this.#asTold(tx, accepted);
    // It may have come by gossip, whose rows are not synced: what a caller is told is here must survive a power cut.
    this.#context.own = true;
    this.#context.write({ key: poolRowKey(tx.txid), value: poolRowValue(pooled.tx, pooled.wallS) });
    this.#spread(tx);
    return ok({ tx, fee: pooled.fee, known: true });
  }

  /** Local callers' transactions tested together. */
  testPackage(txs: readonly Uint8Array[]): CommandResult {
    const decoded: Tx[] = [];
    for (const bytes of txs) {
      const tx = decodeTx(bytes);
      if (!tx.ok) {
        const detail = tx.error.what + ' at byte ' + tx.error.at;
        return { kind: 'refused', refusal: { rule: 'bad-encoding', detail } };
      }
      decoded.push(tx.value);
    }
    const { refusal, verdicts } = this.#context.mempool.testPackage(decoded);
    const told = verdicts.map((one, i) =>
      one === undefined || one.ok ? one : this.#asTold(decoded[i]!, one),
    );
    return { kind: 'package', verdicts: { refusal, verdicts: told } };
  }

  /**
   * To a local caller a confirmed transaction is known as long as one of its outputs is unspent. After that its inputs are
   * missing, as with Core, which has no index to look it up in.
   */
  #asTold<E extends Refusal>(tx: Tx, refused: Result<never, E>): Result<never, Refusal> {
    if (refused.ok || refused.error.rule !== 'txn-already-known' || this.#isUnspent(tx)) return refused;
    return refuse('missing-inputs', tx.id + ' is confirmed, and all its outputs are spent');
  }

  #isUnspent({ txid, outputs }: Tx): boolean {
    const { chain } = this.#context;
    if (chain.txPlace(txid) === undefined) return false;
    const coins = chain.coinsView();
    return outputs.some((_, index) => coins.get({ txid, index }) !== undefined);
  }

  /** Back in the mempool after a reorg: the other side may not have it. */
  returned(tx: Tx): void {
    this.#spread(tx);
    this.#wakeOrphans(tx);
  }

  /** This peer shall hear of all that we have: both hellos are exchanged, or its turn has come again. */
  tellPool(peer: Peer): void {
    this.#telling.begin(peer);
  }

  /** Asks for what we lack, as far as the peer's budget goes. */
  inv(peer: Peer, ids: readonly Uint8Array[]): void {
    this.#ask(
      peer,
      ids.filter((id) => !this.#context.mempool.has(id)),
    );
  }

  #ask(peer: Peer, ids: readonly Uint8Array[]): void {
    const { limits, now } = this.#context;
    const wanted: Uint8Array[] = [];
    for (const id of ids) {
      const before = this.#asked.get(keyOf(id));
      // Asked of another peer a moment ago: one copy is enough.
      if (before !== undefined && now - before.at < limits.txTimeout) continue;
      if (!peer.inv.take(1, now)) break;
      wanted.push(id.slice());
      this.#asked.set(keyOf(id), { peer: peer.id, at: now });
      peer.txsAsked.set(keyOf(id), (peer.txsAsked.get(keyOf(id)) ?? 0) + 1);
    }
    for (let at = 0; at < wanted.length; at += limits.maxTxsPerRequest) {
      this.#context.send(peer, { kind: 'gettxs', ids: wanted.slice(at, at + limits.maxTxsPerRequest) });
    }
  }

  #decode(bytes: Uint8Array): Result<Tx, Refusal> {
    if (bytes.length > this.#context.limits.maxTxBytes) return refuse('tx-size', bytes.length + ' bytes');
    const decoded = decodeTx(bytes);
    if (decoded.ok) return decoded;
    return refuse('bad-encoding', decoded.error.what + ' at byte ' + decoded.error.at);
  }

  /** {@link #accept}, with a memory of what was refused since the last tip. */
  #admit(tx: Tx, from: string): Result<Accepted, PoolRefusal> {
    const key = keyOf(tx.wtxid);
    const before = this.#rejects.get(key);
    if (before !== undefined) return err(before);
    const result = this.#accept(tx, from, {});
    if (result.ok) return result;
    const { rule, detail } = result.error;
    if (rule === 'missing-inputs' || rule === 'txn-already-in-mempool') return result;
    this.#rejects.set(key, { rule, detail });
    this.#context.tellRefusal({ kind: 'tx-refused', txid: tx.id, rule, detail, from });
    return result;
  }

  #accept(tx: Tx, from: string, o: { readonly maxFeeRate?: number }): Result<Accepted, PoolRefusal> {
    const { mempool, now, wallS } = this.#context;
    const result = mempool.accept(tx, now, { wallS, ...o });
    if (result.ok) {
      const { entry } = result.value;
      this.#context.tell({ kind: 'tx-seen', txid: tx.id, fee: entry.fee, vsize: tx.vsize, from });
      this.#wakeOrphans(tx);
    }
    const { replaced = [], evicted = [] } = result.ok ? result.value : result.error;
    for (const { tx: gone } of replaced) {
      this.#context.tell({ kind: 'tx-removed', txid: gone.id, why: 'replaced', by: tx.id });
    }
    for (const { tx: gone } of evicted)
      this.#context.tell({ kind: 'tx-removed', txid: gone.id, why: 'evicted' });
    if (result.ok || replaced.length > 0 || evicted.length > 0) this.#mining.poolChanged();
    return result;
  }

  /** Published, and said again as inv when gossip has had its time. */
  #spread(tx: Tx): void {
    const { limits, now } = this.#context;
    if (tx.bytes.length <= limits.maxGossipBytes) {
      this.#context.effect({ kind: 'publish', topic: 'tx', bytes: tx.bytes });
    }
    if (this.#unsaid.length < limits.maxInv) this.#unsaid.push(tx.txid);
    this.#sayAt = Math.min(this.#sayAt, now + limits.invDelay);
  }

  #orphan(tx: Tx, peer: Peer): void {
    if (peer.dropped || !this.#context.orphans.add(tx, peer.id, this.#context.now)) return;
    // By display id, so that one parent is asked for once, in an order that its outputs do not change.
    const parents = new Set(tx.inputs.map(({ prevout }) => idOf(prevout.txid)));
    const missing: Uint8Array[] = [];
    for (const id of parents) {
      const txid = hashOfId(id)!;
      if (!this.#context.mempool.has(txid)) missing.push(txid);
    }
    this.#ask(peer, missing);
  }

  #wakeOrphans(parent: Tx): void {
    for (const { tx, peer } of this.#context.orphans.takeChildrenOf(parent.txid)) {
      this.#retries.push({ tx, from: peer });
    }
  }

  tipChanged(): void {
    this.#rejects.clear();
  }

  blockConnected(block: Block): void {
    if (this.#context.orphans.size === 0) return;
    this.#context.orphans.connected(block);
    for (const tx of block.txs) this.#wakeOrphans(tx);
  }

  peerLeft(peer: Peer): void {
    this.#context.orphans.dropPeer(peer.id);
    this.#telling.left(peer);
  }

  tick(): void {
    const { limits, now, mempool, orphans } = this.#context;
    for (const { tx, from } of this.#retries.splice(0, limits.orphansPerStep)) {
      const result = this.#admit(tx, from);
      const peer = this.#context.peers.get(from);
      // Gossip was told `ignore` when the orphan came, so it went no further: now it is ours to spread.
      if (result.ok) {
        this.#spread(tx);
      } else if (peer !== undefined) {
        this.#blame(peer, result.error);
        if (result.error.rule === 'missing-inputs') this.#orphan(tx, peer);
      }
    }
    if (this.#sayAt <= now) this.#say();
    this.#telling.tick();
    if (this.#expireAt <= now) {
      this.#expireAt = now + limits.expireEvery;
      const expired = mempool.expire(now);
      for (const { tx } of expired) this.#context.tell({ kind: 'tx-removed', txid: tx.id, why: 'expired' });
      if (expired.length > 0) this.#mining.poolChanged();
      orphans.expire(now);
    }
  }

  #say(): void {
    const ids = this.#unsaid.filter((txid) => this.#context.mempool.has(txid));
    this.#unsaid = [];
    this.#sayAt = NEVER;
    const unique = [...new Map(ids.map((id) => [keyOf(id), id])).values()];
    if (unique.length === 0) return;
    for (const peer of this.#context.peers.ready()) {
      if (peer.flowing) this.#context.send(peer, { kind: 'inv', ids: unique });
    }
  }

  due(): Micros {
    if (this.#retries.length > 0) return this.#context.now;
    const { mempool, orphans, now } = this.#context;
    const idle = mempool.size === 0 && orphans.size === 0;
    const expireAt = idle ? NEVER : Math.max(this.#expireAt, now);
    return Math.min(this.#sayAt, expireAt, this.#telling.due(), mempool.writeBy);
  }

  /**
   * Beyond what gossip rejects: a forged signature, or more paid out than there is. Gossip is told to ignore those, but
   * an outpoint fixes its coin, so no honest node has ever admitted such a transaction, and none hands it on.
   */
  #blame(peer: Peer, refusal: Refusal): void {
    const row = ruleOf(refusal.rule);
    if (row.gossip === 'reject' || HOPELESS.has(refusal.rule))
      this.#context.fault(peer, 'bad-tx', refusal.rule + ': ' + refusal.detail);
  }

  #judge(ticket: Ticket, verdict: GossipVerdict): void {
    this.#context.effect({ kind: 'judge', ticket, verdict });
  }
}
