import { describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../src/lab/experiment/catalogue.ts';
import { readValues } from '../../src/lab/experiment/parameters.ts';
import { runExperiment } from '../../src/lab/experiment/run.ts';
import { runWholeSelfish } from '../../src/sim/models/whole/selfish.ts';
import { NETWORKS_JSON } from '../dsl/networks.ts';

describe('every experiment with its own settings', () => {
  for (const experiment of EXPERIMENTS) {
    it(`${experiment.name} is within what is allowed, and does not depend on the threads`, async () => {
      const values = readValues(experiment, {});
      const [many, one] = [
        await runExperiment(experiment, values, 1, { threads: 2, networks: NETWORKS_JSON }),
        await runExperiment(experiment, values, 1, { threads: 0, networks: NETWORKS_JSON }),
      ];
      expect(many.rows.filter((r) => !r.ok)).toEqual([]);
      expect(many.rows.some((r) => r.model === 'whole nodes')).toBe(true);
      expect(one.rows).toEqual(many.rows);
    });
  }

  it('few rows of other seeds lie outside', async () => {
    let rows = 0;
    let outside = 0;
    for (const experiment of EXPERIMENTS.filter((e) => !['speed', 'forkrate'].includes(e.name))) {
      for (const seed of [2, 3, 4]) {
        const result = await runExperiment(experiment, readValues(experiment, {}), seed, {
          threads: 2,
          networks: NETWORKS_JSON,
        });
        rows += result.rows.length;
        outside += result.rows.filter((r) => !r.ok).length;
      }
    }
    expect(rows).toBeGreaterThan(300);
    // One run in a hundred has such a row by chance, and these are twenty-four.
    expect(outside).toBeLessThanOrEqual(2);
  });

  it('a secret branch of thousands of blocks is played to its end', () => {
    // Longer than any number of bodies that a simulated disk could keep by count.
    const input = { alpha: 0.49, gamma: 0, blocks: 2_400, seed: 'deep 1', networks: NETWORKS_JSON };
    expect(runWholeSelfish(input, () => undefined)).toHaveLength(25);
  });
});
