import { decodeHeader, type Header, headerHash } from '../../bitcoin/header.ts';
import type { Checked, Refusal } from '../../consensus/params/rules.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { proofOfWorkFault } from '../../consensus/validate/check.ts';
import { assert } from '../../util/assert.ts';
import { err, ok } from '../../util/result.ts';
import { Pace, type Steps } from '../../util/steps.ts';
import { faultOfRule } from '../peers/misbehaviour.ts';
import type { Peer } from '../peers/peers.ts';
import { type StepContext, workHex } from '../step-context.ts';
import type { Download } from './download.ts';
import type { FutureBlocks } from './future.ts';

/** Headers that entered the tree and are not told yet. */
export class Told {
  count = 0;
  last: BlockEntry | undefined = undefined;
}

/** How single headers get into the tree or are refused, with news and blame; which ones, header sync decides. */
export class HeaderIntake {
  protected readonly context: StepContext;
  protected readonly download: Download;
  protected readonly future: FutureBlocks;

  constructor(context: StepContext, parts: { download: Download; future: FutureBlocks }) {
    this.context = context;
    this.download = parts.download;
    this.future = parts.future;
  }

  /** One new header into tree and index, with its news; the peer is known to have it. */
  enter(peer: Peer, header: Header, hash: Uint8Array): Checked<BlockEntry> {
    const told = new Told();
    const added = this.enterOne(peer, header, hash, this.context.chain.entry(header.prev), told);
    this.tellEntered(peer, told);
    return added;
  }

  /** The same for one of many, whose news is told once for all. */
  protected enterOne(
    peer: Peer,
    header: Header,
    hash: Uint8Array,
    parent: BlockEntry | undefined,
    told: Told,
  ): Checked<BlockEntry> {
    const added = this.context.chain.addHeader(header, this.context.wallS, hash, parent);
    if (!added.ok) return added;
    told.count++;
    told.last = added.value;
    this.best(peer, added.value);
    return added;
  }

  /** One line for a single header, one for a row of them: a chain of 100,000 is told in hundreds of lines, not more. */
  protected tellEntered(peer: Peer, told: Told): void {
    const { count, last } = told;
    if (last === undefined) return;
    const { id, height } = last;
    const news = { id, prev: last.parent?.id ?? '', height, work: workHex(last.work), from: peer.id };
    this.context.tell(count === 1 ? { kind: 'header', ...news } : { kind: 'headers', count, ...news });
    this.download.soon();
    told.count = 0;
    told.last = undefined;
  }

  /** GHOST: a block counts on whatever branch it is. Only experiments choose it, so nobody has to be kept from flooding. */
  protected get weighsAll(): boolean {
    return this.context.chain.forkChoice === 'ghost';
  }

  /** An answer under GHOST: headers of all branches, parents first, each into the tree. */
  protected *judgeTree(peer: Peer, headers: readonly Uint8Array[]): Steps<boolean> {
    const { chain, limits } = this.context;
    const pace = new Pace(limits.headersPerStep);
    const told = new Told();
    for (const bytes of headers) {
      const decoded = decodeHeader(bytes);
      assert(decoded.ok, 'any 80 bytes are a header');
      const hash = headerHash(bytes);
      const known = chain.entry(hash);
      const parent = chain.entry(decoded.value.prev);
      if (known !== undefined) {
        peer.headers.last = known;
        this.knows(peer, known);
      } else if (parent !== undefined && parent.condemned === undefined) {
        const added = this.enterOne(peer, decoded.value, hash, parent, told);
        if (!added.ok) {
          this.tellEntered(peer, told);
          this.refused(peer, bytes, hash, added.error);
          return false;
        }
        peer.headers.last = added.value;
      }
      if (pace.due(1)) {
        this.tellEntered(peer, told);
        yield;
        if (peer.dropped) return false;
      }
    }
    this.tellEntered(peer, told);
    return true;
  }

  /** The peer has this block (or says so). */
  knows(peer: Peer, entry: BlockEntry): void {
    if (entry.condemned !== undefined) return;
    this.best(peer, entry);
    this.download.soon();
  }

  protected best(peer: Peer, entry: BlockEntry): void {
    if (this.weighsAll) this.download.told(peer, entry);
    if (peer.best === undefined || peer.best.condemned !== undefined || entry.work > peer.best.work) {
      peer.best = entry;
    }
  }

  /** Whether a new header of this total work may enter the tree on a peer's word: if it beats nothing, from its ration. */
  worthEntry(work: bigint, peer: Peer): boolean {
    const { chain, limits, now } = this.context;
    if (work > chain.tip.work || this.weighsAll) return true;
    return (
      work > this.context.workBelowTip(limits.nearTipBlocks) && this.context.side.takeHeaders(peer, 1, now)
    );
  }

  /** What can be said of a header whose parent is unknown: it must at least meet the target that it names itself. */
  claimsWork(bits: number, hash: Uint8Array): Checked<void> {
    const fault = proofOfWorkFault({ bits }, hash, this.context.params);
    return fault === undefined ? ok(undefined) : err(fault);
  }

  blame(peer: Peer, rule: Parameters<typeof faultOfRule>[0], detail: string): void {
    const fault = faultOfRule(rule);
    // A child of a condemned block is no proof of bad will: the peer may not have judged the parent yet.
    if (fault !== undefined && rule !== 'bad-prevblk' && rule !== 'duplicate-invalid') {
      this.context.fault(peer, fault, rule + ': ' + detail);
    }
  }

  protected refused(peer: Peer, bytes: Uint8Array, hash: Uint8Array, refusal: Refusal): void {
    if (refusal.rule === 'time-too-new') this.future.add(bytes.slice(), hash, peer.id);
    else this.blame(peer, refusal.rule, refusal.detail);
  }
}
