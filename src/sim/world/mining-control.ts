import { hash160 } from '../../bitcoin/hash.ts';
import { lockScript } from '../../bitcoin/lock.ts';
import type { HostNews } from '../../events/events.ts';
import type { Command, Job } from '../../node/types.ts';
import type { NodeView } from '../../node/view.ts';
import { assert } from '../../util/assert.ts';
import { utf8Encode } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import type { SimMiner } from './miner.ts';

export interface MiningOptions {
  /** Hashes a second; 0: it has no power of its own. */
  readonly hashrate?: number;
  /** Does it mine from the start? Without: yes if it has power. */
  readonly mines?: boolean;
  /** The lock that its coinbases pay; without: one that nobody can open, made of its name. */
  readonly payout?: Uint8Array;
  /** What its coinbases are tagged with; without: its name. */
  readonly tag?: string;
}

/** The node that mines. */
export interface MiningNode {
  readonly name: string;
  readonly up: boolean;
  readonly frozen: boolean;
  readonly view: NodeView;
  /** The job that it would grind now. */
  readonly job: Job | undefined;
  /** Id of the newest block that it mined in this life. */
  readonly lastMined: string;
  command(command: Command): unknown;
  tell(news: HostNews): void;
  /** Solves the present job at once. */
  solveNow(): unknown;
}

/** What is absent stays as it is (RPC setmining). */
export interface MiningRequest {
  readonly on?: boolean;
  /** The miner rests, though it is on. */
  readonly held?: boolean;
  /** Hashes a second. */
  readonly hashrate?: number;
  /** So many blocks of its own, then as before. */
  readonly blocks?: number;
  /** ... at this rate until then. */
  readonly orderRate?: number;
  readonly payout?: Uint8Array;
}

/** Decides how a node mines, as app/rpc/mining-control.ts does for a live one: its power, its rests, and orders of so many blocks. */
export class MiningOrders {
  readonly #node: MiningNode;
  readonly #miner: SimMiner;
  #rate: number;
  #held = false;
  #on: boolean;
  #payout: Uint8Array;
  readonly #tag: string;
  /** An order is being worked off; what mining goes back to after it. */
  #order: { readonly on: boolean; readonly rate: number | undefined } | undefined;
  #told = '';

  constructor(node: MiningNode, miner: SimMiner, o: MiningOptions) {
    this.#node = node;
    this.#miner = miner;
    this.#rate = o.hashrate ?? 0;
    this.#on = o.mines ?? this.#rate > 0;
    this.#tag = o.tag ?? node.name;
    this.#payout = o.payout ?? nobodysLock(node.name);
  }

  get on(): boolean {
    return this.#on;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Its own power, whether it mines now or not. */
  get hashrate(): number {
    return this.#rate;
  }

  get payout(): Uint8Array {
    return this.#payout;
  }

  get ordered(): boolean {
    return this.#order !== undefined;
  }

  set(request: MiningRequest): void {
    const { payout, hashrate, held, blocks, on } = request;
    if (payout !== undefined) this.#payout = payout;
    if (hashrate !== undefined) this.#rate = hashrate;
    if (held !== undefined) this.#held = held;
    if (blocks !== undefined) {
      this.#order = { on: this.#order?.on ?? this.#on, rate: request.orderRate };
      this.apply();
      this.#command(true, blocks);
    } else {
      if (on !== undefined) {
        this.#order = undefined;
        this.#on = on;
      }
      this.apply();
      if (on !== undefined || (payout !== undefined && this.#on && this.#order === undefined))
        this.#command(this.#on);
    }
    this.tellPower();
  }

  /** The node told that it stopped mining. */
  orderDone(): void {
    const before = this.#order;
    if (before === undefined) return;
    this.#order = undefined;
    this.apply();
    this.#on = before.on;
    if (before.on) this.#command(true);
    this.tellPower();
  }

  /** The node is up again, and does as its owner last said. */
  started(): void {
    this.#order = undefined;
    this.apply();
    this.#told = '';
    if (this.#on) this.#command(true);
    this.tellPower();
  }

  stoppedWithNode(): void {
    this.#order = undefined;
    this.#miner.work(undefined);
  }

  /** Tells the miner its rate: none while held or frozen. */
  apply(): void {
    const rate = this.#order?.rate ?? this.#rate;
    this.#miner.setRate(this.#held || this.#node.frozen ? 0 : rate);
  }

  #command(on: boolean, blocks?: number): void {
    this.#node.command({
      kind: 'mine',
      payout: on ? this.#payout : undefined,
      tag: this.#tag,
      ...defined({ blocks }),
    });
  }

  /** Into the log, if it is not there already: figures are counted apart for every distribution of power. */
  tellPower(): void {
    const on = this.#on || this.#order !== undefined;
    const power = { on, held: this.#held, hashrate: this.#order?.rate ?? this.#rate };
    const told = `${power.on} ${power.held} ${power.hashrate}`;
    if (told === this.#told || !this.#node.up) return;
    this.#told = told;
    this.#node.tell({ kind: 'power', ...power });
  }

  /** One block now, whatever the rate; mining is then as before. */
  oneNow(): string {
    const before = this.#node.view.mining.mined;
    const standing = this.#on;
    if (!standing && this.#order === undefined) this.#command(true, 1);
    const job = this.#node.job;
    assert(job !== undefined, `node ${this.#node.name} has a job`);
    this.#node.solveNow();
    assert(this.#node.view.mining.mined > before, `node ${this.#node.name} took the block that it ground`);
    return this.#node.lastMined;
  }
}

/** A lock that pays nobody: the hash of a name, to which no key is known. */
function nobodysLock(name: string): Uint8Array {
  return lockScript({ kind: 'p2wpkh', hash: hash160(utf8Encode(`forkyard simulated miner: ${name}`)) });
}
