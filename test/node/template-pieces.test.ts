import { describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/bitcoin/block.ts';
import { decodeTx, type Tx } from '../../src/bitcoin/tx.ts';
import { type WellKnown, wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import type { CandidateBlock, Command, CommandResult, Effect, Job } from '../../src/node/types.ts';
import { grind } from '../../src/sim/world/grind.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { cachedVerify, labParams, withLimits } from './net.ts';
import { genesisCoin, pay } from './pay.ts';

const params = labParams('pieces');
const PAYERS: readonly WellKnown[] = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const verify = cachedVerify();

/** A node with a pool of six payments, which it looks through in small pieces; one step at a time. */
class Rig {
  readonly store = new MemoryStore();
  readonly node: FullNode;
  job: Job | undefined;
  jobs = 0;
  /** What the last `template` command was answered. */
  candidate: CandidateBlock | undefined;
  /** The last answer to any command. */
  answer: CommandResult | undefined;
  #now = 0;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor() {
    const limits = withLimits({ templateAtOnce: 3, checkBytesPerStep: 100 });
    this.node = new FullNode({ params, store: this.store, index: [], verify, seed: 1, name: 'A', limits });
    this.#take(
      this.node.step(0, { kind: 'clock', offset: (params.genesis.header.time + 100) * 1_000_000 }).effects,
    );
    for (const who of PAYERS) this.send(pay([genesisCoin(params, who)], 'judy', 100_000_000));
    this.rest();
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'answer') this.answer = effect.result;
      if (effect.kind === 'answer' && effect.result.kind === 'template')
        this.candidate = effect.result.template;
      if (effect.kind === 'wake') this.#wakeAt = Math.min(this.#wakeAt, effect.at);
      if (effect.kind !== 'work') continue;
      this.job = effect.job;
      if (effect.job !== undefined) this.jobs++;
    }
  }

  #step(input: Parameters<FullNode['step']>[1]): void {
    const { writes, effects } = this.node.step(++this.#now, input);
    this.store.commit(writes);
    this.#take(effects);
  }

  command(command: Command): void {
    this.#step({ kind: 'command', ticket: this.#now, command });
  }

  send(tx: Tx): void {
    this.command({ kind: 'send-tx', bytes: tx.bytes });
  }

  mine(to: WellKnown): void {
    this.command({ kind: 'mine', payout: wellKnownScript(to), tag: 'A' });
  }

  /** One step, if there is something to do at once. */
  tick(): boolean {
    if (this.#wakeAt > this.#now + 1) return false;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#step({ kind: 'timer' });
    return true;
  }

  /** Steps until nothing is left to do now. */
  rest(): number {
    let steps = 0;
    while (this.tick()) steps++;
    return steps;
  }

  solve(): void {
    const nonce = grind(this.job!);
    this.#step({ kind: 'solved', job: this.job!.id, nonce: nonce!, tries: 1, ms: 1 });
  }

  /** The block of the job at hand is found; its payments by id. */
  found(): string[] {
    this.solve();
    this.rest();
    const { chain } = this.node.view;
    return chain
      .block(chain.tip)!
      .txs.slice(1)
      .map(({ id }) => id);
  }

  pool(): string[] {
    return [...this.node.view.mempool.entries()].map(({ tx }) => tx.id);
  }
}

describe('a template of a large pool', () => {
  it('is made in pieces, and nothing is mined before it is whole', () => {
    const rig = new Rig();
    const waiting = rig.pool();
    rig.mine('judy');
    expect(rig.job).toBeUndefined();
    expect(rig.rest()).toBeGreaterThan(5);
    expect(rig.jobs).toBe(1);
    expect(rig.found().sort()).toEqual(waiting.sort());
    expect(rig.node.view.chain.tip.height).toBe(1);
  });

  it('holds nobody who left the pool meanwhile', () => {
    const rig = new Rig();
    rig.mine('judy');
    for (let i = 0; i < 4; i++) rig.tick();
    // A higher fee takes the place of alice's payment.
    const better = pay([genesisCoin(params, 'alice')], 'heidi', 100_000_000, 90_000);
    rig.send(better);
    rig.rest();
    const mined = rig.found();
    expect(mined).toContain(better.id);
    expect(mined.length).toBe(PAYERS.length);
    expect(rig.node.view.chain.tip.height).toBe(1);
  });

  it('comes to its end, though members leave again and again', () => {
    const rig = new Rig();
    rig.mine('judy');
    let last: Tx | undefined;
    for (let fee = 50_000; rig.job === undefined; fee += 20_000) {
      expect(fee).toBeLessThan(1_000_000);
      last = pay([genesisCoin(params, 'alice')], 'heidi', 100_000_000, fee);
      rig.send(last);
      for (let i = 0; i < 4; i++) rig.tick();
    }
    rig.rest();
    expect(rig.found()).toContain(last!.id);
  });

  it('is not waited for by somebody else: a new payee is not paid by the old job', () => {
    const rig = new Rig();
    rig.mine('judy');
    rig.rest();
    expect(rig.job).toBeDefined();
    rig.mine('ivan');
    expect(rig.job).toBeUndefined();
    rig.rest();
    rig.found();
    const { chain } = rig.node.view;
    const coinbase = decodeTx(chain.block(chain.tip)!.txs[0]!.bytes);
    expect(coinbase.ok && coinbase.value.outputs[0]!.script).toEqual(wellKnownScript('ivan'));
  });
});

