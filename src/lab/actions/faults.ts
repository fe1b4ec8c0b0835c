import { shapesLeft } from '../../observe/words/conditions.ts';
import { parseGroups } from '../../observe/words/parse.ts';
import { formatMs } from '../../observe/words/units.ts';
import { byLetter } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import { cutPairs, sameGroup } from '../../util/topology.ts';
import { type Action, type Done, type RunContext, until } from '../action.ts';
import type { NodeInfo, YardClient } from '../client/client.ts';
import { agreedTip } from '../client/client.ts';
import { conditionsOf, describeFaults } from '../client/conditions.ts';
import { awaitLinks } from '../client/links.ts';
import { reorgsSince, type SeenReorg } from '../client/log-query.ts';
import { blockName, checkNodes, listLetters, tailOf } from '../names.ts';
import { misuse } from '../problem.ts';

/** Cutting and healing the network, holding miners, ending and starting nodes. */

type Groups = readonly (readonly string[])[];

export function partition(
  client: YardClient,
  text: string,
): Action<{ groups: Groups; cut: number; ms: number }> {
  checkNodes(text, client.letters);
  const groups = parseGroups(text, client.letters);
  if (!groups.ok) throw misuse(groups.error);
  const topology = client.yard.topology ?? 'full';
  const count = cutPairs(client.letters, topology, groups.value).length;
  const sides = groups.value.map((g) => g.join(' ')).join(' | ');
  return {
    plan: `Cut ${sides}: ${plural(count, 'link')}; no message crosses until: forkyard heal`,
    async run() {
      const began = Date.now();
      const { cut } = await client.control<{ cut: number }>('partition', { groups: groups.value }, 120_000);
      const ms = Date.now() - began;
      const line = `${sides}: ${plural(cut, 'link')} cut in ${formatMs(ms)}`;
      return { line, data: { groups: groups.value, cut, ms } };
    },
  };
}

export interface Healed {
  readonly healed: boolean;
  readonly ms: number;
  readonly tip?: { readonly id: string; readonly height: number; readonly miner: string };
  readonly reorgs: readonly SeenReorg[];
}

export function heal(client: YardClient, o: { wait: boolean }): Action<Healed> {
  const yard = client.refresh();
  const { oneWay, wireHeld } = conditionsOf(yard);
  const set = describeFaults({ ...yard, conditions: { oneWay, wireHeld } }, 0);
  const what = set.length === 0 ? 'Nothing is cut or held; make sure of it' : `Heal ${set.join(', ')}`;
  const then = o.wait ? 'wait until all agree' : 'do not wait';
  return {
    plan: `${what}: open all links, ${then}`,
    async run(context) {
      const mark = await client.mark();
      const began = Date.now();
      const { healed } = await client.control<{ healed: boolean }>('heal');
      const left = shapesLeft(conditionsOf(client.refresh()));
      if (!o.wait) return { line: `links are open; not waiting${left}`, data: { healed, ms: 0, reorgs: [] } };
      context.step('links are open');
      const done = await reunite(client, mark, began, context);
      const story = done.reorgs.length === 0 ? 'nobody had to reorganise' : tellReorgs(done.reorgs);
      const where = `${blockName(done.tip)} ${tailOf(done.tip.id)}`;
      return {
        line: `all agree on ${where} after ${formatMs(done.ms)}; ${story}${left}`,
        data: { healed, ms: done.ms, tip: done.tip, reorgs: done.reorgs },
      };
    },
  };
}

/** Waits for links and for one tip, then reads from the log who was reorganised since `mark`. */
export async function reunite(client: YardClient, mark: number, began: number, context: RunContext) {
  await awaitLinks(client, client.yard.topology ?? 'full', undefined, context);
  context.step(`linked again after ${formatMs(Date.now() - began)}`);
  const up = await client.up();
  const tip = await client.settled({ ...context, letters: up });
  const ms = Date.now() - began;
  return { tip, ms, reorgs: await reorgsSince(client, mark, began) };
}

