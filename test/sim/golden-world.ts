import { parseNetworks } from '../../src/consensus/params/params.ts';
import { rateFor, simParams } from '../../src/sim/world/params.ts';
import { World } from '../../src/sim/world/world.ts';

/**
 * A small life with everything in it, the same on every machine, Node version and browser: its trace hash. Takes the
 * parsed genesis.json, so that it runs where there are no files.
 */
export function goldenTrace(networks: unknown): string {
  const parsed = parseNetworks(networks);
  if (!parsed.ok) throw new Error(parsed.error);
  const params = simParams(parsed.value.get('yard')!, { intervalMs: 1_500, tries: 64 });
  const link = { delayMs: 90, jitterMs: 30, loss: 0.03, bitsPerSecond: 2_000_000 };
  const world = new World({ params, seed: 'golden', link, trace: true });
  for (const name of ['A', 'B', 'C', 'D']) world.add(name, { hashrate: rateFor(params, 0.25) });
  world.connectAll();
  world.run(8_000);
  world.partition([
    ['A', 'B'],
    ['C', 'D'],
  ]);
  world.run(8_000);
  world.node('B').kill('power');
  world.node('D').setClock(20_000);
  world.heal();
  world.run(4_000);
  world.node('B').start();
  world.run(8_000);
  return world.traceHash();
}
