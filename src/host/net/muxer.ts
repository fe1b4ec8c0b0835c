import { performance } from 'node:perf_hooks';
import type { Connection, MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';
import { Uint8ArrayList } from 'uint8arraylist';
import { Allotment } from './allotment.ts';
import { netLimits } from './limits.ts';

/** yamux's header: version, type, flags (2 bytes), stream (4), length (4); big endian. */
const HEADER = 12;
const TYPE = { data: 0, window: 1, ping: 2 } as const;
const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const;

interface Header {
  readonly type: number;
  readonly flag: number;
  readonly streamID: number;
  readonly length: number;
}

interface Frame {
  readonly header: Header;
  readonly data?: Uint8ArrayList;
}

/**
 * What we use of yamux 8 beyond its type; this interface and the next one are the only places where we cast. They are
 * fields and methods of its classes that TypeScript calls private.
 */
interface YamuxMuxer extends StreamMuxer {
  readonly streams: YamuxStream[];
  decoder: { emitFrames(bytes: Uint8Array | Uint8ArrayList): Iterable<Frame> };
  handleFrame(frame: Frame): void;
  _newStream(id: number, state: number, direction: 'inbound' | 'outbound'): YamuxStream;
  getRTT(): number;
  send(bytes: Uint8Array | Uint8ArrayList): boolean;
  sendFrame(header: Header): boolean;
}

interface YamuxStream extends Stream {
  readonly streamId: number;
  readonly state: number;
  recvWindow: number;
  recvWindowCapacity: number;
  epochStart: number;
  sendWindowUpdate(): void;
  getSendFlags(): number;
}

/** yamux's StreamState.Paused. */
const PAUSED = 5;

export interface MuxerOptions {
  readonly windows: WindowPool;
  /** What the peer may send on a stream of this protocol ('' = not chosen yet) before somebody here reads it. */
  readonly allowance: (protocol: string, direction: 'inbound' | 'outbound') => Allowance;
}

/** Over the life of a stream: how many bytes, in how many frames. Undefined = its reader bounds it. */
export type Allowance = { readonly bytes: number; readonly frames: number } | undefined;

/**
 * yamux 8 with the bounds that it lacks. As it comes, it keeps a data frame until it is whole, and a header may say 4 GB;
 * it answers every ping and every byte read with a frame of its own, though nobody reads those; and a stream that has no
 * reader yet is read into memory.
 */
export function boundedYamux(o: MuxerOptions): () => StreamMuxerFactory {
  const make = yamux({
    keepAliveInterval: netLimits.pingMs,
    maxInboundStreams: netLimits.streamsPerPeer,
    maxOutboundStreams: netLimits.streamsPerPeer,
    streamOptions: {
      // Beyond the first window a stream grows by what the pool lends it (below).
      maxStreamWindowSize: netLimits.streamWindowBytes,
      maxReadBufferLength: netLimits.readBufferBytes,
    },
  });
  return () => {
    const factory = make() as StreamMuxerFactory;
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection) as YamuxMuxer;
      bound(muxer, connection, o);
      return muxer;
    };
    return factory;
  };
}

const now = () => performance.now();

function bound(muxer: YamuxMuxer, connection: MessageStream, o: MuxerOptions): void {
  muxer.decoder = new FrameDecoder(
    new Allotment(netLimits.framesBurst, netLimits.framesPerSecond, now),
    new Allotment(netLimits.pingsBurst, netLimits.pingsPerSecond, now),
  );
  const opened = new Allotment(netLimits.opensBurst, netLimits.opensPerSecond, now);
  const spent = new WeakMap<YamuxStream, { bytes: number; frames: number }>();
  const handle = muxer.handleFrame.bind(muxer);
  muxer.handleFrame = (frame) => {
    const { type, flag, streamID, length } = frame.header;
    // Each stream costs a negotiation, and the refusal of one an answer.
    if (streamID !== 0 && (flag & FLAG.syn) !== 0 && !opened.take())
      throw new Error('too many streams opened');
    const stream =
      type === TYPE.data && length > 0 ? muxer.streams.find((s) => s.streamId === streamID) : undefined;
    const allowed = stream === undefined ? undefined : o.allowance(stream.protocol, stream.direction);
    if (stream !== undefined && allowed !== undefined) {
      const so = spent.get(stream) ?? { bytes: 0, frames: 0 };
      spent.set(stream, so);
      so.bytes += length;
      so.frames++;
      // Thrown to yamux, which ends the connection.
      if (so.bytes > allowed.bytes || so.frames > allowed.frames)
        throw new Error(`${so.bytes} bytes on a stream that nobody reads`);
    }
    handle(frame);
  };
  const send = muxer.send.bind(muxer);
  muxer.send = (bytes) => {
    try {
      return send(bytes);
    } catch (error) {
      // yamux says good-bye after it has ended its streams, whose end may have ended the connection: that throw would
      // come out of a socket's event, and end the process.
      if (connection.status === 'open') throw error;
      return false;
    }
  };
  const newStream = muxer._newStream.bind(muxer);
  muxer._newStream = (id, state, direction) => {
    const stream = newStream(id, state, direction);
    stream.sendWindowUpdate = () => updateWindow(muxer, stream, o.windows);
    stream.addEventListener('close', () => o.windows.release(stream));
    return stream;
  };
}

