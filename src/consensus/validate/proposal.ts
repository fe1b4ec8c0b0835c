import { decodeHeader, HEADER_SIZE } from '../../bitcoin/header.ts';
import type { HashPairs } from '../../bitcoin/merkle.ts';
import { equal, idOf } from '../../util/bytes.ts';
import { Pace, type Steps } from '../../util/steps.ts';
import type { Params } from '../params/params.ts';
import type { Refusal } from '../params/rules.ts';
import type { KeyedCoins } from '../store/coin.ts';
import { CoinsOverlay } from '../store/coins.ts';
import type { BlockEntry } from '../tree/tree.ts';
import { checkProposalSteps } from './check.ts';
import { advanceBlock, beginBlock, isWhole } from './connect-block.ts';
import { checkBlockContext, checkHeaderContext } from './context.ts';
import { signatureChecks } from './spend.ts';
import type { Verify } from './verify.ts';

export interface ProposalOptions {
  /** Seconds since 1970. */
  readonly wallS: number;
  /** Bytes read or hashed in one piece, and weight connected in one. */
  readonly bytesPerPiece: number;
  readonly weightPerPiece: number;
  readonly pairs?: HashPairs | undefined;
}

/** What validates a proposal. */
interface Ground {
  readonly params: Params;
  /** The coins of the tip. */
  readonly coins: KeyedCoins;
  readonly verify: Verify;
  readonly tip: () => BlockEntry;
}

/**
 * Why a block would not be valid on the tip, its proof of work apart; undefined if it would. All rungs of the ladder, on
 * coins that are given up at the end: nothing enters the tree, nothing is written. The coins are those of one tip, so a
 * proposal whose tip changes meanwhile builds on the tip no longer. Core: TestBlockValidity.
 */
export function* proposalSteps(
  bytes: Uint8Array,
  o: ProposalOptions,
  { params, coins, verify, tip }: Ground,
): Steps<Refusal | undefined> {
  const parent = tip();
  const head = decodeHeader(bytes.subarray(0, HEADER_SIZE));
  if (!head.ok) return { rule: 'bad-encoding', detail: `a block of ${bytes.length} bytes` };
  const { prev } = head.value;
  const elsewhere = (): Refusal => ({
    rule: 'inconclusive-not-best-prevblk',
    detail: `it builds on ${idOf(prev)}, the tip is ${tip().id}`,
  });
  if (!equal(prev, parent.hash)) return elsewhere();
  const sane = yield* checkProposalSteps(bytes, new Pace(o.bytesPerPiece), o.pairs);
  if (!sane.ok) return sane.error;
  const block = sane.value;
  const header = checkHeaderContext(block.header, parent, params, o.wallS);
  if (!header.ok) return header.error;
  const context = checkBlockContext(block, parent);
  if (!context.ok) return context.error;
  const means = { overlay: new CoinsOverlay(coins), params, verify, checks: signatureChecks };
  const progress = beginBlock(block, parent, params);
  for (;;) {
    if (tip() !== parent) return elsewhere();
    const done = advanceBlock(progress, o.weightPerPiece, means);
    if (typeof done !== 'number') return done;
    if (isWhole(progress)) return undefined;
    yield;
  }
}
