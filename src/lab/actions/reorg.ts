import { splitLetters } from '../../observe/words/parse.ts';
import { formatMs, formatWork } from '../../observe/words/units.ts';
import { formatGroups } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import { type Action, type Done, type RunContext, until } from '../action.ts';
import { describeTips, type Tip, type YardClient } from '../client/client.ts';
import { longestDelayMs } from '../client/conditions.ts';
import { eventsSince, type Fates, fatesIn, reorgsIn, type SeenReorg } from '../client/log-query.ts';
import { blockName, checkNodes, tailOf } from '../names.ts';
import { failed, misuse, Problem } from '../problem.ts';
import { reunite } from './faults.ts';
import { grind } from './mining.ts';
import { undo } from './undo.ts';

/**
 * A reorg by competing work, not by invalidation. Of every node: a heavier branch is made beside the newest blocks. Of some
 * nodes: cut, let both sides mine, heal, and see who is reorganised. The miners are held meanwhile, so that the depth is
 * exactly what was asked for.
 */
export interface ReorgWishes {
  readonly depth: number;
  /** Blocks by which the winners are ahead. */
  readonly lead: number;
  /** Who is to be reorganised, `CD`; default: every node, as in the library. */
  readonly losers?: string;
  /** Of some nodes: both sides mine at their own rates instead of as fast as they can. */
  readonly capped: boolean;
}

export interface Reorganised {
  readonly fork: { readonly height: number; readonly id: string };
  readonly reorgs: readonly SeenReorg[];
  readonly returned: readonly string[];
  readonly lost: readonly { readonly txid: string; readonly by?: string }[];
  readonly ms: number;
}

/** The two sides: winners first. */
function sides(letters: readonly string[], wished: string): { winners: string[]; losers: string[] } {
  if (letters.length < 2) throw misuse('a reorg needs two nodes at least');
  const split = splitLetters(wished);
  if (!split.ok) throw misuse(split.error);
  checkNodes(wished, letters);
  const losers = letters.filter((l) => split.value.includes(l));
  const winners = letters.filter((l) => !losers.includes(l));
  if (winners.length === 0)
    throw misuse(
      'some node must be left to win',
      'Name fewer nodes with --on; without --on every node is reorganised.',
    );
  return { winners, losers };
}

export function reorg(client: YardClient, wishes: ReorgWishes): Action<Reorganised> {
  if (wishes.losers === undefined) return reorgEverywhere(client, wishes);
  const { winners, losers } = sides(client.letters, wishes.losers);
  const more = wishes.depth + wishes.lead;
  const speed = wishes.capped ? 'at their own rates' : 'as fast as they can';
  const line = formatGroups([winners, losers]);
  return {
    plan:
      `Reorganise ${losers.join(' ')} ${wishes.depth} deep: hold all miners, cut ${line}, ` +
      `${losers[0]} mines ${wishes.depth} and ${winners[0]} ${more} blocks ${speed}, heal, release`,
    async run(context) {
      if (client.refresh().groups !== undefined) {
        throw failed('the yard is cut already', 'Heal it first: forkyard heal');
      }
      const infos = await client.infos();
      const down = [...infos].filter(([, i]) => i === undefined).map(([l]) => l);
      if (down.length > 0) throw failed(`${down.join(' ')} is down`, `Start it: forkyard start ${down[0]}`);
      const mined = [...infos.values()].some((i) => i?.mining.on === true && !i.mining.held);
      return withMinersHeld(client, async () => {
        try {
          return await perform(client, { winners, losers, wishes, line }, context);
        } finally {
          if (client.refresh().groups !== undefined) {
            await client.control('heal');
            // Ended half way, both sides may have the same work; where nobody mines by himself that would stay so.
            if (!mined)
              await commonStart(client, winners[0]!, { ...context, signal: new AbortController().signal });
          }
        }
      });
    },
  };
}

/** Every node that runs: what the library's `reorg` does. */
function reorgEverywhere(client: YardClient, { depth, lead, capped }: ReorgWishes): Action<Reorganised> {
  if (capped) throw misuse('--capped is for two sides that mine', 'Say which nodes lose: --on CD --capped');
  const action = undo(client, { depth, lead });
  return {
    plan: `${action.plan}; all miners are held meanwhile`,
    async run(context) {
      if (client.refresh().groups !== undefined) {
        throw failed('the yard is cut already', 'Heal it first: forkyard heal');
      }
      return withMinersHeld(client, async () => {
        await commonStart(client, (await client.up())[0]!, context);
        const { data, line } = await action.run(context);
        await client.settled({ ...context, letters: await client.up() });
        const { reorgs, returned, lost, ms } = data;
        const { height, id } = reorgs[0]!.fork;
        const losses = lost.map((txid) => ({ txid }));
        return { line, data: { fork: { height, id }, reorgs, returned, lost: losses, ms } };
      });
    },
  };
}

/** Nobody mines meanwhile but who is told to; those who were held before stay so. */
export async function withMinersHeld<T>(client: YardClient, work: () => Promise<T>): Promise<T> {
  const infos = await client.infos();
  const released = [...infos].filter(([, i]) => i?.mining.held === false).map(([l]) => l);
  await client.control('hold', { on: true, nodes: [...client.letters] });
  try {
    return await work();
  } finally {
    await client.control('hold', { on: false, nodes: released });
  }
}

interface Parts {
  readonly winners: string[];
  readonly losers: string[];
  readonly wishes: ReorgWishes;
  readonly line: string;
}

