import { closeSync, openSync, writeSync } from 'node:fs';
import type { Row, Store, Write } from '../../consensus/store/store.ts';
import type { SigCheck, Verify } from '../../consensus/validate/verify.ts';
import {
  checkFingerprint,
  encodeFrame,
  outlineOf,
  RECORDING_MAGIC,
  type RecordedFrame,
  type RecordingHead,
} from '../../node/record/recording.ts';
import type { Input, Step } from '../../node/types.ts';
import { keyOf } from '../../util/bytes.ts';
import { hostLimits } from '../limits.ts';
import type { DrivenNode } from './driver.ts';

/** The file cannot be begun; the message is a sentence for its owner. */
class RecorderError extends Error {
  override readonly name = 'RecorderError';
}

/** Rows of the opening go to the file so many at a time. */
const ROWS_PER_FRAME = 1_000;

/**
 * Writes a recording (node/record/recording.ts) as the node goes: give the node its store, verify and index through this, and drive
 * `node(…)` instead of it. Every frame is handed to the system before the step goes on, so a process that is killed
 * leaves all but its last step. At `hostLimits.recordingBytes` the recording ends, and the node goes on without.
 */
export class Recorder {
  readonly file: string;
  #fd: number | undefined;
  #bytes = 0;
  readonly #limit: number;
  readonly #ended: (why: string) => void;
  /** Records whose content the recording has, by an answer or by a write. */
  readonly #known = new Set<string>();
  #answers: Write[] = [];
  #verdicts: [number, boolean][] = [];

  /** `ended` hears why, when the recording ends before it is closed. */
  constructor(o: {
    readonly file: string;
    readonly head: Omit<RecordingHead, 'kind'>;
    readonly ended: (why: string) => void;
    readonly limit?: number;
  }) {
    this.file = o.file;
    this.#ended = o.ended;
    this.#limit = o.limit ?? hostLimits.recordingBytes;
    try {
      // Never over another: it may be the one that shows the bug.
      this.#fd = openSync(o.file, 'wx', 0o600);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new RecorderError(
        code === 'EEXIST'
          ? `${o.file} exists already, and a recording never overwrites a file: give --record another name`
          : `cannot record in ${o.file}: ${message}`,
      );
    }
    this.#put(RECORDING_MAGIC);
    this.#write({ kind: 'head', ...o.head });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The store as the node sees it. */
  store(store: Store): Store {
    return {
      get: (key) => {
        const value = store.get(key);
        if (this.#fd !== undefined && !this.#known.has(keyOf(key))) {
          this.#know(key);
          this.#answers.push({ key, value });
        }
        return value;
      },
    };
  }

  verify(verify: Verify): Verify {
    return (check: SigCheck) => {
      const verdict = verify(check);
      if (this.#fd !== undefined) this.#verdicts.push([checkFingerprint(check), verdict]);
      return verdict;
    };
  }

  /** The rows of the opening, written as they are read. */
  *index(rows: Iterable<Row>): Iterable<Row> {
    let piece: Row[] = [];
    for (const row of rows) {
      piece.push(row);
      this.#know(row.key);
      if (piece.length === ROWS_PER_FRAME) {
        this.#write({ kind: 'rows', rows: piece });
        piece = [];
      }
      yield row;
    }
    if (piece.length > 0) this.#write({ kind: 'rows', rows: piece });
  }

  node(node: DrivenNode): DrivenNode {
    return {
      view: node.view,
      ...(node.prefetch === undefined ? {} : { prefetch: () => node.prefetch!() }),
      ...(node.signaturesAhead === undefined ? {} : { signaturesAhead: () => node.signaturesAhead!() }),
      step: (now, input) => this.#step(node, now, input),
    };
  }

  #step(node: DrivenNode, now: number, input: Input): Step {
    this.#write({ kind: 'input', now, input });
    // What was verified ahead, or read by a caller between two steps, is no verdict inside this one.
    this.#verdicts = [];
    try {
      const step = node.step(now, input);
      this.#outcome(outlineOf(now, step));
      for (const { key } of step.writes) this.#know(key);
      return step;
    } catch (error) {
      const threw = error instanceof Error ? error.message : String(error);
      this.#outcome({ hash: new Uint8Array(0), durable: false, writes: [], effects: [] }, threw);
      throw error;
    }
  }

  #outcome(outline: ReturnType<typeof outlineOf>, threw?: string): void {
    const answers = this.#answers;
    this.#answers = [];
    const step = { kind: 'step', answers, verdicts: this.#verdicts, ...outline } as const;
    this.#write(threw === undefined ? step : { ...step, threw });
  }

  #know(key: Uint8Array): void {
    // Forgotten ones are recorded once more when they are read again.
    if (this.#known.size >= hostLimits.recordingKeys) this.#known.clear();
    this.#known.add(keyOf(key));
  }

  #write(frame: RecordedFrame): void {
    if (this.#fd === undefined) return;
    const bytes = encodeFrame(frame);
    if (this.#bytes + bytes.length > this.#limit) {
      const why = `the recording ${this.file} has reached its limit of ${Math.round(this.#limit / 1e6)} MB`;
      this.#end(why);
      this.#ended(why);
      return;
    }
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd!, bytes, at);
      this.#bytes += bytes.length;
    } catch (error) {
      closeSync(this.#fd!);
      this.#fd = undefined;
      this.#ended(`the recording ${this.file} cannot be written: ${(error as Error).message}`);
    }
  }

  #end(why: string): void {
    if (this.#fd === undefined) return;
    this.#put(encodeFrame({ kind: 'end', why }));
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#known.clear();
  }

  close(): void {
    this.#end('the node stopped');
  }
}
