import { HEADER_SIZE, headerHash } from '../../bitcoin/header.ts';
import { decodeTx } from '../../bitcoin/tx.ts';
import { idOf } from '../../util/bytes.ts';
import { limits } from '../limits.ts';
import type { Topic } from '../types.ts';
import { announcedHeader } from './compact.ts';
import { decodeMessage } from './messages.ts';

/** What a message is, for people. */
export interface Described {
  /** `block`, `tx`, `tip`, `headers`, …; several in one gossip frame are joined with `+`. */
  readonly kind: string;
  /** Display id of the block or payment that it carries or names; '' where there is none. */
  readonly about: string;
}

/**
 * What keeps a link alive rather than telling anything: held back, it would make both ends hang up. A hello tells the
 * height that a peer had when it connected; everything that follows from it is held.
 */
const KEEP_ALIVE: ReadonlySet<string> = new Set(['hello', 'ping', 'pong']);

/** A frame of the sync protocol in two words; undefined for one that is never held. */
export function describeFrame(frame: Uint8Array): Described | undefined {
  const message = decodeMessage(frame, limits);
  // The node will judge it when it is let in.
  if (!message.ok) return { kind: 'malformed', about: '' };
  const m = message.value;
  if (KEEP_ALIVE.has(m.kind)) return undefined;
  switch (m.kind) {
    case 'block':
      return { kind: 'block', about: blockId(m.bytes) };
    case 'tip':
      return { kind: 'tip', about: blockId(m.header) };
    case 'tx':
      return { kind: 'tx', about: txId(m.bytes) };
    default:
      return { kind: m.kind, about: '' };
  }
}

/** A gossip frame by the messages that it carries; undefined when there is none in it (mesh upkeep). */
export function describeGossip(
  rpc: unknown,
  topicOf: (name: string) => string | undefined,
): Described | undefined {
  const { messages } = rpc as { messages?: readonly { topic?: string; data?: Uint8Array }[] };
  if (messages === undefined || messages.length === 0) return undefined;
  const kinds = messages.map((m) => topicOf(m.topic ?? '') ?? 'unknown');
  const data = messages[0]!.data ?? new Uint8Array();
  return { kind: kinds.join('+'), about: messages.length > 1 ? '' : aboutOf(kinds[0]!, data) };
}

/** One gossip message, as `describeGossip` says it. */
export function describePublished(topic: Topic, data: Uint8Array): Described {
  return { kind: topic, about: aboutOf(topic, data) };
}

function aboutOf(kind: string, data: Uint8Array): string {
  return kind === 'block' ? blockId(announcedHeader(data)) : txId(data);
}

function blockId(bytes: Uint8Array | undefined): string {
  return bytes === undefined || bytes.length < HEADER_SIZE
    ? ''
    : idOf(headerHash(bytes.slice(0, HEADER_SIZE)));
}

function txId(bytes: Uint8Array): string {
  const tx = decodeTx(bytes);
  return tx.ok ? tx.value.id : '';
}
