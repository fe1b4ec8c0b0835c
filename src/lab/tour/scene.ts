import type { SeenBlock } from '../../observe/state/forest.ts';
import { drawTree } from '../../observe/tree/draw.ts';
import type { Launcher } from '../launcher/launcher.ts';
import type { Teller } from './teller.ts';
import { commonTip, type Witness } from './witness.ts';

export interface Tour {
  readonly launcher: Launcher;
  readonly teller: Teller;
  readonly witness: Witness;
  readonly letters: readonly string[];
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly ascii: boolean;
  /** Link of the yard's page. */
  readonly page: string | undefined;
}

/** A payment that the tour follows: who is paid, how the tour calls it. */
export interface Followed {
  readonly who: string;
  readonly txid: string;
  /** The node that took it. */
  readonly at: string;
}

/** How long the tour waits for something that normally takes a few seconds. */
export const PATIENCE_S = 120;
export const COIN = 100_000_000;

export interface Sides {
  readonly a: SeenBlock;
  readonly b: SeenBlock;
  readonly fork: SeenBlock;
}

export function sides(tour: Tour): Sides | undefined {
  const { witness, left, right } = tour;
  const a = commonTip(witness.forest, left);
  const b = commonTip(witness.forest, right);
  const fork = a === undefined || b === undefined ? undefined : witness.forest.forkPoint(a.id, b.id);
  return a === undefined || b === undefined || fork === undefined || a === b ? undefined : { a, b, fork };
}

/** Both sides' ends, when one of them leads. */
export function ahead(tour: Tour): Sides | undefined {
  const ends = sides(tour);
  return ends === undefined || ends.a.work === ends.b.work ? undefined : ends;
}

export function depthOn(tour: Tour, payment: Followed, letter: string): number {
  const at = tour.witness.payments.standing(payment.txid, letter);
  return at.kind === 'confirmed' ? at.depth : 0;
}

export function everywhere(
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

export function notesFor(tour: Tour, flags: readonly string[], payments: readonly Followed[]): string {
  const notes = payments.flatMap((payment) => {
    const depth = flags.includes(payment.at) ? depthOn(tour, payment, payment.at) : 0;
    return depth === 0 ? [] : [`${payment.who}: paid, ${depth}`];
  });
  return notes.length === 0 ? '' : `   ${notes.join(' · ')} confirmations`;
}

const COLUMNS = 80;
const MARGIN = 5;

/** The tree from height `from` on, with a note behind each row, or below it where the row is too long for that. */
export function paint(
  tour: Tour,
  from: number,
  note: (flags: readonly string[], stale: boolean) => string,
): void {
  const { forest } = tour.witness;
  const top = Math.max(...[...forest.blocks.values()].map((block) => block.height));
  const drawing = drawTree(forest, {
    nodes: tour.letters,
    last: top - from + 1,
    ascii: tour.ascii,
    fold: false,
  });
  const width = Math.max(...drawing.rows.map((row) => row.text.length));
  for (const row of drawing.rows) {
    const words = note(row.flags, row.stale);
    if (words === '') tour.teller.wide(row.text);
    else if (MARGIN + width + words.length <= COLUMNS) tour.teller.wide(row.text.padEnd(width) + words);
    else {
      tour.teller.wide(row.text);
      tour.teller.text(words.trimStart());
    }
  }
}

export function quiet(tour: Tour) {
  return { step: () => undefined, timeoutMs: PATIENCE_S * 1000, signal: tour.teller.signal };
}
