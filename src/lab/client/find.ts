import type { LogEvent } from '../../events/events.ts';
import { type Forest, newForest } from '../../observe/state/forest.ts';
import { blockName, tailOf } from '../../yard/names.ts';
import { failed, missing, misuse } from '../../yard/problem.ts';
import type { YardClient } from './client.ts';

/** Where a payment or a block is, on every node; and the whole tree, as the nodes have it now. */

interface BlockPlace {
  readonly id: string;
  readonly height: number;
  readonly miner: string;
}

/** A node's answer to `findtx`. */
export interface TxPlace {
  readonly txid: string;
  readonly state: 'pool' | 'block' | 'stale' | 'conflict';
  readonly block?: BlockPlace;
  readonly confirmations?: number;
  /** The transaction that took its coin. */
  readonly by?: string;
  readonly byBlock?: BlockPlace;
}

export interface FoundTx {
  readonly txid: string;
  /** By letter; undefined = the node does not know it; absent = the node is down. */
  readonly places: ReadonlyMap<string, TxPlace | undefined>;
}

function checkTail(tail: string): string {
  const digits = tail.replace(/^…/, '').toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(digits)) {
    throw misuse(`'${tail}' is not the end of an id`, 'Give some of its last digits, such as a91f3c');
  }
  return digits;
}

/** Asks all nodes that are up; a tail that fits several is refused with their list. */
async function askAll<T extends { readonly [key: string]: unknown }>(
  client: YardClient,
  method: string,
  tail: string,
  idOf: (item: T) => string,
): Promise<{ id: string; places: Map<string, T | undefined> }> {
  const up = await client.up();
  const answers = await Promise.all(up.map((l) => client.call<T[]>(l, method, [tail])));
  const ids = [...new Set(answers.flat().map(idOf))];
  const what = method === 'findtx' ? 'payment' : 'block';
  if (ids.length === 0) throw missing(`no node knows a ${what} that ends in ${tail}`);
  if (ids.length > 1) {
    throw misuse(
      `${ids.length} ${what}s end in ${tail}`,
      `Give more digits: ${ids
        .slice(0, 5)
        .map((i) => `…${i.slice(-12)}`)
        .join(', ')}`,
    );
  }
  const places = new Map(up.map((l, i) => [l, answers[i]!.find((a) => idOf(a) === ids[0])]));
  return { id: ids[0]!, places };
}

export async function findTx(client: YardClient, tail: string): Promise<FoundTx> {
  const { id, places } = await askAll<TxPlace & Record<string, unknown>>(
    client,
    'findtx',
    checkTail(tail),
    (t) => t.txid,
  );
  return { txid: id, places };
}

/** One node's line: `waiting`, `8A depth 2`, `conflict with …77c0 in 8A`, `unknown`. */
export function describePlace(place: TxPlace | undefined): string {
  if (place === undefined) return 'unknown';
  const where = place.block === undefined ? '' : blockName(place.block);
  if (place.state === 'pool') return 'waiting';
  if (place.state === 'block') return `${where} depth ${place.confirmations ?? '?'}`;
  const by = place.by === undefined ? '' : `, its coin is spent by ${tailOf(place.by)}`;
  const inBlock = place.byBlock === undefined ? '' : ` in ${blockName(place.byBlock)}`;
  return place.state === 'stale'
    ? `stale: only in ${where}${by}${inBlock}`
    : `conflict with ${tailOf(place.by ?? '')}${inBlock}`;
}

/** The sentence above the lines. */
export function describeTx(found: FoundTx): string {
  const states = [...found.places].map(([letter, p]) => [letter, p?.state ?? 'unknown'] as const);
  const kinds = new Set(states.map(([, s]) => s));
  const name = `Payment ${tailOf(found.txid)}`;
  // A node that never heard of a payment does not contradict one that knows it was undone.
  if (kinds.size > 1 && !kinds.has('pool') && !kinds.has('block')) kinds.delete('unknown');
  if (kinds.size > 1) return `${name}: the nodes do not agree about it.`;
  const depths = [...found.places.values()].map((p) => p?.confirmations ?? 0);
  const least = Math.min(...depths);
  switch ([...kinds][0]) {
    case 'pool':
      return `${name} waits for a block, on every node.`;
    case 'block':
      return `${name} is confirmed on every node, at least ${least} deep.`;
    case 'conflict':
      return `${name} is undone: its coin is spent by another payment.`;
    default:
      return `${name} is in no node's chain.`;
  }
}

