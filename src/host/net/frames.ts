import { performance } from 'node:perf_hooks';
import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { netLimits } from './limits.ts';

/** A frame on the wire: its length as 4 bytes, little endian, then its bytes. */
const HEADER = 4;

export interface FrameReaderOptions {
  readonly maxFrame: number;
  /** A promise pushes back: no further frame is given, and soon none read, until it settles. */
  readonly onFrame: (frame: Uint8Array) => void | Promise<void>;
  /** The peer broke the framing; no further frame comes. Never called from within a call of the stream. */
  readonly onFault: (why: string) => void;
}

/**
 * Cuts a stream into frames, with real back-pressure. libp2p's own `lpStream` never pauses, so with it a
 * slow reader dies of "Read buffer overflow"; here a blocked reader pauses the stream, yamux then grants no
 * more window, and the sender stops. What can pile up is two yamux windows and the frame under way.
 */
export class FrameReader {
  /** When the frame under way began to come in; undefined when none is, or when it is we who do not read. */
  partialSince: number | undefined;

  readonly #stream: Stream;
  readonly #o: FrameReaderOptions;
  readonly #buffer = new Uint8ArrayList();
  /** Bytes the next frame needs, header included; HEADER until its length is known. */
  #need = HEADER;
  #blocked = false;
  #paused = true;
  #closed = false;

  /** Holds the stream back until `start`. */
  constructor(stream: Stream, o: FrameReaderOptions) {
    this.#stream = stream;
    this.#o = o;
    stream.maxReadBufferLength = 2 * netLimits.streamWindowBytes + o.maxFrame;
    if (stream.readStatus === 'readable') stream.pause();
  }

  start(): void {
    this.#stream.addEventListener('message', this.#onMessage);
    this.#flow();
  }

  close(): void {
    this.#closed = true;
    this.partialSince = undefined;
    this.#stream.removeEventListener('message', this.#onMessage);
    if (this.#buffer.byteLength > 0) this.#buffer.consume(this.#buffer.byteLength);
  }

  get bufferedBytes(): number {
    return this.#buffer.byteLength + this.#stream.readBufferLength;
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#buffer.append(event.data);
    this.#read();
    // Pausing here would be undone when it is `resume` that called us (it resumes the muxer after emitting).
    if (this.#blocked) queueMicrotask(() => this.#flow());
  };

  #read(): void {
    while (!this.#blocked && !this.#closed && this.#buffer.byteLength >= this.#need) {
      if (this.#need === HEADER) {
        const length = this.#buffer.getUint32(0, true);
        if (length > this.#o.maxFrame) {
          this.close();
          const why = `a frame of ${length} bytes, at most ${this.#o.maxFrame} are allowed`;
          // Whoever hears it hangs up, and `resume`, which may have called us, throws on a connection that is gone.
          queueMicrotask(() => this.#o.onFault(why));
          return;
        }
        this.#need = HEADER + length;
        if (length > 0) continue;
      }
      const frame = this.#buffer.slice(HEADER, this.#need);
      this.#buffer.consume(this.#need);
      this.#need = HEADER;
      this.partialSince = undefined;
      this.#give(frame);
    }
    const partial = !this.#blocked && !this.#closed && this.#buffer.byteLength > 0;
    this.partialSince = partial ? (this.partialSince ?? performance.now()) : undefined;
  }

  #give(frame: Uint8Array): void {
    const settled = this.#o.onFrame(frame);
    if (settled === undefined) return;
    this.#blocked = true;
    // A rejection is a bug of the receiver and stays unhandled on purpose, so that it is seen.
    void settled.then(() => {
      this.#blocked = false;
      this.#read();
      this.#flow();
    });
  }

  /** Makes the stream flow or stand as `#blocked` says. */
  #flow(): void {
    const status = this.#stream.readStatus;
    if (this.#closed || this.#paused === this.#blocked || (status !== 'readable' && status !== 'paused'))
      return;
    this.#paused = this.#blocked;
    if (this.#paused) this.#stream.pause();
    else this.#stream.resume();
  }
}

/**
 * Writes frames, as fast as the peer reads. A stream accepts any amount and keeps it in memory, so frames
 * wait here, where they are counted, and the stream is given about a megabyte at a time.
 */
export class FrameWriter {
  /** Bytes handed to the stream so far, headers of frames included. */
  givenBytes = 0;

  readonly #stream: Stream;
  readonly #onFault: (why: string) => void;
  readonly #onMoved: () => void;
  #queue: Uint8Array[] = [];
  #first = 0;
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  /** `onMoved`: the queue or the stream's buffer has become shorter. */
  constructor(stream: Stream, onFault: (why: string) => void, onMoved: () => void = () => undefined) {
    this.#stream = stream;
    this.#onFault = onFault;
    this.#onMoved = onMoved;
    // Each may come before the stream has taken up the rest of its own buffer, which it does in a microtask.
    stream.addEventListener('drain', this.#schedule);
    stream.addEventListener('idle', this.#schedule);
  }

  get queuedBytes(): number {
    return this.#bytes;
  }

  get queuedFrames(): number {
    return this.#queue.length - this.#first;
  }

  /** False when the queue is full: the frame was not taken, and the peer is beyond help. */
  push(frame: Uint8Array): boolean {
    if (this.#closed) return true;
    const full =
      this.#bytes + frame.length > netLimits.writeQueueBytes ||
      this.#queue.length - this.#first >= netLimits.writeQueueFrames;
    if (full) return false;
    this.#queue.push(frame);
    this.#bytes += frame.length;
    this.#schedule();
    return true;
  }

  /** Gives the stream at once what it takes, before a polite close. */
  flush(): void {
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#stream.removeEventListener('drain', this.#schedule);
    this.#stream.removeEventListener('idle', this.#schedule);
  }

  readonly #schedule = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#pump();
    });
  };

  #canWrite(): boolean {
    const s = this.#stream;
    if (s.writeStatus !== 'writable') return false;
    if (s.writeBufferLength >= netLimits.streamBufferBytes) return false;
    // An empty stream may say that it needs a drain that never comes: yamux tells of new window only when
    // data waits.
    return !s.writableNeedsDrain || s.writeBufferLength === 0;
  }

  #pump(): void {
    while (!this.#closed && this.#first < this.#queue.length && this.#canWrite()) {
      try {
        const bytes = this.#take();
        this.givenBytes += bytes.byteLength;
        this.#stream.send(bytes);
      } catch (e) {
        this.close();
        this.#onFault(`cannot write to it: ${(e as Error).message}`);
        return;
      }
    }
    if (!this.#closed) this.#onMoved();
  }

  /** The next frame with its header, and small ones after it. */
  #take(): Uint8ArrayList {
    const out = new Uint8ArrayList();
    do {
      const frame = this.#queue[this.#first++]!;
      this.#bytes -= frame.length;
      const header = new Uint8Array(HEADER);
      new DataView(header.buffer).setUint32(0, frame.length, true);
      out.append(header);
      if (frame.length > 0) out.append(frame);
    } while (this.#first < this.#queue.length && out.byteLength < netLimits.coalesceBytes);
    if (this.#first === this.#queue.length || this.#first >= 1_024) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    return out;
  }
}
