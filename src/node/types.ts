import type { HashPairs } from '../bitcoin/merkle.ts';
import type { ChainBounds } from '../consensus/chain/bounds.ts';
import type { Params } from '../consensus/params/params.ts';
import type { Checked, Refusal } from '../consensus/params/rules.ts';
import type { Row, Store, Write } from '../consensus/store/store.ts';
import type { ForkChoiceName } from '../consensus/tree/fork-choice-rules.ts';
import type { BlockReading } from '../consensus/validate/check.ts';
import type { Verify } from '../consensus/validate/verify.ts';
import type { News } from '../events/events.ts';
import type { Limits } from './limits.ts';

/** Integer microseconds of the node's monotonic clock; it never goes back. */
export type Micros = number;
/** No due time. */
export const NEVER: Micros = Number.POSITIVE_INFINITY;
/** Opaque name of a connected peer, given by the host (a libp2p peer id). */
export type PeerId = string;
/** Ties an answer or a verdict to the input that asked for it. */
export type Ticket = number;

export type Topic = 'block' | 'tx';
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

export type Input =
  /** An asked-for time has come; harmless when early or doubled. */
  | { readonly kind: 'timer' }
  | { readonly kind: 'joined'; readonly peer: PeerId; readonly inbound: boolean }
  | { readonly kind: 'left'; readonly peer: PeerId }
  /** The host holds more than enough to send to this peer (`open` is false), or no longer: answers wait until then. */
  | { readonly kind: 'flow'; readonly peer: PeerId; readonly open: boolean }
  /** One whole frame of the sync protocol (node/wire/messages.ts). */
  | { readonly kind: 'message'; readonly peer: PeerId; readonly bytes: Uint8Array }
  | {
      readonly kind: 'gossip';
      readonly ticket: Ticket;
      readonly peer: PeerId;
      readonly topic: Topic;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'command'; readonly ticket: Ticket; readonly command: Command }
  /** A miner found a nonce for a job; `tries` and `ms` are told in the log. */
  | {
      readonly kind: 'solved';
      readonly job: number;
      readonly nonce: number;
      readonly tries: number;
      readonly ms: number;
    }
  /** A job's nonces are used up: the next one has another extra nonce. */
  | { readonly kind: 'exhausted'; readonly job: number }
  /** Wall clock = now + offset (microseconds since 1970). Given once at the start and whenever it moves. */
  | { readonly kind: 'clock'; readonly offset: Micros };

export type Effect =
  | { readonly kind: 'send'; readonly peer: PeerId; readonly bytes: Uint8Array; readonly early?: boolean }
  | { readonly kind: 'publish'; readonly topic: Topic; readonly bytes: Uint8Array; readonly early?: boolean }
  /** The answer that gossip waits for; always early: it needs no durability. */
  | { readonly kind: 'judge'; readonly ticket: Ticket; readonly verdict: GossipVerdict }
  | { readonly kind: 'answer'; readonly ticket: Ticket; readonly result: CommandResult }
  /** Close the connection; with `banMs` refuse the peer for that long. */
  | { readonly kind: 'drop'; readonly peer: PeerId; readonly why: string; readonly banMs?: number }
  /** Mine this, nothing else; without a job: stop. */
  | { readonly kind: 'work'; readonly job?: Job }
  /** Step with `timer` at this time (or now, if it is past). The host keeps the earliest. */
  | { readonly kind: 'wake'; readonly at: Micros }
  | { readonly kind: 'tell'; readonly news: News };

/** Make `writes` durable as one batch (`sync` when `durable`), then perform the effects in order; `judge` and `early` ones may go first. */
export interface Step {
  readonly writes: readonly Write[];
  readonly durable: boolean;
  readonly effects: readonly Effect[];
  /**
   * The view shows nothing of these writes yet, but the next step, whatever its input: who looks at the view alone may
   * do so while they are written. Who looks at the disk too waits for the end of the next step.
   */
  readonly ahead?: true;
}

