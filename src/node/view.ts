import type { Block } from '../bitcoin/block.ts';
import type { OutPoint, Tx } from '../bitcoin/tx.ts';
import type { Params } from '../consensus/params/params.ts';
import type { Coin } from '../consensus/store/coin.ts';
import type { ForkChoiceName } from '../consensus/tree/fork-choice-rules.ts';
import type { BlockEntry } from '../consensus/tree/tree.ts';
import type { Limits } from './limits.ts';
import type { PoolEntry } from './mempool/mempool.ts';
import type { Job, Micros, PeerId } from './types.ts';

/**
 * The only way to look into a node: what RPC, faces and invariant checkers read between two steps. Everything here is
 * as of the last step; while a block connects, chain and mempool show the old tip. After a step that was `ahead`, what is
 * read from the disk (coins, undo, places of transactions) belongs to the coming tip, until the next step. Nothing may be
 * changed through it, and what it hands out must not be kept over a step, except entries, blocks and transactions, which
 * never change.
 */
export interface NodeView {
  /** What the node calls itself: a letter in a yard. */
  readonly name: string;
  readonly params: Params;
  readonly limits: Limits;
  /** Monotonic time of the last step. */
  readonly now: Micros;
  /** Wall clock = now + offset; undefined before the first `clock` input. */
  readonly offset: Micros | undefined;
  /** Wall clock in whole seconds, as headers count; 0 before the first `clock` input. */
  readonly wallS: number;
  /** When the first step was made. */
  readonly startedAt: Micros;
  readonly chain: ChainView;
  readonly mempool: MempoolView;
  readonly orphanTxs: number;
  readonly compact: CompactCounts;
  /** Announced by short ids, and not together yet. */
  readonly announcedBlocks: number;
  /** Headers and blocks that wait for their time. */
  readonly futureBlocks: number;
  /** In the order in which they joined. */
  readonly peers: readonly PeerView[];
  readonly mining: MiningView;
  /** The best header is far above the tip, `limits.initialSyncBlocks` (Core: initialblockdownload). */
  readonly initialSync: boolean;
  /** Wants another step at once: a block is being connected, or requests are being served. */
  readonly busy: boolean;
  /** A tip that is on disk is not told yet: it is to be shown, or the mempool is being brought to it. Some timer steps end it. */
  readonly settling: boolean;
  /** Steps made so far. */
  readonly steps: number;
}

/** Blocks announced by short transaction ids since the start (node/blocks/compact-relay.ts). */
export interface CompactCounts {
  readonly announced: number;
  /** Put together from the mempool alone. */
  readonly atOnce: number;
  /** ... after missing transactions were asked for, and how many those were. */
  readonly fetched: number;
  readonly txsFetched: number;
  /** Could not be put together: fetched whole. */
  readonly whole: number;
}

export interface ChainView {
  readonly params: Params;
  readonly genesis: BlockEntry;
  /** The active, connected tip. */
  readonly tip: BlockEntry;
  /** The header with most work that is not condemned. */
  readonly bestHeader: BlockEntry;
  /** The rule by which branches are chosen: `first-seen` on every network. */
  readonly forkChoice: ForkChoiceName;
  /** A better branch is being connected. */
  readonly connecting: boolean;
  entry(hash: Uint8Array): BlockEntry | undefined;
  entries(): Iterable<BlockEntry>;
  /** On the active chain. */
  atHeight(height: number): BlockEntry | undefined;
  isActive(entry: BlockEntry): boolean;
  tips(): readonly ChainTip[];
  /** The whole block, if its body is here; read from disk, so do not loop over many in one go. */
  block(entry: BlockEntry): Block | undefined;
  /** How the bounded cache of coins does. */
  readonly coinCache: { readonly size: number; readonly hits: number; readonly misses: number };
  /** A coin of the active tip. */
  coin(outpoint: OutPoint): Coin | undefined;
}

/** As Core's getchaintips. */
interface ChainTip {
  readonly entry: BlockEntry;
  readonly status: 'active' | 'valid-fork' | 'valid-headers' | 'headers-only' | 'invalid';
  readonly branchLength: number;
}

interface MempoolView {
  readonly size: number;
  /** Sum of virtual sizes (Core: getmempoolinfo.bytes). */
  readonly bytes: number;
  /** Memory in use, bounded by `limits.mempoolBytes`. */
  readonly usage: number;
  /** Members that have entered or left since the start (Core: GetTransactionsUpdated). */
  readonly updates: number;
  /** Satoshis per 1,000 vbytes below which nothing enters now. */
  readonly minFeeRate: number;
  /** By txid, internal byte order. */
  get(txid: Uint8Array): PoolEntry | undefined;
  /** In order of arrival. */
  entries(): Iterable<PoolEntry>;
  /** Those that wait to be admitted again, after a reorg or a restart. Some may have come in by another way meanwhile. */
  returning(): Iterable<Tx>;
  /** Who in the pool spends this coin. */
  spender(outpoint: OutPoint): PoolEntry | undefined;
}

export interface PeerView {
  readonly peer: PeerId;
  readonly inbound: boolean;
  readonly joinedAt: Micros;
  /** Both hellos are exchanged. */
  readonly ready: boolean;
  /** From its hello; '' and 0 before. */
  readonly name: string;
  readonly version: number;
  /** Best tip that the peer told or proved: its height, display id and total work as claimed. */
  readonly height: number;
  readonly tip: string;
  readonly work: bigint;
  /** Height of the best header that it proved to have; −1 if none. */
  readonly syncedHeight: number;
  /** Last round trip, if a ping was answered. */
  readonly ping: Micros | undefined;
  readonly lastHeard: Micros;
  readonly framesIn: number;
  readonly framesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly headersBuffered: number;
  /** Heights of bodies asked of it and not yet here. */
  readonly inFlight: readonly number[];
  /** `limits.scoreFull` and falling; at 0 it is dropped and banned. */
  readonly score: number;
  /** Its blocks that passed `context` and failed `connect`. */
  readonly blocksRefused: number;
}

export interface MiningView {
  /** Mining was asked for (a job may still be missing for an instant). */
  readonly on: boolean;
  /** The lock that is paid, and the tag in the coinbase. */
  readonly payout: Uint8Array | undefined;
  readonly tag: string;
  /** Own blocks still to mine before it stops; undefined: no end. */
  readonly blocksLeft: number | undefined;
  readonly job: Job | undefined;
  /** Of the current job's template, without the coinbase (Core: getmininginfo.currentblocktx). */
  readonly txs: number;
  readonly weight: number;
  readonly fees: number;
  /** Own blocks accepted since the start. */
  readonly mined: number;
}