/** The last round trip measured by yamux's pings, in milliseconds; undefined before the first. */
export function roundTripOf(connection: Connection): number | undefined {
  const { muxer } = connection as unknown as { readonly muxer?: Partial<YamuxMuxer> };
  const rtt = muxer?.getRTT?.() ?? -1;
  return rtt < 0 ? undefined : rtt;
}

/**
 * yamux's own rule with two changes: a window is opened again when half of it is used, not for every frame, and what it
 * grows by comes out of a pool for all peers.
 */
function updateWindow(muxer: YamuxMuxer, stream: YamuxStream, windows: WindowPool): void {
  const now = Date.now();
  if (stream.state === PAUSED) {
    stream.epochStart = now;
    return;
  }
  const flag = stream.getSendFlags();
  if (flag === 0 && 2 * stream.recvWindowCapacity > stream.recvWindow) return;
  const rtt = muxer.getRTT();
  if (flag === 0 && rtt > -1 && now - stream.epochStart <= 4 * rtt) {
    const most = Math.min(2 * stream.recvWindow, netLimits.streamWindowBytes);
    stream.recvWindow += windows.borrow(stream, most - stream.recvWindow);
  }
  const length = stream.recvWindow - stream.recvWindowCapacity;
  if (length === 0 && flag === 0) return;
  stream.recvWindowCapacity = stream.recvWindow;
  stream.epochStart = now;
  muxer.sendFrame({ type: TYPE.window, flag, streamID: stream.streamId, length });
}

/** Data of one stream that has come in one piece of input, to be handed on as one frame. */
interface Gathered {
  flag: number;
  readonly first: Uint8Array;
  /** The rest, copied together: so many bytes of it. */
  more: Uint8Array | undefined;
  length: number;
}

/** Pieces shorter than this are copied faster byte by byte. */
const TINY = 64;

/**
 * Cuts bytes into yamux frames and keeps nothing but a header under way: what has come of a data frame is handed on at
 * once, as a frame of its own, so that the window is charged as the bytes come in. What one piece of input holds for a
 * stream in many small frames is handed on as one: a frame costs its handler far more than its bytes.
 */
export class FrameDecoder {
  readonly #frames: Allotment;
  readonly #pings: Allotment;
  readonly #head = new Uint8Array(HEADER);
  #have = 0;
  /** The data frame under way; `length` is what is still to come of it. */
  #data: { flag: number; readonly streamID: number; length: number } | undefined;
  readonly #gathered = new Map<number, Gathered>();
  readonly #windows = new Map<number, number>();

  /** More frames than these end the connection: each costs time, and may be of twelve bytes. More pings are ignored. */
  constructor(frames: Allotment, pings: Allotment) {
    this.#frames = frames;
    this.#pings = pings;
  }

