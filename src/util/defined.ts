/**
 * The fields that have a value: what is undefined is left out, for objects whose optional fields must be absent rather
 * than undefined.
 */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) kept[name as keyof T] = value;
  }
  return kept;
}
