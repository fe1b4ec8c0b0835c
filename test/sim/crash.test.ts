import { describe, expect, it } from 'vitest';
import { PREFIX } from '../../src/consensus/store/records.ts';
import { toHex } from '../../src/util/bytes.ts';
import { clique, settle } from './rig.ts';

/** Three nodes; B stops at its n-th batch, is started again five seconds later, and all go on. */
function crashed(batch: number, when: 'before commit' | 'after commit', how: 'process' | 'power') {
  const world = clique(3, { seed: `crash ${batch}`, link: { delayMs: 100 } });
  const b = world.node('B');
  b.crashAt = { batch, when, how };
  world.onCrash(() => world.after(5_000, () => b.start()));
  world.run(20_000);
  world.partition([['A'], ['B', 'C']]);
  world.run(10_000);
  world.heal();
  world.run(5_000);
  return { world, hit: b.crashAt === undefined };
}

describe('a crash at any batch', () => {
  it.each(['before commit', 'after commit'] as const)(
    '%s: the node opens again, and all agree on chain and coins',
    (when) => {
      let crashes = 0;
      for (let batch = 1; batch <= 40; batch++) {
        const { world, hit } = crashed(batch, when, batch % 2 === 0 ? 'power' : 'process');
        if (hit) crashes++;
        expect(settle(world)).toBe(true);
        const rows = (name: string, prefix: number) =>
          world
            .node(name)
            .disk.rows(prefix)
            .map(({ key, value }) => toHex(key) + toHex(value));
        for (const prefix of [PREFIX.coin, PREFIX.height, PREFIX.tx])
          expect(rows('B', prefix)).toEqual(rows('A', prefix));
      }
      expect(crashes).toBeGreaterThan(20);
    },
  );
});

describe('churn', () => {
  it('nodes that are killed, frozen, late or off by a minute end where everybody is', () => {
    const world = clique(5, { seed: 'churn', link: { delayMs: 150 } });
    world.run(20_000);
    world.node('A').kill('power');
    world.node('B').freeze();
    world.node('C').setClock(60_000);
    world.run(20_000);
    world.node('A').start();
    world.node('B').thaw();
    const late = world.add('F');
    for (const name of 'ABCDE') world.connect('F', name);
    world.remove('E');
    world.run(20_000);
    expect(settle(world)).toBe(true);
    expect(late.tip.height).toBeGreaterThan(15);
  });
});
