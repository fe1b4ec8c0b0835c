import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Write } from '../../consensus/store/store.ts';
import type { SigCheck } from '../../consensus/validate/verify.ts';
import type { HostNews, News } from '../../events/events.ts';
import type {
  Command,
  CommandResult,
  Effect,
  GossipVerdict,
  Input,
  Job,
  Step,
  Ticket,
} from '../../node/types.ts';
import type { NodeView } from '../../node/view.ts';
import { hostLimits } from '../limits.ts';
import type { Miner } from '../miner/kernels/types.ts';
import type { Network, NetworkEvents } from '../net/types.ts';
import type { Warming } from '../verify/ahead.ts';
import { type Clock, systemClock } from './clock.ts';
import { InputQueue } from './input-queue.ts';
import { type PrefetchingNode, SignaturePrefetch } from './prefetch.ts';
import { type Looks, Readers } from './readers.ts';

/** What the driver needs of a node; FullNode is one. */
export interface DrivenNode extends PrefetchingNode {
  step(now: number, input: Input): Step;
  readonly view: NodeView;
}

export interface DriverOptions {
  readonly node: DrivenNode;
  readonly store: {
    commit(writes: readonly Write[], durable: boolean): Promise<void>;
    close(): Promise<void>;
  };
  /** `agoMs`: how long ago it happened. */
  readonly log: { append(news: News | HostNews, agoMs: number): unknown };
  /** A throw in a step, or a failed commit: the driver has stopped, and the process should end with this. Once. */
  readonly onFatal: (error: Error) => void;
  readonly clock?: Clock;
  /** Verifies ahead, off the step: HostVerify.warm. */
  readonly warm?: (foreseen: readonly SigCheck[]) => Warming;
}

export interface DriverStats {
  readonly steps: number;
  /** The longest step since the start or the last `reset`, and what its input was. */
  readonly longestStepMs: number;
  readonly longestStepInput: string;
  readonly meanStepMs: number;
  readonly queued: number;
  readonly queuedBytes: number;
}

/** The wall clock may wander this far from the monotonic one before the node hears of it, in microseconds. */
const CLOCK_SLACK = 100_000;
const CLOCK_LOOK_MS = 1_000;
/** setTimeout's longest. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/**
 * Drives one node: takes one input at a time, steps, makes the step's writes durable, then performs its effects in
 * order; those that need no durability go out before. Nothing else calls the node, and nothing overlaps.
 */
export class NodeDriver {
  readonly #o: DriverOptions;
  readonly #clock: Clock;
  readonly #queue = new InputQueue();
  #network: Network | undefined;
  #miner: Pick<Miner, 'work' | 'close'> | undefined;
  #job: Job | undefined;
  /** Id of the block that the newest job builds on. */
  #parent = '';
  #ticket: Ticket = 0;
  readonly #answers = new Map<Ticket, { resolve(r: CommandResult): void; reject(e: Error): void }>();
  readonly #verdicts = new Map<Ticket, (verdict: GossipVerdict) => void>();
  readonly #listeners = new Set<(news: News) => void>();
  readonly #readers = new Readers();
  #wakeAt = Number.POSITIVE_INFINITY;
  #alarm: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #offset: number | undefined;
  #rouse: (() => void) | undefined;
  #state: 'new' | 'running' | 'closing' | 'dead' = 'new';
  #loop: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  readonly #nextPiece: SignaturePrefetch;
  /** The last step's batch is: the next step shows it. */
  #ahead = false;
  #steps = 0;
  #stepMs = 0;
  #longest = { ms: 0, input: '' };

  constructor(o: DriverOptions) {
    this.#o = o;
    this.#clock = o.clock ?? systemClock();
    this.#nextPiece = new SignaturePrefetch(o.node, o.warm);
  }

  get view(): NodeView {
    return this.#o.node.view;
  }

  /** What the network tells goes in here. */
  readonly networkEvents: NetworkEvents = {
    joined: (peer, inbound) => this.input({ kind: 'joined', peer, inbound }),
    left: (peer) => this.input({ kind: 'left', peer }),
    flow: (peer, open) => this.input({ kind: 'flow', peer, open }),
    message: (peer, bytes) => {
      this.input({ kind: 'message', peer, bytes: plain(bytes) });
      return this.#queue.room(peer);
    },
    gossip: (peer, topic, bytes, verdict) => {
      const ticket = this.#ticket++;
      this.#verdicts.set(ticket, verdict);
      this.input({ kind: 'gossip', ticket, peer, topic, bytes: plain(bytes) });
    },
  };

  readonly solved = (job: number, nonce: number, tries: number, ms: number): void =>
    this.input({ kind: 'solved', job, nonce, tries, ms });

  readonly exhausted = (job: number): void => this.input({ kind: 'exhausted', job });

