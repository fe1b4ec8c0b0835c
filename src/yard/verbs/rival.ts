import { type Block, makeBlock } from '../../bitcoin/block.ts';
import { headerOver } from '../../bitcoin/coinbase.ts';
import { headerHash } from '../../bitcoin/header.ts';
import { compactToTarget, meets } from '../../bitcoin/target.ts';
import type { Tx } from '../../bitcoin/tx.ts';
import { buildBody, leastTime } from '../../consensus/build.ts';
import type { Params } from '../../consensus/params/params.ts';
import { nextBits, type RetargetEntry } from '../../consensus/params/retarget.ts';
import { sleep } from '../../yard/action.ts';
import { failed } from '../../yard/problem.ts';
import type { YardNode } from '../port.ts';

/**
 * Blocks made beside the active chain, on a block of its past, with real work: how an existing block is undone by
 * competing work although every node already has it. Nobody is cut off, nothing is invalidated.
 */

/** Ancestors that a new block's rules may look at: eleven times for the median, and a parent's parent for the target. */
const LOOK_BACK = 12;
/** Hashes between two looks at the event loop. */
const PIECE = 2_000;

/** A block that exists, with as much of its past as the rules look at. */
export interface Ancestor extends RetargetEntry {
  readonly block: Block;
  readonly parent: Ancestor | undefined;
}

/** The last `depth` blocks of a node's active chain, lowest first, and the block below them. */
export async function lastBlocks(
  node: YardNode,
  tipHeight: number,
  depth: number,
): Promise<{ fork: Ancestor; blocks: Block[] }> {
  const forkHeight = tipHeight - depth;
  let fork: Ancestor | undefined;
  for (let height = Math.max(0, forkHeight - LOOK_BACK); height <= forkHeight; height++) {
    const block = await node.blockAt(height);
    fork = { block, header: block.header, height, parent: fork };
  }
  const blocks: Block[] = [];
  for (let height = forkHeight + 1; height <= tipHeight; height++) blocks.push(await node.blockAt(height));
  return { fork: fork!, blocks };
}

export interface RivalWishes {
  readonly params: Params;
  readonly payout: Uint8Array;
  /** Who is named as its miner. */
  readonly tag: string;
  /** Different numbers make different blocks of the same transactions. */
  readonly extraNonce: number;
  readonly txs: readonly Tx[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** One block on `parent`, ground at the target that the rules ask for there. It claims no fees. */
export async function rivalBlock(parent: Ancestor, wishes: RivalWishes): Promise<Ancestor> {
  const { params, txs, now } = wishes;
  const height = parent.height + 1;
  const { payout, tag, extraNonce } = wishes;
  const all = buildBody({ params, height, payout, tag, extraNonce, txs, commit: true });
  const bits = nextBits(parent, params);
  // Never before the rules' least time; at the wall clock if that is later, as a miner would.
  const time = Math.max(leastTime(parent, params), Math.floor(now / 1000));
  const header = headerOver(all, { prev: parent.block.hash, time, bits });
  const { target } = compactToTarget(bits);
  for (let nonce = 0; nonce <= 0xffff_ffff; nonce++) {
    const tried = { ...header, nonce };
    if (meets(headerHash(tried), target)) {
      const block = makeBlock(tried, all);
      return { block, header: block.header, height, parent };
    }
    if (nonce % PIECE === PIECE - 1) await sleep(0, wishes.signal);
  }
  throw failed(`no nonce of 2^32 makes a block at height ${height}; the target is too hard for this`);
}
