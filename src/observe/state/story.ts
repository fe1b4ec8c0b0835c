import type { BlockRef, Conditions, LogEvent } from '../../events/events.ts';
import { defined } from '../../util/defined.ts';
import { CALM } from '../words/conditions.ts';
import type { Forest } from './forest.ts';
import { narrate } from './narrate.ts';
import { isSpentTwice } from './payment-words.ts';
import { sameReorg } from './reorg-moment.ts';

/** What the page tells besides the tree, reduced from the same events, each given to the forest first. */

export interface ReorgScene {
  /** Sequence number of its first event. */
  readonly seq: number;
  readonly t: number;
  readonly fork: BlockRef;
  readonly depth: number;
  readonly length: number;
  readonly out: readonly BlockRef[];
  readonly in: readonly BlockRef[];
  readonly nodes: Set<string>;
  readonly returned: Set<string>;
  readonly undone: Map<string, { readonly by?: string; readonly block?: string }>;
}

export interface SeenPayment {
  readonly txid: string;
  readonly t: number;
  /** The node that had it first. */
  readonly node: string;
  /** `alice → dave 20.0`, where the log names it. */
  name?: string;
  /** The other payment of the same coin. */
  rival?: string;
  wasReturned: boolean;
  wasUndone: boolean;
}

export interface Line {
  readonly seq: number;
  readonly t: number;
  readonly text: string;
}

const KEPT_LINES = 300;
const KEPT_PAYMENTS = 2_000;
const KEPT_SCENES = 200;
/** Payments among which one with a story is looked for. */
export const RECENT = 12;

export class Story {
  readonly lines: Line[] = [];
  readonly scenes: ReorgScene[] = [];
  readonly payments = new Map<string, SeenPayment>();
  /** Nodes whose process ended. */
  readonly down = new Set<string>();
  readonly mining = new Set<string>();
  readonly refused = new Map<string, string>();
  /** What is set wrong on purpose now, but for a partition. */
  conditions: Conditions = CALM;
  /** When the open cut began. */
  cutAt: number | undefined;
  /** Where each node's branch changed last, for its returned and lost payments. */
  readonly #lastScene = new Map<string, ReorgScene>();
  /** Names told before the payment itself was in the log, by the id's last six digits. */
  readonly #names = new Map<string, { name: string; rival?: string }>();

  apply(event: LogEvent, forest: Forest): void {
    const text = narrate(event, forest);
    if (text !== undefined) {
      this.lines.push({ seq: event.seq, t: event.t, text });
      if (this.lines.length > KEPT_LINES) this.lines.splice(0, 50);
    }
    switch (event.kind) {
      case 'yard':
        // The launcher forgets faults when it ends; where nodes stand it keeps.
        this.conditions = { ...CALM, profile: this.conditions.profile, regions: this.conditions.regions };
        this.cutAt = undefined;
        this.down.clear();
        this.mining.clear();
        break;
      case 'conditions': {
        const { oneWay, wireHeld, frozen, clockMs, shapes, profile, regions } = event;
        this.conditions = { oneWay, wireHeld, frozen, clockMs, shapes, profile, regions };
        break;
      }
      case 'partition':
        this.cutAt = event.t;
        break;
      case 'heal':
        this.cutAt = undefined;
        break;
      case 'process':
        if (event.what === 'started') this.down.delete(event.of);
        else this.down.add(event.of);
        break;
      case 'mining':
        if (event.on) this.mining.add(event.node);
        else this.mining.delete(event.node);
        break;
      case 'refused':
        this.refused.set(event.id, event.rule);
        break;
      case 'reorg':
        this.#reorg(event);
        break;
      case 'tx-seen':
        this.#payment(event.txid, event.node, event.t);
        break;
      case 'tx-returned':
        this.#returned(event.node, event.txid);
        break;
      case 'tx-lost':
        this.#undone(event.node, event.txid, event.by, event.block);
        break;
      case 'tx-removed':
        if (event.why === 'conflict') this.#undone(event.node, event.txid, event.by, undefined);
        break;
      case 'action':
        this.#readNames(event.text);
        break;
      default:
        break;
    }
  }