/** What a miner needs: the first 76 bytes of the header, and the target as 32 big-endian bytes. */
export interface Job {
  readonly id: number;
  readonly header: Uint8Array;
  readonly target: Uint8Array;
  readonly height: number;
  /** Id of the parent block. */
  readonly prev: string;
  /** Expected tries to a block. */
  readonly difficulty: number;
}

export type Command =
  | { readonly kind: 'submit-block'; readonly bytes: Uint8Array }
  /** Would this block, its proof of work apart, be valid on the tip? Leaves no trace. Answers `done` or `refused`. */
  | { readonly kind: 'propose-block'; readonly bytes: Uint8Array }
  /** One header, 80 bytes, on a parent that is known. Its block competes once the body comes. */
  | { readonly kind: 'submit-header'; readonly bytes: Uint8Array }
  | { readonly kind: 'send-tx'; readonly bytes: Uint8Array; readonly maxFeeRate?: number }
  /** As `send-tx`, but leaves no trace. */
  | { readonly kind: 'test-tx'; readonly bytes: Uint8Array; readonly maxFeeRate?: number }
  /** Several transactions tested together, parents first (node/mempool/package.ts). Leaves no trace. */
  | { readonly kind: 'test-package'; readonly txs: readonly Uint8Array[] }
  /** Keep mining to this lock, tagged; `blocks` stops after so many of our own. Undefined payout stops. */
  | {
      readonly kind: 'mine';
      readonly payout: Uint8Array | undefined;
      readonly tag: string;
      readonly blocks?: number;
    }
  /** One candidate block for a caller who grinds it himself (generatetoaddress, getblocktemplate). */
  | {
      readonly kind: 'template';
      readonly payout: Uint8Array;
      readonly tag: string;
      readonly txids?: readonly Uint8Array[];
    }
  | { readonly kind: 'invalidate'; readonly hash: Uint8Array }
  | { readonly kind: 'reconsider'; readonly hash: Uint8Array }
  | { readonly kind: 'precious'; readonly hash: Uint8Array };

/** The fee in satoshis of one that would be accepted, or why it would not. */
export type Verdict = Checked<{ readonly fee: number }>;

export interface PackageVerdicts {
  /** Why the package as a whole is refused: then no transaction has a verdict. */
  readonly refusal: Refusal | undefined;
  /** One for each transaction, in order; undefined where validation did not come so far. */
  readonly verdicts: readonly (Verdict | undefined)[];
}

export type CommandResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'block'; readonly id: string; readonly isNew: boolean }
  | { readonly kind: 'header'; readonly id: string }
  | {
      readonly kind: 'tx';
      readonly txid: string;
      readonly wtxid: string;
      readonly fee: number;
      readonly vsize: number;
      readonly known: boolean;
    }
  | { readonly kind: 'package'; readonly verdicts: PackageVerdicts }
  | { readonly kind: 'template'; readonly template: CandidateBlock }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'unknown-block' };

/** A whole candidate block whose header nonce (its bytes 76..79) is still to be ground. */
export interface CandidateBlock {
  readonly bytes: Uint8Array;
  readonly header: Uint8Array;
  readonly target: Uint8Array;
  readonly height: number;
  readonly fees: number;
  readonly txids: readonly string[];
}

export interface NodeOptions {
  readonly params: Params;
  readonly store: Store;
  /** Block index, tip and mempool records, as written (consensus/store/records.ts). */
  readonly index: Iterable<Row>;
  readonly verify: Verify;
  readonly seed: number;
  /** What this node calls itself in its hello: a letter in a yard, at most 32 characters. */
  readonly name: string;
  /** For experiments alone: every node of a network must have the same, and on networks that is `first-seen`. */
  readonly forkChoice?: ForkChoiceName;
  /** Smaller bounds for tests; otherwise those of node/limits.ts. */
  readonly limits?: Limits;
  /** Other sizes of the chain's caches: what they hold decides how fast a node is, and no step. */
  readonly bounds?: Partial<ChainBounds>;
  /** Reads and checks block bytes; nodes of one process may share the answers, which depend on the bytes alone. */
  readonly reading?: BlockReading;
  /** Hashes merkle trees; absent: in plain JavaScript. */
  readonly pairs?: HashPairs;
}
