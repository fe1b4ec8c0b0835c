import { formatMs, formatOffset, formatRate, parseOffset, parseRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { sameGroup } from '../../util/topology.ts';
import type { Action, RunContext } from '../action.ts';
import * as fields from '../fields.ts';
import { MAX_CLOCK_MS } from '../limits.ts';
import { blockName, tailOf } from '../names.ts';
import type { NodeSettings, NodeState, Yard } from '../port.ts';
import { failed, misuse } from '../problem.ts';
import { parseRegion } from '../profiles.ts';
import { awake, settled } from '../states.ts';
import { verb } from '../verb.ts';

/** Ending, starting, freezing and changing single nodes. */

export interface Killed {
  readonly node: string;
  /** Its tip before, `8A`, or `down`. */
  readonly was: string;
}

function tipName(state: NodeState | undefined): string {
  return state === undefined ? 'down' : blockName(state.tip);
}

export const kill = verb({
  name: 'kill',
  says: 'end one node, as a power cut would',
  fields: {
    node: fields.node('which node'),
    clean: fields.flag('ask it to end: it saves and says good-bye'),
  },
  action(yard, { node, clean }): Action<Killed> {
    const how = clean ? 'politely (it saves and says good-bye)' : 'with -9, as a power cut would';
    return {
      plan: `End node ${node} ${how}; bring it back with \`start ${node}\``,
      async run() {
        const was = tipName(await yard.node(node).state());
        await yard.processes.kill(node, clean);
        return {
          line: `${node} was at ${was}; ${clean ? 'stopped' : 'killed'}`,
          data: { node, was },
        };
      },
    };
  },
});

export interface Started {
  readonly node: string;
  readonly opened: string;
  readonly now: string;
  readonly ms: number;
}

export const start = verb({
  name: 'start',
  says: 'start a node that is down, on its own data',
  fields: { node: fields.node('which node') },
  action: (yard, { node }): Action<Started> => ({
    plan: `Start node ${node} on its own data and wait until it has caught up`,
    async run(context) {
      const mark = await yard.events.mark();
      await yard.processes.start(node);
      const began = yard.clock.now();
      const { groups } = yard.links.facts();
      const up = await awake(yard);
      const side = up.filter((other) => groups === undefined || sameGroup(groups, other, node));
      const tip = await settled(yard, side, context);
      const ms = yard.clock.now() - began;
      const opened = await openedAt(yard, mark, node, context);
      const line = `${node} reopened at ${opened}, caught up to ${blockName(tip)} in ${formatMs(ms)}`;
      return { line, data: { node, opened, now: blockName(tip), ms } };
    },
  }),
});

/** Where the node was when it opened, from its own first line in the log. */
function openedAt(yard: Yard, mark: number, node: string, context: RunContext): Promise<string> {
  return yard.clock.until(
    async () => {
      const events = await yard.events.since(mark);
      const event = events.find((e) => e.kind === 'start' && e.node === node);
      return event?.kind === 'start' ? `height ${event.height} ${tailOf(event.id)}` : undefined;
    },
    context,
    () => `${node} did not tell its start`,
  );
}

export interface Frozen {
  readonly node: string;
}

export const freeze = verb({
  name: 'freeze',
  says: 'stop the process of a node where it stands, without ending it',
  fields: { node: fields.node('which node') },
  action: (yard, { node }): Action<Frozen> => ({
    plan: `Freeze ${node}: its process stands still, its connections stay open, until \`thaw ${node}\``,
    async run() {
      const before = await yard.node(node).state();
      await yard.processes.freeze(node);
      const at = before === undefined ? '' : ` at ${blockName(before.tip)}`;
      return { line: `${node} is frozen${at}`, data: { node } };
    },
  }),
});

export const thaw = verb({
  name: 'thaw',
  says: 'let a frozen process go on',
  fields: { node: fields.node('which node') },
  action: (yard, { node }): Action<Frozen> => ({
    plan: `Thaw ${node}: its process goes on where it was`,
    async run() {
      await yard.processes.thaw(node);
      const now = await yard.node(node).state();
      if (now === undefined) throw failed(`${node} goes on but does not answer yet`, 'Look again: `status`');
      return { line: `${node} goes on, at ${blockName(now.tip)}`, data: { node } };
    },
  }),
});

export interface Settings {
  readonly node: string;
  readonly hashrate: number;
  readonly clockMs: number;
  readonly region: string | null;
}

export const set = verb({
  name: 'set',
  says: 'change one node while it runs; it keeps it when it is started again',
  fields: {
    node: fields.node('which node'),
    hashrate: fields.optional(fields.quantity('cap of its miner: 1MH/s, uncapped', parseRate)),
    mines: fields.optional(fields.choice('does it mine?', ['true', 'false'])),
    clock: fields.optional(fields.quantity('how far its clock is ahead: +90s, -2m, 0s', parseOffset)),
    region: fields.optional(fields.parsed('where it stands under link --profile world', parseRegion)),
  },
  action(yard, { node, hashrate, mines, clock, region }): Action<Settings> {
    const settings: NodeSettings = defined({
      hashrate,
      mines: mines === undefined ? undefined : mines === 'true',
      clockMs: clock,
      region,
    });
    if (Object.keys(settings).length === 0)
      throw misuse(
        'nothing to set',
        `Say what: \`set ${node} --hashrate 1MH/s --clock +90s --region japan\``,
      );
    if (Math.abs(clock ?? 0) > MAX_CLOCK_MS) throw misuse('a clock is off by 100 days at most');
    const said = wordsOf(settings);
    return {
      plan: `Set ${node}: ${said}, from now on`,
      async run() {
        await yard.node(node).set(`set ${node}: ${said}`, settings);
        const { conditions } = yard.links.facts();
        const unused = region !== undefined && conditions.profile !== 'world';
        return {
          line: `${node}: ${said}${unused ? ' (used by `link --profile world`)' : ''}`,
          data: {
            node,
            hashrate: yard.node(node).hashrate,
            clockMs: conditions.clockMs[node] ?? 0,
            region: conditions.regions[node] ?? null,
          },
        };
      },
    };
  },
});

function wordsOf({ hashrate, mines, clockMs, region }: NodeSettings): string {
  return [
    ...(hashrate === undefined ? [] : [`hash rate ${formatRate(hashrate)}`]),
    ...(mines === undefined ? [] : [mines ? 'mines' : 'rests']),
    ...(clockMs === undefined ? [] : [`clock ${clockMs === 0 ? 'right' : formatOffset(clockMs)}`]),
    ...(region === undefined ? [] : [`region ${region}`]),
  ].join(', ');
}
