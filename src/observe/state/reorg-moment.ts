import type { BlockRef, LogEvent, LostTx } from '../../events/events.ts';
import { plural } from '../../util/plural.ts';
import { span } from '../words/words.ts';
import type { Forest } from './forest.ts';

/** One reorganisation as people saw it: the same blocks out on one or several nodes, and what became of payments. */
export interface ReorgMoment {
  /** Log time of the first node's. */
  readonly t: number;
  /** In the order in which they were reorganised. */
  readonly nodes: readonly string[];
  readonly fork: BlockRef;
  /** Old tip first. */
  readonly out: readonly BlockRef[];
  /** From the fork point up. */
  readonly in: readonly BlockRef[];
  readonly depth: number;
  readonly length: number;
  readonly because: 'work' | 'invalidated' | 'precious';
  readonly returned: readonly string[];
  readonly lost: readonly LostTx[];
  /** Milliseconds since the heal before it, if that was just before. */
  readonly afterHeal: number | undefined;
}

export interface ReorgMoments {
  /** The one that began or grew last, or undefined. */
  readonly latest: ReorgMoment | undefined;
  /** True when the event began a new one or added to the latest. */
  apply(event: LogEvent): boolean;
}

/**
 * Nodes that leave the same tip within this time of the first of them do so for the same reason. Above the time that a
 * block needs to the last node over several slow links. A longer time merges nothing else: old tip and fork point are the
 * same, and a node is in a reorg once.
 */
const TOGETHER_MS = 20_000;
/** Payments are judged in the steps after the switch. */
const FATE_MS = 5_000;
/** A reorg this long after a heal is its consequence. */
const HEAL_MS = 30_000;

/** What says whether two nodes' reorgs are one. */
interface KnownReorg {
  /** Log time of the first node's. */
  readonly t: number;
  readonly fork: BlockRef;
  /** Old tip first. */
  readonly out: readonly BlockRef[];
  readonly nodes: Iterable<string>;
}

type ReorgEvent = Extract<LogEvent, { kind: 'reorg' }>;

/**
 * The newest reorg in `known` that a node's `reorg` event is a part of: same fork point, same old tip, soon after the first
 * node, and this node is not in it. A node that leaves the same tip twice (an invalidated block that it takes back, say)
 * begins another one. Figures and scenarios count the reorgs of single nodes instead.
 */
export function sameReorg<R extends KnownReorg>(known: readonly R[], event: ReorgEvent): R | undefined {
  return known.findLast(
    ({ t, fork, out, nodes }) =>
      fork.id === event.fork.id &&
      out[0]?.id === event.out[0]?.id &&
      event.t - t < TOGETHER_MS &&
      ![...nodes].includes(event.node),
  );
}

/** Feed every event, in the order of time. */
export function newReorgMoments(): ReorgMoments {
  return new ReorgFollower();
}

class ReorgFollower implements ReorgMoments {
  /** The latest is the last; older ones only as long as a node may still join them. */
  #recent: ReorgMoment[] = [];
  /** When the last node joined the latest. */
  #switchedAt = 0;
  #healedAt: number | undefined;

  get latest(): ReorgMoment | undefined {
    return this.#recent.at(-1);
  }

  apply(event: LogEvent): boolean {
    switch (event.kind) {
      case 'heal':
        this.#healedAt = event.t;
        return false;
      case 'partition':
        this.#healedAt = undefined;
        return false;
      case 'reorg':
        return this.#reorg(event);
      case 'tx-returned':
      case 'tx-lost':
        return this.#fate(event);
      default:
        return false;
    }
  }

  #fate(event: Extract<LogEvent, { kind: 'tx-returned' | 'tx-lost' }>): boolean {
    const { latest } = this;
    if (latest === undefined || !latest.nodes.includes(event.node) || event.t - this.#switchedAt > FATE_MS)
      return false;
    if (latest.lost.some((l) => l.txid === event.txid)) return false;
    if (event.kind === 'tx-returned') {
      if (latest.returned.includes(event.txid)) return false;
      return this.#put({ ...latest, returned: [...latest.returned, event.txid] }, latest);
    }
    const by = event.by === undefined ? {} : { by: event.by };
    const block = event.block === undefined ? {} : { block: event.block };
    // It may have come back before the block came that took its coin.
    const returned = latest.returned.filter((txid) => txid !== event.txid);
    const lost = [...latest.lost, { txid: event.txid, ...by, ...block }];
    return this.#put({ ...latest, returned, lost }, latest);
  }

