import type { Micros } from '../../node/types.ts';
import { Heap } from '../../util/heap.ts';

interface Due {
  readonly at: Micros;
  readonly seq: number;
  readonly run: () => void;
}

/**
 * Everything that is going to happen, in a total order: by time in whole microseconds, then by the order in which it was
 * asked for. Time stands still while something happens and then jumps to the next; it never goes back.
 */
export class EventQueue {
  readonly #due = new Heap<Due>((a, b) => a.at - b.at || a.seq - b.seq);
  #seq = 0;
  #now: Micros = 0;

  get now(): Micros {
    return this.#now;
  }

  /** Events that wait. */
  get size(): number {
    return this.#due.size;
  }

  /** When the next one is due; undefined when nothing waits. */
  get next(): Micros | undefined {
    return this.#due.peek()?.at;
  }

  /** What is asked for the past happens now, after what is due now already. */
  at(at: Micros, run: () => void): void {
    this.#due.push({ at: at > this.#now ? at : this.#now, seq: this.#seq++, run });
  }

  /** The next event; false when there is none. */
  step(): boolean {
    const due = this.#due.pop();
    if (due === undefined) return false;
    this.#now = due.at;
    due.run();
    return true;
  }

  /** All that is due up to `end`, which is then the time. */
  runTo(end: Micros): void {
    for (let next = this.next; next !== undefined && next <= end; next = this.next) this.step();
    if (end > this.#now) this.#now = end;
  }
}
