import type { Retarget } from '../consensus/params/retarget.ts';
import type { LinkShape } from '../util/link-shape.ts';

/**
 * The vocabulary of the event log. A node emits `News`; the host adds `{ v, seq, t, node }` in front and writes each event as
 * one JSON line, so every field here is JSON as it stands. docs/event-log.md has an example of each kind.
 */

/** A block by its id, with what a person calls it by. */
export interface BlockRef {
  /** The block's hash as Bitcoin shows it: 64 hex digits, reversed. */
  readonly id: string;
  /** The genesis has height 0. */
  readonly height: number;
  /** The miner's letter from the coinbase tag, '' if it has none or the body is unknown. */
  readonly miner: string;
}

/** A payment that a reorg undid for good. */
export interface LostTx {
  readonly txid: string;
  /** The transaction that took the coin; absent when the cause is another. */
  readonly by?: string;
  /** The block that `by` is in. */
  readonly block?: string;
}

/**
 * What a node emits. Ids are hex as Bitcoin shows them, `work` is the expected number of hashes behind a block in hex without
 * prefix, amounts are satoshis, and peers are libp2p peer ids; `from` is `self` for what began at this node. `miner` is the
 * letter in the coinbase, '' if it has none.
 */
export type News =
  | {
      /** A header entered the tree; its body may come later. */
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
      /** Of its header, in seconds since 1970. */
      readonly time: number;
      /** With the coinbase. */
      readonly txs: number;
      /** In bytes. */
      readonly size: number;
      readonly from: string;
    }
  | {
      /** This node found a block: its line follows the `block` line. `tries` and `ms` count from the beginning of the job. */
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
      /** A block joined the active chain: all its rules hold. `txids` begins with the coinbase. */
      readonly kind: 'connected';
      readonly id: string;
      readonly height: number;
      readonly miner: string;
      readonly txids: readonly string[];
    }
  /** A block left the active chain, the tip first. */
  | { readonly kind: 'disconnected'; readonly id: string; readonly height: number; readonly miner: string }
  | {
      /** The tip changed, after all `disconnected` and `connected` events of the change. `old` is the id of the tip before. */
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
      /** The last block that both branches share. */
      readonly fork: BlockRef;
      /** Blocks that were undone. */
      readonly depth: number;
      /** Blocks that took their place. */
      readonly length: number;
      readonly out: readonly BlockRef[];
      readonly in: readonly BlockRef[];
      readonly because: 'work' | 'invalidated' | 'precious';
    }
  | {
      /** A block broke a rule. `rule` is Bitcoin Core's name where it has one. */
      readonly kind: 'refused';
      readonly id: string;
      readonly height: number;
      readonly rule: string;
      readonly detail: string;
      readonly from: string;
    }
  | {
      /** A payment entered the mempool. `fee` is in satoshis. */
      readonly kind: 'tx-seen';
      readonly txid: string;
      readonly fee: number;
      readonly vsize: number;
      readonly from: string;
    }
  | {
      /** The mempool refused a payment. */
      readonly kind: 'tx-refused';
      readonly txid: string;
      readonly rule: string;
      readonly detail: string;
      readonly from: string;
    }
  /** A reorg took a payment out of its block; it is in the mempool again. */
  | { readonly kind: 'tx-returned'; readonly txid: string }
  /** A reorg undid a payment that cannot be confirmed any more. */
  | ({ readonly kind: 'tx-lost' } & LostTx)
  | {
      /** A payment left the mempool and is in no block. `by` is the payment that took its place. */
      readonly kind: 'tx-removed';
      readonly txid: string;
      readonly why: 'replaced' | 'evicted' | 'expired' | 'conflict';
      readonly by?: string;
    }
  /** A connection is open. `inbound`: the peer dialled this node. */
  | { readonly kind: 'peer-joined'; readonly peer: string; readonly inbound: boolean }
  /** Both hellos are exchanged: `name` is what the peer calls itself (a letter in a yard). */
  | { readonly kind: 'peer-ready'; readonly peer: string; readonly name: string; readonly height: number }
  /** The connection ended. */
  | { readonly kind: 'peer-left'; readonly peer: string }
  | {
      /** A peer misbehaved. `banned`: its connections are refused for a while. */
      readonly kind: 'fault';
      readonly peer: string;
      readonly rule: string;
      readonly detail: string;
      readonly banned: boolean;
    }
  /** The node begins or stops making jobs; `height` is that of the first job. */
  | { readonly kind: 'mining'; readonly on: boolean; readonly height?: number }
  /** The machine's wall clock jumped by `offsetMs`. */
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
      /** A node opened its data. `id`, `height` and `work` are its tip's, `peer` is its own peer id. */
      readonly kind: 'start';
      readonly genesis: string;
      readonly network: string;
      readonly id: string;
      readonly height: number;
      readonly work: string;
      readonly pid: number;
      readonly peer: string;
    }
  /** A node stops in an orderly way. */
  | { readonly kind: 'stop'; readonly why: string }
  /** Something a person may want to know. */
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
      /** The launcher saw a node's process start or end; `code` and `signal` are those of its end, else null. */
      readonly kind: 'process';
      readonly what: 'started' | 'exited' | 'killed';
      readonly of: string;
      readonly code: number | null;
      readonly signal: string | null;
    }
  /** Every link between the groups is cut. */
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] }
  /** Every link may open again. */
  | { readonly kind: 'heal' }
  | ({
      /** The launcher changed a fault: a sentence, and all that is set from now on, by letters. */
      readonly kind: 'conditions';
      readonly text: string;
    } & Conditions)
  /** Somebody did something to the yard: the sentence that says what. */
  | { readonly kind: 'action'; readonly text: string };

/** One line of an event log: when, where, and by `kind` what happened. */
export type LogEvent = {
  /** Version of the format. */
  readonly v: 1;
  /** Grows by one per writer. */
  readonly seq: number;
  /** Milliseconds since 1970 with fractions, from one clock for all processes of a machine. */
  readonly t: number;
  /** The node's letter; '' is the launcher. */
  readonly node: string;
} & (News | HostNews);