  attachNetwork(network: Network): void {
    this.#network = network;
  }

  /** The miner gets the job at hand, if there is one. */
  attachMiner(miner: Pick<Miner, 'work' | 'close'>): void {
    this.#miner = miner;
    if (this.#job !== undefined) miner.work(this.#job);
  }

  /** Begins to step; what came before waits. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.#lookAtClock();
    this.#watch = setInterval(() => this.#lookAtClock(), CLOCK_LOOK_MS);
    this.#watch.unref();
    this.#loop = this.#run().catch((error: unknown) => this.#die(error));
  }

  /** Queues any input. Those of a stopped driver are dropped; a gossip verdict is then `ignore`. */
  input(input: Input): void {
    const accepted = this.#state === 'running' || this.#state === 'new';
    for (const dropped of accepted ? this.#queue.push(input) : [input]) this.#giveUp(dropped);
    this.#rouseLoop();
  }

  /** Rejects only when the node has stopped or is flooded with commands; refusals are results. */
  command(command: Command): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const ticket = this.#ticket++;
      this.#answers.set(ticket, { resolve, reject });
      this.input({ kind: 'command', ticket, command });
    });
  }

  /**
   * Runs `read` when what it looks at holds nothing that is not durable, and memory and disk agree: after a step's commit
   * and before the next step, and for those who look at the view alone also while a batch is written that is ahead of it.
   * Rejects with the read's own error, or with NodeStopped.
   */
  betweenSteps<T>(read: () => T | Promise<T>, looks: Looks = 'all'): Promise<T> {
    return this.#readers.read(looks, read);
  }

  /** Hears what the node tells, after it is durable. Returns the way out. */
  onNews(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stats(o: { reset?: boolean } = {}): DriverStats {
    const stats = {
      steps: this.#steps,
      longestStepMs: this.#longest.ms,
      longestStepInput: this.#longest.input,
      meanStepMs: this.#steps === 0 ? 0 : this.#stepMs / this.#steps,
      queued: this.#queue.size,
      queuedBytes: this.#queue.bytes,
    };
    if (o.reset === true) this.#longest = { ms: 0, input: '' };
    return stats;
  }

  /**
   * Ends the present step whole, and what follows from a tip that is on disk, then closes miner, network and store, in this
   * order. Commands that still wait are rejected. The log stays open: the caller has a last word.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#state !== 'dead') this.#state = 'closing';
    this.#rouseLoop();
    await this.#loop;
    this.#stopTimers();
    this.#dropAll(new Error('the node is stopping'));
    await this.#miner?.close();
    await this.#network?.close();
    await this.#o.store.close();
  }

  async #run(): Promise<void> {
    while (this.#state === 'running') {
      const input = this.#next();
      if (input === undefined) {
        await this.#rest();
        continue;
      }
      if (input.kind !== 'timer') await this.#step(input);
      // While the disk is ahead the timer's step verifies nothing: it shows the tip, for which readers wait.
      else if (this.#ahead || (await this.#nextPiece.warm())) {
        this.#nextPiece.passed();
        await this.#step(input);
        // Not all is warm: the timer comes again after the other lanes had their turns.
      } else this.#wakeAt = Math.min(this.#wakeAt, this.#clock.now());
      // Sockets and RPC get their turn after every step, however long the queue.
      await nextTurn();
    }
    // A tip that is on disk gets its lines in the log, and a block that a caller handed over goes out: no later run does that.
    for (let left = hostLimits.closingSteps; left > 0 && this.view.settling; left--) {
      await this.#step({ kind: 'timer' });
      await nextTurn();
    }
  }

  #next(): Input | undefined {
    const due = this.#wakeAt <= this.#clock.now();
    const input = this.#queue.next(due);
    if (input?.kind === 'timer') this.#wakeAt = Number.POSITIVE_INFINITY;
    return input;
  }

  async #step(input: Input): Promise<void> {
    const started = performance.now();
    this.#readers.open('none');
    const step = this.#o.node.step(this.#clock.now(), input);
    const ended = performance.now();
    // What is next above the tip that shows only now may not have been known when the last batch was on its way.
    if (this.#ahead) this.#nextPiece.passed();
    this.#ahead = step.ahead === true;
    const ms = ended - started;
    this.#steps++;
    this.#stepMs += ms;
    if (ms > this.#longest.ms) this.#longest = { ms, input: input.kind };
    for (const effect of step.effects) if (isEarly(effect)) this.#perform(effect, ended);
    if (this.#ahead) this.#readers.open('view');
    const committed = this.#commit(step, ended);
    // A disk sync takes milliseconds: time for the signatures of the block that was just stored. Our own waits to go out.
    const urgent = step.effects.some((effect) => effect.kind === 'publish' && effect.topic === 'block');
    if (step.durable && !urgent)
      await Promise.all([committed, nextTurn().then(() => this.#nextPiece.warm())]);
    else await committed;
  }

  async #commit(step: Step, ended: number): Promise<void> {
    await this.#o.store.commit(step.writes, step.durable);
    for (const effect of step.effects) if (!isEarly(effect)) this.#perform(effect, ended);
    if (step.ahead !== true) this.#readers.open('all');
  }

  /** `ended`: when its step had ended. */
  #perform(effect: Effect, ended: number): void {
    switch (effect.kind) {
      case 'send':
        this.#network?.send(effect.peer, effect.bytes);
        return;
      case 'publish':
        this.#network?.publish(effect.topic, effect.bytes);
        return;
      case 'judge':
        this.#verdict(effect.ticket, effect.verdict);
        return;
      case 'answer': {
        const waiting = this.#answers.get(effect.ticket);
        this.#answers.delete(effect.ticket);
        waiting?.resolve(effect.result);
        return;
      }
      case 'drop':
        this.#network?.drop(effect.peer, effect.why, effect.banMs);
        return;
      case 'work':
        this.#work(effect.job);
        return;
      case 'wake':
        this.#wakeAt = Math.min(this.#wakeAt, effect.at);
        return;
      case 'tell':
        this.#o.log.append(effect.news, isVerdict(effect.news) ? performance.now() - ended : 0);
        for (const listener of [...this.#listeners]) listener(effect.news);
    }
  }

  #work(job: Job | undefined): void {
    this.#job = job;
    this.#miner?.work(job);
    if (job === undefined || job.prev === this.#parent) return;
    this.#parent = job.prev;
    this.#o.log.append({ kind: 'job', prev: job.prev, height: job.height }, 0);
  }

  /** Sleeps until an input comes or the alarm rings. */
  async #rest(): Promise<void> {
    if (this.#wakeAt < Number.POSITIVE_INFINITY) {
      const ms = Math.ceil((this.#wakeAt - this.#clock.now()) / 1_000);
      this.#alarm = setTimeout(() => this.#rouseLoop(), Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS));
    }
    await new Promise<void>((resolve) => {
      this.#rouse = resolve;
    });
    clearTimeout(this.#alarm);
  }

  #rouseLoop(): void {
    this.#rouse?.();
    this.#rouse = undefined;
  }

  #lookAtClock(): void {
    const offset = Math.round(this.#clock.wall() - this.#clock.now());
    if (this.#offset !== undefined && Math.abs(offset - this.#offset) <= CLOCK_SLACK) return;
    this.#offset = offset;
    this.input({ kind: 'clock', offset });
  }

  #verdict(ticket: Ticket, verdict: GossipVerdict): void {
    const waiting = this.#verdicts.get(ticket);
    this.#verdicts.delete(ticket);
    waiting?.(verdict);
  }

  /** An input that will have no step: whoever waits for its answer hears so. */
  #giveUp(input: Input): void {
    if (input.kind === 'gossip') this.#verdict(input.ticket, 'ignore');
    if (input.kind !== 'command') return;
    const waiting = this.#answers.get(input.ticket);
    this.#answers.delete(input.ticket);
    const why = this.#state === 'running' ? 'too many commands are waiting' : 'the node is stopping';
    waiting?.reject(new Error(why));
  }

  #dropAll(error: Error): void {
    for (const input of this.#queue.clear()) this.#giveUp(input);
    for (const ticket of [...this.#verdicts.keys()]) this.#verdict(ticket, 'ignore');
    for (const waiting of this.#answers.values()) waiting.reject(error);
    this.#answers.clear();
    this.#readers.shut(error.message);
  }

  #stopTimers(): void {
    clearTimeout(this.#alarm);
    clearInterval(this.#watch);
  }

  /** The disk is the truth now: nothing more is stepped, written or said. */
  #die(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#state = 'dead';
    this.#stopTimers();
    this.#dropAll(error);
    this.#o.onFatal(error);
  }
}

/** Somebody else's block was passed on when it was judged, before it was on disk: its line says when that was. */
function isVerdict(news: News): boolean {
  return news.kind === 'block' && news.from !== 'self';
}

function isEarly(effect: Effect): boolean {
  return (
    effect.kind === 'judge' ||
    ((effect.kind === 'send' || effect.kind === 'publish') && effect.early === true)
  );
}

/**
 * A plain Uint8Array of its own: a Buffer's `slice` shares memory where pure code expects a copy, and a small view of
 * a large network chunk would keep all of it alive.
 */
function plain(bytes: Uint8Array): Uint8Array {
  const whole = bytes.byteLength * 2 >= bytes.buffer.byteLength;
  return whole && Object.getPrototypeOf(bytes) === Uint8Array.prototype ? bytes : new Uint8Array(bytes);
}
