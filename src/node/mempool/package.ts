import { outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { type Checked, refuse } from '../../consensus/params/rules.ts';
import { keyOf } from '../../util/bytes.ts';
import { ok } from '../../util/result.ts';
import type { PackageVerdicts, Verdict } from '../types.ts';
import { type AdmitContext, checkSignatures, type PreChecked, preCheck } from './admit.ts';
import type { PoolNode } from './entry.ts';
import { checkPackageTruc } from './truc.ts';

/** Core: MAX_PACKAGE_COUNT, MAX_PACKAGE_WEIGHT. */
export const MAX_PACKAGE_COUNT = 25;
const MAX_PACKAGE_WEIGHT = 404_000;

/**
 * Would the pool take these transactions together, parents first? Each may spend what those before it make; everyone pays
 * its own fee. Validation ends at the first that fails. Changes nothing. Core: AcceptMultipleTransactions with test_accept.
 */
export function judgePackage(txs: readonly Tx[], context: Omit<AdmitContext, 'packaged'>): PackageVerdicts {
  const verdicts = new Array<Verdict | undefined>(txs.length).fill(undefined);
  const formed = checkForm(txs);
  if (!formed.ok) return { refusal: formed.error, verdicts };
  const packaged = new Map<string, Tx>();
  const c: AdmitContext = { ...context, packaged };
  const judged: PreChecked[] = [];
  for (const [i, tx] of txs.entries()) {
    const one = preCheck(tx, c);
    if (!one.ok) {
      verdicts[i] = one;
      return { refusal: undefined, verdicts };
    }
    judged.push(one.value);
    packaged.set(keyOf(tx.txid), tx);
  }
  const kept = checkTogether(txs, judged, packaged, c);
  if (!kept.ok) return { refusal: kept.error, verdicts };
  for (const [i, tx] of txs.entries()) {
    const { fee, spent } = judged[i]!;
    const signed = checkSignatures(tx, spent, c);
    verdicts[i] = signed.ok ? ok({ fee }) : signed;
    if (!signed.ok) break;
  }
  return { refusal: undefined, verdicts };
}

/** Core: IsWellFormedPackage. */
function checkForm(txs: readonly Tx[]): Checked<void> {
  const weight = txs.reduce((sum, tx) => sum + tx.weight, 0);
  if (weight > MAX_PACKAGE_WEIGHT) return refuse('package-too-large', `weight ${weight}`);
  const places = new Map(txs.map((tx, i) => [keyOf(tx.txid), i]));
  if (places.size < txs.length) return refuse('package-contains-duplicates', '');
  const spent = new Set<string>();
  let conflict: string | undefined;
  for (const [i, tx] of txs.entries()) {
    for (const { prevout } of tx.inputs) {
      if ((places.get(keyOf(prevout.txid)) ?? -1) >= i) return refuse('package-not-sorted', tx.id);
      const key = outpointKey(prevout);
      if (spent.has(key)) conflict ??= tx.id;
      spent.add(key);
    }
  }
  return conflict === undefined ? ok(undefined) : refuse('conflict-in-package', conflict);
}

/** Rules about the package's families, in which its own transactions count too. */
function checkTogether(
  txs: readonly Tx[],
  judged: readonly PreChecked[],
  packaged: ReadonlyMap<string, Tx>,
  { limits }: AdmitContext,
): Checked<void> {
  const truc = checkPackageTruc(
    txs.map((tx, i) => ({ tx, pooled: judged[i]!.parents, packaged: parentsAmong(tx, packaged) })),
  );
  if (!truc.ok) return truc;
  // As Core did: every transaction counts as related to every other, so a package may be refused that would fit one by one.
  const ancestors = new Set<PoolNode>();
  for (const one of judged) for (const node of one.ancestors) ancestors.add(node);
  const vsize = txs.reduce((sum, tx) => sum + tx.vsize, 0);
  const above = [...ancestors].reduce((sum, node) => sum + node.tx.vsize, 0);
  const tooMany =
    ancestors.size + txs.length > limits.mempoolAncestors || above + vsize > limits.mempoolAncestorVbytes;
  const tooManyBelow = [...ancestors].some(
    (node) =>
      node.descendantCount + txs.length > limits.mempoolDescendants ||
      node.descendantVsize + vsize > limits.mempoolDescendantVbytes,
  );
  if (!tooMany && !tooManyBelow) return ok(undefined);
  return refuse(
    'package-mempool-limits',
    `possibly exceeds the limit of ${tooMany ? 'ancestors' : 'descendants'}`,
  );
}

function parentsAmong(tx: Tx, packaged: ReadonlyMap<string, Tx>): Tx[] {
  const parents = new Set<Tx>();
  for (const { prevout } of tx.inputs) {
    const parent = packaged.get(keyOf(prevout.txid));
    if (parent !== undefined) parents.add(parent);
  }
  return [...parents];
}
