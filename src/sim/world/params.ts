import { compactToTarget, workOf } from '../../bitcoin/target.ts';
import { bitsFor, deriveParams, type NetworkTemplate, type Params } from '../../consensus/params/params.ts';

/** 2027-01-15: every world begins then, so that the same seed gives the same blocks on every day. */
const WORLD_EPOCH_S = 1_800_000_000;

export interface SimNetwork {
  /** At most 24 characters of a-z, 0-9 and '-'. */
  readonly label?: string;
  readonly intervalMs?: number;
  /** Expected hashes behind the first block, at least 2: they are really ground, so few. */
  readonly tries?: number;
}

/** A network for a simulated world: the template's rules, with a target that is ground in no time. */
export function simParams(template: NetworkTemplate, o: SimNetwork = {}): Params {
  const spacingMs = o.intervalMs ?? template.base.spacingMs;
  const bits = bitsFor(o.tries ?? 2, 1_000, template.base.powLimitBits);
  return deriveParams(template, { label: o.label ?? 'sim', timeS: WORLD_EPOCH_S, spacingMs, bits });
}

/** Expected hashes of one block at the genesis target. */
export function triesPerBlock(params: Params): number {
  return Number(workOf(compactToTarget(params.genesis.header.bits).target));
}

/** The hash rate of a node with this share of a network that finds one block every `intervalMs` in the mean. */
export function rateFor(params: Params, share: number, intervalMs = params.spacingMs): number {
  return (share * triesPerBlock(params) * 1_000) / intervalMs;
}
