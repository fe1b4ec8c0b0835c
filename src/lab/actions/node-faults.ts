import { formatOffset, formatRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import type { Region } from '../../util/profiles.ts';
import type { Action } from '../action.ts';
import type { YardClient } from '../client/client.ts';
import { conditionsOf } from '../client/conditions.ts';
import { blockName } from '../names.ts';
import { failed, misuse } from '../problem.ts';

/** Faults and settings of one node: its process stands still, its clock is off, its miner is stronger. */

interface Frozen {
  readonly node: string;
}

/** SIGSTOP: the process does nothing, its connections stay open; to the others it is a node that does not answer. */
export function freeze(client: YardClient, letter: string): Action<Frozen> {
  const node = client.node(letter).letter;
  return {
    plan: `Freeze ${node}: its process stands still, its connections stay open, until: forkyard thaw ${node}`,
    async run() {
      const before = await client.info(node);
      await client.control('freeze', { node });
      client.refresh();
      const was = before === undefined ? '' : ` at ${blockName(before.tip)}`;
      return { line: `${node} is frozen${was}`, data: { node } };
    },
  };
}

export function thaw(client: YardClient, letter: string): Action<Frozen> {
  const node = client.node(letter).letter;
  return {
    plan: `Thaw ${node}: its process goes on where it was`,
    async run() {
      await client.control('thaw', { node }, 60_000);
      client.refresh();
      const now = await client.info(node);
      if (now === undefined)
        throw failed(`${node} goes on but does not answer yet`, 'Look again: forkyard status');
      return { line: `${node} goes on, at ${blockName(now.tip)}`, data: { node } };
    },
  };
}

export interface SetWishes {
  readonly hashrate?: number;
  readonly clockMs?: number;
  readonly region?: Region;
}

interface Set {
  readonly node: string;
  readonly hashrate: number;
  readonly clockMs: number;
  readonly region: string | null;
}

/** `set C --hashrate 1MH/s --clock +90s --region japan`. */
export function setNode(client: YardClient, letter: string, wishes: SetWishes): Action<Set> {
  const node = client.node(letter).letter;
  const said = [
    ...(wishes.hashrate === undefined ? [] : [`hash rate ${formatRate(wishes.hashrate)}`]),
    ...(wishes.clockMs === undefined
      ? []
      : [`clock ${wishes.clockMs === 0 ? 'right' : formatOffset(wishes.clockMs)}`]),
    ...(wishes.region === undefined ? [] : [`region ${wishes.region}`]),
  ];
  if (said.length === 0)
    throw misuse(
      'nothing to set',
      `Say what: forkyard set ${node} --hashrate 1MH/s --clock +90s --region japan`,
    );
  const text = `set ${node}: ${said.join(', ')}`;
  return {
    plan: `Set ${node}: ${said.join(', ')}, from now on`,
    async run() {
      const { hashrate, clockMs, region } = wishes;
      await client.control('set', {
        node,
        text,
        ...defined({ hashrate, clockMs, region }),
      });
      const yard = client.refresh();
      const c = conditionsOf(yard);
      const unused =
        region !== undefined && c.profile !== 'world' ? ' (used by: forkyard link --profile world)' : '';
      const data = {
        node,
        hashrate: client.node(node).hashrate,
        clockMs: c.clockMs[node] ?? 0,
        region: c.regions[node] ?? null,
      };
      return { line: `${node}: ${said.join(', ')}${unused}`, data };
    },
  };
}
