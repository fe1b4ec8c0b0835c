import { sha256 } from '../../bitcoin/hash.ts';
import { type BlockEntry, pruneDetached } from '../../consensus/tree/tree.ts';
import { concat, equal } from '../../util/bytes.ts';

/**
 * A branch that is longer than a peer's header buffer and does not beat our tip yet (Core: HeadersSyncState). The first
 * pass judges its headers and keeps only the last few, and a hash of each answer; when the branch has proved more work
 * than our tip, the second pass asks for the same answers again, and what matches may enter the tree. So a branch of any
 * length heals, and a cheap one still leaves nothing behind.
 */
export class Presync {
  /** The entry of the tree on which the branch stands. */
  readonly start: BlockEntry;
  /** The branch has more work than our tip: second pass. */
  proven = false;
  readonly #most: number;
  readonly #keep: number;
  readonly #answers: { readonly count: number; readonly sum: Uint8Array }[] = [];
  #matched = 0;

  /** At most so many answers; `keep`: how many ancestors the rules look back on. */
  constructor(start: BlockEntry, most: number, keep: number) {
    this.start = start;
    this.#most = most;
    this.#keep = keep;
  }

  /** First pass: these are judged, up to `last`. False when there have been too many. */
  note(headers: readonly Uint8Array[], last: BlockEntry): boolean {
    this.#answers.push({ count: headers.length, sum: sha256(concat(...headers)) });
    pruneDetached(last, this.#keep);
    return this.#answers.length < this.#most;
  }

  /** Second pass: the same headers as the first time? Its chain may have grown: the last answer may go on. */
  matches(headers: readonly Uint8Array[]): boolean {
    const before = this.#answers[this.#matched];
    if (before === undefined || headers.length < before.count) return false;
    if (!equal(before.sum, sha256(concat(...headers.slice(0, before.count))))) return false;
    this.#matched++;
    return true;
  }

  /** All that was proven has come again. */
  get done(): boolean {
    return this.#matched === this.#answers.length;
  }
}
