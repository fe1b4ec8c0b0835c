import { sha256 } from '../../bitcoin/hash.ts';
import type { Row, Write } from '../../consensus/store/store.ts';
import type { SigCheck } from '../../consensus/validate/verify.ts';
import { concat, readU32LE, utf8Encode, writeU32LE } from '../../util/bytes.ts';
import type { Effect, Input, Micros, Step } from '../types.ts';
import { decodeValue } from './decode-value.ts';
import { encodeStep, encodeValue } from './encode-step.ts';

/**
 * A recording: all that a node's steps depend on, so that they can be done again elsewhere. A file of frames: length and
 * checksum (4 bytes each, little endian), then one value in the canonical encoding. First who it is, then the rows that the
 * node opened on; then for each step its input, written before the step is made, and what came of it, with the records
 * that it read and the verdicts on signatures. A tail that is cut is what a killed process leaves.
 */
export const RECORDING_MAGIC = utf8Encode('forkyard recording 1\n');

export interface RecordingHead {
  readonly kind: 'head';
  /** Of the program that wrote it. */
  readonly software: string;
  /** As `paramsToJson` gives them, as JSON text. */
  readonly params: string;
  readonly seed: number;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

interface RecordedRows {
  readonly kind: 'rows';
  readonly rows: readonly Row[];
}

export interface RecordedInput {
  readonly kind: 'input';
  readonly now: Micros;
  readonly input: Input;
}

export interface RecordedStep {
  readonly kind: 'step';
  /** What the store answered since the step before, for keys that were not known from it or from writes. */
  readonly answers: readonly Write[];
  /** One after the other: `fingerprint` of the check, and the verdict. */
  readonly verdicts: readonly (readonly [number, boolean])[];
  /** SHA-256 of the step, its first 16 bytes. */
  readonly hash: Uint8Array;
  readonly durable: boolean;
  /** Fingerprints of the writes. */
  readonly writes: readonly number[];
  /** Kinds and fingerprints of the effects. */
  readonly effects: readonly (readonly [string, number])[];
  /** It threw instead: a bug, and the process ended. */
  readonly threw?: string;
}

/** The recording ended in good order. */
interface RecordedEnd {
  readonly kind: 'end';
  readonly why: string;
}

export type RecordedFrame = RecordingHead | RecordedRows | RecordedInput | RecordedStep | RecordedEnd;

const HASH_BYTES = 16;
const FRAME_HEAD = 8;
/** No frame of ours is longer: a block, and what is around it. */
const MAX_FRAME = 64_000_000;

export function encodeFrame(frame: RecordedFrame): Uint8Array {
  const content = encodeValue(frame);
  const head = new Uint8Array(FRAME_HEAD);
  writeU32LE(head, 0, content.length);
  writeU32LE(head, 4, checksum(content));
  return concat(head, content);
}

function checksum(content: Uint8Array): number {
  return readU32LE(sha256(content), 0);
}

/** Four bytes of a hash: enough to see that two things differ. */
function fingerprint(value: unknown): number {
  return checksum(encodeValue(value));
}

export function checkFingerprint({ scheme, key, message, signature }: SigCheck): number {
  return fingerprint([scheme, key, message, signature]);
}

function stepHash(now: Micros, step: Step): Uint8Array {
  return sha256(encodeStep(now, step)).slice(0, HASH_BYTES);
}

/** What is compared of a step. */
export function outlineOf(
  now: Micros,
  step: Step,
): Pick<RecordedStep, 'hash' | 'durable' | 'writes' | 'effects'> {
  return {
    hash: stepHash(now, step),
    durable: step.durable,
    writes: step.writes.map((write) => fingerprint([write.key, write.value])),
    effects: step.effects.map((effect: Effect) => [effect.kind, fingerprint(effect)] as const),
  };
}

/** How a recording's bytes end. */
export type RecordingTail =
  /** With its last frame. */
  | { readonly kind: 'whole' }
  /** Within a frame, of which so many bytes are there. */
  | { readonly kind: 'torn'; readonly bytes: number };

export class DamagedRecording extends Error {
  override readonly name = 'DamagedRecording';
}

/** The frames of a recording, one by one; returns how it ends. Throws `DamagedRecording`, with a sentence, for other bytes. */
export function* readFrames(bytes: Uint8Array): Generator<RecordedFrame, RecordingTail> {
  const magic = RECORDING_MAGIC;
  if (bytes.length < magic.length || !magic.every((byte, i) => bytes[i] === byte))
    throw new DamagedRecording('it does not begin as a recording of this program does');
  let at = magic.length;
  while (at < bytes.length) {
    const left = bytes.length - at;
    if (left < FRAME_HEAD) return { kind: 'torn', bytes: left };
    const length = readU32LE(bytes, at);
    if (length > MAX_FRAME) throw damaged(at, `a frame of ${length} bytes`);
    if (length > left - FRAME_HEAD) return { kind: 'torn', bytes: left };
    const content = bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length);
    if (checksum(content) !== readU32LE(bytes, at + 4)) {
      // A machine that lost its power may have left the last frame's length without its content.
      if (length === left - FRAME_HEAD) return { kind: 'torn', bytes: left };
      throw damaged(at, 'a wrong checksum');
    }
    const value = decodeValue(content);
    if (!value.ok) throw damaged(at, value.error);
    const frame = frameOf(value.value);
    if (frame === undefined) throw damaged(at, 'a frame of unknown form');
    yield frame;
    at += FRAME_HEAD + length;
  }
  return { kind: 'whole' };
}

