import type { Block } from '../../bitcoin/block.ts';
import { targetBytes, workOf } from '../../bitcoin/target.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { MAX_TAG } from '../../consensus/validate/tag.ts';
import { assert } from '../../util/assert.ts';
import { equal } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import { noPace, Pace, type Steps } from '../../util/steps.ts';
import type { BlockIntake } from '../blocks/intake.ts';
import type { StepContext } from '../step-context.ts';
import {
  type CandidateBlock,
  type Command,
  type CommandResult,
  type Job,
  type Micros,
  NEVER,
} from '../types.ts';
import type { MiningView } from '../view.ts';
import type { WorkQueue } from '../work-queue.ts';
import { buildTemplate, type Template, type TemplateOptions, templateSteps } from './template.ts';

interface Kept {
  readonly job: Job;
  readonly template: Template;
  solved: boolean;
}

interface Order {
  readonly payout: Uint8Array;
  readonly tag: string;
  blocksLeft: number | undefined;
}

/** Jobs for the miner: one for each tip at once, a fresh one when mempool or time move on. Does not wait for any sync. */
export class Mining {
  readonly #context: StepContext;
  readonly #queue: WorkQueue;
  readonly #blocks: BlockIntake;
  #order: Order | undefined;
  /** The last few jobs, newest last: a nonce found just before the switch still makes its block. */
  #kept: Kept[] = [];
  #working = false;
  #nextJob = 1;
  #extraNonce: number;
  #mined = 0;
  #builtAt: Micros = 0;
  #stale = false;
  /** A template on its way; another object for each. */
  #building: object | undefined;
  /** What a job says of the target of the last one, which is mostly this one's too. */
  #goal: { target: bigint; bytes: Uint8Array; difficulty: number } | undefined;

  constructor(context: StepContext, parts: { queue: WorkQueue; blocks: BlockIntake }) {
    this.#context = context;
    this.#queue = parts.queue;
    this.#blocks = parts.blocks;
    // Nodes with the same payout and tag must not search the same nonces.
    this.#extraNonce = context.random.u32() * 0x10_0000;
  }

  /** The `mine` command. */
  order(command: Command & { kind: 'mine' }): CommandResult {
    const { payout, tag, blocks } = command;
    if (payout === undefined || blocks === 0) {
      this.#stop();
      return { kind: 'done' };
    }
    const wasOn = this.#order !== undefined;
    // The old job may go on until the new one is ready, but not for somebody else.
    if (this.#order !== undefined && !equal(this.#order.payout, payout)) this.#idle();
    this.#order = { payout, tag: fitTag(tag), blocksLeft: blocks };
    if (!wasOn) this.#context.tell({ kind: 'mining', on: true, height: this.#context.chain.tip.height + 1 });
    this.#renew();
    return { kind: 'done' };
  }

  #stop(): void {
    if (this.#order !== undefined) this.#context.tell({ kind: 'mining', on: false });
    this.#order = undefined;
    this.#building = undefined;
    this.#idle();
  }

  #idle(): void {
    if (this.#working) this.#context.effect({ kind: 'work' });
    this.#working = false;
  }

  /** A whole candidate for a caller who grinds it himself; from a large pool in pieces. */
  candidate(command: Command & { kind: 'template' }, done: (candidate: CandidateBlock) => void): void {
    this.#queue.startTemplate(this.#candidate(command, done));
  }

  *#candidate(
    command: Command & { kind: 'template' },
    done: (candidate: CandidateBlock) => void,
  ): Steps<void> {
    const { chain, mempool, limits } = this.#context;
    const order = { payout: command.payout, tag: fitTag(command.tag), blocksLeft: undefined };
    for (let tries = 0; ; tries++) {
      const { tip } = chain;
      const { removals } = mempool;
      const atOnce = mempool.size <= limits.templateAtOnce || tries >= limits.templateTries;
      const options = this.#options(order, mempool.behind ? [] : command.txids);
      const template = yield* templateSteps(options, atOnce ? noPace() : new Pace(limits.checkBytesPerStep));
      // Another tip, or somebody has left the pool, and what was chosen may contradict what came instead.
      if (chain.tip !== tip || mempool.removals !== removals) continue;
      done(candidateOf(template));
      return;
    }
  }

  /** A new job from the present tip, mempool and time; from a large pool in pieces. `tries`: how often that failed. */
  #renew(tries = 0): void {
    const { mempool, limits, now, offset } = this.#context;
    this.#building = undefined;
    // A block of the year 1970 would be too old: no clock, no mining.
    if (this.#order === undefined || offset === undefined) return;
    this.#builtAt = now;
    this.#stale = false;
    // The pool still holds what the new tip has confirmed: an empty block now, a full one in a moment.
    if (mempool.behind) this.#give(buildTemplate(this.#options(this.#order, [])));
    else if (mempool.size <= limits.templateAtOnce || tries >= limits.templateTries)
      this.#give(buildTemplate(this.#options(this.#order)));
    else this.#build(this.#order, tries);
  }

  /** Until the block is put together, the last job goes on, if it is on this tip. */
  #build(order: Order, tries: number): void {
    const { chain, mempool, limits } = this.#context;
    if (this.#kept.at(-1)?.template.prev !== chain.tip) this.#idle();
    const building = { removals: mempool.removals, tries };
    this.#building = building;
    const steps = templateSteps(this.#options(order), new Pace(limits.checkBytesPerStep));
    this.#queue.startTemplate(this.#built(building, steps));
  }

  *#built(
    building: { readonly removals: number; readonly tries: number },
    steps: Steps<Template>,
  ): Steps<void> {
    // Whatever takes its place (another tip, another order) has another look at the pool.
    while (this.#building === building) {
      const { done, value } = steps.next();
      if (done === true) {
        this.#building = undefined;
        // Somebody has left the pool: what was chosen may contradict what came instead.
        if (this.#context.mempool.removals !== building.removals) this.#renew(building.tries + 1);
        else this.#give(value);
        return;
      }
      yield;
    }
  }

  /** `txids`: only those; without, what pays best. */
  #options(order: Order, txids?: readonly Uint8Array[]): TemplateOptions {
    const { chain, mempool, wallS, limits, pairs } = this.#context;
    return {
      chain,
      mempool,
      pairs,
      payout: order.payout,
      tag: order.tag,
      wallS,
      extraNonce: this.#extraNonce++,
      maxWeight: limits.templateWeight,
      ...defined({ txids }),
    };
  }

