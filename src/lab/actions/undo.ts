import { compactToTarget, workOf } from '../../bitcoin/target.ts';
import type { LogEvent } from '../../events/events.ts';
import { formatMs } from '../../observe/words/units.ts';
import { toHex } from '../../util/bytes.ts';
import { plural } from '../../util/plural.ts';
import { type Action, type RunContext, until } from '../action.ts';
import { describeTips, type YardClient } from '../client/client.ts';
import { eventsSince } from '../client/log-query.ts';
import { readParams } from '../launcher/create.ts';
import { blockName, tailOf } from '../names.ts';
import { failed, misuse } from '../problem.ts';
import { minerKey } from '../yard/keyring.ts';
import { placeTxs, type TxFate } from './fates.ts';
import { grind } from './mining.ts';
import { type Ancestor, lastBlocks, rivalBlock } from './rival.ts';

/** Deeper ones are nobody's test, and further back nodes do not fetch a branch. */
export const MAX_UNDONE = 100;

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
export function undo(client: YardClient, wishes: UndoWishes): Action<Undone> {
  const { depth, lead = 1, tx = {} } = wishes;
  for (const [what, value, most] of [
    ['depth', depth, MAX_UNDONE],
    ['lead', lead, 1_000],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw misuse(`${what} must be a whole number from 1 to ${most}, not ${value}`);
  }
  return {
    plan: `Undo the newest ${plural(depth, 'block')} on every node: a branch of ${depth + lead} beside them, with real work`,
    async run(context) {
      const began = Date.now();
      const up = await client.up();
      let tip = await client.settled({ ...context, letters: up });
      if (tip.height < depth) {
        if (Object.keys(tx).length > 0)
          throw failed(`the chain has only ${tip.height} blocks; ${depth} cannot be undone`);
        const first = depth - tip.height;
        context.step(`the chain has only ${tip.height} blocks, so ${up[0]} mines ${first} first`);
        await grind(client, up[0]!, first, { uncapped: true }, context, () => undefined);
        tip = await client.settled({ ...context, letters: up });
      }
      const mark = await client.mark();
      const branch = await makeBranch(client, up[0]!, tip.height, { depth, lead, tx }, context);
      context.step(`made ${branch.length} blocks beside ${blockName(tip)}`);
      for (const { block } of branch) await submit(client, up[0]!, toHex(block.bytes));
      await allOn(client, up, branch.at(-1)!.block.id, context);
      return conclude(client, up, mark, began, depth);
    },
  };
}

async function makeBranch(
  client: YardClient,
  letter: string,
  height: number,
  wishes: Required<UndoWishes>,
  context: RunContext,
): Promise<Ancestor[]> {
  const params = readParams(client.dir);
  const { fork, blocks: undone } = await lastBlocks(client, letter, height, wishes.depth);
  const count = wishes.depth + wishes.lead;
  const txs = await placeTxs(client, params, undone, count, wishes.tx);
  const { script } = minerKey(client.dir, letter, params);
  const oldWork = undone.reduce((sum, block) => sum + workOfBits(block.header.bits), 0n);
  const branch: Ancestor[] = [];
  // Where each block has its own difficulty, more blocks need not be more work.
  for (let work = 0n; branch.length < count || work <= oldWork; ) {
    const next = await rivalBlock(branch.at(-1) ?? fork, {
      params,
      payout: script,
      tag: letter,
      extraNonce: Date.now() * 1_000 + branch.length,
      txs: txs[branch.length] ?? [],
      signal: context.signal,
    });
    branch.push(next);
    work += workOfBits(next.header.bits);
  }
  return branch;
}

/** `null`: it is the tip now. `inconclusive`: a valid block beside the tip, as all but the last are. */
async function submit(client: YardClient, letter: string, hex: string): Promise<void> {
  const answer = await client.call<string | null>(letter, 'submitblock', [hex]);
  if (answer !== null && answer !== 'inconclusive')
    throw failed(`${letter} refused a block of the new branch: ${answer}`);
}

function allOn(client: YardClient, letters: readonly string[], id: string, context: RunContext) {
  let seen = '';
  return until(
    async () => {
      const infos = await client.infos(letters);
      seen = describeTips(infos);
      return [...infos.values()].every((info) => info?.tip.id === id) ? true : undefined;
    },
    context,
    () => `not all have gone over to the new branch: ${seen}`,
  );
}

async function conclude(
  client: YardClient,
  letters: readonly string[],
  mark: number,
  began: number,
  depth: number,
) {
  let events: LogEvent[] = [];
  const reorgOf = (letter: string) =>
    events.find((e): e is ReorgEvent => e.kind === 'reorg' && e.node === letter && e.depth >= depth);
  // The nodes have switched; what they tell of it comes a moment later.
  await until(
    async () => {
      events = await eventsSince(client, mark, began);
      return letters.every((l) => reorgOf(l) !== undefined) ? true : undefined;
    },
    { timeoutMs: 10_000 },
    () => `${letters.filter((l) => reorgOf(l) === undefined).join(' ')} told nothing of its reorg`,
  );
  const reorgs = letters.map((l) => reorgOf(l)!);
  const ids = (kind: 'tx-returned' | 'tx-lost') => [
    ...new Set(events.flatMap((e) => (e.kind === kind ? [e.txid] : []))),
  ];
  const first = reorgs[0]!;
  const ms = Date.now() - began;
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
