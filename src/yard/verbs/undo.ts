import { compactToTarget, workOf } from '../../bitcoin/target.ts';
import type { LogEvent } from '../../events/events.ts';
import { formatMs } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import type { Action, RunContext } from '../action.ts';
import { MAX_REORG, MAX_UNDONE } from '../limits.ts';
import { eventsSince } from '../log.ts';
import { blockName, minerKeyName, tailOf } from '../names.ts';
import type { States, Yard } from '../port.ts';
import { failed, misuse } from '../problem.ts';
import { awake, describeTips, settled, whenDone } from '../states.ts';
import { placeTxs, type TxFate } from './fates.ts';
import { grind } from './mining.ts';
import { type Ancestor, lastBlocks, rivalBlock } from './rival.ts';

export interface UndoWishes {
  /** How many of the newest blocks are undone. */
  readonly depth: number;
  /** By how many blocks the new branch is longer. Default 1. */
  readonly lead?: number;
  /** What becomes of transactions in the undone blocks; default: each is kept where it was. */
  readonly tx?: Readonly<Record<string, TxFate>>;
}

export type ReorgEvent = Extract<LogEvent, { kind: 'reorg' }>;

export interface Undone {
  /** One a node, in the yard's order. */
  readonly reorgs: readonly ReorgEvent[];
  readonly returned: readonly string[];
  readonly lost: readonly string[];
  readonly ms: number;
}

/**
 * Undoes the newest blocks of a yard whose nodes agree: makes a branch beside them with more work, hands it to a node, and
 * waits until all nodes have it as their chain. A chain that is too short gets the missing blocks first.
 */
export function undo(yard: Yard, wishes: UndoWishes): Action<Undone> {
  const { depth, lead = 1, tx = {} } = wishes;
  for (const [what, value, most] of [
    ['depth', depth, MAX_UNDONE],
    ['lead', lead, MAX_REORG],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw misuse(`${what} must be a whole number from 1 to ${most}, not ${value}`);
  }
  return {
    plan: `Undo the newest ${plural(depth, 'block')} on every node: a branch of ${depth + lead} beside them, with real work`,
    async run(context) {
      const began = yard.clock.now();
      const up = await awake(yard);
      let tip = await settled(yard, up, context);
      if (tip.height < depth) {
        if (Object.keys(tx).length > 0)
          throw failed(`the chain has only ${tip.height} blocks; ${depth} cannot be undone`);
        const first = depth - tip.height;
        context.step(`the chain has only ${tip.height} blocks, so ${up[0]} mines ${first} first`);
        await grind(yard, up[0]!, first, { uncapped: true }, context);
        tip = await settled(yard, up, context);
      }
      const mark = await yard.events.mark();
      const branch = await makeBranch(yard, up[0]!, tip.height, { depth, lead, tx }, context);
      context.step(`made ${branch.length} blocks beside ${blockName(tip)}`);
      for (const { block } of branch) await submit(yard, up[0]!, block.bytes);
      await allOn(yard, up, branch.at(-1)!.block.id, context);
      return conclude(yard, { letters: up, mark, began, depth }, context);
    },
  };
}

async function makeBranch(
  yard: Yard,
  letter: string,
  height: number,
  wishes: Required<UndoWishes>,
  context: RunContext,
): Promise<Ancestor[]> {
  const { params } = yard;
  const node = yard.node(letter);
  const { fork, blocks: undone } = await lastBlocks(node, height, wishes.depth);
  const count = wishes.depth + wishes.lead;
  const txs = await placeTxs(yard, node, undone, count, wishes.tx);
  const payout = yard.keys.find(minerKeyName(letter)).key.script('p2wpkh');
  const oldWork = undone.reduce((sum, block) => sum + workOfBits(block.header.bits), 0n);
  const branch: Ancestor[] = [];
  // Where each block has its own difficulty, more blocks need not be more work.
  for (let work = 0n; branch.length < count || work <= oldWork; ) {
    const next = await rivalBlock(branch.at(-1) ?? fork, {
      params,
      payout,
      tag: letter,
      extraNonce: Math.floor(yard.clock.now() * 1_000) + branch.length,
      now: yard.clock.now(),
      txs: txs[branch.length] ?? [],
      signal: context.signal,
    });
    branch.push(next);
    work += workOfBits(next.header.bits);
  }
  return branch;
}

async function submit(yard: Yard, letter: string, block: Uint8Array): Promise<void> {
  const rule = await yard.node(letter).submit(block);
  if (rule !== undefined) throw failed(`${letter} refused a block of the new branch: ${rule}`);
}

function allOn(yard: Yard, letters: readonly string[], id: string, context: RunContext) {
  let seen: States = new Map();
  return yard.clock.until(
    () =>
      whenDone(yard.states(letters), (states) => {
        seen = states;
        return [...states.values()].every((state) => state?.tip.id === id) ? true : undefined;
      }),
    context,
    () => `not all have gone over to the new branch: ${describeTips(seen)}`,
  );
}

interface Ending {
  readonly letters: readonly string[];
  readonly mark: number;
  readonly began: number;
  readonly depth: number;
}

async function conclude(yard: Yard, { letters, mark, began, depth }: Ending, context: RunContext) {
  let events: LogEvent[] = [];
  const reorgOf = (letter: string) =>
    events.find((e): e is ReorgEvent => e.kind === 'reorg' && e.node === letter && e.depth >= depth);
  // The nodes have switched; their events come a moment later.
  await yard.clock.until(
    async () => {
      events = await eventsSince(yard, mark, began);
      return letters.every((l) => reorgOf(l) !== undefined) ? true : undefined;
    },
    context,
    () => `${letters.filter((l) => reorgOf(l) === undefined).join(' ')} told nothing of its reorg`,
  );
  const reorgs = letters.map((l) => reorgOf(l)!);
  const ids = (kind: 'tx-returned' | 'tx-lost') => [
    ...new Set(events.flatMap((e) => (e.kind === kind ? [e.txid] : []))),
  ];
  const first = reorgs[0]!;
  const ms = yard.clock.now() - began;
  const lost = ids('tx-lost');
  const returned = ids('tx-returned').filter((txid) => !lost.includes(txid));
  const data: Undone = { reorgs, returned, lost, ms };
  const fork = `${blockName(first.fork)} ${tailOf(first.fork.id)}`;
  const line =
    `REORG on ${letters.join(' ')} · ${first.depth} out (${first.out.map(blockName).join(' ')}) · ` +
    `${first.length} in (${first.in.map(blockName).join(' ')}) · ${formatMs(ms)} in all\n` +
    `fork point ${fork} · ${data.returned.length} payments wait again, ${data.lost.length} lost`;
  return { line, data };
}

function workOfBits(bits: number): bigint {
  return workOf(compactToTarget(bits).target);
}
