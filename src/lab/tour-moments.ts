import type { LogEvent } from '../consensus/news.ts';
import { drawTree } from '../observe/draw.ts';
import type { SeenBlock, SeenReorg } from '../observe/forest.ts';
import { count, inWords, list, span, tail } from '../observe/words.ts';
import type { Launcher } from './launcher.ts';
import { doubleSpend, send } from './pay.ts';
import type { Teller } from './tour-teller.ts';
import { commonTip, TourFailure, type Witness, whereabouts } from './tour-witness.ts';

export interface Tour {
  readonly launcher: Launcher;
  readonly teller: Teller;
  readonly witness: Witness;
  readonly letters: readonly string[];
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly ascii: boolean;
}

/** A payment that the tour follows: who is paid, how the tour calls it. */
export interface Followed {
  readonly who: string;
  readonly txid: string;
  /** The node that took it. */
  readonly at: string;
}

/** How long the tour waits for something that normally takes a few seconds. */
const PATIENCE_S = 120;
const COIN = 100_000_000;

export async function meet(tour: Tour): Promise<void> {
  const { teller, witness, letters } = tour;
  await teller.moment(1, 'MEET', [
    `${letters.join(' ')} are four programs, each with its own copy of the books.`,
    'They share only messages, over real sockets on this machine.',
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
  teller.text(`Each has greeted the three others (${count(letters.length * 3, 'greeting')}).`);
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
  paint(tour, 6, () => `  all four have ${tip.label}${after}`);
}

export async function pay(tour: Tour): Promise<Followed> {
  const { teller, witness, launcher, letters } = tour;
  const amount = 5 * COIN;
  const done = await send(launcher.client, { from: 'alice', to: 'bob', amount, node: 'A' }).run(quiet(tour));
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
  teller.grow(` → ${count(Math.max(1, least), 'confirmation')} on ${letters.join(' ')}`);
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
  const twice = await doubleSpend(launcher.client, {
    from: 'alice',
    payments: [
      { to: 'carol', node: 'A' },
      { to: 'dave', node: 'D' },
    ],
  }).run(quiet(tour));
  const carol: Followed = { who: 'Carol', txid: twice.data.txids[0], at: 'A' };
  const dave: Followed = { who: 'Dave', txid: twice.data.txids[1], at: 'D' };
  const heidi = await send(launcher.client, { from: 'grace', to: 'heidi', amount: 2 * COIN, node: 'A' }).run(
    quiet(tour),
  );
  const frank = await send(launcher.client, { from: 'erin', to: 'frank', amount: 3 * COIN, node: 'D' }).run(
    quiet(tour),
  );
  const others: Followed[] = [
    { who: 'Heidi', txid: heidi.data.txid, at: 'A' },
    { who: 'Frank', txid: frank.data.txid, at: 'D' },
  ];
  teller.text('Each side checks the signatures and accepts; neither can know more.');
  teller.text('Blocks come half as often: each side has half of the guessing power.');
  await bothSidesBuild(tour, since, [carol, dave, ...others]);
  paint(tour, 8, (flags) => notesFor(tour, flags, [carol, dave, ...others]));
  teller.text('Which history will stand? The one with more work. It is open: place bets.');
  return { since, carol, dave, others };
}

/** Until each side has two blocks of its own with its payments in them, and one side leads in work. */
async function bothSidesBuild(tour: Tour, since: LogEvent, payments: readonly Followed[]): Promise<void> {
  const { teller, witness, left, right } = tour;
  const told = new Set<string>();
  const unwatch = witness.onEvent((event) => {
    if (event.kind !== 'mined' || event.seq <= since.seq || told.has(event.id)) return;
    told.add(event.id);
    const side = left.includes(event.node) ? left : right;
    const other = side === left ? right : left;
    teller.text(`${event.node} found ${witness.forest.nameOf(event.id)}; ${list(other)} cannot hear of it.`);
  });
  try {
    await witness.wait(
      () => {
        const ends = sides(tour);
        if (ends === undefined || ends.a.work === ends.b.work) return undefined;
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

interface Sides {
  readonly a: SeenBlock;
  readonly b: SeenBlock;
  readonly fork: SeenBlock;
}

function sides(tour: Tour): Sides | undefined {
  const { witness, left, right } = tour;
  const a = commonTip(witness.forest, left);
  const b = commonTip(witness.forest, right);
  const fork = a === undefined || b === undefined ? undefined : witness.forest.forkPoint(a.id, b.id);
  return a === undefined || b === undefined || fork === undefined || a === b ? undefined : { a, b, fork };
}

export interface JoinResult {
  readonly healed: LogEvent;
  readonly agreedAfterMs: number;
  readonly losers: readonly string[];
}

export async function join(tour: Tour, before: CutResult, bob: Followed): Promise<JoinResult> {
  const { teller, witness, launcher, letters } = tour;
  const atHeal = sides(tour);
  await launcher.heal();
  const healed = await witness.wait(
    () => witness.events.findLast((e) => e.kind === 'heal'),
    PATIENCE_S,
    () => 'the healing is not in the log',
  );
  await teller.moment(5, 'JOIN', ['The cut is healed: both sides hear of each other’s blocks.']);
  const reorgs = await witness.wait(
    () => {
      const seen = witness.forest.reorgs.filter((r) => r.t >= before.since.t && r.depth >= 2);
      return seen.length > 0 && commonTip(witness.forest, letters) !== undefined ? seen : undefined;
    },
    PATIENCE_S,
    () => `the nodes do not agree: ${whereabouts(witness.forest, letters)}`,
  );
  const agreedAt = firstAgreement(witness.events, letters, healed.seq);
  const losers = letters.filter((l) => reorgs.some((r) => r.node === l));
  tellTurns(tour, atHeal, losers);
  for (const line of reorgLines(tour, reorgs)) teller.text(line);
  await tellFates(tour, before, bob, reorgs);
  return { healed, agreedAfterMs: Math.max(0, agreedAt - healed.t), losers };
}

/** Words for what may happen between the decision to heal and the meeting: a tie, or being overtaken. */
function tellTurns(tour: Tour, atHeal: Sides | undefined, losers: readonly string[]): void {
  if (atHeal === undefined) return;
  const { teller, left, right } = tour;
  const leading = atHeal.a.work > atHeal.b.work ? left : right;
  if (!leading.some((l) => losers.includes(l))) return;
  if (losers.length === tour.letters.length) {
    teller.text('Close: both sides were overtaken in turn while joining; each had to go back.');
  } else {
    teller.text(`A turn: ${leading.join(' ')} led, but was overtaken while joining.`);
  }
}

function reorgLines(tour: Tour, reorgs: readonly SeenReorg[]): string[] {
  const { forest } = tour.witness;
  const told = new Map<string, string[]>();
  for (const reorg of reorgs) {
    const names = (refs: SeenReorg['out']) => refs.map((ref) => forest.nameOf(ref.id)).join(' ');
    const words = `${reorg.depth} deep: out ${names(reorg.out)}, fork ${forest.nameOf(reorg.fork.id)}, in ${names(reorg.in)}.`;
    told.set(words, [...(told.get(words) ?? []), reorg.node]);
  }
  return [...told].map(
    ([words, who]) => `${list(who)} ${who.length === 1 ? 'reorganises' : 'reorganise'}, ${words}`,
  );
}

async function tellFates(
  tour: Tour,
  before: CutResult,
  bob: Followed,
  reorgs: readonly SeenReorg[],
): Promise<void> {
  const { teller, witness, letters } = tour;
  const { payments, forest } = witness;
  const spent = [before.carol, before.dave];
  const undone = await witness.wait(
    () => spent.find((p) => letters.some((l) => payments.standing(p.txid, l).kind === 'gone')),
    PATIENCE_S,
    () => 'neither of the two payments with one coin was undone',
  );
  const returned = await witness.wait(
    () => before.others.find((p) => letters.some((l) => payments.wasReturned(p.txid, l))),
    PATIENCE_S,
    () => 'no payment of the losing side was returned to waiting',
  );
  const fork = reorgs[0]?.fork;
  paint(tour, 9, (_flags, stale) => (stale ? '   stale: honest work, on nobody’s branch now' : ''));
  const kept = payments.standing(bob.txid, tour.letters[0] ?? '');
  if (kept.kind !== 'confirmed')
    throw new TourFailure(`Bob’s payment is not confirmed any more (${kept.kind})`);
  const bobHeight = forest.blocks.get(kept.block)?.height ?? 0;
  if (fork === undefined || bobHeight > fork.height || payments.wasReturned(bob.txid, undone.at)) {
    throw new TourFailure(`Bob’s payment in ${forest.nameOf(kept.block)} was not below the fork`);
  }
  teller.wide(`${bob.who.padEnd(7)}KEPT      block ${forest.nameOf(kept.block)} lies below the fork`);
  teller.grow(`${returned.who.padEnd(7)}RETURNED  to waiting`);
  await everywhere(tour, returned, 'confirmed', () => `${returned.who}’s payment was not mined again`);
  const again = payments.standing(returned.txid, returned.at);
  teller.grow(`, then mined again in ${again.kind === 'confirmed' ? forest.nameOf(again.block) : '?'}`);
  teller.end();
  const gone = payments.standing(undone.txid, undone.at);
  const by =
    gone.kind === 'gone' && gone.block !== undefined
      ? `; ${forest.nameOf(gone.block)} had already spent that coin`
      : '';
  const depth = payments.deepest(undone.txid, undone.at);
  teller.wide(`${undone.who.padEnd(7)}UNDONE    had ${count(depth, 'confirmation')}${by}`);
}

export async function so(tour: Tour, before: CutResult, after: JoinResult): Promise<void> {
  const apart = Math.round((after.healed.t - before.since.t) / 1000);
  await tour.teller.moment(6, 'SO', [
    `For ${apart} s two halves gave two answers; ${span(after.agreedAfterMs)} after joining, one.`,
    'That is eventual consistency. While a cut is open, no number is safe.',
  ]);
}

/** Milliseconds of log time at which all nodes were first on one tip, after event `seq`. */
function firstAgreement(events: readonly LogEvent[], letters: readonly string[], seq: number): number {
  const tips = new Map<string, string>();
  for (const event of events) {
    if (event.kind !== 'tip') continue;
    tips.set(event.node, event.id);
    const first = tips.get(letters[0] ?? '');
    if (event.seq > seq && first !== undefined && letters.every((l) => tips.get(l) === first)) return event.t;
  }
  throw new TourFailure('the nodes never agreed after the healing');
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

function depthOn(tour: Tour, payment: Followed, letter: string): number {
  const at = tour.witness.payments.standing(payment.txid, letter);
  return at.kind === 'confirmed' ? at.depth : 0;
}

function everywhere(
  tour: Tour,
  payment: Followed,
  kind: 'waiting' | 'confirmed',
  missing: () => string,
): Promise<true> {
  const { witness, letters } = tour;
  return witness.wait(
    () => {
      const all = letters.map((l) => witness.payments.standing(payment.txid, l).kind);
      return all.every((k) => k === kind || (kind === 'waiting' && k === 'confirmed')) ? true : undefined;
    },
    PATIENCE_S,
    () =>
      `${missing()}: ${letters.map((l) => `${l} ${witness.payments.standing(payment.txid, l).kind}`).join(', ')}`,
  );
}

function notesFor(tour: Tour, flags: readonly string[], payments: readonly Followed[]): string {
  const notes = payments.flatMap((payment) => {
    const depth = flags.includes(payment.at) ? depthOn(tour, payment, payment.at) : 0;
    return depth === 0 ? [] : [`${payment.who}: paid, ${depth}`];
  });
  return notes.length === 0 ? '' : `   ${notes.join('  ')}${notes.length > 0 ? ' confirmations' : ''}`;
}

function paint(tour: Tour, last: number, note: (flags: readonly string[], stale: boolean) => string): void {
  const drawing = drawTree(tour.witness.forest, {
    nodes: tour.letters,
    last,
    ascii: tour.ascii,
    fold: false,
  });
  for (const row of drawing.rows) tour.teller.wide(row.text + note(row.flags, row.stale));
}

function quiet(tour: Tour) {
  return { step: () => undefined, timeoutMs: PATIENCE_S * 1000, signal: tour.teller.signal };
}