async function perform(client: YardClient, parts: Parts, context: RunContext) {
  const { winners, losers, wishes } = parts;
  const began = Date.now();
  const tick = (n: number, text: string) => context.step(`✓ ${n}/4 ${text}`);
  const start = await commonStart(client, winners[0]!, context);
  const mark = await client.mark();
  const { cut } = await client.control<{ cut: number }>('partition', { groups: [winners, losers] }, 120_000);
  tick(1, `cut ${parts.line}: ${plural(cut, 'link')}, all on ${blockName(start)} ${tailOf(start.id)}`);

  const losing = await mineOnSide(client, losers, wishes.depth, wishes.capped, context);
  tick(
    2,
    `${losers.join(' ')} mined ${plural(wishes.depth, 'block')}: ${blockName(losing)} ${tailOf(losing.id)}, work ${formatWork(losing.work)}`,
  );

  let winning = await mineOnSide(client, winners, wishes.depth + wishes.lead, wishes.capped, context);
  // Where each block has its own difficulty, more blocks need not be more work.
  while (BigInt(`0x${winning.work}`) <= BigInt(`0x${losing.work}`)) {
    winning = await mineOnSide(client, winners, 1, wishes.capped, context);
  }
  tick(
    3,
    `${winners.join(' ')} mined ${plural(winning.height - start.height, 'block')}: ${blockName(winning)} ${tailOf(winning.id)}, work ${formatWork(winning.work)}`,
  );

  const healedAt = Date.now();
  await client.control('heal');
  client.refresh();
  const done = await reunite(client, mark, healedAt, { ...context, step: () => undefined });
  tick(4, `healed: all agree on ${blockName(done.tip)} after ${formatMs(done.ms)}`);
  return conclude(client, { mark, began, losers, start, tip: done.tip, depth: wishes.depth });
}

/**
 * One tip on all, to start from. Blocks found just before the hold may still be on their way; and if two of them have the
 * same work, the nodes stay divided for as long as nobody mines: then one more block decides.
 */
export async function commonStart(client: YardClient, miner: string, context: RunContext): Promise<Tip> {
  const patience = 2_000 + 6 * longestDelayMs(client.yard);
  try {
    return await client.settled({ ...context, timeoutMs: Math.min(patience, context.timeoutMs) });
  } catch (error) {
    if (!(error instanceof Problem) || error.exit !== 1) throw error;
  }
  await grind(client, miner, 1, { uncapped: true }, context, () => undefined);
  return client.settled(context);
}

/** The first of a side mines; the step is over when the whole side has the last block. */
async function mineOnSide(
  client: YardClient,
  side: readonly string[],
  count: number,
  capped: boolean,
  context: RunContext,
): Promise<Tip> {
  const blocks = await grind(client, side[0]!, count, { uncapped: !capped }, context, () => undefined);
  const last = blocks[blocks.length - 1]!;
  let seen = '';
  return until(
    async () => {
      const infos = await client.infos(side);
      seen = describeTips(infos);
      const tips = [...infos.values()].map((i) => i?.tip);
      return tips.every((t) => t !== undefined && t.id === last.id) ? tips[0] : undefined;
    },
    context,
    () => `not all of ${side.join(' ')} have ${blockName(last)}: ${seen}`,
  );
}

interface Ending {
  readonly mark: number;
  readonly began: number;
  readonly losers: readonly string[];
  readonly start: Tip;
  readonly tip: { readonly height: number; readonly miner: string };
  readonly depth: number;
}

/** What the log says happened; it must be what was asked for. */
async function conclude(client: YardClient, ending: Ending): Promise<Done<Reorganised>> {
  const { mark, began, losers, start, tip, depth } = ending;
  const events = await eventsSince(client, mark, began);
  const reorgs = reorgsIn(events).filter((r) => losers.includes(r.node));
  const fates = fatesIn(events);
  const deepest = reorgs.reduce((max, r) => Math.max(max, r.depth), 0);
  const ms = Date.now() - began;
  const data: Reorganised = {
    fork: { height: start.height, id: start.id },
    reorgs,
    returned: [...fates.returned.keys()],
    lost: [...fates.lost].map(([txid, f]) => (f.by === undefined ? { txid } : { txid, by: f.by })),
    ms,
  };
  return { line: concludingLines(reorgs, fates, tip, ms), data, no: deepest < depth };
}

function concludingLines(reorgs: readonly SeenReorg[], fates: Fates, tip: Ending['tip'], ms: number): string {
  const first = [...reorgs].sort((a, b) => b.depth - a.depth)[0];
  if (first === undefined) return 'nobody was reorganised';
  const nodes = [...new Set(reorgs.map((r) => r.node))].sort();
  const names = (refs: readonly { height: number; miner: string }[]) => refs.map(blockName).join(' ');
  // A block that came after the switch only made the branch longer.
  const then = first.in.some((b) => b.height === tip.height) ? '' : ` · then up to ${blockName(tip)}`;
  const lines = [
    `REORG on ${nodes.join(' ')} · ${first.depth} out · ${first.length} in · ${formatMs(ms)} in all`,
    `fork point  ${blockName(first.fork)} ${tailOf(first.fork.id)}`,
    `out         ${names(first.out)}`,
    `in          ${names(first.in)}${then}`,
    `returned    ${fates.returned.size === 0 ? 'no payment' : [...fates.returned.keys()].map(tailOf).join(' ')}`,
    `lost        ${fates.lost.size === 0 ? 'no payment' : [...fates.lost].map(([id, f]) => lostLine(id, f.by)).join(' ')}`,
  ];
  return lines.join('\n');
}

function lostLine(txid: string, by: string | undefined): string {
  return by === undefined ? tailOf(txid) : `${tailOf(txid)} (its coin is spent by ${tailOf(by)})`;
}
