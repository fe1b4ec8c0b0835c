import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { YardClient } from '../../src/lab/client/client.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import { liveYard } from '../../src/lab/live/yard.ts';
import { formatGroups } from '../../src/observe/words/words.ts';
import { SimYard } from '../../src/sim/yard.ts';
import { plural } from '../../src/util/plural.ts';
import { cutPairs, TOPOLOGIES } from '../../src/util/topology.ts';
import { actionOf } from '../../src/yard/verb.ts';
import { partition } from '../../src/yard/verbs/cuts.ts';
import { templates } from '../dsl/networks.ts';

/** How many links a cut has is one number: in the sentence before it, in the simulator, and where the page counts. */

const program = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-cut-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(TOPOLOGIES)('a cut of twelve nodes linked as %s', (topology) => {
  it('has as many links everywhere', () => {
    const at = join(dir, topology);
    mkdirSync(at);
    const { yard } = createYard(at, program, { network: 'lab', nodes: 12, topology });
    const client = new YardClient(at, yard);
    const { letters } = client;
    const groups = [letters.slice(0, 5), letters.slice(5)];
    const count = cutPairs(letters, topology, groups).length;
    expect(count).toBe({ full: 35, line: 1, random: count }[topology]);
    expect(count).toBeLessThanOrEqual(35);
    const plan = actionOf(partition, liveYard(client), {
      groups: formatGroups(groups).replace('|', '/'),
    }).plan;
    expect(plan).toContain(`: ${plural(count, 'link')}; no message`);
    const sim = new SimYard({
      template: templates().get('lab')!,
      seed: 1,
      nodes: letters.map((letter) => ({ letter, hashrate: 1_000, mines: false })),
      topology,
    });
    expect(sim.partition(groups)).toBe(count);
  });
});
