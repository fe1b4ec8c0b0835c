import { formatAmount, formatAmountFull } from '../../bitcoin/amount.ts';
import type { CommandResult } from '../../node/types.ts';
import { spentTwiceNote, spentTwiceWords } from '../../observe/state/payment-words.ts';
import { shapesLeft } from '../../observe/words/conditions.ts';
import { parseGroups } from '../../observe/words/parse.ts';
import { formatCount, formatMs, formatOffset, formatRate } from '../../observe/words/units.ts';
import { fundsOf, sharedCoins, simKey } from '../../sim/purse.ts';
import type { SimNode } from '../../sim/world/sim-node.ts';
import { type SimYard, UNCAPPED_RATE } from '../../sim/yard.ts';
import { hashOfId } from '../../util/bytes.ts';
import { plural } from '../../util/plural.ts';
import type { Profile, Region } from '../../util/profiles.ts';
import type { Key } from '../../wallet/keys.ts';
import { fundsFor, makePayment, type Payment, twoPayments, USUAL_FEE_RATE } from '../../wallet/payment.ts';
import { tellReorgs } from '../actions/faults.ts';
import { blockName, listLetters, tailOf } from '../names.ts';
import { failed, misuse } from '../problem.ts';
import { askSimLinks, cutSimLinks, deliverHeld } from './sim-links.ts';
import type { Doing, Stage } from './stage.ts';
import { playSimulated } from './strategy.ts';
import type { ScenarioWatch } from './watch.ts';

/** Carries out one step on a simulated yard, and says in one line what came of it, as act.ts does live. */

export interface SimPlay {
  readonly yard: SimYard;
  readonly stage: Stage;
  readonly watch: ScenarioWatch;
  readonly timeoutMs: number;
}

/** How long to wait for other nodes to take a block, once it is found (lab/actions/mining.ts). */
const SPREAD_MS = 3_000;
/** ... and for a payment that nobody new has seen (lab/actions/pay.ts). */
const PATIENCE_MS = 1_000;

export async function actSimulated(play: SimPlay, action: Doing): Promise<string> {
  const { yard, stage } = play;
  switch (action.kind) {
    case 'mine':
      return mine(play, action);
    case 'partition': {
      const groups = parseGroups(action.groups, yard.letters);
      if (!groups.ok) throw misuse(groups.error);
      const cut = yard.partition(groups.value);
      return `${groups.value.map((g) => g.join(' ')).join(' | ')}: ${plural(cut, 'link')} cut`;
    }
    case 'cut-one-way':
      return cutSimLinks(yard, action.links);
    case 'link':
      return askSimLinks(yard, { links: action.on, shape: action.shape, clear: action.clear });
    case 'hold-wire':
      yard.holdWires(action.on);
      return action.on ? 'every wire holds its messages' : 'every wire lets go';
    case 'deliver':
      return deliverHeld(yard, action.to);
    case 'heal':
      return heal(play, action.wait);
    case 'kill': {
      const was = blockName(tipOf(mustBeUp(yard, action.node)));
      yard.kill(action.node, action.clean ? 'clean' : 'process');
      return `${action.node} was at ${was}; ${action.clean ? 'stopped' : 'killed'}`;
    }
    case 'start':
      return start(play, action.node);
    case 'freeze': {
      const node = mustBeUp(yard, action.node);
      if (node.frozen) throw failed(`node ${action.node} is frozen already`);
      yard.freeze(action.node);
      return `${action.node} is frozen at ${blockName(tipOf(node))}`;
    }
    case 'thaw':
      if (!yard.node(action.node).frozen) throw failed(`node ${action.node} is not frozen`);
      yard.thaw(action.node);
      return `${action.node} goes on, at ${blockName(tipOf(yard.node(action.node)))}`;
    case 'pay':
      return pay(play, action);
    case 'double-spend':
      return spendTwice(play, action);
    case 'set':
      return set(play, action);
    case 'hold':
      yard.hold(action.on, action.nodes.length === 0 ? yard.letters : action.nodes);
      return `${action.on ? 'held' : 'released'}: the miners of ${listLetters(action.nodes.length === 0 ? yard.letters : action.nodes)}`;
    case 'wait':
      await stage.sleep(action.ms);
      return `waited ${formatMs(action.ms)}`;
    case 'strategy':
      return playSimulated(yard, action, play.watch);
    case 'invalidate':
    case 'reconsider':
      return force(play, action);
    case 'precious': {
      const tip = tipOf(mustBeUp(yard, action.tipOf));
      const node = mustBeUp(yard, action.node);
      // Right after a heal the block may still be on its way.
      await stage.until(
        () => (node.view.chain.entry(hashOfId(tip.id)!)?.hasBody === true ? true : undefined),
        play.timeoutMs,
        () => `${action.node} does not have ${blockName(tip)}`,
      );
      accepted(action.node, node.ask({ kind: 'precious', hash: hashOfId(tip.id)! }));
      return `${action.node} was told to prefer ${blockName(tip)} ${tailOf(tip.id)} (forced, not raced)`;
    }
  }
}

