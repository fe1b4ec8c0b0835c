import { longestDelayMs } from '../../observe/state/yard-links.ts';
import { splitLetters } from '../../observe/words/parse.ts';
import { formatMs, formatWork } from '../../observe/words/units.ts';
import { formatGroups } from '../../observe/words/words.ts';
import { defined } from '../../util/defined.ts';
import { plural } from '../../util/plural.ts';
import type { Action, Done, RunContext } from '../action.ts';
import * as fields from '../fields.ts';
import { MAX_REORG } from '../limits.ts';
import { eventsSince, type Fates, fatesIn, reorgsIn, type SeenReorg } from '../log.ts';
import { blockName, checkNodes, tailOf } from '../names.ts';
import type { States, Yard, YardTip } from '../port.ts';
import { failed, misuse, Problem } from '../problem.ts';
import { awake, describeTips, settled, whenDone } from '../states.ts';
import { verb } from '../verb.ts';
import { reunite } from './cuts.ts';
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

export const reorg = verb({
  name: 'reorg',
  says: 'undo blocks by competing work, for real: on every node, or on some after a cut',
  fields: {
    depth: fields.optional(fields.count('how many blocks are undone', 1, MAX_REORG), 1),
    lead: fields.optional(fields.count('by how many blocks the winners are ahead', 1, MAX_REORG), 1),
    losers: fields.optional(
      fields.text('cut these off, such as CD, and have both sides mine (default: every node)'),
    ),
    capped: fields.flag("with losers: mine at the nodes' own rates"),
  },
  action: (yard, { depth, lead, losers, capped }) =>
    reorganise(yard, { depth, lead, capped, ...defined({ losers }) }),
});

export function reorganise(yard: Yard, wishes: ReorgWishes): Action<Reorganised> {
  if (wishes.losers === undefined) return reorgEverywhere(yard, wishes);
  const { winners, losers } = sides(yard.letters, wishes.losers);
  const more = wishes.depth + wishes.lead;
  const speed = wishes.capped ? 'at their own rates' : 'as fast as they can';
  const line = formatGroups([winners, losers]);
  return {
    plan:
      `Reorganise ${losers.join(' ')} ${wishes.depth} deep: hold all miners, cut ${line}, ` +
      `${losers[0]} mines ${wishes.depth} and ${winners[0]} ${more} blocks ${speed}, heal, release`,
    async run(context) {
      if (yard.links.facts().groups !== undefined) {
        throw failed('the yard is cut already', 'Heal it first: `heal`');
      }
      const states = await yard.states();
      const down = [...states].filter(([, i]) => i === undefined).map(([l]) => l);
      if (down.length > 0) throw failed(`${down.join(' ')} is down`, `Start it: \`start ${down[0]}\``);
      const mined = [...states.values()].some((s) => s?.mining.on === true && !s.mining.held);
      return withMinersHeld(yard, async () => {
        try {
          return await perform(yard, { winners, losers, wishes, line }, context);
        } finally {
          if (yard.links.facts().groups !== undefined) {
            await yard.links.heal();
            // Ended half way, both sides may have the same work; where nobody mines by himself that would stay so.
            if (!mined)
              await commonStart(yard, winners[0]!, { ...context, signal: new AbortController().signal });
          }
        }
      });
    },
  };
}

/** Every node that runs: what the library's `reorg` does. */
function reorgEverywhere(yard: Yard, { depth, lead, capped }: ReorgWishes): Action<Reorganised> {
  if (capped)
    throw misuse('--capped is for two sides that mine', 'Say which nodes lose: `reorg --on CD --capped`');
  const action = undo(yard, { depth, lead });
  return {
    plan: `${action.plan}; all miners are held meanwhile`,
    async run(context) {
      if (yard.links.facts().groups !== undefined) {
        throw failed('the yard is cut already', 'Heal it first: `heal`');
      }
      return withMinersHeld(yard, async () => {
        await commonStart(yard, (await awake(yard))[0]!, context);
        const { data, line } = await action.run(context);
        await settled(yard, await awake(yard), context);
        const { reorgs, returned, lost, ms } = data;
        const { height, id } = reorgs[0]!.fork;
        const losses = lost.map((txid) => ({ txid }));
        return { line, data: { fork: { height, id }, reorgs, returned, lost: losses, ms } };
      });
    },
  };
}

