import { describe, expect, it } from 'vitest';
import { type ForkChoiceName, heaviestLeaf } from '../../src/consensus/tree/fork-choice-rules.ts';
import { seeded } from '../../src/util/random.ts';
import { ChainDriver } from '../dsl/chain-driver.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

function drive(world: World, forkChoice: ForkChoiceName): ChainDriver {
  return new ChainDriver({ params: LAB, wallS: world.wallS, forkChoice });
}

function give(driver: ChainDriver, world: World, names: string): string {
  for (const name of names.split(' ')) driver.block(world.bytes(name));
  return world.nameOf(driver.tip());
}

/** A tree in which each block hangs below one of the last few. */
function bush(seed: number, blocks: number): World {
  const random = seeded(seed);
  const world = new World(LAB);
  for (let i = 0; i < blocks; i++) {
    const names = ['G', ...world.names];
    world.add('n' + i, world.get(names[Math.max(0, names.length - 1 - random.below(4))]!));
  }
  return world;
}

describe('lowest-id', () => {
  const world = new World(LAB).draw('G-1-2a / 1-2b / 1-2c / 2c-3c');
  const [lowest, , highest] = ['2a', '2b', '2c'].sort((a, b) => (world.id(a) < world.id(b) ? -1 : 1));

  it('moves to an equal branch with a lower id, where first-seen stays', () => {
    expect(give(drive(world, 'first-seen'), world, `1 ${highest} ${lowest}`)).toBe(highest);
    expect(give(drive(world, 'lowest-id'), world, `1 ${highest} ${lowest}`)).toBe(lowest);
    expect(give(drive(world, 'lowest-id'), world, `1 ${lowest} ${highest}`)).toBe(lowest);
  });

  it('asks for more work first, whatever the ids', () => {
    expect(give(drive(world, 'lowest-id'), world, '1 2a 2b 2c 3c')).toBe('3c');
  });

  it('gives the same tip for the same blocks in any order, after a restart too', () => {
    for (let seed = 0; seed < 6; seed++) {
      const world = bush(seed, 14);
      const random = seeded('order ' + seed);
      const tips = new Set<string>();
      for (let run = 0; run < 4; run++) {
        const driver = drive(world, 'lowest-id');
        const left = [...world.names];
        while (left.length > 0) {
          // Parents before children, as a node's ladder demands; otherwise anything goes.
          const ready = left.filter(
            (name) => driver.chain.entry(world.get(name).block.header.prev) !== undefined,
          );
          const name = ready[random.below(ready.length)]!;
          driver.block(world.bytes(name));
          left.splice(left.indexOf(name), 1);
          if (random.below(5) === 0) driver.reopen();
        }
        tips.add(driver.tip());
      }
      expect(tips.size).toBe(1);
    }
  });
});

describe('ghost', () => {
  it('follows the heaviest subtree where most work follows the longest branch', () => {
    const world = new World(LAB).draw('G-1-2-3-4 / 1-b2-b3 / b2-c3 / b2-d3');
    const names = '1 2 3 4 b2 b3 c3 d3';
    expect(give(drive(world, 'first-seen'), world, names)).toBe('4');
    // b2 with its three children outweighs 2-3-4, though its branch is shorter.
    expect(give(drive(world, 'ghost'), world, names)).toBe('b3');
    expect(give(drive(world, 'ghost'), world, '1 2 3 4 b2 b3 c3')).toBe('4');
  });

  it('chooses as summing up the whole tree anew would, at every block and after restarts', () => {
    for (let seed = 0; seed < 8; seed++) {
      const world = bush(seed, 30);
      const driver = drive(world, 'ghost');
      for (const [i, name] of world.names.entries()) {
        driver.block(world.bytes(name));
        if (i % 7 === 0) driver.reopen();
        expect(world.nameOf(driver.tip())).toBe(slowGhost(driver, world));
      }
    }
  });

  it('counts no condemned block', () => {
    const world = new World(LAB).draw('G-1-2-3-4 / 1-b2-b3 / b2-c3 / b2-d3');
    const driver = drive(world, 'ghost');
    expect(give(driver, world, '1 2 3 4 b2 b3 c3 d3')).toBe('b3');
    driver.chain.invalidate(driver.chain.entry(world.get('c3').block.hash)!);
    driver.connect();
    // Three against three: the stored tip's side stays.
    expect(world.nameOf(driver.tip())).toBe('b3');
    driver.chain.invalidate(driver.chain.entry(world.get('d3').block.hash)!);
    driver.connect();
    expect(world.nameOf(driver.tip())).toBe('4');
  });

  it('sums numbers as it sums expected hashes', () => {
    // 0 has the children 1 and 2; 1 has 3; 2 has 4 and 5.
    const firstChild = [1, 3, 4];
    const nextSibling = [undefined, 2, undefined, undefined, 5];
    const weights = [6, 2, 3, 1, 1, 1];
    const chosen = heaviestLeaf<number>(0, {
      firstChild: (block) => firstChild[block],
      nextSibling: (block) => nextSibling[block],
      weight: (block) => weights[block]!,
      tie: (a, b) => b - a,
    });
    expect(chosen).toBe(4);
  });
});

/** The definition, from scratch; at equal weight the child of the present tip, else the earlier one. */
function slowGhost(driver: ChainDriver, world: World): string {
  const { chain } = driver;
  const names = world.names.filter((name) => chain.entry(world.get(name).block.hash) !== undefined);
  const children = (id: string): string[] =>
    names.filter((name) => world.get(world.get(name).parent!.name).block.id === id);
  const weight = (name: string): number =>
    children(world.id(name)).reduce((sum, child) => sum + weight(child), 1);
  const arrival = (name: string): number => chain.entry(world.get(name).block.hash)!.arrival!;
  const active = (name: string): boolean => chain.isActive(chain.entry(world.get(name).block.hash)!);
  for (let at = 'G'; ; ) {
    const below = children(world.id(at));
    if (below.length === 0) return at;
    at = below.sort(
      (a, b) => weight(b) - weight(a) || Number(active(b)) - Number(active(a)) || arrival(a) - arrival(b),
    )[0]!;
  }
}
