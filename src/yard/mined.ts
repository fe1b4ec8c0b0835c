import type { LogEvent } from '../events/events.ts';
import { formatCount, formatMs } from '../observe/words/units.ts';
import { blockName, tailOf } from './names.ts';

/** Blocks that one node finds, as the merged log tells of them and of the others that take them. */

export interface MinedBlock {
  readonly id: string;
  readonly height: number;
  readonly miner: string;
  readonly tries: number;
  readonly ms: number;
  /** Other nodes that took it for their branch in time, and how long after it was found the last of them did. */
  readonly on: readonly string[];
  readonly afterMs: number;
  /** Other nodes that have it, on their branch or not. */
  readonly had: readonly string[];
}

interface Spread {
  /** When each other node took it for its branch. */
  readonly on: Map<string, number>;
  readonly had: Set<string>;
}

/** Blocks of others whose spreading is remembered for a while, because a sighting may stand before the finder's line. */
const KEPT_SIGHTINGS = 1_000;

/** Collects what the merged log says of blocks that one node finds, and of the others that take them. */
export class MinedWatch {
  readonly blocks: Extract<LogEvent, { kind: 'mined' }>[] = [];
  readonly #node: string;
  readonly #spread = new Map<string, Spread>();
  /** What stands on the node's own branch at the heights of its own blocks. */
  readonly #branch = new Map<number, string>();

  constructor(node: string) {
    this.#node = node;
  }

  apply(event: LogEvent): void {
    if (event.node === this.#node) {
      if (event.kind === 'mined') this.blocks.push(event);
      // A rival can only come to a height at which the node has found its own before.
      if (event.kind === 'connected' && this.blocks.some(({ height }) => height === event.height))
        this.#branch.set(event.height, event.id);
      return;
    }
    if (event.kind === 'block') this.#spreadOf(event.id).had.add(event.node);
    if (event.kind !== 'connected') return;
    const { on } = this.#spreadOf(event.id);
    if (!on.has(event.node)) on.set(event.node, event.t);
  }

  /** Own blocks in whose place the node's own branch has another. */
  get stale(): number {
    return this.blocks.filter(({ id, height }) => (this.#branch.get(height) ?? id) !== id).length;
  }

  #spreadOf(id: string): Spread {
    let spread = this.#spread.get(id);
    if (spread === undefined) {
      spread = { on: new Map(), had: new Set() };
      this.#spread.set(id, spread);
      if (this.#spread.size > KEPT_SIGHTINGS) this.#spread.delete(this.#spread.keys().next().value!);
    }
    return spread;
  }

  at(index: number): MinedBlock | undefined {
    const event = this.blocks[index];
    if (event === undefined) return undefined;
    const { id, height, miner, tries, ms, t } = event;
    const { on, had } = this.#spreadOf(id);
    const afterMs = Math.max(0, ...[...on.values()].map((at) => at - t));
    return { id, height, miner, tries, ms, on: sorted(on.keys()), afterMs, had: sorted(had) };
  }
}

function sorted(letters: Iterable<string>): string[] {
  return [...letters].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** `8A …4f1c2e 0.9 s 1.1M tries · on B C D after 9 ms`. */
export function minedLine(block: MinedBlock): string {
  const { on, had } = block;
  let spread = `on ${on.join(' ')} after ${formatMs(block.afterMs)}`;
  if (on.length === 0) {
    spread =
      had.length === 0 ? 'on no other node yet' : `${had.join(' ')} had another block of that height first`;
  }
  const tries = `${formatCount(block.tries)} ${block.tries === 1 ? 'try' : 'tries'}`;
  return `${blockName(block)} ${tailOf(block.id)} ${formatMs(block.ms)} ${tries} · ${spread}`;
}
