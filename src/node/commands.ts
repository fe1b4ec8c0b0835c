import { decodeHeader, HEADER_SIZE, headerHash } from '../bitcoin/header.ts';
import type { Refusal } from '../consensus/params/rules.ts';
import { assert, unreachable } from '../util/assert.ts';
import { defined } from '../util/defined.ts';
import type { Steps } from '../util/steps.ts';
import type { BlockIntake } from './blocks/intake.ts';
import type { Mining } from './mining/mining.ts';
import type { TxRelay } from './relay/tx-relay.ts';
import { type StepContext, workHex } from './step-context.ts';
import type { Download } from './sync/download.ts';
import type { HeaderSync } from './sync/headers.ts';
import type { TipUpdater } from './tip-updater.ts';
import type { Command, CommandResult, Ticket } from './types.ts';
import type { WorkQueue } from './work-queue.ts';

/**
 * What local callers (RPC, the yard) ask for. Each command gets exactly one answer; those that change the chain get it
 * when connecting has come to rest, so that a caller who is told "done" sees it.
 */
export class Commands {
  readonly #context: StepContext;
  readonly #queue: WorkQueue;
  readonly #headers: HeaderSync;
  readonly #download: Download;
  readonly #blocks: BlockIntake;
  readonly #relay: TxRelay;
  readonly #mining: Mining;
  readonly #tips: TipUpdater;

  constructor(
    context: StepContext,
    parts: {
      queue: WorkQueue;
      headers: HeaderSync;
      download: Download;
      blocks: BlockIntake;
      relay: TxRelay;
      mining: Mining;
      tips: TipUpdater;
    },
  ) {
    this.#context = context;
    this.#queue = parts.queue;
    this.#headers = parts.headers;
    this.#download = parts.download;
    this.#blocks = parts.blocks;
    this.#relay = parts.relay;
    this.#mining = parts.mining;
    this.#tips = parts.tips;
  }

  run(ticket: Ticket, command: Command): void {
    const bodiless = this.#needsBodies(command);
    if (bodiless !== undefined) {
      this.#answer(ticket, { kind: 'refused', refusal: bodiless });
      return;
    }
    switch (command.kind) {
      case 'submit-block':
        this.#submitBlock(ticket, command.bytes);
        return;
      case 'propose-block':
        this.#queue.start(this.#propose(ticket, command.bytes), command.bytes.length);
        return;
      case 'submit-header':
        this.#answer(ticket, this.#submitHeader(command.bytes));
        return;
      case 'send-tx':
      case 'test-tx':
        this.#answer(ticket, this.#transaction(command));
        return;
      case 'test-package':
        this.#answer(ticket, this.#relay.testPackage(command.txs));
        return;
      case 'mine':
        this.#answer(ticket, this.#mining.order(command));
        return;
      case 'template':
        this.#mining.candidate(command, (template) => this.#answer(ticket, { kind: 'template', template }));
        return;
      case 'invalidate':
      case 'reconsider':
      case 'precious':
        this.#choose(ticket, command);
        return;
      default:
        unreachable(command);
    }
  }

  /** Why a network of headers alone cannot do this. Stopping to mine is no mining. */
  #needsBodies(command: Command): Refusal | undefined {
    if (this.#context.params.headersOnly !== true) return undefined;
    switch (command.kind) {
      case 'submit-block':
      case 'propose-block':
      case 'send-tx':
      case 'test-tx':
      case 'test-package':
      case 'template':
        break;
      case 'mine':
        if (command.payout === undefined) return undefined;
        break;
      default:
        return undefined;
    }
    const { name } = this.#context.params;
    return { rule: 'headers-only', detail: `${name} is for header chains: nothing is mined or sent on it` };
  }

  /** Core: submitheader, ProcessNewBlockHeaders. From a local caller, so its branch may have any work. */
  #submitHeader(bytes: Uint8Array): CommandResult {
    const decoded = decodeHeader(bytes);
    if (bytes.length !== HEADER_SIZE || !decoded.ok) {
      const refusal = { rule: 'bad-encoding', detail: `a header of ${bytes.length} bytes` } as const;
      return { kind: 'refused', refusal };
    }
    const { chain, wallS } = this.#context;
    const hash = headerHash(bytes);
    const isNew = chain.entry(hash) === undefined;
    const added = chain.addHeader(decoded.value, wallS, hash);
    if (!added.ok) return { kind: 'refused', refusal: added.error };
    const { id, parent, height, work } = added.value;
    if (isNew) {
      const prev = parent?.id ?? '';
      this.#context.tell({ kind: 'header', id, prev, height, work: workHex(work), from: 'self' });
    }
    return { kind: 'header', id };
  }

  #submitBlock(ticket: Ticket, bytes: Uint8Array): void {
    this.#blocks.take(bytes, 'own', undefined, (taken) => {
      assert(taken !== 'unwanted', 'an own block is always wanted');
      if (!taken.ok) {
        this.#answer(ticket, { kind: 'refused', refusal: taken.error });
        return;
      }
      const { entry, isNew } = taken.value;
      if (isNew) {
        this.#context.own = true;
        this.#tips.publishWhenActive(entry);
      }
      this.#tips.answerWhenDone(ticket, entry, { kind: 'block', id: entry.id, isNew });
    });
  }

  *#propose(ticket: Ticket, bytes: Uint8Array): Steps<void> {
    const { chain, wallS, limits, pairs } = this.#context;
    const refusal = yield* chain.proposal(bytes, {
      wallS,
      pairs,
      bytesPerPiece: limits.checkBytesPerStep,
      weightPerPiece: limits.connectWeightPerStep,
    });
    this.#answer(ticket, refusal === undefined ? { kind: 'done' } : { kind: 'refused', refusal });
  }

  #transaction(command: Command & { kind: 'send-tx' | 'test-tx' }): CommandResult {
    const submitted = this.#relay.submit(command.bytes, {
      test: command.kind === 'test-tx',
      ...defined({ maxFeeRate: command.maxFeeRate }),
    });
    if (!submitted.ok) {
      const { rule, detail } = submitted.error;
      return { kind: 'refused', refusal: { rule, detail } };
    }
    const { tx, fee, known } = submitted.value;
    return { kind: 'tx', txid: tx.id, wtxid: tx.wid, fee, vsize: tx.vsize, known };
  }

  #choose(ticket: Ticket, command: Command & { kind: 'invalidate' | 'reconsider' | 'precious' }): void {
    const { chain } = this.#context;
    const entry = chain.entry(command.hash);
    if (entry === undefined) {
      this.#answer(ticket, { kind: 'unknown-block' });
      return;
    }
    if (command.kind === 'invalidate' && entry.height === 0) {
      const refusal = { rule: 'invalidated', detail: 'the genesis block cannot be invalidated' } as const;
      this.#answer(ticket, { kind: 'refused', refusal });
      return;
    }
    this.#context.own = true;
    chain[command.kind](entry);
    if (command.kind === 'reconsider') this.#headers.recheck();
    this.#download.soon();
    this.#tips.answerWhenDone(ticket, undefined, { kind: 'done' });
  }

  #answer(ticket: Ticket, result: CommandResult): void {
    this.#context.effect({ kind: 'answer', ticket, result });
  }
}
