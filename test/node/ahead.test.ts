import { describe, expect, it } from 'vitest';
import type { News } from '../../src/events/events.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { limits } from '../../src/node/limits.ts';
import type { Effect, Input, Step } from '../../src/node/types.ts';
import { BOB, payTo, spend } from '../dsl/keys.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

class Stepped {
  readonly store = new MemoryStore();
  readonly node: FullNode;
  readonly news: News[] = [];
  readonly answers: Effect[] = [];

  constructor(world: World, batchAheadRows: number) {
    this.node = new FullNode({
      params: LAB,
      store: this.store,
      index: [],
      verify: () => true,
      seed: 1,
      name: 'A',
      limits: { ...limits, batchAheadRows },
    });
    this.step({ kind: 'clock', offset: world.wallS * 1_000_000 });
  }

  step(input: Input): Step {
    const step = this.node.step(0, input);
    this.store.commit(step.writes);
    for (const effect of step.effects) {
      if (effect.kind === 'tell') this.news.push(effect.news);
      if (effect.kind === 'answer') this.answers.push(effect);
    }
    return step;
  }

  /** A local caller's block, up to the step whose batch goes ahead, or to the end. */
  submit(bytes: Uint8Array): Step {
    let step = this.step({ kind: 'command', ticket: 1, command: { kind: 'submit-block', bytes } });
    while (step.ahead !== true && this.node.view.busy) step = this.step({ kind: 'timer' });
    return step;
  }
}

function block() {
  const world = new World(LAB);
  const tx = spend([world.genesisCoin(0)], [{ value: 20e8, script: payTo(BOB) }]);
  world.draw('G-1', { '1': { txs: [tx] } });
  return { world, bytes: world.bytes('1') };
}

describe('a step whose batch is ahead of the view', () => {
  it('shows and says nothing of it; the next one does, whatever its input', () => {
    const { world, bytes } = block();
    const inputs: Input[] = [
      { kind: 'timer' },
      { kind: 'joined', peer: 'p', inbound: true },
      { kind: 'clock', offset: world.wallS * 1_000_000 },
    ];
    for (const input of inputs) {
      const a = new Stepped(world, 1);
      const step = a.submit(bytes);
      expect(step).toMatchObject({ ahead: true, durable: true });
      expect(step.writes.length).toBeGreaterThan(4);
      expect(step.effects.map(({ kind }) => kind)).toEqual(['wake']);
      expect(a.node.view.chain.tip.height).toBe(0);
      // Core's "valid-fork" would say that it was connected.
      expect(a.node.view.chain.tips().map(({ status }) => status)).toEqual(['valid-headers', 'active']);
      expect(a.node.view.busy).toBe(true);
      expect(a.answers).toEqual([]);
      const next = a.step(input);
      expect(next.ahead).toBeUndefined();
      expect(a.node.view.chain.tip.id).toBe(world.id('1'));
      expect(a.node.view.chain.tips().map(({ status }) => status)).toEqual(['active']);
      expect(a.news.map(({ kind }) => kind)).toContain('tip');
      while (a.node.view.busy) a.step({ kind: 'timer' });
      expect(a.answers).toMatchObject([{ result: { kind: 'block', isNew: true } }]);
    }
  });

  it('comes to the same as one whose batch is not', () => {
    const { world, bytes } = block();
    const [ahead, plain] = [1, Number.POSITIVE_INFINITY].map((rows) => {
      const a = new Stepped(world, rows);
      a.submit(bytes);
      while (a.node.view.busy) a.step({ kind: 'timer' });
      return a;
    }) as [Stepped, Stepped];
    expect(ahead.store.rows()).toEqual(plain.store.rows());
    expect(ahead.news).toEqual(plain.news);
    expect(ahead.answers).toEqual(plain.answers);
    expect(ahead.node.view.steps).toBe(plain.node.view.steps + 1);
  });
});
