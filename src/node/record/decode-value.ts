import { readU32LE, utf8Decode } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';

/** The way back from `encodeValue` (encode-step.ts), for bytes that anybody may have changed. */
export function decodeValue(bytes: Uint8Array): Result<unknown, string> {
  try {
    const reader = new Reader(bytes);
    const value = reader.value(0);
    if (reader.at !== bytes.length) return err(`${bytes.length - reader.at} bytes too many`);
    return ok(value);
  } catch (error) {
    if (error instanceof Malformed) return err(error.message);
    throw error;
  }
}

class Malformed extends Error {}

/** Deeper than anything that a step holds. */
const MAX_DEPTH = 32;

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Malformed('values too deep in each other');
    const tag = this.#bytes[this.at++];
    switch (tag) {
      case 0:
        return undefined;
      case 1:
        return null;
      case 2:
      case 3:
        return tag === 3;
      case 4: {
        const content = this.#content();
        if (content.length !== 8) throw new Malformed('a number of other than 8 bytes');
        return new DataView(content.buffer, content.byteOffset, 8).getFloat64(0, true);
      }
      case 5:
        return this.#text();
      case 6: {
        const digits = this.#text();
        if (!/^-?[0-9a-f]+$/.test(digits)) throw new Malformed('a whole number that is none');
        return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
      }
      case 7:
        return this.#content().slice();
      case 8: {
        const end = this.#end();
        const items: unknown[] = [];
        while (this.at < end) items.push(this.value(depth + 1));
        this.#mustBe(end);
        return items;
      }
      case 9: {
        const end = this.#end();
        const fields: Record<string, unknown> = {};
        while (this.at < end) {
          const key = this.value(depth + 1);
          if (typeof key !== 'string' || key === '__proto__') throw new Malformed('a field without a name');
          fields[key] = this.value(depth + 1);
        }
        this.#mustBe(end);
        return fields;
      }
      default:
        throw new Malformed(`no value at byte ${this.at - 1}`);
    }
  }

  #end(): number {
    if (this.at + 4 > this.#bytes.length) throw new Malformed('it ends within a length');
    const length = readU32LE(this.#bytes, this.at);
    this.at += 4;
    if (length > this.#bytes.length - this.at) throw new Malformed('it ends within a value');
    return this.at + length;
  }

  #mustBe(end: number): void {
    if (this.at !== end) throw new Malformed('a length that does not fit what is in it');
  }

  #content(): Uint8Array {
    const end = this.#end();
    const content = this.#bytes.subarray(this.at, end);
    this.at = end;
    return content;
  }

  #text(): string {
    return utf8Decode(this.#content()) ?? this.#notText();
  }

  #notText(): never {
    throw new Malformed('a text that is not UTF-8');
  }
}