/** `C D reorg depth 2`, nodes with the same depth together. */
export function tellReorgs(reorgs: readonly SeenReorg[]): string {
  const by = new Map<number, string[]>();
  for (const r of reorgs) by.set(r.depth, [...new Set([...(by.get(r.depth) ?? []), r.node])].sort(byLetter));
  return [...by]
    .sort(([a], [b]) => b - a)
    .map(([depth, nodes]) => `${nodes.join(' ')} reorg depth ${depth}`)
    .join(', ');
}

/** Holds or releases the miners of some nodes (default: of all). */
export function hold(
  client: YardClient,
  on: boolean,
  letters: readonly string[],
): Action<{ nodes: string[] }> {
  const nodes = letters.map((l) => client.node(l).letter);
  const who = nodes.length === 0 ? [...client.letters] : nodes;
  const plan = on
    ? `Hold the miners of ${listLetters(who)}: no new blocks until: forkyard release`
    : `Release the miners of ${listLetters(who)}`;
  return {
    plan,
    async run() {
      await client.control('hold', { on, nodes: who });
      const infos = await client.infos(who);
      const mining = [...infos]
        .filter(([, i]) => i?.mining.on === true && i.mining.held === on)
        .map(([l]) => l);
      const verb = on ? 'held' : 'released';
      const rest = mining.length === 0 ? ' (none of them mines: forkyard mine -N A)' : '';
      return {
        line: `${verb}: ${plural(mining.length, 'miner')}${rest}`,
        data: { nodes: who },
      };
    },
  };
}

function describeTip(info: NodeInfo | undefined): string {
  return info === undefined ? 'down' : blockName(info.tip);
}

export interface Killed {
  readonly node: string;
  readonly was: string;
}

export function kill(client: YardClient, letter: string, clean: boolean): Action<Killed> {
  const node = client.node(letter);
  const how = clean ? 'politely (it saves and says good-bye)' : 'with -9, as a power cut would';
  return {
    plan: `End node ${node.letter} ${how}; bring it back with: forkyard start ${node.letter}`,
    async run() {
      const before = await client.info(node.letter);
      await client.control('kill', { node: node.letter, clean });
      const was = describeTip(before);
      return {
        line: `${node.letter} was at ${was}; ${clean ? 'stopped' : 'killed'}`,
        data: { node: node.letter, was },
      };
    },
  };
}

export interface Started {
  readonly node: string;
  readonly opened: string;
  readonly now: string;
  readonly ms: number;
}

export function start(client: YardClient, letter: string): Action<Started> {
  const node = client.node(letter);
  return {
    plan: `Start node ${node.letter} on its own data and wait until it has caught up`,
    async run(context): Promise<Done<Started>> {
      const mark = await client.mark();
      await client.control('start', { node: node.letter }, 120_000);
      const began = Date.now();
      client.refresh();
      const groups = client.yard.groups;
      const side = (await client.up()).filter(
        (l) => groups === undefined || sameGroup(groups, l, node.letter),
      );
      const tip = await client.settled({ ...context, letters: side });
      const ms = Date.now() - began;
      const opened = await openedAt(client, mark, node.letter);
      const line = `${node.letter} reopened at ${opened ?? '?'}, caught up to ${blockName(tip)} in ${formatMs(ms)}`;
      return { line, data: { node: node.letter, opened: opened ?? '?', now: blockName(tip), ms } };
    },
  };
}

/** Where the node was when it opened, from its own first line in the log. */
async function openedAt(client: YardClient, mark: number, letter: string): Promise<string | undefined> {
  const find = async () => {
    const events = await client.events(mark);
    const event = events.find((e) => e.kind === 'start' && e.node === letter);
    return event?.kind === 'start' ? `height ${event.height} ${tailOf(event.id)}` : undefined;
  };
  const context = { timeoutMs: 60_000 };
  return until(find, context, () => `${letter} did not tell its start`);
}

/** Are they of one mind? Used by `status` and by tests. */
export async function agreement(
  client: YardClient,
): Promise<{ agree: boolean; infos: Map<string, NodeInfo | undefined> }> {
  const infos = await client.infos();
  const up = new Map([...infos].filter(([, i]) => i !== undefined));
  return { agree: up.size > 0 && agreedTip(up) !== undefined, infos };
}