  #give(template: Template): void {
    const { target } = template;
    if (this.#goal?.target !== target)
      this.#goal = { target, bytes: targetBytes(target), difficulty: Number(workOf(target)) };
    const job = new TemplateJob(this.#nextJob++, template, this.#goal);
    this.#kept.push({ job, template, solved: false });
    if (this.#kept.length > this.#context.limits.keptJobs) this.#kept.shift();
    this.#working = true;
    this.#context.effect({ kind: 'work', job });
  }

  solved(id: number, nonce: number, tries: number, ms: number): void {
    const kept = this.#kept.find(({ job }) => job.id === id);
    // A second nonce for the same parent would only be a fork with ourselves.
    if (kept === undefined || kept.solved) return;
    const siblings = this.#kept.filter(({ template }) => template.prev === kept.template.prev);
    for (const sibling of siblings) sibling.solved = true;
    const block = kept.template.block(nonce >>> 0);
    this.#blocks.take({ block }, 'own', undefined, (outcome) => {
      assert(outcome !== 'unwanted', 'an own block is always wanted');
      if (outcome.ok) {
        if (outcome.value.isNew) this.#found(outcome.value.entry, block, tries, ms);
        return;
      }
      // The clock was set back, or an ancestor was invalidated meanwhile: the next job knows better.
      for (const sibling of siblings) sibling.solved = false;
      this.#renew();
    });
  }

  #found(entry: BlockEntry, block: Block, tries: number, ms: number): void {
    this.#context.own = true;
    this.#mined++;
    this.#blocks.publish(entry, block);
    this.#context.tell({ kind: 'mined', id: entry.id, height: entry.height, miner: entry.miner, tries, ms });
    const order = this.#order;
    if (order?.blocksLeft !== undefined && --order.blocksLeft <= 0) this.#stop();
    // Whatever else is found on the old tip is a fork with ourselves: rest until this block is connected.
    else if (this.#context.chain.connecting) this.#idle();
  }

  exhausted(id: number): void {
    const last = this.#kept.at(-1);
    if (!this.#working || last?.job.id !== id || this.#order === undefined) return;
    this.#give(last.template.reroll(this.#extraNonce++, this.#context.wallS));
  }

  tipChanged(): void {
    this.#renew();
  }

  poolChanged(): void {
    this.#stale = true;
  }

  /** Connecting is at rest: if we stopped for a block that came to nothing, go on. */
  rested(): void {
    if (!this.#working && this.#building === undefined) this.#renew();
  }

  clockChanged(): void {
    this.rested();
  }

  tick(): void {
    if (this.due() > this.#context.now) return;
    if (this.#stale) this.#renew();
    else this.#refresh();
  }

  /** Tip and pool are those of the last job: only its time moves on. */
  #refresh(): void {
    const last = this.#kept.at(-1);
    assert(last !== undefined, 'what is worked on was given out');
    this.#builtAt = this.#context.now;
    this.#give(last.template.reroll(this.#extraNonce++, this.#context.wallS));
  }

  due(): Micros {
    if (this.#order === undefined || !this.#working) return NEVER;
    const { limits } = this.#context;
    return this.#builtAt + (this.#stale ? limits.jobRefresh : limits.jobTimeRefresh);
  }

  get view(): MiningView {
    const last = this.#working ? this.#kept.at(-1) : undefined;
    return {
      on: this.#order !== undefined,
      payout: this.#order?.payout,
      tag: this.#order?.tag ?? '',
      blocksLeft: this.#order?.blocksLeft,
      job: last?.job,
      txs: last?.template.txs.length ?? 0,
      weight: last?.template.txsWeight ?? 0,
      fees: last?.template.fees ?? 0,
      mined: this.#mined,
    };
  }
}

/** Its header is made when it is asked for, like the template's. */
class TemplateJob implements Job {
  readonly id: number;
  readonly target: Uint8Array;
  readonly height: number;
  readonly prev: string;
  readonly difficulty: number;
  readonly #template: Template;

  constructor(id: number, template: Template, goal: { bytes: Uint8Array; difficulty: number }) {
    this.id = id;
    this.target = goal.bytes;
    this.height = template.height;
    this.prev = template.prev.id;
    this.difficulty = goal.difficulty;
    this.#template = template;
  }

  get header(): Uint8Array {
    return this.#template.header.subarray(0, 76);
  }
}
// Traces and recordings cover it like any other field.
Object.defineProperty(TemplateJob.prototype, 'header', { enumerable: true });

function candidateOf(template: Template): CandidateBlock {
  return {
    bytes: template.bytes(0),
    header: template.header.subarray(0, 76),
    target: targetBytes(template.target),
    height: template.height,
    fees: template.fees,
    txids: template.txs.map((tx) => tx.id),
  };
}

/** What a coinbase may carry (consensus/validate/tag.ts) of the name that somebody chose: it only labels, so it is never refused. */
function fitTag(name: string): string {
  const plain = name.replace(/[^ -.0-~]/g, '?').slice(0, MAX_TAG);
  return plain === '' ? '?' : plain;
}
