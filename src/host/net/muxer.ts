import { performance } from 'node:perf_hooks';
import type { Connection, MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';
import { Uint8ArrayList } from 'uint8arraylist';
import { Allotment } from './allotment.ts';
import { netLimits } from './limits.ts';
import type { WindowPool } from './windows.ts';

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
  muxer.decoder = new FrameDecoder(new Allotment(netLimits.framesBurst, netLimits.framesPerSecond, now));
  const pings = new Allotment(netLimits.pingsBurst, netLimits.pingsPerSecond, now);
  const opened = new Allotment(netLimits.opensBurst, netLimits.opensPerSecond, now);
  const spent = new WeakMap<YamuxStream, { bytes: number; frames: number }>();
  const handle = muxer.handleFrame.bind(muxer);
  muxer.handleFrame = (frame) => {
    const { type, flag, streamID, length } = frame.header;
    // An honest peer asks every few seconds. Who asks more often gets no answer: it may not read them.
    if (type === TYPE.ping && flag === FLAG.syn && !pings.take()) return;
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

/**
 * Cuts bytes into yamux frames and keeps nothing but a header under way: what has come of a data frame is handed on at
 * once, as a frame of its own, so that the window is charged as the bytes come in.
 */
export class FrameDecoder {
  readonly #frames: Allotment;
  readonly #head = new Uint8Array(HEADER);
  #have = 0;
  /** The data frame under way; `length` is what is still to come of it. */
  #data: { flag: number; readonly streamID: number; length: number } | undefined;

  /** More frames than these end the connection: each costs time, and may be of twelve bytes. */
  constructor(frames: Allotment) {
    this.#frames = frames;
  }

  *emitFrames(bytes: Uint8Array | Uint8ArrayList): Generator<Frame> {
    for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) yield* this.#cut(part);
  }

  *#cut(bytes: Uint8Array): Generator<Frame> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#data !== undefined) {
        const piece = bytes.subarray(at, at + this.#data.length);
        at += piece.length;
        yield this.#piece(this.#data, new Uint8ArrayList(piece));
        continue;
      }
      this.#head[this.#have++] = bytes[at++]!;
      if (this.#have < HEADER) continue;
      this.#have = 0;
      const header = this.#header();
      if (header.type !== TYPE.data) yield { header };
      else if (header.length === 0) yield { header, data: new Uint8ArrayList() };
      else this.#data = { ...header };
    }
  }

  #header(): Header {
    if (!this.#frames.take()) throw new Error('a flood of yamux frames');
    const view = new DataView(this.#head.buffer);
    if (this.#head[0] !== 0) throw new Error('a yamux frame of an unknown version');
    const length = view.getUint32(8);
    const type = this.#head[1]!;
    if (type === TYPE.data && length > netLimits.streamWindowBytes)
      throw new Error(`a yamux frame of ${length} bytes, more than any window`);
    return { type, flag: view.getUint16(2), streamID: view.getUint32(4), length };
  }

  /** What opens a stream goes with the first piece, what ends it with the last. */
  #piece(whole: { flag: number; readonly streamID: number; length: number }, data: Uint8ArrayList): Frame {
    whole.length -= data.byteLength;
    const last = whole.length === 0;
    const flag = last ? whole.flag : whole.flag & (FLAG.syn | FLAG.ack);
    whole.flag &= FLAG.fin | FLAG.rst;
    if (last) this.#data = undefined;
    return { header: { type: TYPE.data, flag, streamID: whole.streamID, length: data.byteLength }, data };
  }
}
