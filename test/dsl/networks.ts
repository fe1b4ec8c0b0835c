import { readFileSync } from 'node:fs';
import {
  type DeriveOptions,
  deriveParams,
  type NetworkTemplates,
  type Params,
  parseNetworks,
  regtestParams,
} from '../../src/consensus/params/params.ts';

export const NETWORKS_JSON: unknown = JSON.parse(
  readFileSync(new URL('../../genesis.json', import.meta.url), 'utf8'),
);

export function templates(): NetworkTemplates {
  const parsed = parseNetworks(NETWORKS_JSON);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** Two hashes a block. */
const EASY_BITS = 0x207fffff;
export const GENESIS_TIME = 1_700_000_000;

const derive = (name: string, o: Partial<DeriveOptions>): Params =>
  deriveParams(templates().get(name)!, {
    label: 'test',
    timeS: GENESIS_TIME,
    spacingMs: 10_000,
    bits: EASY_BITS,
    ...o,
  });

/** No retarget, genesis coins that can be spent at once. */
export const LAB = derive('lab', {});
/** The target follows every block. */
export const YARD = derive('yard', { bits: 0x2007ffff });
export const REGTEST = regtestParams(templates());