function damaged(at: number, what: string): DamagedRecording {
  return new DamagedRecording(`it is damaged at byte ${at}: ${what}`);
}

type Fields = Partial<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isBytes = (value: unknown): boolean => value instanceof Uint8Array;

const isList = (value: unknown, fits: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(fits);

const isPair = (value: unknown, first: string, second: string): boolean =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === first && typeof value[1] === second;

/** A record as it is on the disk: bytes by bytes, or none. */
const isRow = (value: unknown): boolean =>
  isRecord(value) && isBytes(value['key']) && (value['value'] === undefined || isBytes(value['value']));

const PEER = { peer: 'string' };
const INPUTS: { readonly [K in Input['kind']]: Readonly<Record<string, string>> } = {
  timer: {},
  joined: { ...PEER, inbound: 'boolean' },
  left: PEER,
  flow: { ...PEER, open: 'boolean' },
  message: { ...PEER, bytes: 'bytes' },
  gossip: { ...PEER, ticket: 'number', topic: 'string', bytes: 'bytes' },
  command: { ticket: 'number', command: 'object' },
  solved: { job: 'number', nonce: 'number', tries: 'number', ms: 'number' },
  exhausted: { job: 'number' },
  clock: { offset: 'number' },
};

/** An input with all of its fields; what is in a command, the node itself validates. */
function isInput(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { kind } = value;
  if (typeof kind !== 'string' || !Object.hasOwn(INPUTS, kind)) return false;
  const fields = Object.entries(INPUTS[kind as Input['kind']]);
  if (
    !fields.every(([field, type]) =>
      type === 'bytes' ? isBytes(value[field]) : typeof value[field] === type,
    )
  )
    return false;
  if (kind === 'gossip') return value['topic'] === 'block' || value['topic'] === 'tx';
  return kind !== 'command' || (isRecord(value['command']) && typeof value['command']['kind'] === 'string');
}

/** Anybody can make a checksum that fits, so what a frame holds is validated too. */
function frameOf(value: unknown): RecordedFrame | undefined {
  if (!isRecord(value)) return undefined;
  const frame = value;
  const is = (field: string, type: string) => typeof frame[field] === type;
  const fits = {
    head: () =>
      is('software', 'string') &&
      is('params', 'string') &&
      is('seed', 'number') &&
      is('name', 'string') &&
      is('startedAt', 'number'),
    rows: () => isList(frame['rows'], isRow),
    input: () => is('now', 'number') && isInput(frame['input']),
    step: () =>
      isList(frame['answers'], isRow) &&
      isList(frame['verdicts'], (v) => isPair(v, 'number', 'boolean')) &&
      isList(frame['writes'], (w) => typeof w === 'number') &&
      isList(frame['effects'], (e) => isPair(e, 'string', 'number')) &&
      is('durable', 'boolean') &&
      (frame['threw'] === undefined || is('threw', 'string')) &&
      isBytes(frame['hash']),
    end: () => is('why', 'string'),
  };
  const kind = frame['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(fits, kind)) return undefined;
  return fits[kind as keyof typeof fits]() ? (value as unknown as RecordedFrame) : undefined;
}
