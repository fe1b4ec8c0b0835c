import { exponential, type Random, seeded } from '../../../util/random.ts';
import { INTERVAL } from './clusters.ts';

export interface EclipseInput {
  /** Outbound connections of each node. */
  readonly degree: number;
  /** The attacker's share of the addresses that nodes know. */
  readonly share: number;
  readonly trials: number;
  readonly seed: string;
}

export interface EclipseFigures {
  /** All outbound connections led to the attacker. */
  readonly outbound: number;
  /** And no honest node connected to the victim. */
  readonly isolated: number;
}

/** Addresses in everybody's table. */
const TABLE = 4_000;

/** A victim chooses its peers, and so do all honest nodes. */
export function runEclipse(input: EclipseInput, progress: (part: number) => void): EclipseFigures {
  const random = seeded(input.seed);
  let outbound = 0;
  let isolated = 0;
  for (let trial = 0; trial < input.trials; trial++) {
    if (trial % 500 === 0) progress(trial / input.trials);
    if (drawOutbound(input, random).length > 0) continue;
    outbound++;
    if (drawInbound(input, random).length === 0) isolated++;
  }
  return { outbound, isolated };
}

type Draw = Pick<EclipseInput, 'degree' | 'share'>;

/** The first addresses are the attacker's. */
function attackersOf({ share }: Draw): number {
  return Math.round(TABLE * share);
}

/** Honest ones among the victim's peers. */
export function drawOutbound(input: Draw, random: Random): number[] {
  const peers = new Set<number>();
  while (peers.size < input.degree) peers.add(random.below(TABLE));
  const attackers = attackersOf(input);
  return [...peers].filter((peer) => peer >= attackers);
}

/** Honest nodes that have chosen the victim: its d different choices among the others contain it with this chance. */
export function drawInbound(input: Draw, random: Random): number[] {
  const chosen = input.degree / (TABLE - 1);
  const nodes: number[] = [];
  for (let node = attackersOf(input); node < TABLE; node++) if (random.unit() < chosen) nodes.push(node);
  return nodes;
}

export interface AlarmInput {
  /** An alarm is raised after so many block intervals without a block. */
  readonly intervals: number;
  readonly trials: number;
  readonly seed: string;
}

/** How many of so many waits for a block raise a false alarm: nothing is wrong, the block is only late. */
export function runAlarms({ intervals, trials, seed }: AlarmInput): number {
  const random = seeded(seed);
  let alarms = 0;
  for (let i = 0; i < trials; i++) if (exponential(random, INTERVAL) > intervals * INTERVAL) alarms++;
  return alarms;
}
