import { compare, concat, equal, readU32LE, utf8Decode, utf8Encode } from '../../util/bytes.ts';
import type { Result } from '../../util/result.ts';
import { err, ok } from '../../util/result.ts';
import type { Limits } from '../limits.ts';

/**
 * The sync protocol: one frame = one type byte and a body; the host's framing gives the length. All numbers are little
 * endian except work (32 bytes, big endian); hashes are in internal byte order. Decoding is strict: a wrong length, a
 * count over its bound, an empty list, a duplicate id in a request, trailing bytes: each refuses the whole frame.
 */
export type Message =
  /** The first frame in both directions. */
  | {
      readonly kind: 'hello';
      readonly version: number;
      readonly genesis: Uint8Array;
      readonly name: string;
      readonly height: number;
      readonly work: bigint;
      readonly tip: Uint8Array;
    }
  /** Headers after the fork of this locator with your active chain, at most up to `stop` (zeros: no end). */
  | {
      readonly kind: 'getheaders';
      readonly id: number;
      readonly locator: readonly Uint8Array[];
      readonly stop: Uint8Array;
    }
  /** The answer, in order, 80 bytes each; fewer than `limits.maxHeadersPerMessage` means that there are no more. */
  | { readonly kind: 'headers'; readonly id: number; readonly headers: readonly Uint8Array[] }
  | { readonly kind: 'getblocks'; readonly ids: readonly Uint8Array[] }
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'notfound'; readonly ids: readonly Uint8Array[] }
  | { readonly kind: 'gettxs'; readonly ids: readonly Uint8Array[] }
  | { readonly kind: 'tx'; readonly bytes: Uint8Array }
  /**
   * My tip: an announcement when it changed, a probe otherwise. Work is a claim, the header can be checked. `gossiped`:
   * its body is on its way by gossip too, so asking for it at once would move it twice.
   */
  | {
      readonly kind: 'tip';
      readonly header: Uint8Array;
      readonly height: number;
      readonly work: bigint;
      readonly gossiped: boolean;
    }
  | { readonly kind: 'ping'; readonly nonce: Uint8Array }
  | { readonly kind: 'pong'; readonly nonce: Uint8Array }
  /** Txids in my mempool, parents first: those who lack one ask with gettxs. */
  | { readonly kind: 'inv'; readonly ids: readonly Uint8Array[] }
  /** Transactions of a block that you announced in the compact form, by their places, ascending (BIP152: getblocktxn). */
  | { readonly kind: 'getblocktxs'; readonly hash: Uint8Array; readonly indexes: readonly number[] }
  /** Those, in order; none: the block is not to be had from me that way, ask for the whole one (BIP152: blocktxn). */
  | {
      readonly kind: 'blocktxs';
      readonly hash: Uint8Array;
      readonly count: number;
      readonly bytes: Uint8Array;
    };

type Kind = Message['kind'];

const CODE: { readonly [K in Kind]: number } = {
  hello: 1,
  getheaders: 2,
  headers: 3,
  getblocks: 4,
  block: 5,
  notfound: 6,
  gettxs: 7,
  tx: 8,
  tip: 9,
  ping: 10,
  pong: 11,
  inv: 12,
  getblocktxs: 13,
  blocktxs: 14,
};

const ZERO_HASH = new Uint8Array(32);

