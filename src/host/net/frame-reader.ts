import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import { ByteQueue } from './byte-queue.ts';
import { netLimits } from './limits.ts';
import type { ReceiveBudget } from './receive-budget.ts';

/** How a frame's length stands before it. */
export interface Framing {
  /** The longest header, in bytes. */
  readonly most: number;
  /** Bytes of header and body; undefined = the header is not whole yet; a sentence = it is none. */
  readonly read: (
    head: Uint8Array,
  ) => { readonly header: number; readonly body: number } | string | undefined;
}

/** The sync protocol's: 4 bytes, little endian. */
const FIXED_LENGTH: Framing = {
  most: 4,
  read: (head) =>
    head.length < 4
      ? undefined
      : { header: 4, body: new DataView(head.buffer, head.byteOffset).getUint32(0, true) },
};

/** gossipsub's: an unsigned LEB128 number of at most four bytes. */
export const VARINT_LENGTH: Framing = {
  most: 4,
  read: (head) => {
    let body = 0;
    for (let i = 0; i < head.length; i++) {
      body += (head[i]! & 127) << (7 * i);
      if (head[i]! < 128) return { header: i + 1, body };
    }
    return head.length < 4 ? undefined : 'a frame whose length has more than 4 bytes';
  },
};

export interface FrameReaderOptions {
  readonly framing?: Framing;
  /** Asked when the length of a frame is known. */
  readonly maxFrame: () => number;
  readonly budget: ReceiveBudget;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** A promise pushes back: no further frame is given, and soon none read, until it settles. */
  readonly onFrame: (frame: Uint8Array) => void | Promise<void>;
  /** The peer broke the framing; no further frame comes. Never called from within a call of the stream. */
  readonly onFault: (why: string) => void;
  /** What is half here of its frame takes the room of others. Never called from within a call of the stream. */
  readonly onShed: (why: string) => void;
}

/**
 * Cuts a stream into frames, with real back-pressure. libp2p's own iterators and `lpStream` never pause: a reader that
 * stops consuming leaves them reading the socket into memory. Here a blocked reader stops yamux from opening the window,
 * and the sender stops when the window is full. What has come is copied together (`ByteQueue`) and counted in a budget
 * of all peers.
 */
export class FrameReader {
  /** When the frame under way began to come in; undefined when none is, or when it is we who do not read. */
  partialSince: number | undefined;

  readonly #stream: Stream;
  readonly #o: FrameReaderOptions;
  readonly #framing: Framing;
  readonly #buffer = new ByteQueue();
  /** Header and body of the next frame, once its header is here. */
  #next: { readonly header: number; readonly body: number } | undefined;
  #started = false;
  #blocked = true;
  #paused = false;
  #closed = false;
  /** Bytes that came in lately: each second counts half of the one before. */
  #recent = 0;
  #recentAt: number;

  /** Gives nothing before `start`. */
  constructor(stream: Stream, o: FrameReaderOptions) {
    this.#stream = stream;
    this.#o = o;
    this.#framing = o.framing ?? FIXED_LENGTH;
    this.#recentAt = o.now();
    stream.addEventListener('message', this.#onMessage);
    this.#flow();
  }

  start(): void {
    this.#started = true;
    this.#blocked = false;
    this.#read();
    this.#flow();
  }

  close(): void {
    this.#closed = true;
    this.partialSince = undefined;
    this.#stream.removeEventListener('message', this.#onMessage);
    this.#buffer.clear();
    this.#o.budget.remove(this);
  }

  get bufferedBytes(): number {
    return this.#buffer.length;
  }

  /** Bytes a second that came in lately. */
  get pace(): number {
    return this.#recent * 0.5 ** ((this.#o.now() - this.#recentAt) / 1_000);
  }

  /** Its frame under way is too slow to be one, by `netLimits`. Waiting for us is not slow. */
  stuck(now: number): boolean {
    const age = this.partialSince === undefined ? 0 : now - this.partialSince;
    if (age < netLimits.frameMs) return false;
    const pace = this.#buffer.length / (age / 1_000);
    return now - this.#recentAt >= netLimits.frameMs || pace < netLimits.frameBytesPerSecond;
  }

  /** The budget takes its room back. */
  shed(): void {
    const why = `${this.#buffer.length} bytes of half a frame, and no room for more`;
    this.close();
    queueMicrotask(() => this.#o.onShed(why));
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (this.#closed) return;
    const { data } = event;
    this.#recent = this.pace + data.byteLength;
    this.#recentAt = this.#o.now();
    if (data instanceof Uint8Array) this.#buffer.append(data);
    else for (const part of data) this.#buffer.append(part);
    this.#read();
    this.#flow();
  };

  #read(): void {
    while (!this.#blocked && !this.#closed) {
      if (this.#next === undefined) {
        const next = this.#framing.read(this.#buffer.peek(this.#framing.most));
        if (next === undefined) break;
        const maxFrame = this.#o.maxFrame();
        if (typeof next === 'string' || next.body > maxFrame) {
          this.#fault(
            typeof next === 'string'
              ? next
              : `a frame of ${next.body} bytes, at most ${maxFrame} are allowed`,
          );
          return;
        }
        this.#next = next;
      }
      const { header, body } = this.#next;
      if (this.#buffer.length < header + body) break;
      this.#buffer.skip(header);
      const frame = this.#buffer.take(body);
      this.#next = undefined;
      this.partialSince = undefined;
      this.#give(frame);
    }
    if (this.#closed) return;
    const partial = !this.#blocked && this.#buffer.length > 0;
    this.partialSince = partial ? (this.partialSince ?? this.#o.now()) : undefined;
    this.#o.budget.hold(this, this.#buffer.length);
  }

  #fault(why: string): void {
    this.close();
    // Whoever hears it hangs up, which is not done within a call of the stream.
    queueMicrotask(() => this.#o.onFault(why));
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

  /** Lets yamux open the window, or not, as `#blocked` says. What is sent into the open window still comes to us. */
  #flow(): void {
    const { status } = this.#stream;
    const pause = this.#blocked || !this.#started;
    if (this.#closed || this.#paused === pause || status !== 'open') return;
    this.#paused = pause;
    // Not `pause` and `resume`: with these the stream would keep what still comes, one object for each piece.
    const muxed = this.#stream as Stream & { sendPause(): void; sendResume(): void };
    if (pause) muxed.sendPause();
    else muxed.sendResume();
  }
}
