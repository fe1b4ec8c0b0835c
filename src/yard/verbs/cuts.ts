import { parseLinks } from '../../observe/state/yard-links.ts';
import {
  CALM,
  describeConditions,
  formatLinks,
  linkName,
  shapesLeft,
} from '../../observe/words/conditions.ts';
import { parseGroups } from '../../observe/words/parse.ts';
import { formatMs } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import { cutPairs } from '../../util/topology.ts';
import type { Action, RunContext } from '../action.ts';
import * as fields from '../fields.ts';
import { reorgsSince, type SeenReorg, tellReorgs } from '../log.ts';
import { blockName, checkNodes, tailOf } from '../names.ts';
import type { Yard } from '../port.ts';
import { misuse, must } from '../problem.ts';
import { awake, settled } from '../states.ts';
import { verb } from '../verb.ts';

/** `partition` and `heal`. */

export interface Cut {
  readonly groups?: readonly (readonly string[])[];
  /** Directions that carry nothing, `[from, to]`: all of the yard's. */
  readonly oneWay?: readonly (readonly [string, string])[];
  readonly cut: number;
  readonly ms: number;
}

export const partition = verb({
  name: 'partition',
  says: 'cut the network into groups that hear nothing of each other',
  fields: { groups: fields.text('every node in exactly one: AB/CD; or one direction: A>B') },
  action: (yard, { groups }) => (/[<>]/.test(groups) ? cutOneWay(yard, groups) : cutGroups(yard, groups)),
});

function cutGroups(yard: Yard, text: string): Action<Cut> {
  checkNodes(text, yard.letters);
  const groups = must(parseGroups(text, yard.letters));
  const count = cutPairs(yard.letters, yard.topology, groups).length;
  const sides = groups.map((g) => g.join(' ')).join(' | ');
  return {
    plan: `Cut ${sides}: ${plural(count, 'link')}; no message crosses until \`heal\``,
    async run() {
      const began = yard.clock.now();
      const cut = await yard.links.partition(groups);
      const ms = yard.clock.now() - began;
      return {
        line: `${sides}: ${plural(cut, 'link')} cut in ${formatMs(ms)}`,
        data: { groups, cut, ms },
      };
    },
  };
}

/** What A sends does not reach B; everything else does. */
function cutOneWay(yard: Yard, text: string): Action<Cut> {
  if (text.includes('-')) throw misuse(`'${text}': write groups such as AB/CD, or one direction such as A>B`);
  checkNodes(text, yard.letters);
  const wanted = must(parseLinks(text, yard));
  const words = formatLinks(wanted);
  const senders = [...new Set(wanted.map(([from]) => from))].join(' ');
  return {
    plan: `Cut ${words} in one direction: nothing that ${senders} sends there arrives until \`heal\``,
    async run() {
      const began = yard.clock.now();
      const before = yard.links.facts().conditions.oneWay;
      const names = new Set(before.map((d) => linkName(...d)));
      const oneWay = [...before, ...wanted.filter((d) => !names.has(linkName(...d)))];
      await yard.links.change(`cut one way: ${words}`, { oneWay });
      const line = `${words}: ${plural(wanted.length, 'direction')} cut; the other way is open`;
      return { line, data: { oneWay, cut: wanted.length, ms: yard.clock.now() - began } };
    },
  };
}

export interface Healed {
  readonly healed: boolean;
  readonly ms: number;
  readonly tip?: { readonly id: string; readonly height: number; readonly miner: string };
  readonly reorgs: readonly SeenReorg[];
}

export const heal = verb({
  name: 'heal',
  says: 'open all links and wait until all agree; delays, loss and rates of links stay',
  fields: { wait: fields.flag('wait until all agree', true) },
  action(yard, { wait }): Action<Healed> {
    const { groups, conditions } = yard.links.facts();
    const { oneWay, wireHeld } = conditions;
    const set = describeConditions(groups, { ...CALM, oneWay, wireHeld });
    const what = set.length === 0 ? 'Nothing is cut or held; make sure of it' : `Heal ${set.join(', ')}`;
    return {
      plan: `${what}: open all links, ${wait ? 'wait until all agree' : 'do not wait'}`,
      async run(context) {
        const mark = await yard.events.mark();
        const began = yard.clock.now();
        const healed = await yard.links.heal();
        const left = shapesLeft(yard.links.facts().conditions);
        if (!wait) return { line: `links are open; not waiting${left}`, data: { healed, ms: 0, reorgs: [] } };
        context.step('links are open');
        const { tip, ms, reorgs } = await reunite(yard, mark, began, context);
        const story = reorgs.length === 0 ? 'nobody had to reorganise' : tellReorgs(reorgs);
        const line = `all agree on ${blockName(tip)} ${tailOf(tip.id)} after ${formatMs(ms)}; ${story}${left}`;
        const { id, height, miner } = tip;
        return { line, data: { healed, ms, tip: { id, height, miner }, reorgs } };
      },
    };
  },
});

/** Waits for links and for one tip, then reads from the log who was reorganised since `mark`. */
export async function reunite(yard: Yard, mark: number, began: number, context: RunContext) {
  await yard.links.ready(context);
  context.step(`linked again after ${formatMs(yard.clock.now() - began)}`);
  const tip = await settled(yard, await awake(yard), context);
  const ms = yard.clock.now() - began;
  return { tip, ms, reorgs: await reorgsSince(yard, mark, began) };
}
