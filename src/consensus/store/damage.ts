import { PREFIX } from './records.ts';

/** What a damaged record is: a kind of row, or the database's own files. */
export type DamagedKind =
  | 'format'
  | 'tip'
  | 'header'
  | 'body'
  | 'undo'
  | 'coin'
  | 'coin sum'
  | 'height'
  | 'transaction index'
  | 'mempool'
  | 'returning block'
  | 'file';

/**
 * The disk does not hold what this program wrote. Nothing that depends on it may be answered, served or believed: the node
 * ends, and its owner gets the message, which says what is damaged.
 */
export class StoreDamage extends Error {
  override readonly name = 'StoreDamage';
  readonly kind: DamagedKind;

  constructor(kind: DamagedKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const KINDS: Readonly<Record<number, DamagedKind>> = {
  [PREFIX.meta]: 'format',
  [PREFIX.tip]: 'tip',
  [PREFIX.entry]: 'header',
  [PREFIX.body]: 'body',
  [PREFIX.undo]: 'undo',
  [PREFIX.coin]: 'coin',
  [PREFIX.sum]: 'coin sum',
  [PREFIX.height]: 'height',
  [PREFIX.tx]: 'transaction index',
  [PREFIX.mempool]: 'mempool',
  [PREFIX.returning]: 'returning block',
};

/** The kind of a row, by its key. */
export function kindOf(key: Uint8Array): DamagedKind {
  return KINDS[key[0] ?? 0] ?? 'format';
}
