import { spentTwiceWords } from '../../observe/state/payment-words.ts';
import { formatMs, formatOffset, formatRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { type Done, type RunContext, sleep, until } from '../action.ts';
import * as faults from '../actions/faults.ts';
import { askLinks, cutOneWay, holdLinks, releaseLinks, stepLinks } from '../actions/links.ts';
import { mineBlocks } from '../actions/mining.ts';
import { freeze, setNode, thaw } from '../actions/node-faults.ts';
import { doubleSpend, send } from '../actions/pay.ts';
import type { RunningYard } from '../launcher/launch.ts';
import { blockName, listLetters, tailOf } from '../names.ts';
import { failed } from '../problem.ts';
import { scaled } from './links.ts';
import type { Doing } from './stage.ts';
import { playLive } from './strategy.ts';
import type { ScenarioWatch } from './watch.ts';

/** Carries out one step on a yard of processes, and says in one line what came of it. */

export interface LivePlay {
  readonly yard: RunningYard;
  readonly watch: ScenarioWatch;
  /** Waits are so many times shorter. */
  readonly speed: number;
  readonly programPath: string;
}

export async function act(stage: LivePlay, action: Doing, context: RunContext): Promise<string> {
  const { client } = stage.yard;
  client.refresh();
  switch (action.kind) {
    case 'mine': {
      const wishes = { node: action.node, blocks: action.blocks, power: { uncapped: !action.capped } };
      const done = await mineBlocks(client, wishes).run({ ...context, step: () => undefined });
      const last = done.data.blocks.at(-1)!;
      return `${action.node} mined ${done.line} · now ${blockName(last)} ${tailOf(last.id)}`;
    }
    case 'partition':
      return line(await faults.partition(client, action.groups).run(context));
    case 'cut-one-way':
      return line(await cutOneWay(client, action.links).run(context));
    case 'link': {
      const shape = scaled(action.shape, stage.speed);
      return askLinks(client, { links: action.on, shape, clear: action.clear });
    }
    case 'hold-wire':
      return line(await (action.on ? holdLinks(client) : releaseLinks(client)).run(context));
    case 'deliver':
      return line(await stepLinks(client, action.to).run(context));
    case 'heal':
      return line(
        await faults.heal(client, { wait: action.wait }).run({ ...context, step: () => undefined }),
      );
    case 'kill':
      return line(await faults.kill(client, action.node, action.clean).run(context));
    case 'start':
      return line(await faults.start(client, action.node).run(context));
    case 'freeze':
      return line(await freeze(client, action.node).run(context));
    case 'thaw':
      return line(await thaw(client, action.node).run(context));
    case 'pay':
      return pay(stage, action, context);
    case 'double-spend':
      return spendTwice(stage, action, context);
    case 'set':
      return set(stage, action, context);
    case 'hold':
      return line(await faults.hold(client, action.on, action.nodes).run(context));
    case 'wait': {
      const ms = Math.max(1, Math.round(action.ms / stage.speed));
      await sleep(ms, context.signal);
      return `waited ${formatMs(ms)}`;
    }
    case 'strategy':
      return playLive(stage, action, stage.watch);
    case 'invalidate':
    case 'reconsider':
      return force(stage, action);
    case 'precious': {
      const info = await client.info(action.tipOf);
      if (info === undefined) throw failed(`node ${action.tipOf} is down, so it has no tip to prefer`);
      // Right after a heal the block may still be on its way.
      await until(
        async () => ((await knows(stage, action.node, info.tip.id)) ? true : undefined),
        context,
        () => `${action.node} does not have ${blockName(info.tip)}`,
      );
      await client.call(action.node, 'preciousblock', [info.tip.id]);
      return `${action.node} was told to prefer ${blockName(info.tip)} ${tailOf(info.tip.id)} (forced, not raced)`;
    }
  }
}

async function knows({ yard }: LivePlay, letter: string, id: string): Promise<boolean> {
  const found = await yard.client.call<unknown[]>(letter, 'findblock', [id]);
  return found.length > 0;
}

/** Invalidated tips by node, so that `reconsider` undoes just that. */
const condemned = new WeakMap<ScenarioWatch, Map<string, string>>();

async function force(
  { yard, watch }: LivePlay,
  action: Extract<Doing, { kind: 'invalidate' | 'reconsider' }>,
): Promise<string> {
  const known = condemned.get(watch) ?? new Map<string, string>();
  condemned.set(watch, known);
  const { node } = action;
  if (action.kind === 'reconsider') {
    const id = known.get(node);
    if (id === undefined) throw failed(`no block was invalidated on ${node}, so there is none to reconsider`);
    await yard.client.call(node, 'reconsiderblock', [id]);
    return `${node} takes ${watch.forest.nameOf(id)} ${tailOf(id)} for valid again`;
  }
  const info = await yard.client.info(node);
  if (info === undefined) throw failed(`node ${node} is down, so its tip cannot be invalidated`);
  await yard.client.call(node, 'invalidateblock', [info.tip.id]);
  known.set(node, info.tip.id);
  return `${node} was told that its tip ${blockName(info.tip)} ${tailOf(info.tip.id)} is invalid (forced, not raced)`;
}

function line(done: Done<unknown>): string {
  return done.line;
}

async function pay(
  { yard, watch }: LivePlay,
  action: Extract<Doing, { kind: 'pay' }>,
  context: RunContext,
): Promise<string> {
  const { from, to, amount, node } = action;
  const wishes = { from, to, amount, ...defined({ node }) };
  const done = await send(yard.client, wishes).run({ ...context, step: () => undefined });
  if (action.as !== undefined) watch.named.set(action.as, done.data.txid);
  return action.as === undefined ? done.line : `${action.as}: ${done.line}`;
}

async function spendTwice(
  { yard, watch }: LivePlay,
  action: Extract<Doing, { kind: 'double-spend' }>,
  context: RunContext,
): Promise<string> {
  const { from, payments, amount } = action;
  const wishes = { from, payments, ...defined({ amount }) };
  const done = await doubleSpend(yard.client, wishes).run({ ...context, step: () => undefined });
  for (const [i, name] of action.as.entries()) watch.named.set(name, done.data.txids[i]!);
  const sides = done.data.payments.map(
    (p, i) =>
      `${action.as[i] ?? tailOf(p.txid)} to ${p.to} ${p.accepted ? `on ${listLetters(p.seen.length === 0 ? [p.node] : p.seen)}` : `refused: ${p.why}`}`,
  );
  return `${spentTwiceWords(from, done.data.coins.length)}: ${sides.join('; ')}`;
}

async function set(
  { yard }: LivePlay,
  action: Extract<Doing, { kind: 'set' }>,
  context: RunContext,
): Promise<string> {
  const { node, hashrate, mines, clockMs, region } = action;
  const change = {
    ...(mines === undefined ? {} : { on: mines, held: false }),
    ...(hashrate === undefined ? {} : hashrate === 0 ? { uncapped: true } : { hashrate }),
  };
  if (Object.keys(change).length > 0) await yard.client.call(node, 'setmining', [change]);
  const place = {
    ...defined({ clockMs, region }),
  };
  if (Object.keys(place).length > 0) await setNode(yard.client, node, place).run(context);
  const words = [
    ...(hashrate === undefined ? [] : [formatRate(hashrate)]),
    ...(mines === undefined ? [] : [mines ? 'mines' : 'rests']),
    ...(clockMs === undefined ? [] : [`clock ${clockMs === 0 ? 'right' : formatOffset(clockMs)}`]),
    ...(region === undefined ? [] : [region]),
  ];
  return `${node}: ${words.join(', ')}`;
}
