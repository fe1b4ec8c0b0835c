import type { BlockRef, LogEvent } from '../events/events.ts';
import { byLetter } from '../observe/words/words.ts';
import { defined } from '../util/defined.ts';
import type { Yard } from './port.ts';

/** What the merged log tells of a verb that has just run: every figure comes from there. */

export interface SeenReorg {
  readonly node: string;
  readonly t: number;
  readonly fork: BlockRef;
  readonly depth: number;
  readonly length: number;
  readonly out: readonly BlockRef[];
  readonly in: readonly BlockRef[];
}

/** Events of the merged log from number `mark` on and not older than `began` by the clock. */
export async function eventsSince(yard: Yard, mark: number, began: number): Promise<LogEvent[]> {
  const events = await yard.events.since(mark);
  return events.filter((e) => e.t >= began);
}

export async function reorgsSince(yard: Yard, mark: number, began: number): Promise<SeenReorg[]> {
  return reorgsIn(await eventsSince(yard, mark, began));
}

export function reorgsIn(events: readonly LogEvent[]): SeenReorg[] {
  const reorgs: SeenReorg[] = [];
  for (const e of events) {
    if (e.kind !== 'reorg') continue;
    const { node, t, fork, depth, length, out } = e;
    reorgs.push({ node, t, fork, depth, length, out, in: e.in });
  }
  return reorgs;
}

/** `C D reorg depth 2`, nodes with the same depth together. */
export function tellReorgs(reorgs: readonly SeenReorg[]): string {
  const by = new Map<number, string[]>();
  for (const r of reorgs) by.set(r.depth, [...new Set([...(by.get(r.depth) ?? []), r.node])].sort(byLetter));
  return [...by]
    .sort(([a], [b]) => b - a)
    .map(([depth, nodes]) => `${nodes.join(' ')} reorg depth ${depth}`)
    .join(', ');
}

export interface Fates {
  /** txid → nodes that took it back into their pool. */
  readonly returned: ReadonlyMap<string, readonly string[]>;
  /** txid → what took its coin. */
  readonly lost: ReadonlyMap<
    string,
    { readonly by?: string; readonly block?: string; readonly nodes: readonly string[] }
  >;
}

/** What became of payments in blocks that were disconnected. */
export function fatesIn(events: readonly LogEvent[]): Fates {
  const returned = new Map<string, string[]>();
  const lost = new Map<string, { by?: string; block?: string; nodes: string[] }>();
  for (const e of events) {
    if (e.kind === 'tx-returned') returned.set(e.txid, [...(returned.get(e.txid) ?? []), e.node]);
    if (e.kind !== 'tx-lost') continue;
    // It may have come back before the block came that took its coin.
    const still = returned.get(e.txid)?.filter((node) => node !== e.node) ?? [];
    if (still.length > 0) returned.set(e.txid, still);
    else returned.delete(e.txid);
    const known = lost.get(e.txid);
    if (known !== undefined) known.nodes.push(e.node);
    else {
      const by = e.by === undefined ? {} : { by: e.by };
      lost.set(e.txid, { ...by, ...defined({ block: e.block }), nodes: [e.node] });
    }
  }
  return { returned, lost };
}
