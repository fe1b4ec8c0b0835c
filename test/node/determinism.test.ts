import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FullNode } from '../../src/node/fullnode.ts';
import { encodeStep, encodeValue } from '../../src/node/record/encode-step.ts';
import type { Input } from '../../src/node/types.ts';
import { seeded } from '../../src/util/random.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { cachedVerify, labParams, Net, withLimits } from './net.ts';
import { genesisCoin, pay } from './pay.ts';

/** Four nodes live through a few minutes of everything, by the throw of seeded dice. Answers each node's trace hash. */
function world(seed: string, signaturesAhead: boolean): { hashes: string[]; net: Net } {
  const net = new Net({
    signaturesAhead,
    trace: true,
    limits: { connectWeightPerStep: 2_000, headersPerStep: 3, probeEvery: 12_000_000 },
  });
  const names = ['A', 'B', 'C', 'D'];
  net.add(...names);
  net.connectAll();
  net.run(50);
  const random = seeded(seed);
  const people = ['alice', 'bob', 'carol'] as const;
  for (let i = 0; i < 40; i++) {
    const name = names[random.below(4)]!;
    const dice = random.below(10);
    if (dice < 5) net.mine(name);
    else if (dice < 8) {
      const coin = genesisCoin(net.params, people[random.below(3)]!, random.below(5));
      net
        .node(name)
        .send(pay([coin], 'dave', 1_000_000 * (1 + random.below(50)), 1_000 * (1 + random.below(9))));
    } else if (dice === 8) net.partition(['A', 'B'], ['C', 'D']);
    else net.connectAll();
    net.run(random.below(2_000));
  }
  net.connectAll();
  net.mine('A', 3);
  net.untilAgreed();
  return { net, hashes: names.map((name) => net.node(name).trace.digest('hex')) };
}

describe('determinism', () => {
  const first = world('seven', true);

  it('the same seed and inputs give the same steps, to the byte', () => {
    expect(world('seven', true).hashes).toEqual(first.hashes);
    expect(first.net.node('A').tip.height).toBeGreaterThan(10);
  });

  it('another seed gives others', () => {
    expect(world('eight', true).hashes).not.toEqual(first.hashes);
  });

  it('leaving out signaturesAhead changes no step', () => {
    expect(world('seven', false).hashes).toEqual(first.hashes);
  });

  it('early, doubled and superfluous timers do no harm', () => {
    const net = new Net();
    const [a] = net.add('A', 'B');
    net.connect('A', 'B');
    net.run(10);
    for (let i = 0; i < 20; i++) {
      a!.input({ kind: 'timer' });
      net.node('B').input({ kind: 'timer' });
      if (i % 5 === 0) net.mine('A', 1, 0);
      net.run(3);
    }
    net.untilAgreed();
    expect(net.node('B').tip.height).toBe(4);
  });

  it('recorded inputs, replayed on a fresh node, give the recorded steps', () => {
    const net = new Net({ params: labParams() });
    net.add('A', 'B');
    const recorded: { now: number; input: Input; bytes: Uint8Array }[] = [];
    const watched = net.node('A');
    watched.watch = (input, step) => {
      recorded.push({ now: net.now, input, bytes: encodeStep(net.now, step) });
    };
    net.connect('A', 'B');
    net.mine('B', 5);
    net.mine('A', 2);
    net.run(40_000);
    expect(recorded.length).toBeGreaterThan(20);

    const store = new MemoryStore();
    const replica = new FullNode({
      params: net.params,
      store,
      index: [],
      verify: cachedVerify(),
      seed: 'A'.charCodeAt(0),
      name: 'A',
      limits: withLimits(),
    });
    // The first input was the clock, before anybody watched.
    const clock: Input = { kind: 'clock', offset: (net.params.genesis.header.time + 3_600) * 1_000_000 };
    store.commit(replica.step(0, clock).writes);
    for (const { now, input, bytes } of recorded) {
      const step = replica.step(now, input);
      store.commit(step.writes);
      expect(encodeStep(now, step)).toEqual(bytes);
    }
  });
});

describe('the canonical encoding', () => {
  it('tells different values apart and the same ones not', () => {
    const values = [
      undefined,
      null,
      true,
      false,
      0,
      1,
      -1,
      '',
      'a',
      0n,
      1n,
      new Uint8Array(),
      Uint8Array.of(0),
      [],
      [[]],
      {},
      { a: 1 },
      { a: 1, b: 2 },
    ];
    const hashes = values.map((value) => createHash('sha256').update(encodeValue(value)).digest('hex'));
    expect(new Set(hashes).size).toBe(values.length);
    expect(encodeValue({ a: 1, b: 2 })).toEqual(encodeValue({ b: 2, a: 1 }));
  });
});
