import { buildCoinbase, witnessCommitment } from '../bitcoin/coinbase.ts';
import type { Tx, TxOut } from '../bitcoin/tx.ts';
import { type Params, subsidyAt } from './params/params.ts';
import { medianTimePast, type Timed } from './tree/tree.ts';
import { coinbaseScript } from './validate/tag.ts';

export interface BodyOptions {
  readonly params: Pick<Params, 'subsidy' | 'halvingInterval'>;
  readonly height: number;
  /** Who mines, as `coinbaseScript` allows it. */
  readonly tag: string;
  /** Safe integer ≥ 0; another one makes another block of the same transactions. */
  readonly extraNonce?: number | undefined;
  /** The scriptPubKey that is paid. */
  readonly payout: Uint8Array;
  /** Satoshi that the coinbase claims on top of the subsidy. */
  readonly fees?: number | undefined;
  /** Without the coinbase. */
  readonly txs: readonly Tx[];
  /** Whether there is a witness commitment (BIP141), which a block without witnesses need not have. */
  readonly commit: boolean;
  /** The scriptSig instead of height, extra nonce and tag. */
  readonly script?: Uint8Array | undefined;
  /** Outputs between the payout and the commitment. */
  readonly extraOutputs?: readonly TxOut[] | undefined;
}

/**
 * The earliest time, in seconds since 1970, that a block on `parent` may have: past the median time (BIP113), and where the
 * target follows every block, not before its parent's (`checkHeaderContext`). Core: GetMinimumTime.
 */
export function leastTime(parent: Timed, { retarget }: Pick<Params, 'retarget'>): number {
  const past = medianTimePast(parent) + 1;
  return retarget.kind === 'ema' ? Math.max(parent.header.time, past) : past;
}

/** The transactions of a new block: the coinbase with height (BIP34), extra nonce, tag and commitment, then the others. */
export function buildBody(o: BodyOptions): Tx[] {
  const value = subsidyAt(o.height, o.params) + (o.fees ?? 0);
  const coinbase = buildCoinbase({
    script: o.script ?? coinbaseScript(o.height, o.extraNonce ?? 0, o.tag),
    outputs: [{ value, script: o.payout }, ...(o.extraOutputs ?? [])],
    commitment: o.commit ? witnessCommitment(o.txs) : undefined,
  });
  return [coinbase, ...o.txs];
}
