import type { Retarget } from '../consensus/params/retarget.ts';
import type { LinkShape } from '../util/link-shape.ts';
/**
 * What a node tells: the vocabulary that the node speaks and the faces listen to. The host adds
 * `{ v, seq, t, node }` in front and writes each as one JSON line, so every field here is JSON as it stands.
 * Ids are display hex (reversed), work is hex without prefix, amounts are satoshis, peers are libp2p peer ids.
 */
export interface BlockRef {
  readonly id: string;
  readonly height: number;
  /** The miner's letter from the coinbase tag, '' if it has none or the body is unknown. */
  readonly miner: string;
}

export interface LostTx {
  readonly txid: string;
  /** The transaction that took the coin, and the block it is in; absent when the cause is another. */
  readonly by?: string;
  readonly block?: string;
}

export type News =
  | {
      readonly kind: 'header';
      readonly id: string;
      readonly prev: string;
      readonly height: number;
      readonly work: string;
      readonly from: string;
    }
  | {
      /** A row of `count` headers has entered the tree at once; the rest is about the last of them. */
      readonly kind: 'headers';
      readonly count: number;
      readonly id: string;
      readonly prev: string;
      readonly height: number;
      readonly work: string;
      readonly from: string;
    }
  | {
      /**
       * A body is here and passed `context`; not yet connected. `from` is a peer id, 'self' (mined or submitted here). The
       * line is written when the body is on disk; its time is that of the verdict, when others could be sent it.
       */
      readonly kind: 'block';
      readonly id: string;
      readonly prev: string;
      readonly height: number;
      readonly work: string;
      readonly miner: string;
      readonly time: number;
      readonly txs: number;
      readonly size: number;
      readonly from: string;
    }
  | {
      readonly kind: 'mined';
      readonly id: string;
      readonly height: number;
      readonly miner: string;
      readonly tries: number;
      readonly ms: number;
      /** Found by the hidden node of a strategy; its `block` line follows when (and if) the strategy shows it. */
      readonly hidden?: true;
    }
  | {
      readonly kind: 'connected';
      readonly id: string;
      readonly height: number;
      readonly miner: string;
      readonly txids: readonly string[];
    }
  | { readonly kind: 'disconnected'; readonly id: string; readonly height: number; readonly miner: string }
  | {
      readonly kind: 'tip';
      readonly id: string;
      readonly height: number;
      readonly work: string;
      readonly miner: string;
      readonly old: string;
      readonly because: 'work' | 'invalidated' | 'precious';
    }
  | {
      /** `out` from the old tip down, `in` from the fork point up. At most `limits.newsRefs` each; `depth` and `length` are exact. */
      readonly kind: 'reorg';
      readonly fork: BlockRef;
      readonly depth: number;
      readonly length: number;
      readonly out: readonly BlockRef[];
      readonly in: readonly BlockRef[];
      readonly because: 'work' | 'invalidated' | 'precious';
    }
  | {
      readonly kind: 'refused';
      readonly id: string;
      readonly height: number;
      readonly rule: string;
      readonly detail: string;
      readonly from: string;
    }
  | {
      readonly kind: 'tx-seen';
      readonly txid: string;
      readonly fee: number;
      readonly vsize: number;
      readonly from: string;
    }
  | {
      readonly kind: 'tx-refused';
      readonly txid: string;
      readonly rule: string;
      readonly detail: string;
      readonly from: string;
    }
  | { readonly kind: 'tx-returned'; readonly txid: string }
  | ({ readonly kind: 'tx-lost' } & LostTx)
  | {
      readonly kind: 'tx-removed';
      readonly txid: string;
      readonly why: 'replaced' | 'evicted' | 'expired' | 'conflict';
      readonly by?: string;
    }
  | { readonly kind: 'peer-joined'; readonly peer: string; readonly inbound: boolean }
  /** Both hellos are exchanged: `name` is what the peer calls itself (a letter in a yard). */
  | { readonly kind: 'peer-ready'; readonly peer: string; readonly name: string; readonly height: number }
  | { readonly kind: 'peer-left'; readonly peer: string }
  | {
      readonly kind: 'fault';
      readonly peer: string;
      readonly rule: string;
      readonly detail: string;
      readonly banned: boolean;
    }
  | { readonly kind: 'mining'; readonly on: boolean; readonly height?: number }
  | { readonly kind: 'clock'; readonly offsetMs: number };

