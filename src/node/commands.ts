import { decodeHeader, HEADER_SIZE, headerHash } from '../bitcoin/header.ts';
import type { Refusal } from '../consensus/rules.ts';
import { assert, unreachable } from '../util/assert.ts';
import type { Steps } from '../util/steps.ts';
import { type Core, workHex } from './core.ts';
import type { Command, CommandResult, Ticket } from './types.ts';

/**
 * What local callers (RPC, the yard) ask for. Each command gets exactly one answer; those that change the chain get it
 * when connecting has come to rest, so that a caller who is told "done" sees it.
 */
export class Commands {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  run(ticket: Ticket, command: Command): void {
    const { parts } = this.#core;
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
        parts.pieces.start(this.#propose(ticket, command.bytes), command.bytes.length);
        return;
      case 'submit-header':
        this.#answer(ticket, this.#submitHeader(command.bytes));
        return;
      case 'send-tx':
      case 'test-tx':
        this.#answer(ticket, this.#transaction(command));
        return;
      case 'test-package':
        this.#answer(ticket, parts.relay.testPackage(command.txs));
        return;
      case 'mine':
        this.#answer(ticket, parts.mining.order(command));
        return;
      case 'template':
        parts.mining.candidate(command, (template) => this.#answer(ticket, { kind: 'template', template }));
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
    if (this.#core.params.headersOnly !== true) return undefined;
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
    const { name } = this.#core.params;
    return { rule: 'headers-only', detail: `${name} is for header chains: nothing is mined or sent on it` };
  }

  /** Core: submitheader, ProcessNewBlockHeaders. From a local caller, so its branch may have any work. */
  #submitHeader(bytes: Uint8Array): CommandResult {
    const decoded = decodeHeader(bytes);
    if (bytes.length !== HEADER_SIZE || !decoded.ok) {
      const refusal = { rule: 'bad-encoding', detail: `a header of ${bytes.length} bytes` } as const;
      return { kind: 'refused', refusal };
    }
    const { chain, wallS } = this.#core;
    const hash = headerHash(bytes);
    const isNew = chain.entry(hash) === undefined;
    const added = chain.addHeader(decoded.value, wallS, hash);
    if (!added.ok) return { kind: 'refused', refusal: added.error };
    const { id, parent, height, work } = added.value;
    if (isNew) {
      const prev = parent?.id ?? '';
      this.#core.tell({ kind: 'header', id, prev, height, work: workHex(work), from: 'self' });
    }
    return { kind: 'header', id };
  }

  #submitBlock(ticket: Ticket, bytes: Uint8Array): void {
    const { parts } = this.#core;
    parts.blocks.take(bytes, 'own', undefined, (taken) => {
      assert(taken !== 'unwanted', 'an own block is always wanted');
      if (!taken.ok) {
        this.#answer(ticket, { kind: 'refused', refusal: taken.error });
        return;
      }
      const { entry, isNew } = taken.value;
      if (isNew) {
        this.#core.own = true;
        parts.connector.publishWhenActive(entry);
      }
      parts.connector.answerWhenDone(ticket, entry, { kind: 'block', id: entry.id, isNew });
    });
  }

  *#propose(ticket: Ticket, bytes: Uint8Array): Steps<void> {
    const { chain, wallS, limits, pairs } = this.#core;
    const refusal = yield* chain.proposal(bytes, {
      wallS,
      pairs,
      bytesPerPiece: limits.checkBytesPerStep,
      weightPerPiece: limits.connectWeightPerStep,
    });
    this.#answer(ticket, refusal === undefined ? { kind: 'done' } : { kind: 'refused', refusal });
  }

  #transaction(command: Command & { kind: 'send-tx' | 'test-tx' }): CommandResult {
    const submitted = this.#core.parts.relay.submit(command.bytes, {
      test: command.kind === 'test-tx',
      ...(command.maxFeeRate === undefined ? {} : { maxFeeRate: command.maxFeeRate }),
    });
    if (!submitted.ok) {
      const { rule, detail } = submitted.error;
      return { kind: 'refused', refusal: { rule, detail } };
    }
    const { tx, fee, known } = submitted.value;
    return { kind: 'tx', txid: tx.id, wtxid: tx.wid, fee, vsize: tx.vsize, known };
  }

  #choose(ticket: Ticket, command: Command & { kind: 'invalidate' | 'reconsider' | 'precious' }): void {
    const { chain, parts } = this.#core;
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
    this.#core.own = true;
    chain[command.kind](entry);
    if (command.kind === 'reconsider') parts.headers.recheck();
    parts.download.soon();
    parts.connector.answerWhenDone(ticket, undefined, { kind: 'done' });
  }

  #answer(ticket: Ticket, result: CommandResult): void {
    this.#core.effect({ kind: 'answer', ticket, result });
  }
}
