import { type LogRecord, readLog } from './leveldb-log.ts';

/** Numbers and strings of LevelDB's files. LevelDB: util/coding.h. Throws `Unreadable` at the end of the bytes. */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Unreadable('it ends too early');
    return byte;
  }

  /** Up to 64 bits; sizes and sequence numbers of ours are far below 2^53. */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) break;
      if (factor > 2 ** 56) throw new Unreadable('a number has no end');
    }
    if (!Number.isSafeInteger(value)) throw new Unreadable('a number is too large');
    return value;
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new Unreadable('it ends too early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A length, and so many bytes. */
  string(): Uint8Array {
    return this.take(this.varint());
  }
}

/** Bytes that LevelDB does not write. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** What a manifest says of a database. */
export interface Version {
  /** Size by number of each table. */
  readonly tables: ReadonlyMap<number, number>;
  /** Logs from this one on are read again at opening; 0: none was ever begun. */
  readonly log: number;
  /** The last write that the tables hold is at most this one. */
  readonly lastSequence: number;
}

const TAG = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  prevLog: 9,
} as const;

/** LevelDB: VersionEdit::DecodeFrom, applied one after the other. Throws `Unreadable`. */
export function readManifest(bytes: Uint8Array): Version {
  const { records, damagedAt, hole } = readLog(bytes);
  // An end that was never whole is what a crash leaves: the edit was not in force yet.
  if (damagedAt !== undefined && hole)
    throw new Unreadable(`a record fails its checksum at byte ${damagedAt}`);
  if (records.length === 0) throw new Unreadable('it has no whole record');
  const found = { tables: new Map<number, number>(), log: 0, lastSequence: 0 };
  for (const record of records) applyEdit(record, found);
  return found;
}

function applyEdit(
  { data, at }: LogRecord,
  version: { tables: Map<number, number>; log: number; lastSequence: number },
): void {
  const edit = new Cursor(data);
  while (!edit.done) {
    const tag = edit.varint();
    if (tag === TAG.comparator) edit.string();
    else if (tag === TAG.logNumber) version.log = edit.varint();
    else if (tag === TAG.nextFile || tag === TAG.prevLog) edit.varint();
    else if (tag === TAG.lastSequence) version.lastSequence = edit.varint();
    else if (tag === TAG.compactPointer) {
      edit.varint();
      edit.string();
    } else if (tag === TAG.deletedFile) {
      edit.varint();
      version.tables.delete(edit.varint());
    } else if (tag === TAG.newFile) {
      edit.varint();
      const number = edit.varint();
      version.tables.set(number, edit.varint());
      edit.string();
      edit.string();
    } else throw new Unreadable(`the record at byte ${at} has an unknown tag ${tag}`);
  }
}