/** The faults of a yard but for the partition, which has events of its own. Nodes are letters. */
export interface Conditions {
  /** [from, to]: what `from` sends does not reach `to`. */
  readonly oneWay: readonly (readonly [string, string])[];
  /** All wires hold back their messages. */
  readonly wireHeld: boolean;
  /** Stopped processes. */
  readonly frozen: readonly string[];
  /** Wall clocks that are set off, in milliseconds. */
  readonly clockMs: { readonly [node: string]: number };
  /** Links with a shape of their own, by `A>B`. */
  readonly shapes: { readonly [link: string]: LinkShape };
  /** Delays of all other links by a named table; '' = the yard's own delay. */
  readonly profile: string;
  /** Where each node stands, under a profile with regions. */
  readonly regions: { readonly [node: string]: string };
}

/** What the host and the launcher add to the same log. */
export type HostNews =
  | {
      readonly kind: 'start';
      readonly genesis: string;
      readonly network: string;
      readonly id: string;
      readonly height: number;
      readonly work: string;
      readonly pid: number;
      readonly peer: string;
    }
  | { readonly kind: 'stop'; readonly why: string }
  | { readonly kind: 'note'; readonly text: string }
  | {
      /** This node's wire, at its start and after each change; the whole of it. All lists and keys are peer ids. */
      readonly kind: 'links';
      /** Peers whose connections it refuses. */
      readonly refuse: readonly string[];
      /** One-way delay of what it sends, for every link without a shape of its own. */
      readonly delayMs: number;
      /** Delays of single links, where they have no shape either. */
      readonly delayTo?: { readonly [peer: string]: number };
      /** Peers whose messages it holds back, a one-way cut. */
      readonly deaf?: readonly string[];
      /** It holds back every message. */
      readonly hold?: boolean;
      /** What its wire to a peer does to what it sends. */
      readonly shapes?: { readonly [peer: string]: LinkShape };
    }
  /** Does this node grind, and how fast? `hashrate` is its cap in hashes a second, 0 = as fast as it can. */
  | { readonly kind: 'power'; readonly on: boolean; readonly held: boolean; readonly hashrate: number }
  /** The miner got its first job on this parent, for a block of this height: from now on it grinds there. */
  | { readonly kind: 'job'; readonly prev: string; readonly height: number }
  /** The hash power of node `of` plays a strategy from now on, or is honest again. Its `power` lines say that it rests. */
  | { readonly kind: 'strategy'; readonly of: string; readonly name: string; readonly on: boolean }
  /** What the launcher has started: who should be linked with whom, and the rule that sets the difficulty. */
  | {
      readonly kind: 'yard';
      readonly label: string;
      readonly network: string;
      /** Mean milliseconds between blocks that the genesis asks for; 0 = no pace. */
      readonly spacingMs: number;
      readonly retarget: Retarget['kind'];
      readonly topology: 'full' | 'line' | 'random';
      readonly nodes: readonly string[];
    }
  | {
      readonly kind: 'process';
      readonly what: 'started' | 'exited' | 'killed';
      readonly of: string;
      readonly code: number | null;
      readonly signal: string | null;
    }
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] }
  | { readonly kind: 'heal' }
  | ({
      /** The launcher changed a fault: a sentence, and all that is set from now on, by letters. */
      readonly kind: 'conditions';
      readonly text: string;
    } & Conditions)
  | { readonly kind: 'action'; readonly text: string };

/** One line of an event log. `t` is milliseconds since 1970 with fractions, one clock a machine; `seq` grows by one per writer. */
export type LogEvent = { readonly v: 1; readonly seq: number; readonly t: number; readonly node: string } & (
  | News
  | HostNews
);