function u16(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** 32 bytes, big endian. Work above 2^256 cannot be written: no chain has it. */
function u256(value: bigint): Uint8Array {
  const out = new Uint8Array(32);
  let rest = value;
  for (let i = 31; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

function body(m: Message): readonly Uint8Array[] {
  switch (m.kind) {
    case 'hello': {
      const name = utf8Encode(m.name);
      return [
        u32(m.version),
        m.genesis,
        Uint8Array.of(name.length),
        name,
        u32(m.height),
        u256(m.work),
        m.tip,
      ];
    }
    case 'getheaders':
      return [u32(m.id), Uint8Array.of(m.locator.length), ...m.locator, m.stop];
    case 'headers':
      return [u32(m.id), u16(m.headers.length), ...m.headers];
    case 'getblocks':
    case 'notfound':
    case 'gettxs':
      return [Uint8Array.of(m.ids.length), ...m.ids];
    case 'inv':
      return [u16(m.ids.length), ...m.ids];
    case 'getblocktxs':
      return [m.hash, u16(m.indexes.length), ...m.indexes.map(u16)];
    case 'blocktxs':
      return [m.hash, u16(m.count), m.bytes];
    case 'block':
    case 'tx':
      return [m.bytes];
    case 'tip':
      return [m.header, u32(m.height), u256(m.work), Uint8Array.of(m.gossiped ? 1 : 0)];
    case 'ping':
    case 'pong':
      return [m.nonce];
  }
}

/** Before anything is decoded: does this frame say that it is a block? */
export function isBlockFrame(frame: Uint8Array): boolean {
  return frame[0] === CODE.block;
}

/** Its answer may be as large as `limits.maxFrameBytes`; any other frame is smaller than a transaction can be. */
export function asksForBlocks(frame: Uint8Array): boolean {
  return frame[0] === CODE.getblocks || frame[0] === CODE.getblocktxs;
}

export function encodeMessage(m: Message): Uint8Array {
  return concat(Uint8Array.of(CODE[m.kind]), ...body(m));
}

/** Why a frame was refused, in words for the log. */
export type WireFault = string;

class Malformed extends Error {}

/** Walks a frame; every read past the end is the frame's fault. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(n: number, what: string): Uint8Array {
    const from = this.#pass(n, what);
    return this.#bytes.subarray(from, from + n);
  }

  /** Where the next `n` bytes begin, all of which are there. */
  #pass(n: number, what: string): number {
    const from = this.#at;
    if (from + n > this.#bytes.length) throw new Malformed(what + ' is cut short');
    this.#at = from + n;
    return from;
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at, 'body');
  }

  u8(what: string): number {
    return this.#bytes[this.#pass(1, what)]!;
  }

  u16(what: string): number {
    const at = this.#pass(2, what);
    return this.#bytes[at]! + this.#bytes[at + 1]! * 0x100;
  }

  u32(what: string): number {
    return readU32LE(this.#bytes, this.#pass(4, what));
  }

  u256(what: string): bigint {
    const at = this.#pass(32, what);
    const b = this.#bytes;
    let value = 0n;
    // Mostly zeros: a bigint is made of what follows them, four bytes at a time.
    for (let i = at; i < at + 32; i += 4) {
      const word = b[i]! * 0x100_0000 + b[i + 1]! * 0x1_0000 + b[i + 2]! * 0x100 + b[i + 3]!;
      if (word !== 0 || value !== 0n) value = (value << 32n) | BigInt(word);
    }
    return value;
  }

  list(count: number, size: number, least: number, most: number, what: string): Uint8Array[] {
    if (count < least || count > most) throw new Malformed(what + ': ' + count + ' of at most ' + most);
    const items: Uint8Array[] = [];
    for (let i = 0; i < count; i++) items.push(this.take(size, what));
    return items;
  }

  end(): void {
    if (this.#at !== this.#bytes.length)
      throw new Malformed(this.#bytes.length - this.#at + ' bytes too many');
  }
}

/** A repeated id would make us do one job twice for one request. */
function distinct(ids: Uint8Array[], what: string): Uint8Array[] {
  const sorted = ids.slice().sort(compare);
  for (let i = 1; i < sorted.length; i++) {
    if (equal(sorted[i - 1]!, sorted[i]!)) throw new Malformed(what + ': an id twice');
  }
  return ids;
}

const READ: { readonly [code: number]: (c: Cursor, limits: Limits) => Message } = {
  [CODE.hello]: (c, limits) => {
    const version = c.u32('version');
    if (version === 0) throw new Malformed('version 0');
    const genesis = c.take(32, 'genesis');
    const length = c.u8('name length');
    if (length > limits.maxNameBytes) throw new Malformed('name of ' + length + ' bytes');
    const name = utf8Decode(c.take(length, 'name'));
    if (name === undefined || hasControl(name)) throw new Malformed('name is not plain UTF-8 text');
    const height = c.u32('height');
    const work = c.u256('work');
    return { kind: 'hello', version, genesis, name, height, work, tip: c.take(32, 'tip') };
  },
  [CODE.getheaders]: (c, limits) => {
    const id = c.u32('id');
    const locator = c.list(c.u8('count'), 32, 1, limits.maxLocator, 'locator');
    return { kind: 'getheaders', id, locator, stop: c.take(32, 'stop') };
  },
  [CODE.headers]: (c, limits) => {
    const id = c.u32('id');
    return {
      kind: 'headers',
      id,
      headers: c.list(c.u16('count'), 80, 0, limits.maxHeadersPerMessage, 'headers'),
    };
  },
  [CODE.getblocks]: (c, limits) => ({
    kind: 'getblocks',
    ids: idList(c, limits.maxBlocksPerRequest, 'block ids'),
  }),
  [CODE.notfound]: (c, limits) => ({
    kind: 'notfound',
    ids: idList(c, limits.maxBlocksPerRequest, 'block ids'),
  }),
  [CODE.gettxs]: (c, limits) => ({ kind: 'gettxs', ids: idList(c, limits.maxTxsPerRequest, 'txids') }),
  [CODE.inv]: (c, limits) => {
    const ids = c.list(c.u16('count'), 32, 1, limits.maxInv, 'txids');
    return { kind: 'inv', ids: distinct(ids, 'txids') };
  },
  [CODE.getblocktxs]: (c, limits) => {
    const hash = c.take(32, 'hash');
    const count = c.u16('count');
    if (count === 0 || count > limits.compactTxs) throw new Malformed('places: ' + count);
    const indexes: number[] = [];
    for (let i = 0; i < count; i++) {
      const index = c.u16('place');
      if (i > 0 && index <= indexes[i - 1]!) throw new Malformed('places do not ascend');
      indexes.push(index);
    }
    return { kind: 'getblocktxs', hash, indexes };
  },
  [CODE.blocktxs]: (c) => ({
    kind: 'blocktxs',
    hash: c.take(32, 'hash'),
    count: c.u16('count'),
    bytes: c.rest(),
  }),
  [CODE.block]: (c) => ({ kind: 'block', bytes: c.rest() }),
  [CODE.tx]: (c, limits) => {
    const bytes = c.rest();
    if (bytes.length > limits.maxTxBytes) throw new Malformed('transaction of ' + bytes.length + ' bytes');
    return { kind: 'tx', bytes };
  },
  [CODE.tip]: (c) => {
    const header = c.take(80, 'header');
    const height = c.u32('height');
    const work = c.u256('work');
    const flag = c.u8('flag');
    if (flag > 1) throw new Malformed('flag ' + flag);
    return { kind: 'tip', header, height, work, gossiped: flag === 1 };
  },
  [CODE.ping]: (c) => ({ kind: 'ping', nonce: c.take(8, 'nonce') }),
  [CODE.pong]: (c) => ({ kind: 'pong', nonce: c.take(8, 'nonce') }),
};

function idList(c: Cursor, most: number, what: string): Uint8Array[] {
  return distinct(c.list(c.u8('count'), 32, 1, most, what), what);
}

/** A name goes into logs and terminals: no control characters. */
function hasControl(text: string): boolean {
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code < 32 || (code >= 127 && code < 160)) return true;
  }
  return false;
}

/** Total on any bytes. What it returns points into `frame`, which the caller must not change. */
export function decodeMessage(frame: Uint8Array, limits: Limits): Result<Message, WireFault> {
  const code = frame[0];
  if (code === undefined) return err('an empty frame');
  if (frame.length > limits.maxFrameBytes) return err('a frame of ' + frame.length + ' bytes');
  const read = READ[code];
  if (read === undefined) return err('unknown message type ' + code);
  const cursor = new Cursor(frame);
  try {
    const message = read(cursor, limits);
    cursor.end();
    return ok(message);
  } catch (fault) {
    if (fault instanceof Malformed) return err(fault.message);
    throw fault;
  }
}

export const NO_STOP = ZERO_HASH;
