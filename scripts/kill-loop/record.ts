import type { LogEvent } from '../../src/events/events.ts';

/**
 * What one node announced, kept outside of it: the promises that it must keep after any kill. Blocks: each `block` line says
 * that the body is on its disk. Work: each `tip` line says how much its chain has. Payments: `sendrawtransaction` answered.
 */
export class Announced {
  readonly name: string;
  lastSeq = 0;
  /** Of the tip with most work, in expected hashes. */
  work = 0n;
  workTip = '';
  mined = 0;
  reorgs = 0;
  deepest = 0;
  readonly #blocks: string[] = [];
  readonly #payments: string[] = [];
  #checkedBlocks = 0;
  #checkedPayments = 0;

  constructor(name: string) {
    this.name = name;
  }

  get blocks(): number {
    return this.#blocks.length;
  }

  get payments(): readonly string[] {
    return this.#payments;
  }

  apply(event: LogEvent): void {
    if (event.seq <= this.lastSeq) return;
    this.lastSeq = event.seq;
    if (event.kind === 'block') this.#blocks.push(event.id);
    if (event.kind === 'mined') this.mined++;
    if (event.kind === 'reorg') {
      this.reorgs++;
      this.deepest = Math.max(this.deepest, event.depth);
    }
    if (event.kind !== 'tip') return;
    const work = BigInt(`0x${event.work}`);
    if (work > this.work) {
      this.work = work;
      this.workTip = event.id;
    }
  }

  /**
   * Begins a new life of the node, whose log on disk ends at `seq`. That may be below the last announced one: the log is not
   * flushed, so a power cut shortens it.
   */
  startLife(seq: number): void {
    this.lastSeq = seq;
  }

  confirm(txid: string): void {
    this.#payments.push(txid);
  }

  /** What to check now: everything since the last check, and `more` older ones, drawn. */
  due(more: number, draw: (n: number) => number): { blocks: string[]; payments: string[] } {
    const older = (list: readonly string[], checked: number) =>
      checked === 0 ? [] : Array.from({ length: Math.min(more, checked) }, () => list[draw(checked)]!);
    const blocks = [...this.#blocks.slice(this.#checkedBlocks), ...older(this.#blocks, this.#checkedBlocks)];
    const payments = [
      ...this.#payments.slice(this.#checkedPayments),
      ...older(this.#payments, this.#checkedPayments),
    ];
    this.#checkedBlocks = this.#blocks.length;
    this.#checkedPayments = this.#payments.length;
    return { blocks, payments };
  }
}
