import { decodeBlock } from '../../bitcoin/block.ts';
import { sha256d } from '../../bitcoin/hash.ts';
import { workOf } from '../../bitcoin/target.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { CandidateBlock, Job } from '../../node/types.ts';
import { idOf, toHex, writeU32LE } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import type { NodeContext } from './context.ts';
import { submit } from './submit.ts';

/** Core's default; on our harder networks the default grows with the difficulty instead. */
const LEAST_TRIES = 1_000_000;
/** With so many times the expected tries, giving up has probability e^-200. */
const GENEROUS = 200;
/** Up to this many expected tries a block is ground here, in pieces of a few milliseconds; above it on other threads. */
const HERE_TRIES = 20_000;
const PIECE = 1_000;

export interface GenerateOrder {
  readonly blocks: number;
  readonly payout: Uint8Array;
  readonly maxTries: number | undefined;
  readonly signal: AbortSignal;
  /** Exactly these of the mempool; undefined: the best-paying ones. */
  readonly txids?: readonly Uint8Array[];
}

/**
 * Mines so many blocks on whatever is the tip and answers their ids. Like Core's generateBlocks, except that a block for
 * which another one won the race is mined again: with real peers that happens.
 */
export async function generate(context: NodeContext, order: GenerateOrder): Promise<string[]> {
  const ids: string[] = [];
  // A caller's maxtries is for all blocks together, as in Core; the default is for each.
  let spent = 0;
  while (ids.length < order.blocks && !order.signal.aborted) {
    const template = await candidate(context, order);
    const expected = Number(workOf(BigInt(`0x${toHex(template.target)}`)));
    const left = (order.maxTries ?? Math.max(LEAST_TRIES, GENEROUS * expected)) - spent;
    if (left <= 0) break;
    const found = await grind(context, template, expected, left, order.signal);
    spent += found.tries;
    // The tip has moved, or all nonces are used up: the next template differs.
    if (found.nonce === undefined) continue;
    const bytes = template.bytes.slice();
    writeU32LE(bytes, 76, found.nonce);
    const block = decodeBlock(bytes);
    if (!block.ok) throw new TypeError(`our own block does not decode: ${block.error.what}`);
    const refused = await submit(context, block.value);
    if (refused !== null && refused !== 'inconclusive')
      throw new RpcError(RPC.INTERNAL_ERROR, `ProcessNewBlock, block not accepted: ${refused}`);
    // Inconclusive: valid, but another block of the same height came first. It is ours nevertheless, as in Core.
    ids.push(block.value.id);
    if (order.maxTries === undefined) spent = 0;
  }
  return ids;
}

async function candidate(context: NodeContext, order: GenerateOrder): Promise<CandidateBlock> {
  const result = await context.command({
    kind: 'template',
    payout: order.payout,
    tag: context.view.name,
    ...defined({ txids: order.txids }),
  });
  if (result.kind === 'refused')
    throw new RpcError(RPC.VERIFY_ERROR, `no template: ${result.refusal.rule}, ${result.refusal.detail}`);
  if (result.kind !== 'template') throw new TypeError(`template answered ${result.kind}`);
  if (order.txids !== undefined && result.template.txids.length < order.txids.length)
    throw new RpcError(
      RPC.VERIFY_ERROR,
      'a block of these transactions would miss parents of theirs in the mempool',
    );
  return result.template;
}

interface Found {
  readonly nonce?: number;
  readonly tries: number;
}

async function grind(
  context: NodeContext,
  template: CandidateBlock,
  expected: number,
  maxTries: number,
  signal: AbortSignal,
): Promise<Found> {
  const prev = idOf(template.header.subarray(4, 36));
  const isStale = () => context.view.chain.tip.id !== prev;
  if (expected <= HERE_TRIES) return grindHere(template, maxTries, signal, isStale);
  const moved = new AbortController();
  const stop = context.onNews((news) => {
    if (news.kind === 'tip') moved.abort();
  });
  try {
    const job: Job = {
      id: 0,
      header: template.header,
      target: template.target,
      height: template.height,
      prev,
      difficulty: expected,
    };
    return await context.grind(job, maxTries, AbortSignal.any([signal, moved.signal]));
  } finally {
    stop();
  }
}

async function grindHere(
  template: CandidateBlock,
  maxTries: number,
  signal: AbortSignal,
  isStale: () => boolean,
): Promise<Found> {
  const header = new Uint8Array(80);
  header.set(template.header.subarray(0, 76));
  const limit = Math.min(maxTries, 0x1_0000_0000);
  for (let tries = 0; tries < limit; ) {
    const end = Math.min(tries + PIECE, limit);
    for (; tries < end; tries++) {
      writeU32LE(header, 76, tries);
      if (atMost(sha256d(header), template.target)) return { nonce: tries, tries: tries + 1 };
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted || isStale()) return { tries };
  }
  return { tries: limit };
}

/** The hash as a little-endian number against the big-endian target. */
function atMost(hash: Uint8Array, target: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) {
    const difference = hash[31 - i]! - target[i]!;
    if (difference !== 0) return difference < 0;
  }
  return true;
}
