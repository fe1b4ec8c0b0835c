import { concat, utf8Encode, writeU32LE } from '../../util/bytes.ts';
import type { Step } from '../types.ts';

/**
 * A canonical binary form of what steps are made of, so that two runs can be compared by one hash: one tag byte, then
 * length and content; keys of objects in the order of their names. Two values have the same bytes exactly if they say
 * the same. Never JSON: its numbers and its key order are an engine's affair.
 */
export function encodeValue(value: unknown): Uint8Array {
  if (value === undefined) return Uint8Array.of(0);
  if (value === null) return Uint8Array.of(1);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 3 : 2);
  if (typeof value === 'number') return tagged(4, doubleBytes(value));
  if (typeof value === 'string') return tagged(5, utf8Encode(value));
  if (typeof value === 'bigint') return tagged(6, utf8Encode(value.toString(16)));
  if (value instanceof Uint8Array) return tagged(7, value);
  if (Array.isArray(value)) return tagged(8, concat(...value.map(encodeValue)));
  if (typeof value === 'object') {
    const keys: string[] = [];
    // Fields that a class makes when they are asked for, too.
    for (const key in value) keys.push(key);
    keys.sort((a, b) => (a < b ? -1 : 1));
    const fields = value as Readonly<Record<string, unknown>>;
    return tagged(9, concat(...keys.flatMap((key) => [encodeValue(key), encodeValue(fields[key])])));
  }
  throw new TypeError('a step holds no ' + typeof value);
}

/** IEEE 754 double, little endian whatever the machine. */
function doubleBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = tag;
  writeU32LE(head, 1, content.length);
  return concat(head, content);
}

/** One step of one node at its time: what a trace hash covers. */
export function encodeStep(now: number, step: Step): Uint8Array {
  return encodeValue([now, step.writes, step.durable, step.effects]);
}
