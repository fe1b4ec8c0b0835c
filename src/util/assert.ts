/**
 * A state that cannot be: a bug in this program or a damaged disk, never something that a peer or a user sent
 * (their mistakes are values, see result.ts). Nothing catches it: the process ends and the disk is the truth.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws {@link InvariantError} unless `condition` holds. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** For the default of an exhaustive switch: a new case that nobody handles is a type error here. */
export function unreachable(value: never): never {
  throw new InvariantError('unreachable: ' + String(value));
}
