import type { Row } from '../../consensus/store/store.ts';
import { assert } from '../../util/assert.ts';

/** Rows lie one behind the other in pages of this size. */
const PAGE = 0x1_0000;
/** Length of key u8, length of value u16. */
const HEAD = 3;
const EMPTY = 0;
const GONE = 0xffff_ffff;
const FIRST_SLOTS = 256;

/** The longest value that a table takes; longer ones are for a map. */
export const MAX_TABLE_VALUE = 0x2000;

/**
 * A map from bytes to bytes in a few large arrays. A JavaScript map of the same rows takes ten times the memory, and a
 * chain of 200,000 blocks has a million of them. Rows are found by an open-addressed table of their places; a value of
 * the same length is written in place, another one leaves a hole, and when holes are half of it, it is packed anew.
 */
export class RowTable {
  #pages: Uint8Array[] = [];
  /** Free from here on in the last page. */
  #at = PAGE;
  /** Place + 1 of each row. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #used = 0;
  #rows = 0;
  #bytes = 0;
  #holes = 0;

  get size(): number {
    return this.#rows;
  }

  /** A copy: what is in the table changes in place. */
  get(key: Uint8Array): Uint8Array | undefined {
    const slot = this.#find(key);
    if (slot < 0) return undefined;
    return this.#valueAt(this.#slots[slot]! - 1);
  }

  #valueAt(place: number): Uint8Array {
    const page = this.#pages[Math.floor(place / PAGE)]!;
    const at = place % PAGE;
    const from = at + HEAD + page[at]!;
    return page.slice(from, from + page[at + 1]! + 256 * page[at + 2]!);
  }

  set(key: Uint8Array, value: Uint8Array): void {
    assert(key.length < 256 && value.length <= MAX_TABLE_VALUE, 'a row fits into a page');
    const hash = hashOf(key, 0, key.length);
    const slot = this.#find(key, hash);
    if (slot >= 0) {
      const place = this.#slots[slot]! - 1;
      const page = this.#pages[Math.floor(place / PAGE)]!;
      const at = place % PAGE;
      if (page[at + 1]! + 256 * page[at + 2]! === value.length) {
        page.set(value, at + HEAD + key.length);
        return;
      }
      this.#forget(slot);
    }
    if (2 * this.#holes > this.#bytes + PAGE) this.#compact();
    if (10 * (this.#used + 1) > 6 * this.#slots.length) this.#grow();
    this.#put(key, value, hash);
  }

  #put(key: Uint8Array, value: Uint8Array, hash = hashOf(key, 0, key.length)): void {
    const size = HEAD + key.length + value.length;
    if (this.#at + size > PAGE) {
      this.#pages.push(new Uint8Array(PAGE));
      this.#at = 0;
    }
    const page = this.#pages[this.#pages.length - 1]!;
    const place = (this.#pages.length - 1) * PAGE + this.#at;
    assert(place < GONE - 1, 'a virtual disk holds less than 4 GB');
    page[this.#at] = key.length;
    page[this.#at + 1] = value.length;
    page[this.#at + 2] = value.length >>> 8;
    page.set(key, this.#at + HEAD);
    page.set(value, this.#at + HEAD + key.length);
    this.#at += size;
    this.#bytes += size;
    this.#rows++;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#slots[slot] = place + 1;
    this.#used++;
  }

  delete(key: Uint8Array): void {
    const slot = this.#find(key);
    if (slot >= 0) this.#forget(slot);
  }

  #forget(slot: number): void {
    const place = this.#slots[slot]! - 1;
    const page = this.#pages[Math.floor(place / PAGE)]!;
    const at = place % PAGE;
    this.#holes += HEAD + page[at]! + page[at + 1]! + 256 * page[at + 2]!;
    this.#slots[slot] = GONE;
    this.#rows--;
  }

  /** The slot that holds this key, or −1. */
  #find(key: Uint8Array, hash = hashOf(key, 0, key.length)): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]!;
      if (entry === EMPTY) return -1;
      if (entry !== GONE && this.#has(entry - 1, key)) return slot;
    }
  }

  #has(place: number, key: Uint8Array): boolean {
    const page = this.#pages[Math.floor(place / PAGE)]!;
    const at = place % PAGE;
    if (page[at] !== key.length) return false;
    for (let i = 0; i < key.length; i++) if (page[at + HEAD + i] !== key[i]) return false;
    return true;
  }

  /** Room for twice the rows; what is gone gives its slot back. Rows stay where they are. */
  #grow(): void {
    const old = this.#slots;
    let size = FIRST_SLOTS;
    while (6 * size < 20 * (this.#rows + 1)) size *= 2;
    const slots = new Uint32Array(size);
    const mask = size - 1;
    for (const entry of old) {
      if (entry === EMPTY || entry === GONE) continue;
      const page = this.#pages[Math.floor((entry - 1) / PAGE)]!;
      const at = (entry - 1) % PAGE;
      let slot = hashOf(page, at + HEAD, at + HEAD + page[at]!) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
    this.#used = this.#rows;
  }

  /** Writes every row anew, without the holes. */
  #compact(): void {
    const pages = this.#pages;
    const slots = this.#slots;
    this.#pages = [];
    this.#slots = new Uint32Array(slots.length);
    this.#at = PAGE;
    this.#used = 0;
    this.#rows = 0;
    this.#bytes = 0;
    this.#holes = 0;
    for (const entry of slots) {
      if (entry === EMPTY || entry === GONE) continue;
      const page = pages[Math.floor((entry - 1) / PAGE)]!;
      const at = (entry - 1) % PAGE;
      const valueAt = at + HEAD + page[at]!;
      const end = valueAt + page[at + 1]! + 256 * page[at + 2]!;
      this.#put(page.subarray(at + HEAD, valueAt), page.subarray(valueAt, end));
    }
  }

  /** Every row, in no order that means anything. */
  *rows(): IterableIterator<Row> {
    for (const entry of this.#slots) {
      if (entry === EMPTY || entry === GONE) continue;
      const place = entry - 1;
      const page = this.#pages[Math.floor(place / PAGE)]!;
      const at = place % PAGE;
      yield { key: page.slice(at + HEAD, at + HEAD + page[at]!), value: this.#valueAt(place) };
    }
  }
}

/** FNV-1a, four bytes at a time, with a last mix, so that keys which differ in their last byte alone do not lie side by side. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    h = Math.imul(h ^ word, 0x01000193);
    h ^= h >>> 15;
  }
  for (; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