function mustBeUp(yard: SimYard, letter: string): SimNode {
  const node = yard.node(letter);
  if (!node.up) throw failed(`node ${letter} is down`, `Start it first: - start: ${letter}`);
  return node;
}

/** One that is asked to do something. */
function mustBeAwake(yard: SimYard, letter: string): SimNode {
  const node = mustBeUp(yard, letter);
  if (node.frozen) throw failed(`node ${letter} is frozen`, `Let it go on first: - thaw: ${letter}`);
  return node;
}

function tipOf(node: SimNode): { id: string; height: number; miner: string } {
  const { id, height, miner } = node.tip;
  return { id, height, miner };
}

function accepted(letter: string, result: CommandResult): CommandResult {
  if (result.kind !== 'refused') return result;
  throw failed(`${letter} refused it: ${result.refusal.rule}: ${result.refusal.detail}`);
}

async function mine(play: SimPlay, action: Extract<Doing, { kind: 'mine' }>): Promise<string> {
  const { yard, stage, timeoutMs } = play;
  const node = mustBeAwake(yard, action.node);
  const { held } = node.mining;
  const others = yard.reachableFrom(action.node).filter((letter) => letter !== action.node);
  const began = stage.now();
  const found: { id: string; tries: number }[] = [];
  const away = yard.world.onEvent((event) => {
    if (event.kind === 'mined' && event.node === action.node)
      found.push({ id: event.id, tries: event.tries });
  });
  // A held node grinds when told to: that is what holding and mining by hand are for.
  node.mine({ held: false, blocks: action.blocks, ...(action.capped ? {} : { orderRate: UNCAPPED_RATE }) });
  try {
    await stage.until(
      () => (found.length >= action.blocks ? true : undefined),
      timeoutMs,
      () => `${action.node} has found ${found.length} of ${action.blocks} blocks`,
    );
  } finally {
    away();
    if (node.up) node.mine({ held });
  }
  const ms = stage.now() - began;
  const last = found[action.blocks - 1]!;
  const waitUntil = stage.now() + SPREAD_MS;
  const hash = hashOfId(last.id)!;
  const has = (letter: string): boolean => {
    const other = yard.node(letter);
    return !other.up || other.view.chain.entry(hash)?.connectedOnce === true;
  };
  await stage.until(
    () => (others.every(has) || stage.now() >= waitUntil ? true : undefined),
    SPREAD_MS + 1_000,
    () => 'its block does not spread',
  );
  const entry = node.view.chain.entry(hash)!;
  const many = plural(action.blocks, 'block');
  const tries = found.reduce((sum, block) => sum + block.tries, 0);
  return `${action.node} mined ${many} in ${formatMs(ms)}, ${formatCount(tries)} tries · now ${blockName(entry)} ${tailOf(last.id)}`;
}

async function heal({ yard, stage, watch, timeoutMs }: SimPlay, wait: boolean): Promise<string> {
  const from = watch.reorgs.length;
  const began = stage.now();
  yard.heal();
  const left = shapesLeft(yard.conditions);
  if (!wait) return `links are open; not waiting${left}`;
  const up = () => yard.letters.filter((letter) => yard.node(letter).up && !yard.node(letter).frozen);
  await stage.until(
    () => (yard.world.agreed(up()) ? true : undefined),
    timeoutMs,
    () => 'they still disagree',
  );
  const tip = tipOf(yard.node(up()[0]!));
  const reorgs = watch.reorgs.slice(from);
  const story = reorgs.length === 0 ? 'nobody had to reorganise' : tellReorgs(reorgs);
  const ms = stage.now() - began;
  return `all agree on ${blockName(tip)} ${tailOf(tip.id)} after ${formatMs(ms)}; ${story}${left}`;
}

