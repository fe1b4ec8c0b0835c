import type { LogEvent } from '../../events/events.ts';

/**
 * A reorganisation in three beats: flags walk back to the fork point (their blocks turn hollow one by one), then up the
 * other branch; the chip that says so stays. While it lasts the tree shows tips that the nodes no longer have.
 */

const ALL_MS = 1_200;
/** Longer ones go in one sweep: tip, fork point, tip. */
const LONG = 10;

interface Walk {
  readonly path: readonly string[];
  readonly began: number;
  readonly stepMs: number;
}

export class Beats {
  readonly #walks = new Map<string, Walk>();
  readonly #changed: () => void;
  #timer: number | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  start(event: Extract<LogEvent, { kind: 'reorg' }>, haste: number): void {
    const whole = [...event.out.map((b) => b.id), event.fork.id, ...event.in.map((b) => b.id)];
    const path = whole.length > LONG + 1 ? [event.out[0]!.id, event.fork.id, event.in.at(-1)!.id] : whole;
    this.#walks.set(event.node, { path, began: performance.now(), stepMs: ALL_MS / path.length / haste });
    this.#tick();
  }

  stop(): void {
    this.#walks.clear();
  }

  get isWalking(): boolean {
    return this.#walks.size > 0;
  }

  /** The tips as they are to be shown now. */
  overlay(tips: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    if (this.#walks.size === 0) return tips;
    const shown = new Map(tips);
    const now = performance.now();
    for (const [node, walk] of this.#walks) {
      const at = walk.path[Math.floor((now - walk.began) / walk.stepMs)];
      if (at === undefined) this.#walks.delete(node);
      else if (shown.has(node)) shown.set(node, at);
    }
    return shown;
  }

  #tick(): void {
    if (this.#timer !== undefined) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = undefined;
      this.#changed();
      if (this.#walks.size > 0) this.#tick();
    }, 40);
  }
}
