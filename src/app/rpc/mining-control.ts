import { encodeAddress } from '../../bitcoin/address.ts';
import { parseLock } from '../../bitcoin/lock.ts';
import type { HostNews } from '../../events/events.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import { kernelNameProblem } from '../../host/miner/kernels/select.ts';
import type { Miner, MinerOptions, MinerStats } from '../../host/miner/kernels/types.ts';
import type { Command, CommandResult, Job } from '../../node/types.ts';
import type { NodeView } from '../../node/view.ts';
import { defined } from '../../util/defined.ts';

export interface MiningOptions {
  /** Hashes a second over all threads; 0 = no cap. */
  readonly hashrate: number;
  /** The lock that is paid unless a request names another. */
  readonly payout: Uint8Array | undefined;
  /** The node's letter in its coinbases. */
  readonly tag: string;
  /** Worker threads, and a kernel's name or 'auto'. */
  readonly threads: number;
  readonly kernel: string;
  /** Threads start when there is first something to mine: a node that never mines has none. */
  readonly createMiner: (o: Pick<MinerOptions, 'hashrate' | 'threads' | 'kernel'>) => Miner;
  readonly command: (command: Command) => Promise<CommandResult>;
  readonly view: () => NodeView;
  /** Told of every change of its power. */
  readonly tell?: (news: HostNews) => void;
}

/** What setmining may ask for; what is absent stays. */
export interface MiningRequest {
  readonly on?: boolean;
  readonly held?: boolean;
  readonly hashrate?: number;
  readonly uncapped?: boolean;
  readonly blocks?: number;
  readonly payout?: Uint8Array;
  readonly threads?: number;
  readonly kernel?: string;
}

/** What mining goes back to when an order of so many blocks is done. */
interface Standing {
  readonly on: boolean;
}

/**
 * The node decides what to mine (its `work` effects), this decides how: it owns the miner's threads, cap and hold, and the
 * orders "so many blocks, then as before".
 */
export class MiningControl {
  readonly #options: MiningOptions;
  #miner: Miner | undefined;
  /** The node's last word, for a miner that takes another's place. */
  #job: Job | undefined;
  #threads: number;
  #kernel: string;
  #cap: number;
  #uncapped = false;
  #held = false;
  #payout: Uint8Array | undefined;
  #order: Standing | undefined;
  #closed = false;
  #told = '';

  constructor(options: MiningOptions) {
    this.#options = options;
    this.#cap = options.hashrate;
    this.#threads = options.threads;
    this.#kernel = options.kernel;
    this.#payout = options.payout;
  }

  /** The node's `work` effect. */
  work(job: Job | undefined): void {
    this.#job = job;
    if (this.#miner === undefined) {
      if (job === undefined || this.#closed) return;
      this.#miner = this.#options.createMiner({
        hashrate: this.#uncapped ? 0 : this.#cap,
        threads: this.#threads,
        kernel: this.#kernel,
      });
      this.#apply();
    }
    this.#miner.work(job);
  }

  stats(): MinerStats | undefined {
    return this.#miner?.stats();
  }

  /** Where its coinbases pay now. */
  get payout(): Uint8Array | undefined {
    return this.#payout;
  }

  /** Cores that grind without a cap now; a capped worker sleeps most of the time. */
  get busyCores(): number {
    const stats = this.stats();
    return stats?.working === true && stats.cap === 0 ? stats.threads : 0;
  }

  async set(request: MiningRequest): Promise<void> {
    if (request.payout !== undefined) this.#payout = request.payout;
    if (request.hashrate !== undefined) {
      this.#cap = request.hashrate;
      this.#uncapped = false;
    }
    if (request.uncapped !== undefined) this.#uncapped = request.uncapped;
    if (request.held !== undefined) this.#held = request.held;
    this.#apply();
    await this.#refit(request.threads ?? this.#threads, request.kernel ?? this.#kernel);
    const { on } = this.#options.view().mining;
    if (request.blocks !== undefined) {
      // An order on top of an order still goes back to what was before the first. Set before the command: on an easy
      // target the last block may be there as soon as the answer.
      const before = this.#order;
      this.#order = before ?? { on };
      try {
        await this.#mine(true, request.blocks);
      } catch (error) {
        this.#order = before;
        throw error;
      }
    } else if (request.on !== undefined) {
      this.#order = undefined;
      await this.#mine(request.on);
    } else if (request.payout !== undefined && on && this.#order === undefined) {
      await this.#mine(true);
    }
    this.tellPower();
  }

  /** The node said that mining ended: an order is done. */
  async stopped(): Promise<void> {
    const before = this.#order;
    if (this.#closed) return;
    if (before !== undefined) {
      this.#order = undefined;
      this.#uncapped = false;
      this.#apply();
      if (before.on) await this.#mine(true);
    }
    this.tellPower();
  }

  /** Into the log, if it is not there already: figures are counted apart for every distribution of power. */
  tellPower(): void {
    const { on } = this.#options.view().mining;
    const power = { on, held: this.#held, hashrate: this.#uncapped ? 0 : this.#cap };
    const told = JSON.stringify(power);
    if (told === this.#told) return;
    this.#told = told;
    this.#options.tell?.({ kind: 'power', ...power });
  }

  json(): Json {
    const view = this.#options.view();
    const { mining, params } = view;
    const stats = this.stats();
    const lock = this.#payout === undefined ? undefined : parseLock(this.#payout);
    return {
      on: mining.on,
      held: this.#held,
      rate: stats?.rate ?? 0,
      cap: this.#uncapped ? 0 : this.#cap,
      blocks: mining.blocksLeft ?? null,
      payout: lock === undefined || lock.kind === 'data' ? '' : encodeAddress(lock, params.hrp),
      threads: this.#threads,
      kernel: stats?.kernel ?? '',
      kernelOption: this.#kernel,
      rates: stats?.rates ?? [],
      hashes: stats?.hashes ?? 0,
      mined: mining.mined,
      height: mining.job?.height,
      difficulty: mining.job?.difficulty,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#miner?.close();
  }

  /** Other threads or another kernel: a new miner takes the place of the old one, on the same job. */
  async #refit(threads: number, kernel: string): Promise<void> {
    const problem = kernelNameProblem(kernel);
    if (problem !== undefined) throw new RpcError(RPC.INVALID_PARAMETER, problem);
    if (threads === this.#threads && kernel === this.#kernel) return;
    this.#threads = threads;
    this.#kernel = kernel;
    const old = this.#miner;
    this.#miner = undefined;
    await old?.close();
    // The node may have given it work meanwhile.
    if (this.#miner === undefined) this.work(this.#job);
  }

  #apply(): void {
    this.#miner?.setHashrate(this.#uncapped ? 0 : this.#cap);
    this.#miner?.hold(this.#held);
  }

  async #mine(on: boolean, blocks?: number): Promise<void> {
    if (on && this.#payout === undefined)
      throw new RpcError(
        RPC.INVALID_PARAMETER,
        'mining needs a payout address: give payout, or start with --payout',
      );
    const result = await this.#options.command({
      kind: 'mine',
      payout: on ? this.#payout : undefined,
      tag: this.#options.tag,
      ...defined({ blocks }),
    });
    if (result.kind === 'refused')
      throw new RpcError(RPC.MISC_ERROR, `${result.refusal.rule}: ${result.refusal.detail}`);
  }
}
