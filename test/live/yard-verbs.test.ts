import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, type RunningYard } from '../../src/lab/launcher/launch.ts';
import { liveYard } from '../../src/lab/live/yard.ts';
import { type Performed, PLAYBOOK, perform } from '../yard/playbook.ts';
import { PACE_MS, simRig } from '../yard/sim-rig.ts';

/**
 * One playbook, two adapters: real processes and simulated nodes say the same plans, steps, lines and data. Where they
 * differ, one of the two is wrong.
 */

const program = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
const context = { timeoutMs: 240_000, signal: new AbortController().signal };

let dir: string;
let running: RunningYard;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-verbs-'));
  running = await launch({
    dir,
    programPath: program,
    wishes: { nodes: 4, network: 'lab', paceMs: PACE_MS, hashrates: [50_000] },
    hold: true,
    randomPorts: true,
    say: () => undefined,
    signal: context.signal,
  });
});

afterAll(async () => {
  await running.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('a verb says the same on a live yard and on a simulated one', () => {
  it('whatever it is asked, whether it is done or refused', async () => {
    const live: Performed[] = [];
    const simulated: Performed[] = [];
    const yard = liveYard(running.client);
    const { yard: simulation } = simRig('ABCD');
    for (const [verb, fields] of PLAYBOOK) {
      live.push(await perform(yard, verb, fields, context));
      simulated.push(await perform(simulation, verb, fields, context));
    }
    expect(live).toEqual(simulated);
  });
});