  /** Makes this the latest, instead of what it was before. */
  #put(moment: ReorgMoment, before: ReorgMoment | undefined): true {
    this.#recent = [...this.#recent.filter((one) => one !== before), moment];
    return true;
  }

  #reorg(event: ReorgEvent): true {
    const { t, node, fork, out, depth, length, because } = event;
    this.#switchedAt = t;
    this.#recent = this.#recent.filter((one) => t - one.t < TOGETHER_MS);
    const known = sameReorg(this.#recent, event);
    if (known !== undefined) {
      const longer = length > known.length ? { in: event.in, length } : {};
      return this.#put({ ...known, nodes: [...known.nodes, node], ...longer }, known);
    }
    const since = this.#healedAt === undefined ? undefined : t - this.#healedAt;
    const moment = {
      ...{ t, nodes: [node], fork, out, in: event.in, depth, length, because },
      ...{ returned: [], lost: [] },
      afterHeal: since !== undefined && since >= 0 && since < HEAL_MS ? since : undefined,
    };
    return this.#put(moment, undefined);
  }
}

/** How many blocks are named before the rest is only counted; fewer where there is no room. */
const NAMED = [6, 4, 3, 0];
/** Where there is a line for them. */
const LISTED = 12;

function names(refs: readonly BlockRef[], total: number, named: number, forest: Forest): string {
  if (named === 0) return '';
  const shown = refs.slice(0, named).map((r) => nameOf(r, forest));
  const more = total - shown.length;
  return more > 0 ? ` (${shown.join(' ')} +${more})` : ` (${shown.join(' ')})`;
}

function nameOf(ref: BlockRef, forest: Forest): string {
  if (forest.blocks.has(ref.id)) return forest.nameOf(ref.id);
  return ref.height === 0 ? '0' : `${ref.height}${ref.miner === '' ? '?' : ref.miner}`;
}

/** `REORG on C D · 2 out (9C 8D) · 3 in (8A 9B 10A) · 0.8 s after heal`, in so many characters if it can be. */
export function momentTitle(moment: ReorgMoment, forest: Forest, width: number): string {
  const nodes = [...moment.nodes].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).join(' ');
  let title = '';
  for (const named of NAMED) {
    const parts = [
      `REORG on ${nodes}`,
      `${moment.depth} out${names(moment.out, moment.depth, named, forest)}`,
      `${moment.length} in${names(moment.in, moment.length, named, forest)}`,
    ];
    if (moment.because !== 'work') parts.push(`forced: ${moment.because}`);
    if (moment.afterHeal !== undefined) parts.push(`${span(moment.afterHeal)} after heal`);
    title = parts.join(' · ');
    if (title.length <= width) break;
  }
  return title;
}

/** The fork point and the fate of payments; `payment` gives one its name: `alice → dave 20.0`. */
export function momentWords(
  moment: ReorgMoment,
  forest: Forest,
  payment: (txid: string) => string,
): readonly string[] {
  const lines: string[] = [];
  for (const lost of moment.lost) {
    const where = lost.block === undefined ? '' : ` in ${forest.nameOf(lost.block)}`;
    const by = lost.by === undefined ? '' : `, its coin is spent${where} by ${payment(lost.by)}`;
    lines.push(`UNDONE: ${payment(lost.txid)}${by}`);
  }
  for (const txid of moment.returned) lines.push(`RETURNED: ${payment(txid)} waits again`);
  const fork = `Fork point ${nameOf(moment.fork, forest)}.`;
  const [first, ...rest] = lines;
  if (first === undefined) return [`${fork} No payment was undone; the ${staleWords(moment)} now.`];
  return [`${fork} ${first}`, ...rest];
}

/** For where the title has no room for their names. */
export function momentBlocks(moment: ReorgMoment, forest: Forest): string {
  const list = (refs: readonly BlockRef[], total: number) => {
    const named = refs.slice(0, LISTED).map((r) => nameOf(r, forest));
    return `${named.join(' ')}${total > named.length ? ` and ${total - named.length} more` : ''}`;
  };
  return `Out ${list(moment.out, moment.depth)}; in ${list(moment.in, moment.length)}.`;
}

function staleWords(moment: ReorgMoment): string {
  return moment.depth === 1 ? 'block out is stale' : `${plural(moment.depth, 'block')} out are stale`;
}
