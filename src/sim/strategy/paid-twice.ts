import type { News } from '../../events/events.ts';
import type { Race } from './strategy.ts';

/**
 * The payments of a double spend. At the beginning of each race the attacker pays a merchant in the open, and its lair gets
 * another payment of the same coin, back to the attacker. Whoever runs the race makes and sends the two; this remembers
 * them, and what became of them by the word of the gate, which sees what the merchant sees.
 */

/** Who cheats whom, for how much: well-known people, whose keys everybody has. */
export const CHEAT = 'judy';
export const MERCHANT = 'bob';
/** Satoshi. */
export const PRICE = 1_000_000_000;

export interface Attempt {
  /** To the merchant, and back to the cheat: ids as displayed. */
  readonly payment: string;
  readonly conflict: string;
  /** The most that the payment had. */
  readonly confirmations: number;
  /** `open`: the race goes on. `kept`: it was given up, so the merchant has his money. */
  readonly outcome: 'open' | 'undone' | 'kept';
}

interface Remembered {
  readonly payment: string;
  readonly conflict: string;
  /** Of the branch that everybody sees, as whoever runs the race knows it. */
  readonly publicHeight: () => number;
  confirmations: number;
  /** Heights at which the gate has them on its chain. */
  paymentAt: number | undefined;
  conflictAt: number | undefined;
}

/** Races that a reorg can still decide otherwise: older ones are no longer looked at. */
const RECENT = 20;

export class PaidTwice {
  readonly #all: Remembered[] = [];
  #open: Remembered | undefined;

  get open(): boolean {
    return this.#open !== undefined;
  }

  /** Both are on their way. `publicHeight`: of the branch that everybody sees (Attack). */
  begin(payment: string, conflict: string, publicHeight: () => number): void {
    this.#open = {
      ...{ payment, conflict, publicHeight, confirmations: 0 },
      ...{ paymentAt: undefined, conflictAt: undefined },
    };
    this.#all.push(this.#open);
  }

  /** The secret branch was shown, or given up. */
  over(): void {
    this.#open = undefined;
  }

  /** What the gate tells. */
  apply(news: News): void {
    if (news.kind !== 'connected' && news.kind !== 'disconnected') return;
    const { height } = news;
    for (const one of this.#all.slice(-RECENT)) {
      if (news.kind === 'disconnected') {
        if (one.paymentAt === height) one.paymentAt = undefined;
        if (one.conflictAt === height) one.conflictAt = undefined;
        continue;
      }
      if (news.txids.includes(one.payment)) one.paymentAt = height;
      if (news.txids.includes(one.conflict)) one.conflictAt = height;
      if (one.paymentAt !== undefined)
        one.confirmations = Math.max(one.confirmations, height - one.paymentAt + 1);
    }
  }

  /** What the merchant waits for; where nobody is paid, as if the first block had the payment. */
  confirmed({ public: blocks }: Race): number {
    if (this.#open === undefined) return blocks;
    const { paymentAt, publicHeight } = this.#open;
    if (paymentAt === undefined) return 0;
    // The gate may still be connecting the last of them, and never come to it: the merchant has seen it.
    const confirmations = publicHeight() - paymentAt + 1;
    this.#open.confirmations = Math.max(this.#open.confirmations, confirmations);
    return confirmations;
  }

  get attempts(): readonly Attempt[] {
    return this.#all.map((one) => {
      const { payment, conflict, confirmations, conflictAt } = one;
      const outcome = conflictAt !== undefined ? 'undone' : one === this.#open ? 'open' : 'kept';
      return { payment, conflict, confirmations, outcome };
    });
  }
}
