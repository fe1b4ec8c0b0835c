import type { Stream } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { netLimits } from './limits.ts';

/** A frame on the wire: its length as 4 bytes, little endian, then its bytes. */
const HEADER = 4;

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
