import type { Row } from '../../consensus/store/store.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { HostNews, LogEvent, News } from '../../events/events.ts';
import type { OffsetClock } from '../../host/driver/clock.ts';
import type { Looks } from '../../host/driver/readers.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Arguments } from '../../host/http/methods.ts';
import type { Network } from '../../host/net/types.ts';
import type { Command, CommandResult, Job } from '../../node/types.ts';
import type { NodeView } from '../../node/view.ts';
import { hashOfId } from '../../util/bytes.ts';
import type { MiningControl } from './mining-control.ts';

/** What is on disk at one instant; closed when done. */
export interface Snapshot {
  get(key: Uint8Array): Uint8Array | undefined;
  /** All records whose key starts with `prefix`, in key order, read in batches so that the node goes on meanwhile. */
  rows(prefix: Uint8Array): AsyncIterable<Row>;
  close(): Promise<void>;
}

/** Finds a nonce for a job on other threads; undefined when `signal` aborts or the tries run out. */
export type Grind = (
  job: Job,
  maxTries: number,
  signal: AbortSignal,
) => Promise<{ nonce?: number; tries: number }>;

/** All that the methods of one running node may touch. */
export interface NodeContext {
  readonly view: NodeView;
  readonly network: Network;
  readonly mining: MiningControl;
  readonly signatures: { readonly ecdsa: string; readonly schnorr: string };
  readonly datadir: string;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly log: NodeLog;
  /** The node's own clock; its wall may be set off. */
  readonly clock: OffsetClock;
  readonly grind: Grind;
  command(command: Command): Promise<CommandResult>;
  /** Begins `read` when what it looks at can be told: nothing of it could a power cut take back. */
  between<T>(looks: Looks, read: () => T | Promise<T>): Promise<T>;
  snapshot(): Snapshot;
  /** What the store answers now, synchronously. */
  stored(key: Uint8Array): Uint8Array | undefined;
  /** When the present tip became the tip, in milliseconds since 1970. */
  tipSince(): number;
  onNews(listener: (news: News) => void): () => void;
  /** Adds to the event log what the node itself does not know. */
  tell(news: HostNews): void;
  requestStop(why: string): void;
  diskUsage(): Promise<number>;
  /** How long the node's steps took. */
  stepFigures(): { readonly steps: number; readonly longestStepMs: number; readonly meanStepMs: number };
}

interface NodeLog {
  /** Without `max` those in memory, with it from the files too. */
  since(after: number, max?: number): readonly LogEvent[];
  readonly oldestSeq: number;
  readonly lastSeq: number;
}

/**
 * Lets others have their turn in a long call, which goes on when memory and disk agree again. The tip may be another then:
 * what belongs together is walked from an entry that was kept, or looked at without a turn in between.
 */
export async function turn(context: NodeContext): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await context.between('all', () => undefined);
}

/** Core: ParseHashV. A display id of 64 hex digits as a hash in internal order. */
export function hashArgument(args: Arguments, name: string): Uint8Array {
  return parseHash(args.string(name), name);
}

export function parseHash(text: string, name: string): Uint8Array {
  if (text.length !== 64)
    throw new RpcError(
      RPC.INVALID_PARAMETER,
      `${name} must be of length 64 (not ${text.length}, for '${text.slice(0, 80)}')`,
    );
  const hash = hashOfId(text);
  if (hash === undefined)
    throw new RpcError(RPC.INVALID_PARAMETER, `${name} must be hexadecimal string (not '${text}')`);
  return hash;
}

/** The block of that id in the tree, whether connected or not. */
export function entryArgument(context: NodeContext, args: Arguments, name: string): BlockEntry {
  const entry = context.view.chain.entry(hashArgument(args, name));
  if (entry === undefined) throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Block not found');
  return entry;
}

/** Core: blocks above a block on the active chain count it; off it −1. */
export function confirmations(view: NodeView, entry: BlockEntry): number {
  return view.chain.isActive(entry) ? view.chain.tip.height - entry.height + 1 : -1;
}

/** 256 bits as 64 hex digits. */
export function hex256(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

/** No argument of ours needs a larger whole number. */
export const MAX_INT = 2_147_483_647;
