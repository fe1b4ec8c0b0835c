import type { Params } from '../../src/consensus/params/params.ts';
import { ALICE, payTo } from '../dsl/keys.ts';
import { World } from '../dsl/world.ts';

/** A chain of `count` blocks of about so many bytes: coinbases with many outputs. */
export function bigChain(params: Params, count: number, bytes: number): World {
  const world = new World(params);
  const script = payTo(ALICE);
  const extraOutputs = Array.from({ length: Math.floor(bytes / 31) }, () => ({ value: 0, script }));
  let at = world.get('G');
  for (let height = 1; height <= count; height++) at = world.add(`${height}`, at, { extraOutputs });
  return world;
}
