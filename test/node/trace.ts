import type { Step } from '../../src/node/types.ts';
import { concat, utf8Encode, writeU32LE } from '../../src/util/bytes.ts';

/**
 * A canonical binary form of any value that a step is made of: one tag byte, then length and content; keys of objects in
 * the order of their names. Two steps have the same bytes exactly if they say the same.
 */
export function encodeValue(value: unknown): Uint8Array {
  if (value === undefined) return Uint8Array.of(0);
  if (value === null) return Uint8Array.of(1);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 3 : 2);
  if (typeof value === 'number') return tagged(4, new Uint8Array(new Float64Array([value]).buffer));
  if (typeof value === 'string') return tagged(5, utf8Encode(value));
  if (typeof value === 'bigint') return tagged(6, utf8Encode(value.toString(16)));
  if (value instanceof Uint8Array) return tagged(7, value);
  if (Array.isArray(value)) return tagged(8, concat(...value.map(encodeValue)));
  if (typeof value === 'object') {
    const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
    const fields = value as Readonly<Record<string, unknown>>;
    return tagged(9, concat(...keys.flatMap((key) => [encodeValue(key), encodeValue(fields[key])])));
  }
  throw new TypeError('a step holds no ' + typeof value);
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = tag;
  writeU32LE(head, 1, content.length);
  return concat(head, content);
}

export function encodeStep(now: number, step: Step): Uint8Array {
  return encodeValue([now, step.writes, step.durable, step.effects]);
}
