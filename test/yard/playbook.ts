import type { Yard } from '../../src/yard/port.ts';
import { Problem } from '../../src/yard/problem.ts';
import { actionOf, type Given } from '../../src/yard/verb.ts';
import { type VerbName, verbNamed } from '../../src/yard/verbs.ts';

/** Every verb, as a story that both kinds of yard must tell in the same words: four nodes A to D, nobody mines. */
export const PLAYBOOK: readonly (readonly [VerbName, Given])[] = [
  ['hold', {}],
  // So slow that it finds no block of its own.
  ['set', { node: 'A', hashrate: '1H/s', mines: 'true' }],
  ['hold', {}],
  ['release', {}],
  ['mine', { node: 'A', blocks: '2', uncapped: true }],
  ['send', { from: 'alice', to: 'bob', amount: '1.5', node: 'B' }],
  ['send', { from: 'miner-a', to: 'bob', amount: '1.5', node: 'B' }],
  ['mine', { node: 'B', uncapped: true }],
  ['faucet', { to: 'carol', amount: '2' }],
  ['partition', { groups: 'AB/CD' }],
  ['double-spend', { from: 'erin', first: 'frank@A', second: 'grace@D' }],
  ['mine', { node: 'A', blocks: 2, hashrate: 'uncapped' }],
  ['mine', { node: 'D', blocks: 3, uncapped: 'true' }],
  ['heal', {}],
  ['partition', { groups: 'A>B' }],
  ['partition', { groups: 'C>D' }],
  ['heal', { wait: 'false' }],
  ['heal', {}],
  ['link', { links: 'A-C', delay: '30ms', jitter: '5ms' }],
  ['link', { links: 'A>C', loss: '1%' }],
  ['link', { links: 'C>A', drop: '10%' }],
  ['link', { drop: '95%' }],
  ['heal', {}],
  ['link', { links: 'A-C', clear: true }],
  ['link', { profile: 'lan' }],
  ['link', { profile: 'world', regions: 'europe,japan,australia,europe' }],
  ['link', { profile: 'none' }],
  ['hold-links', {}],
  ['step-links', { node: 'B' }],
  ['release-links', {}],
  ['release-links', {}],
  ['kill', { node: 'C' }],
  ['mine', { node: 'C' }],
  ['mine', { node: 'A', uncapped: true }],
  ['start', { node: 'C' }],
  ['start', { node: 'C' }],
  ['kill', { node: 'D', clean: true }],
  ['kill', { node: 'D' }],
  ['start', { node: 'D' }],
  ['freeze', { node: 'B' }],
  ['freeze', { node: 'B' }],
  ['set', { node: 'B', clock: '+5s' }],
  ['thaw', { node: 'B' }],
  ['thaw', { node: 'B' }],
  ['set', { node: 'C', clock: '+90s' }],
  ['set', { node: 'C', clock: '0s', hashrate: '200kH/s' }],
  ['set', { node: 'C', region: 'japan' }],
  ['reorg', { depth: '2', lead: '1', losers: 'CD' }],
  ['reorg', { depth: 2 }],
  ['invalidate', { node: 'D' }],
  ['precious', { node: 'A', 'tip-of': 'D' }],
  ['send', { from: 'alice', to: 'bob', amount: '1000000' }],
  ['send', { from: 'nobody', to: 'bob', amount: '1' }],
  ['mine', { node: 'Q' }],
  ['mine', { node: 'A', blocks: '0' }],
  ['partition', { groups: 'AB/C' }],
  ['link', {}],
  ['set', { node: 'A' }],
  ['release', { nodes: 'AB' }],
];

export interface Performed {
  readonly verb: string;
  readonly plan?: string;
  readonly steps?: readonly string[];
  readonly line?: string;
  readonly data?: unknown;
  readonly problem?: string;
}

/** Plays one verb; what differs from run to run (times, ids, tries) is blanked. */
export async function perform(
  yard: Yard,
  name: VerbName,
  fields: Given,
  context: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Performed> {
  const steps: string[] = [];
  const verb = `${name} ${JSON.stringify(fields)}`;
  let plan: string | undefined;
  try {
    const action = actionOf(verbNamed(name), yard, fields);
    plan = blank(action.plan);
    const done = await action.run({ ...context, step: (line) => steps.push(blank(line)) });
    return { verb, plan, steps, line: blank(done.line), data: blanked(done.data) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { verb, ...(plan === undefined ? {} : { plan }), problem: blank(error.message) };
  }
}

function blank(text: string): string {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/…[0-9a-f]{6}/g, '…ID')
    .replace(/\b[\d.]+[kMG]? (?:try|tries)\b/g, 'N tries')
    .replace(/work [\d.]+[kMG]?/g, 'work N')
    .replace(/ · (?:on|[A-D ]+ had) .*/g, '')
    .replace(/seen by \d/g, 'seen by some')
    .replace(/accepted by [A-D ]+/g, 'accepted')
    .replace(/(after|in|·) [\d.]+ (?:ms|s|min)\b/g, '$1 T')
    .replace(/[\d.]+ (?:ms|s) N tries/g, 'T N tries')
    .replace(/[\d.]+ (?:ms|s|min) (in all|on the wire)/g, 'T $1');
}

/** Fields that differ from run to run, or tell how far something has spread on a machine of some speed. */
const VARY: ReadonlySet<string> = new Set(
  ['ms', 't', 'seq', 'afterMs', 'heldMs', 'tries', 'bytes'].concat('on', 'had', 'seen'),
);

function blanked(data: unknown, key = ''): unknown {
  if (VARY.has(key)) return typeof data;
  if (typeof data === 'string') return blank(data);
  if (Array.isArray(data)) {
    const items = data.map((item) => blanked(item));
    // Which node reorganises first is chance.
    return key === 'reorgs' ? items.sort((a, b) => (nodeOf(a) < nodeOf(b) ? -1 : 1)) : items;
  }
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, blanked(value, name)]));
}

function nodeOf(item: unknown): string {
  return (item as { readonly node: string }).node;
}
