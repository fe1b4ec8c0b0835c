import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflictOf, genesisBlock, ReducedBlock } from '../../src/sim/models/reduced/block.ts';
import { clusterRace, runClusters } from '../../src/sim/models/reduced/clusters.ts';
import { ArrivalQueue } from '../../src/sim/models/reduced/queue.ts';

const quiet = () => undefined;

describe('the queue of arrivals', () => {
  it('gives the earliest, and equal times in the order in which they were put in', () => {
    const operations = fc.array(fc.option(fc.nat(20), { nil: undefined }), { maxLength: 300 });
    fc.assert(
      fc.property(operations, (times) => {
        const queue = new ArrivalQueue<number>();
        let model: { time: number; item: number }[] = [];
        for (const [item, time] of times.entries()) {
          if (time !== undefined) {
            queue.push(time, item * 2, item);
            model.push({ time, item });
            model = model.sort((a, b) => a.time - b.time || a.item - b.item);
          } else if (model.length > 0) {
            expect(queue.earliest).toBe(model[0]!.time);
            const { item: first } = model.shift()!;
            expect([queue.pop(), queue.where]).toEqual([first, first * 2]);
          }
          expect(queue.size).toBe(model.length);
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

describe('the reduced model', () => {
  it('measures conflict as the figures define it', () => {
    const root = genesisBlock();
    const a1 = new ReducedBlock(root, 1, 0, 1);
    const a2 = new ReducedBlock(a1, 2, 0, 2);
    const a3 = new ReducedBlock(a2, 3, 0, 3);
    const b2 = new ReducedBlock(a1, 2, 1, 4);
    expect([conflictOf(a3, a1), conflictOf(a3, b2), conflictOf(b2, a2), conflictOf(root, a3)]).toEqual([
      0, 1, 1, 0,
    ]);
  });

  it('gives the same figures for the same seed, and others for another', () => {
    const run = (seed: string) => runClusters({ x: 0.5, share: 0.5, blocks: 2_000, seed }, quiet);
    expect(run('7')).toEqual(run('7'));
    expect(run('8').stale).not.toBe(run('7').stale);
  });

  it('never goes to less work, and lets no block be forgotten once all has arrived', () => {
    const works = [0, 0];
    const race = clusterRace(
      { x: 1, share: 0.4, seed: '3' },
      {
        tip: (node) => {
          expect(race.tips[node]!.work).toBeGreaterThan(works[node]!);
          works[node] = race.tips[node]!.work;
        },
      },
    );
    race.runBlocks(3_000);
    race.drain();
    expect(race.tips[0]!.height).toBe(race.tips[1]!.height);
  });

  it('keeps two histories while it is cut, and one after it', () => {
    const race = clusterRace({ x: 0.1, share: 0.5, seed: '5' });
    race.cut([0, 1]);
    race.runBlocks(40);
    expect(conflictOf(race.tips[0]!, race.tips[1]!)).toBeGreaterThan(5);
    race.heal();
    race.runToAgreement();
    expect(race.agree).toBe(true);
  });
});