async function start({ yard, stage, timeoutMs }: SimPlay, letter: string): Promise<string> {
  if (yard.node(letter).up) throw failed(`node ${letter} is running already`);
  yard.start(letter);
  const began = stage.now();
  const opened = tipOf(yard.node(letter));
  const side = yard
    .awake()
    .filter((other) => yard.groups?.some((g) => g.includes(other) && g.includes(letter)) ?? true);
  await stage.until(
    () => (yard.world.agreed(side) ? true : undefined),
    timeoutMs,
    () => 'they still disagree',
  );
  const now = tipOf(yard.node(letter));
  const ms = stage.now() - began;
  return `${letter} reopened at height ${opened.height} ${tailOf(opened.id)}, caught up to ${blockName(now)} in ${formatMs(ms)}`;
}

function keyNamed(yard: SimYard, name: string): Key {
  const key = simKey(name, yard.letters);
  if (!key.ok) throw misuse(key.error);
  return key.value;
}

function named(tx: Payment['tx'], from: string, to: string, amount: number): string {
  return `${tailOf(tx.id)} ${from} → ${to} ${formatAmount(amount)}`;
}

/** Waits until all that can hear of them have one of these payments, or nothing more comes. */
async function spread(
  { yard, stage }: SimPlay,
  txids: readonly Uint8Array[],
  goal: number,
): Promise<string[][]> {
  const patience = PATIENCE_MS + 6 * yard.delayMs;
  const seen = () =>
    txids.map((id) =>
      yard.letters.filter((l) => yard.node(l).up && yard.node(l).view.mempool.get(id) !== undefined),
    );
  let count = 0;
  let since = stage.now();
  const done = () => {
    const now = seen().reduce((sum, nodes) => sum + nodes.length, 0);
    if (now > count) {
      count = now;
      since = stage.now();
    }
    return now >= goal || stage.now() - since >= patience ? true : undefined;
  };
  await stage.until(done, Number.MAX_SAFE_INTEGER / 1_000, () => '');
  return seen();
}

async function pay(play: SimPlay, action: Extract<Doing, { kind: 'pay' }>): Promise<string> {
  const { yard, stage, watch } = play;
  const { from, to, amount } = action;
  const letter = action.node ?? yard.awake()[0];
  if (letter === undefined) throw failed('no node of this yard answers');
  const node = mustBeAwake(yard, letter);
  const key = keyNamed(yard, from);
  const script = keyNamed(yard, to).script('p2wpkh');
  const held = fundsOf(node, key);
  const made = makePayment(key, {
    recipients: [{ value: amount, script }],
    coins: fundsFor(held, amount),
    feeRate: USUAL_FEE_RATE,
  });
  if (!made.ok) throw failed(`${from}: ${made.error}`);
  const { tx, fee } = made.value;
  accepted(letter, node.ask({ kind: 'send-tx', bytes: tx.bytes }));
  const began = stage.now();
  const [seen] = await spread(play, [tx.txid], yard.reachableFrom(letter).length);
  if (action.as !== undefined) watch.named.set(action.as, tx.id);
  yard.note(`payment ${named(tx, from, to, amount)}`);
  const after = seen!.length > 1 ? ` after ${formatMs(stage.now() - began)}` : '';
  const line = `${named(tx, from, to, amount)}, fee ${formatAmountFull(fee)} · seen by ${seen!.length} of ${yard.letters.length}${after}`;
  return action.as === undefined ? line : `${action.as}: ${line}`;
}