  #returned(node: string, txid: string): void {
    const scene = this.#lastScene.get(node);
    if (scene?.undone.has(txid) === false) scene.returned.add(txid);
    const payment = this.payments.get(txid);
    if (payment !== undefined) payment.wasReturned = true;
  }

  #reorg(event: Extract<LogEvent, { kind: 'reorg' }>): void {
    const last = sameReorg(this.scenes, event);
    const scene = last ?? {
      seq: event.seq,
      t: event.t,
      fork: event.fork,
      depth: event.depth,
      length: event.length,
      out: event.out,
      in: event.in,
      nodes: new Set<string>(),
      returned: new Set<string>(),
      undone: new Map(),
    };
    scene.nodes.add(event.node);
    this.#lastScene.set(event.node, scene);
    if (last === undefined) {
      this.scenes.push(scene);
      if (this.scenes.length > KEPT_SCENES) this.scenes.shift();
    }
  }

  #undone(node: string, txid: string, by: string | undefined, block: string | undefined): void {
    const scene = this.#lastScene.get(node);
    scene?.returned.delete(txid);
    const known = scene?.undone.get(txid);
    scene?.undone.set(txid, {
      ...known,
      ...defined({ by, block }),
    });
    const payment = this.payments.get(txid);
    if (payment !== undefined) payment.wasUndone = true;
    if (by !== undefined) this.#rivals(txid, by);
  }

  #payment(txid: string, node: string, t: number): void {
    if (this.payments.has(txid)) return;
    const payment: SeenPayment = { txid, t, node, wasReturned: false, wasUndone: false };
    this.payments.set(txid, payment);
    this.#applyName(payment);
    if (this.payments.size > KEPT_PAYMENTS) this.payments.delete(this.payments.keys().next().value!);
  }

  #rivals(a: string, b: string): void {
    const one = this.payments.get(a);
    const other = this.payments.get(b);
    if (one !== undefined) one.rival = b;
    if (other !== undefined) other.rival = a;
  }

  /** The launcher notes who pays whom: `…a91f3c alice → bob 5`. */
  #readNames(text: string): void {
    const found = [...text.matchAll(/…([0-9a-f]{6}) (\S+ → \S+ [\d.]+)/g)];
    for (const [i, match] of found.entries()) {
      const rival = isSpentTwice(text) ? found[1 - i]?.[1] : undefined;
      const name = match[2]!;
      this.#names.set(match[1]!, rival === undefined ? { name } : { name, rival });
      if (this.#names.size > KEPT_PAYMENTS) this.#names.delete(this.#names.keys().next().value!);
    }
    for (const payment of this.payments.values()) this.#applyName(payment);
  }

  #applyName(payment: SeenPayment): void {
    const known = this.#names.get(payment.txid.slice(-6));
    if (known === undefined) return;
    payment.name = known.name;
    if (known.rival === undefined || payment.rival !== undefined) return;
    for (const other of this.payments.values()) {
      if (!other.txid.endsWith(known.rival)) continue;
      payment.rival = other.txid;
      other.rival = payment.txid;
    }
  }

  /** The newest payments first. */
  newestPayments(most: number): SeenPayment[] {
    return [...this.payments.values()].slice(-most).reverse();
  }

  /** The newest payment with a story to tell: undone, spent twice, returned, or just the newest. */
  tellingPayment(): SeenPayment | undefined {
    const newest = this.newestPayments(RECENT);
    return (
      newest.find((p) => p.wasUndone) ??
      newest.find((p) => p.rival !== undefined) ??
      newest.find((p) => p.wasReturned) ??
      newest[0]
    );
  }

  /** `alice → dave 20.0`, or the id's end. */
  nameOf(txid: string): string {
    return this.payments.get(txid)?.name ?? `payment …${txid.slice(-6)}`;
  }
}
