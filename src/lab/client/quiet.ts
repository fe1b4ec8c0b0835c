import { longestDelayMs } from '../../observe/state/yard-links.ts';
import { sleep, until } from '../../yard/action.ts';
import { blockName } from '../../yard/names.ts';
import { missing } from '../../yard/problem.ts';
import { describeTips } from '../../yard/states.ts';
import type { NodeInfo, Tip, YardClient } from './client.ts';
import { linksFacts } from './conditions.ts';

/** When a yard has come to rest: what tests wait for instead of sleeping. */

export interface Rest {
  /** One a side of an open cut, in the order of the groups; one alone when nothing is cut. */
  readonly tips: readonly Tip[];
}

/** What one node has when it hears nothing more is the same at two looks this far apart, beyond the longest delay. */
const QUIET_MS = 50;
/** Pools that differ may stay so (two payments that spend one coin); after so much silence that is an answer too. */
const PATIENT_MS = 1_000;

interface Look {
  readonly infos: ReadonlyMap<string, NodeInfo | undefined>;
  /** Changes with every event that any node tells. */
  readonly mark: string;
  readonly poolsAgree: boolean;
}

/**
 * Waits until the nodes of each side have one tip, hold the same payments, and nothing is on its way: no node tells
 * anything for longer than a message takes to cross.
 */
export async function atRest(
  client: YardClient,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Rest> {
  const quiet = QUIET_MS + 2 * longestDelayMs(linksFacts(client.refresh()));
  let why = '';
  return until(
    async () => {
      const first = await look(client);
      const tips = tipsOf(client, first);
      if (tips === undefined) {
        why = `they still disagree: ${describeTips(first.infos)}`;
        return undefined;
      }
      const held = [...first.infos.values()].reduce((sum, info) => sum + (info?.held ?? 0), 0);
      if (held > 0) {
        why = `${held} message${held === 1 ? ' is' : 's are'} held on the wire; let them arrive: forkyard release --links`;
        return undefined;
      }
      const restless = () => {
        why = `they agree on ${tips.map(blockName).join(' and ')}, but something is still on its way`;
        return undefined;
      };
      const began = Date.now();
      for (;;) {
        await sleep(quiet, options.signal);
        const again = await look(client);
        if (again.mark !== first.mark || isBusy(again)) return restless();
        if (again.poolsAgree || Date.now() - began >= PATIENT_MS + quiet) return { tips };
      }
    },
    { ...options, everyMs: 10 },
    () => why,
  );
}

function sidesOf(client: YardClient): readonly (readonly string[])[] {
  return client.yard.groups ?? [client.letters];
}

async function look(client: YardClient): Promise<Look> {
  const infos = await client.infos();
  const up = [...infos].flatMap(([letter, info]) => (info === undefined ? [] : [letter]));
  const pools = await Promise.all(up.map((l) => client.call<string[]>(l, 'getrawmempool')));
  const poolOf = new Map(up.map((l, i) => [l, [...pools[i]!].sort().join()]));
  const poolsAgree = sidesOf(client).every(
    (side) => new Set(side.filter((l) => poolOf.has(l)).map((l) => poolOf.get(l))).size <= 1,
  );
  const mark = [...infos].map(([l, i]) => `${l} ${i?.lastSeq ?? '-'} ${i?.tip.id ?? '-'}`).join();
  return { infos, mark, poolsAgree };
}

/** A verdict is still to come. */
function isBusy({ infos }: Look): boolean {
  return [...infos.values()].some((info) => info?.busy === true);
}

/** One tip a side, or undefined while a side has several. Nodes that are down have no opinion. */
function tipsOf(client: YardClient, { infos }: Look): Tip[] | undefined {
  const tips: Tip[] = [];
  for (const side of sidesOf(client)) {
    const here = side.flatMap((letter) => infos.get(letter)?.tip ?? []);
    if (new Set(here.map((tip) => tip.id)).size > 1) return undefined;
    if (here[0] !== undefined) tips.push(here[0]);
  }
  if (tips.length === 0) throw missing('no node of this yard answers', 'Start one: forkyard start A');
  return tips;
}
