import type { LogEvent } from '../../events/events.ts';
import type { SeenReorg } from '../../observe/state/forest.ts';
import { list, span } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import type { CutResult } from './moments.ts';
import {
  ahead,
  everywhere,
  type Followed,
  PATIENCE_S,
  paint,
  type Sides,
  sides,
  type Tour,
} from './scene.ts';
import { commonTip, TourFailure, whereabouts } from './witness.ts';

export interface JoinResult {
  readonly healed: LogEvent;
  readonly agreedAfterMs: number;
  readonly losers: readonly string[];
}

export async function joinAgain(tour: Tour, before: CutResult, bob: Followed): Promise<JoinResult> {
  const { teller, witness, launcher, letters } = tour;
  // While the tree was being read a tie may have come; then the next block is waited for.
  const atHeal = await witness.wait(
    () => ahead(tour),
    PATIENCE_S,
    () => 'neither side leads in work',
  );
  const tipsAtHeal = new Map(witness.forest.tips);
  await launcher.heal();
  const healed = await witness.wait(
    () => witness.events.findLast((e) => e.kind === 'heal'),
    PATIENCE_S,
    () => 'the healing is not in the log',
  );
  await teller.moment(5, 'JOIN', ['The cut is healed: both sides hear of each other’s blocks.']);
  const { a, b, fork } = atHeal;
  teller.text(
    `Since ${fork.label}: ${tour.left.join(' ')} ${plural(a.height - fork.height, 'block')}, ` +
      `${tour.right.join(' ')} ${plural(b.height - fork.height, 'block')}.`,
  );
  const tie = setTimeout(() => tellTie(tour), TIE_MS);
  const reorgs = await witness
    .wait(
      () => {
        const tip = commonTip(witness.forest, letters);
        if (tip === undefined) return undefined;
        const seen = witness.forest.reorgs.filter((r) => r.t >= before.since.t && r.depth >= 2);
        // A node that had to leave its branch has told so: its new tip comes before its reorg in the log.
        const left = letters.filter((l) => !witness.forest.isOnBranch(tipsAtHeal.get(l) ?? '', tip.id));
        return left.length > 0 && left.every((l) => seen.some((r) => r.node === l)) ? seen : undefined;
      },
      PATIENCE_S,
      () => `the nodes do not agree: ${whereabouts(witness.forest, letters)}`,
    )
    .finally(() => clearTimeout(tie));
  const agreedAt = firstAgreement(witness.events, letters, healed.seq);
  const losers = letters.filter((l) => reorgs.some((r) => r.node === l));
  tellTurns(tour, atHeal, losers);
  for (const line of reorgLines(tour, reorgs)) teller.text(line);
  paint(tour, reorgs[0]?.fork.height ?? 1, (_flags, stale) =>
    stale ? '   stale: honest work, in vain' : '',
  );
  await teller.rest(2_000);
  await tellFates(tour, before, bob, reorgs);
  return { healed, agreedAfterMs: Math.max(0, agreedAt - healed.t), losers };
}

/** Long enough for the links to be up and the headers to have crossed. */
const TIE_MS = 1_500;

/** The side behind found a block while the links came up: nobody leads, so nobody moves. */
function tellTie(tour: Tour): void {
  const ends = sides(tour);
  if (ends === undefined || ends.a.work !== ends.b.work) return;
  tour.teller.text('A tie: both have the same work now, and each keeps what it saw');
  tour.teller.text('first. The next block decides.');
}

/** Words for being overtaken between the decision to heal and the meeting. */
function tellTurns(tour: Tour, atHeal: Sides, losers: readonly string[]): void {
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
  teller.wide(`${undone.who.padEnd(7)}UNDONE    had ${plural(depth, 'confirmation')}${by}`);
}

export async function so(tour: Tour, before: CutResult, after: JoinResult): Promise<void> {
  const apart = Math.round((after.healed.t - before.since.t) / 1000);
  await tour.teller.moment(6, 'SO', [
    `For ${apart} s two halves gave two answers, and one answer ${span(after.agreedAfterMs)} after joining.`,
    'That is eventual consistency. While a cut is open, no number of',
    'confirmations is safe.',
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
