import type { Params } from '../../src/consensus/params/params.ts';
import { rateFor, simParams } from '../../src/sim/world/params.ts';
import { World, type WorldOptions } from '../../src/sim/world/world.ts';
import { templates } from '../dsl/networks.ts';

const INTERVAL_MS = 2_000;

export function labNetwork(intervalMs = INTERVAL_MS): Params {
  return simParams(templates().get('lab')!, { intervalMs });
}

/** `n` nodes A, B, C…, each with an even share of the power, each linked with each. */
export function clique(n: number, o: Partial<WorldOptions> = {}): World {
  const params = o.params ?? labNetwork();
  const world = new World({ params, seed: 1, ...o });
  for (let i = 0; i < n; i++) world.add(String.fromCharCode(65 + i), { hashrate: rateFor(params, 1 / n) });
  world.connectAll();
  return world;
}

/** Stops all mining, lets messages drain, then one more block settles every tie. */
export function settle(world: World): boolean {
  const names = [...world.nodes.keys()];
  for (const name of names) world.node(name).mine({ held: true });
  world.run(5_000);
  world.node(names[0]!).mineOne();
  return world.until(() => world.agreed(), 120_000);
}
