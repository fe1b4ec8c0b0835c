import { readFileSync } from 'node:fs';
import { paramsFromJson } from '../../consensus/params/params.ts';
import type { Row } from '../../consensus/store/store.ts';
import {
  DamagedRecording,
  type RecordedFrame,
  type RecordedInput,
  type RecordingHead,
  readFrames,
} from '../../node/record/recording.ts';
import { type Difference, describeInput, Replay } from '../../node/record/replay.ts';
import { defined } from '../../util/defined.ts';
import type { Result } from '../../util/result.ts';
import { err, ok } from '../../util/result.ts';

/** A recording done again: what `forkyard replay` says. */
export interface Replayed {
  readonly software: string;
  readonly node: string;
  readonly network: string;
  readonly startedAt: number;
  /** Steps that were the same. */
  readonly same: number;
  /** Of the node's own clock, from its first step to its last. */
  readonly ms: number;
  readonly tip: { readonly height: number; readonly id: string };
  readonly difference?: Difference;
  /** The recorded process ended within this step; here it was done. */
  readonly unfinished?: string;
  /** The last recorded step threw, and so it did here. */
  readonly threw?: string;
  /** Bytes of a frame that the file has no end of. */
  readonly torn?: number;
  /** Why the recording ended, if it says so. */
  readonly ended?: string;
}

/** An error is about the file: foreign, damaged, unreadable. */
export async function replayFile(
  file: string,
  progress: (steps: number) => void,
): Promise<Result<Replayed, string>> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return err(code === 'ENOENT' ? `there is no file ${file}` : `cannot read ${file}: ${message}`);
  }
  try {
    return await replayBytes(bytes, progress);
  } catch (error) {
    if (error instanceof DamagedRecording) return err(`${file}: ${error.message}`);
    throw error;
  }
}

/** Steps done before the event loop gets a turn. */
const TURN = 500;

async function replayBytes(
  bytes: Uint8Array,
  progress: (steps: number) => void,
): Promise<Result<Replayed, string>> {
  const frames = readFrames(bytes);
  const opening = open(frames);
  if (!opening.ok) return opening;
  const { head, network, replay } = opening.value;
  let { first: frame } = opening.value;
  let pending: RecordedInput | undefined;
  let began: number | undefined;
  let now = 0;
  let difference: Difference | undefined;
  let threw: string | undefined;
  let ended: string | undefined;
  let torn: number | undefined;
  while (frame !== undefined && difference === undefined) {
    if (frame.kind === 'input') {
      pending = frame;
      began ??= frame.now;
      now = frame.now;
    } else if (frame.kind === 'step') {
      if (pending === undefined) throw new DamagedRecording('it has a step without an input');
      difference = replay.step(pending, frame);
      threw = frame.threw;
      pending = undefined;
      if (replay.done % TURN === 0) {
        progress(replay.done);
        await new Promise((next) => setImmediate(next));
      }
    } else if (frame.kind === 'end') {
      ended = frame.why;
    } else {
      throw new DamagedRecording(`it has a frame '${frame.kind}' among its steps`);
    }
    const next: IteratorResult<RecordedFrame, { kind: string; bytes?: number }> = frames.next();
    if (next.done === true) torn = next.value.bytes;
    frame = next.done === true ? undefined : next.value;
  }
  let unfinished: string | undefined;
  if (difference === undefined && pending !== undefined) {
    unfinished = describeInput(pending.input);
    difference = replay.step(pending, undefined);
  }
  const { tip } = replay.view.chain;
  return ok({
    software: head.software,
    node: head.name,
    network,
    startedAt: head.startedAt,
    same: replay.done,
    ms: Math.round((now - (began ?? 0)) / 1_000),
    tip: { height: tip.height, id: tip.id },
    ...defined({ difference, unfinished, threw, torn, ended }),
  });
}

interface Opening {
  readonly head: RecordingHead;
  readonly network: string;
  readonly replay: Replay;
  /** The first frame after the rows. */
  readonly first: RecordedFrame | undefined;
}

function open(frames: Iterator<RecordedFrame, unknown>): Result<Opening, string> {
  const first = frames.next();
  if (first.done === true || first.value.kind !== 'head')
    throw new DamagedRecording('it does not say whose recording it is');
  const head = first.value;
  let json: unknown;
  try {
    json = JSON.parse(head.params);
  } catch {
    throw new DamagedRecording('its network parameters are not JSON');
  }
  const params = paramsFromJson(json);
  if (!params.ok) return err(`its network is not one that this version knows: ${params.error}`);
  const rows: Row[] = [];
  let next = frames.next();
  for (; next.done !== true && next.value.kind === 'rows'; next = frames.next())
    rows.push(...next.value.rows);
  let replay: Replay;
  try {
    replay = new Replay({ params: params.value, rows, seed: head.seed, name: head.name });
  } catch (error) {
    // Rows that no node wrote: whatever the opening finds first.
    throw new DamagedRecording(`no node can open its rows: ${(error as Error).message}`);
  }
  return ok({
    head,
    network: params.value.label,
    replay,
    first: next.done === true ? undefined : next.value,
  });
}