/** Nobody mines meanwhile but who is told to; those who were held before stay so. */
export async function withMinersHeld<T>(yard: Yard, work: () => Promise<T>): Promise<T> {
  const states = await yard.states();
  const released = [...states].filter(([, state]) => state?.mining.held === false).map(([l]) => l);
  await yard.hold(true, yard.letters);
  try {
    return await work();
  } finally {
    await yard.hold(false, released);
  }
}

interface Parts {
  readonly winners: string[];
  readonly losers: string[];
  readonly wishes: ReorgWishes;
  readonly line: string;
}

async function perform(yard: Yard, parts: Parts, context: RunContext) {
  const { winners, losers, wishes } = parts;
  const began = yard.clock.now();
  const tick = (n: number, text: string) => context.step(`✓ ${n}/4 ${text}`);
  const start = await commonStart(yard, winners[0]!, context);
  const mark = await yard.events.mark();
  const cut = await yard.links.partition([winners, losers]);
  tick(1, `cut ${parts.line}: ${plural(cut, 'link')}, all on ${blockName(start)} ${tailOf(start.id)}`);

  const losing = await mineOnSide(yard, losers, wishes.depth, wishes.capped, context);
  tick(
    2,
    `${losers.join(' ')} mined ${plural(wishes.depth, 'block')}: ${blockName(losing)} ${tailOf(losing.id)}, work ${formatWork(losing.work)}`,
  );

  let winning = await mineOnSide(yard, winners, wishes.depth + wishes.lead, wishes.capped, context);
  // Where each block has its own difficulty, more blocks need not be more work.
  while (BigInt(`0x${winning.work}`) <= BigInt(`0x${losing.work}`)) {
    winning = await mineOnSide(yard, winners, 1, wishes.capped, context);
  }
  tick(
    3,
    `${winners.join(' ')} mined ${plural(winning.height - start.height, 'block')}: ${blockName(winning)} ${tailOf(winning.id)}, work ${formatWork(winning.work)}`,
  );

  const healedAt = yard.clock.now();
  await yard.links.heal();
  const done = await reunite(yard, mark, healedAt, { ...context, step: () => undefined });
  tick(4, `healed: all agree on ${blockName(done.tip)} after ${formatMs(done.ms)}`);
  return conclude(yard, { mark, began, losers, start, tip: done.tip, depth: wishes.depth });
}

/**
 * One tip on all, to start from. Blocks found just before the hold may still be on their way; and if two of them have the
 * same work, the nodes stay divided for as long as nobody mines: then one more block decides.
 */
export async function commonStart(yard: Yard, miner: string, context: RunContext): Promise<YardTip> {
  const patience = 2_000 + 6 * longestDelayMs(yard.links.facts());
  try {
    return await settled(yard, yard.letters, {
      ...context,
      timeoutMs: Math.min(patience, context.timeoutMs),
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.exit !== 1) throw error;
  }
  await grind(yard, miner, 1, { uncapped: true }, context);
  return settled(yard, yard.letters, context);
}

/** The first of a side mines; the step is over when the whole side has the last block. */
async function mineOnSide(
  yard: Yard,
  side: readonly string[],
  count: number,
  capped: boolean,
  context: RunContext,
): Promise<YardTip> {
  const blocks = await grind(yard, side[0]!, count, { uncapped: !capped }, context);
  const last = blocks[blocks.length - 1]!;
  let seen: States = new Map();
  return yard.clock.until(
    () =>
      whenDone(yard.states(side), (states) => {
        seen = states;
        const tips = [...states.values()].map((state) => state?.tip);
        return tips.every((t) => t !== undefined && t.id === last.id) ? tips[0] : undefined;
      }),
    context,
    () => `not all of ${side.join(' ')} have ${blockName(last)}: ${describeTips(seen)}`,
  );
}

interface Ending {
  readonly mark: number;
  readonly began: number;
  readonly losers: readonly string[];
  readonly start: YardTip;
  readonly tip: { readonly height: number; readonly miner: string };
  readonly depth: number;
}

/** What the log says happened; it must be what was asked for. */
async function conclude(yard: Yard, ending: Ending): Promise<Done<Reorganised>> {
  const { mark, began, losers, start, tip, depth } = ending;
  const events = await eventsSince(yard, mark, began);
  const reorgs = reorgsIn(events).filter((r) => losers.includes(r.node));
  const fates = fatesIn(events);
  const deepest = reorgs.reduce((max, r) => Math.max(max, r.depth), 0);
  const ms = yard.clock.now() - began;
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
