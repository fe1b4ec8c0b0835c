import type { BlockRef, LogEvent } from '../../events/events.ts';
import { defined } from '../../util/defined.ts';
import { sleep } from '../action.ts';
import type { YardClient } from './client.ts';

/** What the merged log tells of an action that just happened: every figure comes from there. */

export interface SeenReorg {
  readonly node: string;
  readonly t: number;
  readonly fork: BlockRef;
  readonly depth: number;
  readonly length: number;
  readonly out: readonly BlockRef[];
  readonly in: readonly BlockRef[];
}

/** Long enough for events that are on their way to be in the merged log (it orders within 30 ms). */
const SETTLE_MS = 120;

/** Events of the merged log from number `mark` on and not older than `since` by the clock. */
export async function eventsSince(client: YardClient, mark: number, since: number): Promise<LogEvent[]> {
  await sleep(SETTLE_MS);
  const found: LogEvent[] = [];
  for (let after = mark; ; ) {
    const batch = await client.events(after);
    if (batch.length === 0) break;
    after = batch[batch.length - 1]!.seq;
    found.push(...batch);
  }
  return found.filter((e) => e.t >= since);
}

export async function reorgsSince(client: YardClient, mark: number, since: number): Promise<SeenReorg[]> {
  return reorgsIn(await eventsSince(client, mark, since));
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
