import type { Tx } from '../../bitcoin/tx.ts';

/** 32-bit words of one member: its txid, then its wtxid. */
export const ID_WORDS = 16;
const ID_BYTES = 4 * ID_WORDS;
const FIRST_ROOM = 64;

/** Someone whose ids are kept; `place` is where, and only `PoolIds` changes it. */
export interface Kept {
  readonly tx: Tx;
  place: number;
}

/**
 * The ids of all members side by side, in no order (Core: `CTxMemPool::txns_randomized`). To find the transactions of an
 * announced block every wtxid of the pool is hashed, and going from object to object for them takes as long as that.
 */
export class PoolIds {
  readonly #members: Kept[] = [];
  #words = new Int32Array(FIRST_ROOM * ID_WORDS);
  #bytes = new Uint8Array(this.#words.buffer);
  #view = new DataView(this.#words.buffer);

  get size(): number {
    return this.#members.length;
  }

  /** `ID_WORDS` for each member, their bytes as they are: for copying, whatever the machine's byte order. */
  get words(): Int32Array {
    return this.#words;
  }

  /** The same bytes. */
  get view(): DataView {
    return this.#view;
  }

  tx(place: number): Tx {
    return this.#members[place]!.tx;
  }

  add(member: Kept): void {
    const place = this.#members.push(member) - 1;
    if ((place + 1) * ID_WORDS > this.#words.length) this.#grow();
    member.place = place;
    this.#bytes.set(member.tx.txid, place * ID_BYTES);
    this.#bytes.set(member.tx.wtxid, place * ID_BYTES + ID_BYTES / 2);
  }

  /** The last one takes its place: whoever goes through all in pieces, from the last to the first, passes over nobody. */
  remove({ place }: Kept): void {
    const last = this.#members.pop()!;
    if (last.place === place) return;
    this.#members[place] = last;
    this.#words.copyWithin(place * ID_WORDS, last.place * ID_WORDS, (last.place + 1) * ID_WORDS);
    last.place = place;
  }

  #grow(): void {
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
    this.#bytes = new Uint8Array(words.buffer);
    this.#view = new DataView(words.buffer);
  }
}
