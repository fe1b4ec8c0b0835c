import type { Random } from '../../src/util/random.ts';

/** Seeded damage to JSON values, as a disk, an editor or a stranger makes it. */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const deep = (depth: number): Json => {
  let value: Json = 'x';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

const RUBBISH: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 1.5,
  () => 1e300,
  () => 2 ** 53,
  () => '',
  () => 'A',
  () => '../../etc',
  () => '\u001b]0;x\u0007\u202e',
  () => 'y'.repeat(100_000),
  () => [],
  () => [null],
  () => [[]],
  () => Array.from({ length: 5_000 }, () => 'A'),
  () => ({}),
  () => ({ toString: 1 }),
  () => ({ valueOf: null, toString: null }),
  () => JSON.parse('{"__proto__": {"v": 1}}') as Json,
  () => deep(2_000),
];

/** The value with one place in it replaced, removed, doubled or given another name. */
function mutated(value: Json, random: Random): Json {
  const isRoot = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
  if (isRoot || random.below(12) === 0) return RUBBISH[random.below(RUBBISH.length)]!();
  const keys = Object.keys(value);
  const key = keys[random.below(keys.length)]!;
  const child = (value as Record<string, Json>)[key]!;
  const what = random.below(8);
  if (Array.isArray(value)) {
    const list = [...(value as readonly Json[])];
    if (what === 0) list.splice(Number(key), 1);
    else if (what === 1) list.push(child);
    else list[Number(key)] = mutated(child, random);
    return list;
  }
  const fields = { ...(value as Record<string, Json>) };
  if (what === 0) delete fields[key];
  else if (what === 1) fields[`${key}x`] = child;
  else fields[key] = mutated(child, random);
  return fields;
}

/** Some mutations one after the other, as text. */
export function mutatedText(json: unknown, random: Random): string {
  let value = json as Json;
  for (let n = 1 + random.below(3); n > 0; n--) value = mutated(value, random);
  const text = JSON.stringify(value);
  // One in ten is no JSON any more: cut off, or with a byte that was turned.
  const kind = random.below(20);
  if (kind === 0) return text.slice(0, random.below(text.length + 1));
  if (kind > 1 || text === '') return text;
  const at = random.below(text.length);
  return `${text.slice(0, at)}${String.fromCharCode(random.below(128))}${text.slice(at + 1)}`;
}
