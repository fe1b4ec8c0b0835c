import type { LogEvent } from '../../events/events.ts';
import { conflictDepth } from '../../observe/state/agreement.ts';
import { type Forest, newForest, type SeenBlock } from '../../observe/state/forest.ts';
import { newPayments, type Payments } from '../../observe/state/payments.ts';

/**
 * What a scenario knows of its yard, from the event log alone: the tree, the payments, and a history from which every
 * figure is computed when it is asked for, over the whole run or since a mark.
 */

type Reorg = Extract<LogEvent, { kind: 'reorg' }>;

/** From `t` until the next one. */
export interface Moment {
  readonly t: number;
  readonly agree: boolean;
  /** Blocks by which the tips' branches differ beyond lag. */
  readonly conflict: number;
}

/** Where one node's tip was from `t` on; undefined: it was down. */
export interface HeightPoint {
  readonly t: number;
  readonly node: string;
  readonly height: number | undefined;
}

/** A scenario is minutes, not weeks; what is older is dropped from the front. */
const KEPT = 200_000;

export class ScenarioWatch {
  readonly forest: Forest = newForest();
  readonly payments: Payments = newPayments(this.forest);
  readonly mined: Extract<LogEvent, { kind: 'mined' }>[] = [];
  readonly reorgs: Reorg[] = [];
  readonly returned = new Map<string, number>();
  readonly lost = new Map<string, number>();
  readonly moments: Moment[] = [];
  readonly heights: HeightPoint[] = [];
  /** Times at which the network was healed. */
  readonly heals: number[] = [];
  readonly marks = new Map<string, number>();
  /** Payments by the name that a step gave them. */
  readonly named = new Map<string, string>();
  readonly nodes: readonly string[];
  /** Log time at which the scenario began, and the newest. */
  began = 0;
  now = 0;

  constructor(nodes: readonly string[]) {
    this.nodes = nodes;
  }

  apply(event: LogEvent): void {
    this.forest.apply(event);
    this.payments.apply(event);
    this.now = Math.max(this.now, event.t);
    switch (event.kind) {
      case 'mined':
        push(this.mined, event);
        break;
      case 'reorg':
        push(this.reorgs, event);
        break;
      case 'tx-returned':
        this.returned.set(event.txid, event.t);
        break;
      case 'tx-lost':
        this.lost.set(event.txid, event.t);
        // It may have come back before the block came that took its coin.
        this.returned.delete(event.txid);
        break;
      case 'heal':
        this.heals.push(event.t);
        break;
      case 'start':
      case 'tip':
        push(this.heights, { t: event.t, node: event.node, height: event.height });
        this.#look(event.t);
        break;
      case 'process':
        if (event.what !== 'started') push(this.heights, { t: event.t, node: event.of, height: undefined });
        this.#look(event.t);
        break;
      default:
        break;
    }
  }

  #look(t: number): void {
    const tips = [...new Set(this.forest.tips.values())];
    push(this.moments, { t, agree: tips.length <= 1, conflict: conflictDepth(this.forest, tips) });
  }

  /** The tip with most work among those of nodes that are up. */
  best(): SeenBlock | undefined {
    let best: SeenBlock | undefined;
    for (const id of this.forest.tips.values()) {
      const block = this.forest.blocks.get(id);
      if (block !== undefined && (best === undefined || block.work > best.work)) best = block;
    }
    return best;
  }

  tipOf(node: string): SeenBlock | undefined {
    const id = this.forest.tips.get(node);
    return id === undefined ? undefined : this.forest.blocks.get(id);
  }
}

function push<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > KEPT) list.splice(0, list.length - KEPT * 0.9);
}
