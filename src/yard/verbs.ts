import type { Fields, Verb } from './verb.ts';
import { invalidate, precious, reconsider } from './verbs/choice.ts';
import { heal, partition } from './verbs/cuts.ts';
import { faucet } from './verbs/faucet.ts';
import { hold, mine, release } from './verbs/mining.ts';
import { doubleSpend, send } from './verbs/payments.ts';
import { freeze, kill, set, start, thaw } from './verbs/processes.ts';
import { reorg } from './verbs/reorg.ts';
import { holdLinks, link, releaseLinks, stepLinks } from './verbs/wires.ts';

/** Every verb of a yard by its name: the same fields, bounds, plans and lines on a live yard and on a simulated one. */
export const VERBS = {
  mine,
  hold,
  release,
  send,
  faucet,
  'double-spend': doubleSpend,
  partition,
  heal,
  reorg,
  link,
  'hold-links': holdLinks,
  'release-links': releaseLinks,
  'step-links': stepLinks,
  kill,
  start,
  freeze,
  thaw,
  set,
  invalidate,
  reconsider,
  precious,
} as const;

export type VerbName = keyof typeof VERBS;

export function verbNamed(name: VerbName): Verb<Fields, unknown>;
export function verbNamed(name: string): Verb<Fields, unknown> | undefined;
export function verbNamed(name: string): Verb<Fields, unknown> | undefined {
  return Object.hasOwn(VERBS, name) ? (VERBS[name as VerbName] as Verb<Fields, unknown>) : undefined;
}
