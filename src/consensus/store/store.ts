/** What the node reads from disk, synchronously; range reads belong to the host, on a snapshot. */
export interface Store {
  get(key: Uint8Array): Uint8Array | undefined;
}

/** One change: `value` undefined deletes. Writes of one step reach the disk as one batch. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** A stored record handed over at opening (block index, mempool). */
export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}
