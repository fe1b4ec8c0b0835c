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
