import type { Header } from '../../bitcoin/header.ts';
import { coinbaseHeightPrefix } from '../../bitcoin/lock.ts';
import { toHex } from '../../util/bytes.ts';
import { ok } from '../../util/result.ts';
import type { Params } from '../params/params.ts';
import { nextBits } from '../params/retarget.ts';
import { type Checked, refuse } from '../params/rules.ts';
import type { BlockEntry, TreeEntry } from '../tree/tree.ts';
import { hexBits, proofOfWorkFault, type SaneBlock } from './check.ts';
import { isFinal } from './locktime.ts';

export interface JudgedHeader {
  readonly parent: BlockEntry;
  readonly hash: Uint8Array;
  /** Of the whole branch. */
  readonly work: bigint;
}

/** Second rung: what ancestors and the clock tell. */

/** BIP34, BIP66 and BIP65 each outlawed a version: mostly from the first block, on Bitcoin's own chain at its heights. */
function leastVersion(height: number, { softForks }: Params): number {
  if (softForks === undefined || height >= softForks.bip65) return 4;
  return height >= softForks.bip66 ? 3 : height >= softForks.bip34 ? 2 : -0x8000_0000;
}

/**
 * Judges a header on top of `parent`; `wallS` is the wall clock in seconds. Core: CheckBlockHeader,
 * ContextualCheckBlockHeader.
 */
export function checkHeader(
  header: Header,
  hash: Uint8Array,
  parent: BlockEntry,
  params: Params,
  wallS: number,
): Checked<void> {
  const work = proofOfWorkFault(header, hash, params);
  return work === undefined
    ? checkHeaderContext(header, parent, params, wallS)
    : refuse(work.rule, work.detail);
}

/** The same for a header whose work is still to be done. */
export function checkHeaderContext(
  header: Header,
  parent: BlockEntry,
  params: Params,
  wallS: number,
): Checked<void> {
  if (parent.condemned !== undefined)
    return refuse('bad-prevblk', `parent ${parent.id}: ${parent.condemned}`);
  const bits = nextBits(parent, params);
  if (header.bits !== bits)
    return refuse('bad-diffbits', `bits ${hexBits(header.bits)}, expected ${hexBits(bits)}`);
  if (header.time <= parent.medianTime) {
    return refuse('time-too-old', `time ${header.time}, median of the last 11 is ${parent.medianTime}`);
  }
  // A target that follows single solve times could be pulled down by going back and forth.
  if (params.retarget.kind === 'ema' && header.time < parent.header.time) {
    return refuse('time-timewarp-attack', `time ${header.time}, parent's is ${parent.header.time}`);
  }
  if (header.time > wallS + params.futureBoundS) {
    return refuse(
      'time-too-new',
      `time ${header.time} is more than ${params.futureBoundS} s ahead of ${wallS}`,
    );
  }
  // Read as a signed number, as Core does: 80000000 and above are negative.
  const least = leastVersion(parent.height + 1, params);
  if (header.version < least) return refuse('bad-version', `version ${header.version}, at least ${least}`);
  return ok(undefined);
}

/** Judges a whole block whose header passed `checkHeader` on the same parent. Core: ContextualCheckBlock. */
export function checkBlockContext(block: SaneBlock, parent: BlockEntry): Checked<void> {
  const height = parent.height + 1;
  for (const tx of block.txs) {
    if (!isFinal(tx, height, parent.medianTime)) {
      return refuse(
        'bad-txns-nonfinal',
        `transaction ${tx.id}, lock time ${tx.lockTime}, at height ${height}`,
      );
    }
  }
  const { script } = block.txs[0]!.inputs[0]!;
  const prefix = coinbaseHeightPrefix(height);
  for (let i = 0; i < prefix.length; i++) {
    if (script[i] !== prefix[i]) {
      return refuse('bad-cb-height', `coinbase must start with ${toHex(prefix)} for height ${height}`);
    }
  }
  return ok(undefined);
}

/** The answer to a header that is in the tree already, and condemned. */
export function knownBad(entry: TreeEntry): Checked<never> {
  const { ownFault } = entry;
  return ownFault === undefined
    ? refuse('bad-prevblk', `an ancestor of ${entry.id} is condemned`)
    : refuse('duplicate-invalid', `${entry.id} is known to be invalid: ${ownFault}`);
}
