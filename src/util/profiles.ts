import type { LinkShape } from './link-shape.ts';

/** Named sets of link delays: what links are like when nobody has shaped them one by one. */
export const PROFILES = ['lan', 'world'] as const;
/** `lan`: all nodes at one gigabit switch. `world`: nodes in six regions of the world. */
export type Profile = (typeof PROFILES)[number];

/** In the order of the table; nodes are spread over them in turn, A first, unless they are told where they stand. */
export const REGIONS = [
  'north-america',
  'europe',
  'south-america',
  'asia-pacific',
  'japan',
  'australia',
] as const;
export type Region = (typeof REGIONS)[number];

/**
 * One-way latency between regions in milliseconds: row from, column to, both as `REGIONS`. These are the figures of the
 * SimBlock simulator for the year 2019 (github.com/dsg-titech/simblock, NetworkConfiguration.java, LATENCY_2019), which
 * applies them once to each message, and which its authors measured between the regions of a public cloud.
 */
export const WORLD_LATENCY_MS: readonly (readonly number[])[] = [
  [32, 124, 184, 198, 151, 189],
  [124, 11, 227, 237, 252, 294],
  [184, 227, 88, 325, 301, 322],
  [198, 237, 325, 85, 58, 198],
  [151, 252, 301, 58, 12, 126],
  [189, 294, 322, 198, 126, 16],
];

/**
 * Of the delay, to either side. SimBlock draws from a Pareto distribution whose tail is as thin as this at such means;
 * evenly spread it is easier to predict and to check.
 */
const WORLD_JITTER = 0.05;

/** One switch, gigabit: what a lecture room has. */
const LAN: LinkShape = { delayMs: 1, jitterMs: 0, loss: 0, bitsPerSecond: 1_000_000_000 };

/** Where the node with this index (from 0) stands when nobody says. */
export function defaultRegion(index: number): Region {
  return REGIONS[index % REGIONS.length]!;
}

export function profileShape(profile: Profile, from: Region, to: Region): LinkShape {
  if (profile === 'lan') return LAN;
  const delayMs = WORLD_LATENCY_MS[REGIONS.indexOf(from)]![REGIONS.indexOf(to)]!;
  return { delayMs, jitterMs: delayMs * WORLD_JITTER, loss: 0, bitsPerSecond: 0 };
}
