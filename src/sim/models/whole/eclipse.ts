import { seeded } from '../../../util/random.ts';
import { rateFor } from '../../world/params.ts';
import { World } from '../../world/world.ts';
import {
  type AlarmInput,
  drawInbound,
  drawOutbound,
  type EclipseFigures,
  type EclipseInput,
} from '../reduced/eclipse.ts';
import { FOREVER_MS, INTERVAL_MS, labParams, mineAll, type WholeInput, wholePair } from './pair.ts';

export interface WholeEclipse extends EclipseInput {
  readonly networks: unknown;
}

/** Victims of one world, each with an attacker of its own. */
const VICTIMS = 25;
/** All honest addresses lead to these. */
const HONEST = ['A', 'B', 'C'];
const SETTLE_MS = 5_000;

/**
 * The victims and links of the reduced model. Honest addresses lead to honest nodes, and those of the attacker to a node that
 * knows no honest block but from its victim: an unchanged one, kept apart. Whoever has not got the honest nodes' newest
 * block some seconds later is cut off.
 */
export function runWholeEclipse(input: WholeEclipse, progress: (part: number) => void): EclipseFigures {
  const random = seeded(input.seed);
  let outbound = 0;
  let isolated = 0;
  for (let first = 0; first < input.trials; first += VICTIMS) {
    const world = honestWorld(input, first);
    const victims = Array.from({ length: Math.min(VICTIMS, input.trials - first) }, (_, i) => `V${i}`);
    for (const victim of victims) {
      world.add(victim, { mines: false });
      const honest = drawOutbound(input, random);
      for (const name of nodesOf(honest)) world.connect(victim, name);
      if (honest.length === input.degree) continue;
      world.add(`X${victim}`, { mines: false });
      world.connect(victim, `X${victim}`);
    }
    outbound += behind(world, victims);
    for (const victim of victims)
      for (const name of nodesOf(drawInbound(input, random))) world.connect(name, victim);
    isolated += behind(world, victims);
    progress(first / input.trials);
  }
  return { outbound, isolated };
}

function honestWorld({ networks, seed }: WholeEclipse, first: number): World {
  const params = labParams(networks);
  const world = new World({ params, seed: `${seed}/${first}`, link: { delayMs: 20 } });
  for (const name of HONEST) world.add(name, { hashrate: rateFor(params, 1 / HONEST.length), mines: false });
  world.connectAll();
  world.run(SETTLE_MS);
  return world;
}

/** Addresses are many, and the nodes behind them few. */
function nodesOf(addresses: readonly number[]): readonly string[] {
  return HONEST.filter((_, i) => addresses.some((address) => address % HONEST.length === i));
}

/** How many do not hear of a new block. */
function behind(world: World, victims: readonly string[]): number {
  world.run(SETTLE_MS);
  const id = world.node(HONEST[0]!).mineOne();
  world.run(SETTLE_MS);
  return victims.filter((victim) => world.node(victim).tip.id !== id).length;
}

/** The false alarms of a node that only listens: waits for the next block, of a network where nothing is wrong. */
export function runWholeAlarms(input: AlarmInput & WholeInput, progress: (part: number) => void): number {
  const world = wholePair(input, { share: 1, delay: 0.0001 });
  let alarms = 0;
  let waits = 0;
  let since = world.now;
  world.onEvent((event) => {
    if (event.kind !== 'block' || event.node !== 'B') return;
    if (world.now - since > input.intervals * INTERVAL_MS * 1_000) alarms++;
    since = world.now;
    waits++;
  });
  mineAll(world, true);
  for (let stretch = 1; stretch <= 10; stretch++) {
    world.until(() => waits * 10 >= input.trials * stretch, FOREVER_MS);
    progress(stretch / 10);
  }
  return alarms;
}
