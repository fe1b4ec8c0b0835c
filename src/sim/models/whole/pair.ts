import { parseNetworks } from '../../../consensus/params/params.ts';
import type { ForkChoiceName } from '../../../consensus/tree/fork-choice-rules.ts';
import { assert } from '../../../util/assert.ts';
import { rateFor, simParams } from '../../world/params.ts';
import { World, type WorldOptions } from '../../world/world.ts';

/** Mean time between blocks: long against what headers count, whole seconds. */
export const INTERVAL_MS = 10_000;

/** A limit for `World.until` where what is waited for is sure to come. */
export const FOREVER_MS = Number.MAX_SAFE_INTEGER / 2_000;

export interface WholeInput {
  /** The networks of genesis.json, as JSON: plain data goes to a worker thread, parsed networks do not. */
  readonly networks: unknown;
  readonly seed: string;
}

/** Two unchanged nodes A and B, linked, with one-way delay and shares of the power as asked. Nothing mined yet. */
export function wholePair(
  input: WholeInput,
  o: {
    readonly share: number;
    readonly delay: number;
    readonly tie?: ForkChoiceName;
    readonly linked?: boolean;
  },
  more: Partial<WorldOptions> = {},
): World {
  const params = labParams(input.networks);
  const world = new World({
    params,
    seed: input.seed,
    link: { delayMs: o.delay * INTERVAL_MS },
    forkChoice: o.tie ?? 'first-seen',
    keepBodies: 1_000,
    ...more,
  });
  world.add('A', { hashrate: rateFor(params, o.share), mines: false });
  world.add('B', { hashrate: rateFor(params, 1 - o.share), mines: false });
  if (o.linked ?? true) {
    world.connect('A', 'B');
    // Connected before the first block: a handshake takes its own round trips.
    world.run(20 * o.delay * INTERVAL_MS + 1_000);
  }
  return world;
}

export function labParams(networks: unknown, intervalMs = INTERVAL_MS) {
  const parsed = parseNetworks(networks);
  const lab = parsed.ok ? parsed.value.get('lab') : undefined;
  assert(lab !== undefined, 'genesis.json has the network lab');
  return simParams(lab, { intervalMs });
}

export function mineAll(world: World, on: boolean): void {
  for (const node of world.nodes.values()) node.mine({ on });
}
