import { exponential, seeded } from '../../util/random.ts';
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
  const attackers = Math.round(TABLE * input.share);
  // An honest node's d different choices among the others contain the victim with this chance.
  const chosen = input.degree / (TABLE - 1);
  let outbound = 0;
  let isolated = 0;
  for (let trial = 0; trial < input.trials; trial++) {
    const peers = new Set<number>();
    let honestPeers = 0;
    while (peers.size < input.degree) {
      const peer = random.below(TABLE);
      if (peers.has(peer)) continue;
      peers.add(peer);
      if (peer >= attackers) honestPeers++;
    }
    if (trial % 500 === 0) progress(trial / input.trials);
    if (honestPeers > 0) continue;
    outbound++;
    let inbound = 0;
    for (let node = attackers; node < TABLE && inbound === 0; node++) if (random.unit() < chosen) inbound++;
    if (inbound === 0) isolated++;
  }
  return { outbound, isolated };
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
