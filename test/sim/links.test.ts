import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { World } from '../../src/sim/world/world.ts';
import type { LinkShape } from '../../src/util/link-shape.ts';
import { labNetwork } from './rig.ts';

/** A listener who notes when each frame of so many bytes comes. */
function wire(shape: Partial<LinkShape>) {
  const world = new World({ params: labNetwork(), seed: 3, link: shape });
  const came: { at: number; size: number }[] = [];
  world.party({ id: 'X' });
  world.party({ id: 'Y', message: (_, bytes) => came.push({ at: world.now / 1_000, size: bytes.length }) });
  world.connect('X', 'Y');
  const send = (size: number) => world.send('X', 'Y', new Uint8Array(size));
  return { world, came, send };
}

describe('a link', () => {
  it('delays by exactly what was asked, and loses nothing', () => {
    const { world, came, send } = wire({ delayMs: 37 });
    send(100);
    world.run(10);
    send(100);
    world.run(1_000);
    expect(came.map(({ at }) => at)).toEqual([37, 47]);
  });

  it('jitters evenly around it, and nothing overtakes', () => {
    const { world, came, send } = wire({ delayMs: 100, jitterMs: 50 });
    const waits: number[] = [];
    for (let i = 0; i < 2_000; i++) {
      const from = world.now / 1_000;
      send(1);
      world.run(200);
      waits.push(came[i]!.at - from);
    }
    const mean = waits.reduce((a, b) => a + b, 0) / waits.length;
    // Even over 50 to 150: standard deviation 100/√12, so the mean of 2,000 is within 0.65 ms (1 SE).
    expect(Math.abs(mean - 100)).toBeLessThan(3.3 * 0.65);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...waits)).toBeLessThanOrEqual(150);
    const { world: fast, came: order, send: burst } = wire({ delayMs: 100, jitterMs: 100 });
    for (let i = 1; i <= 200; i++) burst(i);
    fast.run(1_000);
    expect(order.map(({ size }) => size)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  it('carries so many bits a second', () => {
    const { world, came, send } = wire({ delayMs: 10, bitsPerSecond: 80_000 });
    for (let i = 0; i < 10; i++) send(1_000);
    world.run(5_000);
    expect(came.map(({ at }) => at)).toEqual(Array.from({ length: 10 }, (_, i) => 100 * (i + 1) + 10));
  });

  it('loses segments as a stream does: they come late', () => {
    const { world, came, send } = wire({ delayMs: 20, loss: 0.1 });
    let late = 0;
    for (let i = 0; i < 3_000; i++) {
      const from = world.now / 1_000;
      send(100);
      world.run(60_000);
      if (came[i]!.at - from > 20.5) late++;
    }
    expect(came.length).toBe(3_000);
    // Binomial: 300 expected, standard deviation 16.4.
    expect(Math.abs(late - 300)).toBeLessThan(3.3 * 16.4);
  });

  it('holds what is cut one way, and gives it in order when opened', () => {
    const { world, came, send } = wire({ delayMs: 5 });
    world.cutOneWay('X', 'Y');
    send(1);
    send(2);
    world.run(1_000);
    expect(came).toEqual([]);
    world.openOneWay('X', 'Y');
    world.run(0);
    expect(came.map(({ size }) => size)).toEqual([1, 2]);
  });

  it('loses what was on its way when a partition breaks it, and is dialled again after the heal', () => {
    const { world, came, send } = wire({ delayMs: 50 });
    send(1);
    world.run(10);
    world.partition([['X'], ['Y']]);
    world.run(1_000);
    expect(came).toEqual([]);
    world.heal();
    send(2);
    world.run(1_000);
    expect(came.map(({ size }) => size)).toEqual([2]);
  });
});

describe('gossip', () => {
  it('reaches every node of a random graph once, over a mesh', () => {
    const world = new World({ params: labNetwork(), seed: 5, link: { delayMs: 20 } });
    const names = Array.from({ length: 40 }, (_, i) => `N${i}`);
    for (const name of names) world.add(name);
    world.connectRandomly(8);
    world.run(2_000);
    const blocks: LogEvent[] = [];
    world.onEvent((event) => {
      if (event.kind === 'block') blocks.push(event);
    });
    const before = world.now;
    world.node('N0').mineOne();
    expect(world.until(() => names.every((name) => world.node(name).tip.height === 1), 5_000)).toBe(true);
    expect(blocks.length).toBe(40);
    expect((world.now - before) / 1_000).toBeLessThanOrEqual(20 * 6);
  });

  it('off, the sync protocol alone brings a line of three to one tip', () => {
    const world = new World({ params: labNetwork(), seed: 5, link: { delayMs: 20 }, gossip: false });
    for (const name of ['A', 'B', 'C']) world.add(name);
    world.connect('B', 'A');
    world.connect('C', 'B');
    world.run(1_000);
    world.node('A').mineOne();
    expect(world.until(() => world.node('C').tip.height === 1, 60_000)).toBe(true);
  });
});