export interface FoundBlock {
  readonly id: string;
  readonly height: number;
  readonly miner: string;
  readonly places: ReadonlyMap<
    string,
    { readonly active: boolean; readonly confirmations: number } | undefined
  >;
}

interface BlockAnswer extends BlockPlace {
  readonly active: boolean;
  readonly confirmations: number;
  readonly status: string;
  readonly [key: string]: unknown;
}

/** By tail of its id, or by name (`8A`). */
export async function findBlock(client: YardClient, what: string): Promise<FoundBlock> {
  const named = /^(\d+)([A-Z]|N\d+)('*)$/.exec(what);
  const tail = named === null ? checkTail(what) : (await idOfName(client, what)).slice(-64);
  const { id, places } = await askAll<BlockAnswer>(client, 'findblock', tail, (b) => b.id);
  const any = [...places.values()].find((p) => p !== undefined)!;
  return { id, height: any.height, miner: any.miner, places };
}

/** How far back names are looked up. */
const NAMED_HEIGHTS = 2_000;

async function idOfName(client: YardClient, name: string): Promise<string> {
  const forest = await readForest(client, NAMED_HEIGHTS);
  const block = [...forest.blocks.values()].find((b) => b.label === name);
  if (block === undefined) throw failed(`no node knows a block ${name} in the last ${NAMED_HEIGHTS} heights`);
  return block.id;
}

interface TreeBlock {
  readonly id: string;
  readonly prev: string;
  readonly height: number;
  readonly work: string;
  readonly miner: string;
  readonly txs: number;
  readonly time: number;
  readonly status: string;
}

/**
 * The tree as the nodes have it now: what each knows of the last heights, merged in order of height and, among equals, of
 * work and arrival, and told to a forest as if it came from the log.
 */
export async function readForest(client: YardClient, last: number): Promise<Forest> {
  const up = await client.up();
  const trees = await Promise.all(
    up.map((l) => client.call<{ tip: string; blocks: TreeBlock[] }>(l, 'getblocktree', [last])),
  );
  const seen = new Map<string, { block: TreeBlock; nodes: string[] }>();
  for (const [i, tree] of trees.entries()) {
    for (const block of tree.blocks) {
      const known = seen.get(block.id);
      if (known === undefined) seen.set(block.id, { block, nodes: [up[i]!] });
      else known.nodes.push(up[i]!);
    }
  }
  const forest = newForest();
  const best = mostWork(
    seen,
    trees.map((t) => t.tip),
  );
  const order = [...seen.values()].sort(
    (a, b) =>
      a.block.height - b.block.height ||
      Number(best.has(b.block.id)) - Number(best.has(a.block.id)) ||
      b.nodes.length - a.nodes.length ||
      (a.block.id < b.block.id ? -1 : 1),
  );
  const event = (node: string, news: object) =>
    forest.apply({ v: 1, seq: 0, t: 0, node, ...news } as LogEvent);
  const genesis = order[0]?.block.height === 0 ? order[0].block.id : undefined;
  if (genesis !== undefined) event(up[0]!, { kind: 'start', genesis, id: genesis });
  for (const { block, nodes } of order) {
    for (const node of nodes) event(node, { kind: 'block', ...block, size: 0, from: '' });
  }
  for (const [i, tree] of trees.entries()) {
    for (const { id, status } of tree.blocks)
      if (status === 'invalid') event(up[i]!, { kind: 'refused', id });
    const tip = seen.get(tree.tip)?.block;
    if (tip !== undefined) event(up[i]!, { kind: 'tip', ...tip, old: '', because: 'work' });
  }
  const groups = client.refresh().groups;
  if (groups !== undefined) event('', { kind: 'partition', groups });
  return forest;
}

/** Ids on the branch of the tip with most work, so that it is drawn straight. */
function mostWork(seen: ReadonlyMap<string, { block: TreeBlock }>, tips: readonly string[]): Set<string> {
  let best: TreeBlock | undefined;
  for (const id of tips) {
    const tip = seen.get(id)?.block;
    if (tip !== undefined && (best === undefined || BigInt(`0x${tip.work}`) > BigInt(`0x${best.work}`)))
      best = tip;
  }
  const branch = new Set<string>();
  for (let at = best; at !== undefined; at = seen.get(at.prev)?.block) branch.add(at.id);
  return branch;
}
