import type { LogEvent } from '../../events/events.ts';
import type { SeenBlock } from '../../observe/state/forest.ts';
import { inWords, list, span, tail } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import { actionOf } from '../../yard/verb.ts';
import { doubleSpend, send } from '../../yard/verbs/payments.ts';
import { liveYard } from '../live/yard.ts';
import {
  ahead,
  COIN,
  depthOn,
  everywhere,
  type Followed,
  notesFor,
  PATIENCE_S,
  paint,
  quiet,
  sides,
  type Tour,
} from './scene.ts';
import { commonTip, whereabouts } from './witness.ts';

export async function meet(tour: Tour): Promise<void> {
  const { teller, witness, letters } = tour;
  await teller.moment(1, 'MEET', [
    `${letters.join(' ')} are four programs, each with its own copy of the books.`,
    'They share only messages, over real sockets on this machine.',
    ...(tour.page === undefined ? [] : [`Page ${tour.page}`]),
  ]);
  const met = () => {
    const pairs = new Set<string>();
    for (const event of witness.events)
      if (event.kind === 'peer-ready') pairs.add(`${event.node}${event.name}`);
    return pairs;
  };
  await witness.wait(
    () => (met().size >= letters.length * (letters.length - 1) ? true : undefined),
    PATIENCE_S,
    () => `only ${met().size} of ${letters.length * (letters.length - 1)} introductions were made`,
  );
  teller.text(`Each has greeted the three others (${plural(letters.length * 3, 'greeting')}).`);
}

export async function mine(tour: Tour): Promise<void> {
  const { teller, witness, launcher, letters } = tour;
  const tries = await expectedTries(tour);
  await teller.moment(2, 'MINE', [`Mining is guessing, about ${inWords(tries)} tries a block.`]);
  await launcher.startMining();
  const tip = await witness.wait(
    () => {
      const block = commonTip(witness.forest, letters);
      return block !== undefined && block.height >= 3 ? block : undefined;
    },
    PATIENCE_S,
    () => `the nodes do not agree on a third block: ${whereabouts(witness.forest, letters)}`,
  );
  const behind = lastToFollow(witness.events, tip);
  const after = behind === undefined ? '' : `, ${span(behind)} after ${tip.miner} found it`;
  paint(tour, 1, (flags) => (flags.length === 0 ? '' : `  all four have ${tip.label}${after}`));
}

export async function pay(tour: Tour): Promise<Followed> {
  const { teller, witness, launcher, letters } = tour;
  const amount = 5 * COIN;
  const done = await actionOf(send, liveYard(launcher.client), {
    from: 'alice',
    to: 'bob',
    amount,
    node: 'A',
  }).run(quiet(tour));
  const bob: Followed = { who: 'Bob', txid: done.data.txid, at: 'A' };
  await teller.moment(3, 'PAY', [`Alice pays Bob 5 coins, signed with her key (${tail(bob.txid)}).`]);
  await everywhere(tour, bob, 'waiting', () => `the payment has not reached all nodes`);
  teller.grow(`waiting on ${letters.join(' ')}`);
  await everywhere(tour, bob, 'confirmed', () => `the payment is not confirmed on every node`);
  const at = witness.payments.standing(bob.txid, 'A');
  const block = at.kind === 'confirmed' ? witness.forest.nameOf(at.block) : '?';
  teller.grow(` → in block ${block}`);
  await teller.rest(600);
  const least = Math.min(...letters.map((l) => depthOn(tour, bob, l)));
  teller.grow(` → ${plural(Math.max(1, least), 'confirmation')} on ${letters.join(' ')}`);
  teller.end();
  return bob;
}

export interface CutResult {
  readonly since: LogEvent;
  readonly carol: Followed;
  readonly dave: Followed;
  readonly others: readonly Followed[];
}

export async function cut(tour: Tour): Promise<CutResult> {
  const { teller, witness, launcher, left, right } = tour;
  await launcher.partition([left, right]);
  const since = await witness.wait(
    () => witness.events.findLast((e) => e.kind === 'partition'),
    PATIENCE_S,
    () => 'the cut is not in the log',
  );
  await teller.moment(4, 'CUT', [
    `${left.join(' ')} | ${right.join(' ')}: no message crosses from now on.`,
    'Alice spends one coin twice: to Carol at A, to Dave at D.',
    'Also: Grace pays Heidi at A, Erin pays Frank at D.',
  ]);
  const yard = liveYard(launcher.client);
  const pair = { from: 'alice', first: 'carol@A', second: 'dave@D' };
  const twice = await actionOf(doubleSpend, yard, pair).run(quiet(tour));
  const carol: Followed = { who: 'Carol', txid: twice.data.txids[0], at: 'A' };
  const dave: Followed = { who: 'Dave', txid: twice.data.txids[1], at: 'D' };
  const heidi = await actionOf(send, yard, { from: 'grace', to: 'heidi', amount: 2 * COIN, node: 'A' }).run(
    quiet(tour),
  );
  const frank = await actionOf(send, yard, { from: 'erin', to: 'frank', amount: 3 * COIN, node: 'D' }).run(
    quiet(tour),
  );
  const others: Followed[] = [
    { who: 'Heidi', txid: heidi.data.txid, at: 'A' },
    { who: 'Frank', txid: frank.data.txid, at: 'D' },
  ];
  teller.text('Each side checks the signatures and accepts: it cannot know more.');
  teller.text('Blocks come half as often: each side has half of the power.');
  await bothSidesBuild(tour, since, [carol, dave, ...others]);
  const ends = sides(tour);
  paint(tour, ends?.fork.height ?? 1, (flags) => notesFor(tour, flags, [carol, dave, ...others]));
  await teller.rest(2_000);
  teller.text('Which history will stand? The one with more work. Place bets.');
  return { since, carol, dave, others };
}

/** Until each side has two blocks of its own with its payments in them, and one side leads in work. */
async function bothSidesBuild(tour: Tour, since: LogEvent, payments: readonly Followed[]): Promise<void> {
  const { teller, witness, left, right } = tour;
  const told = new Set<string>();
  // A block may have been found while the payments of the cut were made.
  const unwatch = witness.onEvent(since.seq, (event) => {
    if (event.kind !== 'mined' || told.has(event.id)) return;
    told.add(event.id);
    const side = left.includes(event.node) ? left : right;
    const other = side === left ? right : left;
    teller.text(`${event.node} found ${witness.forest.nameOf(event.id)}; ${list(other)} cannot hear of it.`);
  });
  try {
    await witness.wait(
      () => {
        const ends = ahead(tour);
        if (ends === undefined) return undefined;
        const isLong = ends.a.height >= ends.fork.height + 2 && ends.b.height >= ends.fork.height + 2;
        return isLong && payments.every((p) => depthOn(tour, p, p.at) > 0) ? true : undefined;
      },
      // Each side needs three blocks or so at twice the pace; a tie may take several more.
      PATIENCE_S * 2,
      () =>
        `the two sides are not two blocks long with one ahead: ${whereabouts(witness.forest, tour.letters)}`,
    );
  } finally {
    unwatch();
  }
}

function lastToFollow(events: readonly LogEvent[], block: SeenBlock): number | undefined {
  if (block.mined === undefined) return undefined;
  const times = events.filter((e) => e.kind === 'tip' && e.id === block.id).map((e) => e.t);
  return Math.max(0, Math.max(...times) - block.mined.t);
}

async function expectedTries(tour: Tour): Promise<number> {
  const info = await tour.launcher.client.call<{ difficulty: number }>('A', 'getmininginfo');
  return info.difficulty * 2 ** 32;
}