async function spendTwice(play: SimPlay, action: Extract<Doing, { kind: 'double-spend' }>): Promise<string> {
  const { yard, watch } = play;
  const { from, amount } = action;
  const [first, second] = action.payments;
  if (first === undefined || second === undefined || action.payments.length > 2)
    throw misuse('a double-spend is two payments');
  if (first.node === second.node) throw misuse('a double-spend needs two different nodes');
  const key = keyNamed(yard, from);
  const nodes = [mustBeAwake(yard, first.node), mustBeAwake(yard, second.node)] as const;
  const coins = sharedCoins(...nodes, key);
  if (coins.length === 0)
    throw failed(`${from} has no coin that ${first.node} and ${second.node} both hold for unspent`);
  const to = [first, second].map((p) => keyNamed(yard, p.to).script('p2wpkh')) as [Uint8Array, Uint8Array];
  const made = twoPayments(key, { coins, to, amount, feeRate: USUAL_FEE_RATE });
  if (!made.ok) throw failed(`${from}: ${made.error}`);
  const twice = made.value.map(({ tx }, i) => named(tx, from, action.payments[i]!.to, tx.outputs[0]!.value));
  yard.note(spentTwiceNote(made.value[0].inputs.length, twice));
  // Both at once: each node must judge before the other's gossip can reach it.
  const answers: (CommandResult | undefined)[] = [undefined, undefined];
  for (const [i, node] of nodes.entries()) {
    node.command({ kind: 'send-tx', bytes: made.value[i]!.tx.bytes }, (result) => {
      answers[i] = result;
    });
  }
  const reach = nodes.map((node) => yard.reachableFrom(node.name));
  const linked = reach[0]!.includes(second.node);
  // Where the two race, no node will have both: wait for each to have one.
  const goal = linked ? reach[0]!.length : reach[0]!.length + reach[1]!.length;
  const seen = await spread(
    play,
    made.value.map(({ tx }) => tx.txid),
    goal,
  );
  const sides = made.value.map(({ tx }, i) => {
    const name = action.as[i];
    if (name !== undefined) watch.named.set(name, tx.id);
    const answer = answers[i];
    const where =
      answer?.kind === 'refused'
        ? `refused: ${answer.refusal.rule}`
        : `on ${listLetters(seen[i]!.length === 0 ? [action.payments[i]!.node] : seen[i]!)}`;
    return `${name ?? tailOf(tx.id)} to ${action.payments[i]!.to} ${where}`;
  });
  return `${spentTwiceWords(from, made.value[0].inputs.length)}: ${sides.join('; ')}`;
}

function set(
  { yard }: SimPlay,
  { node, hashrate, mines, clockMs, region }: Extract<Doing, { kind: 'set' }>,
): string {
  mustBeAwake(yard, node).mine({
    ...(mines === undefined ? {} : { on: mines, held: false }),
    ...(hashrate === undefined ? {} : { hashrate: hashrate || UNCAPPED_RATE }),
  });
  if (clockMs !== undefined) yard.setClock(node, clockMs);
  if (region !== undefined) {
    const { profile, regions } = yard.conditions;
    const places = { ...regions, [node]: region } as Readonly<Record<string, Region>>;
    yard.setProfile(`set ${node}: region ${region}`, profile as Profile | '', places);
  }
  const words = [
    ...(hashrate === undefined ? [] : [formatRate(hashrate)]),
    ...(mines === undefined ? [] : [mines ? 'mines' : 'rests']),
    ...(clockMs === undefined ? [] : [`clock ${clockMs === 0 ? 'right' : formatOffset(clockMs)}`]),
    ...(region === undefined ? [] : [region]),
  ];
  return `${node}: ${words.join(', ')}`;
}

/** Invalidated tips by node, so that `reconsider` undoes just that. */
const condemned = new WeakMap<ScenarioWatch, Map<string, string>>();

function force(
  { yard, watch }: SimPlay,
  action: Extract<Doing, { kind: 'invalidate' | 'reconsider' }>,
): string {
  const known = condemned.get(watch) ?? new Map<string, string>();
  condemned.set(watch, known);
  const node = mustBeAwake(yard, action.node);
  if (action.kind === 'reconsider') {
    const id = known.get(action.node);
    if (id === undefined)
      throw failed(`no block was invalidated on ${action.node}, so there is none to reconsider`);
    accepted(action.node, node.ask({ kind: 'reconsider', hash: hashOfId(id)! }));
    return `${action.node} takes ${watch.forest.nameOf(id)} ${tailOf(id)} for valid again`;
  }
  const tip = tipOf(node);
  accepted(action.node, node.ask({ kind: 'invalidate', hash: hashOfId(tip.id)! }));
  known.set(action.node, tip.id);
  return `${action.node} was told that its tip ${blockName(tip)} ${tailOf(tip.id)} is invalid (forced, not raced)`;
}