/** As the `template` command gives it (getblocktemplate). */
describe('a candidate from a large pool', () => {
  const ask = (rig: Rig) => {
    rig.candidate = undefined;
    rig.command({ kind: 'template', payout: wellKnownScript('judy'), tag: 'A' });
  };

  it('is made in pieces, and is the same as one made at once', () => {
    const rig = new Rig();
    ask(rig);
    expect(rig.candidate).toBeUndefined();
    expect(rig.rest()).toBeGreaterThan(5);
    const { bytes, txids, height, fees } = rig.candidate!;
    expect([...txids].sort()).toEqual(rig.pool().sort());
    expect([height, fees > 0]).toEqual([1, true]);
    const block = decodeBlock(bytes);
    expect(block.ok && block.value.txs.slice(1).map(({ id }) => id)).toEqual(txids);
  });

  it('holds nobody who left meanwhile', () => {
    const rig = new Rig();
    ask(rig);
    for (let i = 0; i < 4; i++) rig.tick();
    const better = pay([genesisCoin(params, 'alice')], 'heidi', 100_000_000, 90_000);
    rig.send(better);
    rig.rest();
    expect([...rig.candidate!.txids].sort()).toEqual(rig.pool().sort());
    expect(rig.pool()).toContain(better.id);
  });

  it('stands on the tip that is there at its end', () => {
    const rig = new Rig();
    rig.mine('judy');
    rig.rest();
    rig.solve();
    // Begun while the block is being judged.
    ask(rig);
    expect(rig.node.view.chain.tip.height).toBe(0);
    rig.rest();
    const { chain } = rig.node.view;
    expect(rig.candidate).toMatchObject({ height: 2, txids: [] });
    const block = decodeBlock(rig.candidate!.bytes);
    expect(block.ok && block.value.header.prev).toEqual(chain.tip.hash);
  });

  it('comes to its end, though members leave again and again', () => {
    const rig = new Rig();
    ask(rig);
    let last: Tx | undefined;
    for (let fee = 50_000; rig.candidate === undefined; fee += 20_000) {
      expect(fee).toBeLessThan(1_000_000);
      last = pay([genesisCoin(params, 'alice')], 'heidi', 100_000_000, fee);
      rig.send(last);
      for (let i = 0; i < 4; i++) rig.tick();
    }
    expect((rig.candidate as CandidateBlock).txids).toContain(last!.id);
  });

  it('lets a block be judged first, however many others wait for one', () => {
    const rig = new Rig();
    rig.mine('judy');
    rig.rest();
    for (let i = 0; i < 20; i++) ask(rig);
    rig.solve();
    let ticks = 0;
    while (rig.node.view.chain.tip.height === 0 && rig.tick()) ticks++;
    expect(ticks).toBeLessThan(40);
    expect(rig.candidate).toBeUndefined();
    rig.rest();
    expect(rig.candidate).toMatchObject({ height: 2 });
  });
});

describe('a proposed block', () => {
  const propose = (rig: Rig, bytes: Uint8Array) => {
    rig.answer = undefined;
    rig.command({ kind: 'propose-block', bytes });
  };
  const template = (rig: Rig) => {
    rig.command({ kind: 'template', payout: wellKnownScript('judy'), tag: 'A' });
    rig.rest();
    return rig.candidate!.bytes;
  };

  it('is validated in pieces, and nothing is written', () => {
    const rig = new Rig();
    const bytes = template(rig);
    const before = rig.store.rows();
    propose(rig, bytes);
    expect(rig.answer).toBeUndefined();
    expect(rig.rest()).toBeGreaterThan(5);
    expect(rig.answer).toEqual({ kind: 'done' });
    expect(rig.store.rows()).toEqual(before);
    expect(rig.node.view.chain.tip.height).toBe(0);
  });

  it('builds on the tip no longer when the tip moves meanwhile', () => {
    const rig = new Rig();
    rig.mine('judy');
    rig.rest();
    const bytes = template(rig);
    rig.solve();
    propose(rig, bytes);
    expect(rig.node.view.chain.tip.height).toBe(0);
    rig.rest();
    expect(rig.node.view.chain.tip.height).toBe(1);
    expect(rig.answer).toMatchObject({
      kind: 'refused',
      refusal: { rule: 'inconclusive-not-best-prevblk' },
    });
  });
});