  emitFrames(bytes: Uint8Array | Uint8ArrayList): Frame[] {
    const frames: Frame[] = [];
    // A Buffer's own `subarray` costs several times as much.
    for (const part of bytes instanceof Uint8Array ? [bytes] : bytes)
      this.#cut(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), frames);
    for (const streamID of [...this.#gathered.keys()]) frames.push(this.#taken(streamID));
    for (const [streamID, length] of this.#windows)
      frames.push({ header: { type: TYPE.window, flag: 0, streamID, length } });
    this.#windows.clear();
    return frames;
  }

  #cut(bytes: Uint8Array, frames: Frame[]): void {
    let headers = 0;
    for (let at = 0; at < bytes.length; ) {
      if (this.#data !== undefined) {
        const to = Math.min(bytes.length, at + this.#data.length);
        this.#gather(this.#data, bytes, at, to, frames);
        at = to;
      } else if (this.#have === 0 && at + HEADER <= bytes.length) {
        headers++;
        this.#begin(headerIn(bytes, at), frames);
        at += HEADER;
      } else {
        this.#head[this.#have++] = bytes[at++]!;
        if (this.#have < HEADER) continue;
        this.#have = 0;
        headers++;
        this.#begin(headerIn(this.#head, 0), frames);
      }
    }
    this.#frames.charge(headers);
    if (this.#frames.debtMs > 0) throw new Error('a flood of yamux frames');
  }

  #begin(header: Header, frames: Frame[]): void {
    const { type, flag, streamID, length } = header;
    if (type === TYPE.data && length > 0) {
      this.#data = { flag, streamID, length };
    } else if (type === TYPE.window && flag === 0) {
      // What a stream may send it may send a moment later, too.
      this.#windows.set(streamID, Math.min(0xffff_ffff, (this.#windows.get(streamID) ?? 0) + length));
    } else if (type !== TYPE.ping || flag !== FLAG.syn || this.#pings.take()) {
      // An honest peer pings every few seconds. Who pings more often gets no answer: it may not read them.
      if (this.#gathered.has(streamID)) frames.push(this.#taken(streamID));
      frames.push(type === TYPE.data ? { header, data: new Uint8ArrayList() } : { header });
    }
  }

  /** What opens a stream goes with the first piece, what ends it with the last. */
  #gather(
    whole: { flag: number; readonly streamID: number; length: number },
    bytes: Uint8Array,
    from: number,
    to: number,
    frames: Frame[],
  ): void {
    const { streamID } = whole;
    whole.length -= to - from;
    const last = whole.length === 0;
    const flag = last ? whole.flag : whole.flag & (FLAG.syn | FLAG.ack);
    whole.flag &= FLAG.fin | FLAG.rst;
    if (last) this.#data = undefined;
    const so = this.#gathered.get(streamID);
    if (so === undefined) {
      const first = bytes.subarray(from, to);
      this.#gathered.set(streamID, { flag, first, more: undefined, length: 0 });
    } else {
      so.flag |= flag;
      append(so, bytes, from, to);
    }
    if ((flag & (FLAG.fin | FLAG.rst)) !== 0) frames.push(this.#taken(streamID));
  }

  #taken(streamID: number): Frame {
    const { flag, first, more, length } = this.#gathered.get(streamID)!;
    this.#gathered.delete(streamID);
    const data = new Uint8ArrayList(first);
    if (more !== undefined) data.append(more.subarray(0, length));
    return { header: { type: TYPE.data, flag, streamID, length: data.byteLength }, data };
  }
}

function headerIn(bytes: Uint8Array, at: number): Header {
  if (bytes[at] !== 0) throw new Error('a yamux frame of an unknown version');
  const type = bytes[at + 1]!;
  const length = u32(bytes, at + 8);
  if (type === TYPE.data && length > netLimits.streamWindowBytes)
    throw new Error(`a yamux frame of ${length} bytes, more than any window`);
  return { type, flag: (bytes[at + 2]! << 8) | bytes[at + 3]!, streamID: u32(bytes, at + 4), length };
}

/** Big endian. */
function u32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1_00_00_00 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

function append(so: Gathered, bytes: Uint8Array, from: number, to: number): void {
  const room = so.more === undefined ? 0 : so.more.length - so.length;
  if (so.more === undefined || room < to - from) {
    // At most what is left of this input, so that it need not grow again for it.
    const grown = new Uint8Array(so.length + bytes.length - from);
    if (so.more !== undefined) grown.set(so.more.subarray(0, so.length));
    so.more = grown;
  }
  if (to - from >= TINY) so.more.set(bytes.subarray(from, to), so.length);
  else for (let i = from; i < to; i++) so.more[so.length + i - from] = bytes[i]!;
  so.length += to - from;
}

/** What streams' windows have grown by, over all peers. One that gets no more is slower over a long wire, and no worse. */
export class WindowPool {
  readonly #lent = new WeakMap<object, number>();
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return this.#left;
  }

  /** How much of `bytes` the stream may have: all or nothing. */
  borrow(stream: object, bytes: number): number {
    if (bytes <= 0 || bytes > this.#left) return 0;
    this.#left -= bytes;
    this.#lent.set(stream, (this.#lent.get(stream) ?? 0) + bytes);
    return bytes;
  }

  /** The stream has ended; again does nothing. */
  release(stream: object): void {
    this.#left += this.#lent.get(stream) ?? 0;
    this.#lent.delete(stream);
  }
}
