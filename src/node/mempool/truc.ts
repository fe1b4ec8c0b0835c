import type { Tx } from '../../bitcoin/tx.ts';
import { type Checked, refuse } from '../../consensus/params/rules.ts';
import { ok } from '../../util/result.ts';
import type { PoolNode } from './entry.ts';

/**
 * BIP431: a transaction of version 3 promises to stay small and nearly alone until it is confirmed, so that its owner can
 * always raise its fee. Policy only, no rule of blocks. Core: policy/truc_policy.
 */

const TRUC_VERSION = 3;
const MAX_VSIZE = 10_000;
/** Of one that spends an unconfirmed output. */
const MAX_CHILD_VSIZE = 1_000;

const no = (detail: string): Checked<never> => refuse('TRUC-violation', detail);

/**
 * `parents`: the members that it spends from. `conflicts`: those that it would replace. Answers the parent's other child
 * where the transaction may take its place by paying more, though both spend different outputs (sibling eviction).
 */
export function checkTruc(
  tx: Tx,
  parents: ReadonlySet<PoolNode>,
  conflicts: ReadonlySet<PoolNode>,
): Checked<PoolNode | undefined> {
  const alone = checkTrucAlone(
    tx,
    [...parents].map((node) => node.tx),
  );
  if (!alone.ok) return alone;
  const [parent] = parents;
  if (tx.version !== TRUC_VERSION || parent === undefined) return ok(undefined);
  if (parent.ancestorCount > 1) return no(`${tx.id} would have too many ancestors`);
  // A reorg may have left more than one.
  const children = [...parent.children];
  if (children.length === 0 || children.some((child) => conflicts.has(child))) return ok(undefined);
  const [sibling] = children;
  if (parent.descendantCount === 2 && sibling!.ancestorCount === 2) return ok(sibling);
  return no(`${parent.tx.id} would exceed its descendant count limit`);
}

/** What can be said without knowing who else is there: sizes, versions, and how many parents. */
function checkTrucAlone(tx: Tx, parents: readonly Tx[]): Checked<void> {
  const truc = tx.version === TRUC_VERSION;
  for (const parent of parents) {
    if (truc === (parent.version === TRUC_VERSION)) continue;
    return no(
      truc
        ? `version 3 transaction ${tx.id} cannot spend from ${parent.id} of version ${parent.version}`
        : `transaction ${tx.id} of version ${tx.version} cannot spend from version 3 transaction ${parent.id}`,
    );
  }
  if (!truc) return ok(undefined);
  if (tx.vsize > MAX_VSIZE) return no(`version 3 transaction ${tx.id} has ${tx.vsize} > ${MAX_VSIZE} vB`);
  if (parents.length > 1) return no(`${tx.id} would have too many ancestors`);
  if (parents.length === 1 && tx.vsize > MAX_CHILD_VSIZE)
    return no(`version 3 child ${tx.id} has ${tx.vsize} > ${MAX_CHILD_VSIZE} vB`);
  return ok(undefined);
}

/** One transaction of a package, and whom it spends from: members of the pool, and others of the package. */
export interface PackageFamily {
  readonly tx: Tx;
  readonly pooled: ReadonlySet<PoolNode>;
  readonly packaged: readonly Tx[];
}

/** The same for a package, whose transactions count together. Nothing is evicted for one. Core: PackageTRUCChecks. */
export function checkPackageTruc(families: readonly PackageFamily[]): Checked<void> {
  for (const { tx, pooled, packaged } of families) {
    const parents = [...[...pooled].map((node) => node.tx), ...packaged];
    const alone = checkTrucAlone(tx, parents);
    if (!alone.ok) return alone;
    const [parent] = parents;
    if (tx.version !== TRUC_VERSION || parent === undefined) continue;
    const [node] = pooled;
    if (node !== undefined && node.ancestorCount > 1) return no(`${tx.id} would have too many ancestors`);
    for (const other of families) {
      if (other.tx === tx) continue;
      const above = [...[...other.pooled].map((member) => member.tx), ...other.packaged];
      if (above.includes(parent)) return no(`${parent.id} would exceed its descendant count limit`);
      if (above.includes(tx)) return no(`${other.tx.id} would have too many ancestors`);
    }
    if (node !== undefined && node.descendantCount > 1)
      return no(`${parent.id} would exceed its descendant count limit`);
  }
  return ok(undefined);
}
