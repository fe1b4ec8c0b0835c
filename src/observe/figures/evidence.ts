import type { LogEvent } from '../../events/events.ts';
import { conflictDepth } from '../state/agreement.ts';
import { keptBlocks } from '../state/fold.ts';
import { newForest } from '../state/forest.ts';

/** The log lines behind a figure: whoever doubts it can count them. */

export interface Evidence {
  /** The newest of them, oldest first. */
  readonly lines: readonly LogEvent[];
  readonly total: number;
}

/** More than a person reads. */
const SHOWN = 40;

/**
 * `id` as in a figure's row, or `reorg3` for those of one depth; `from` to `to` is the stretch of time that the figure is
 * about, in log time. For a share of time the lines are those at which it began and ended to count.
 */
export function evidenceOf(events: readonly LogEvent[], id: string, from: number, to: number): Evidence {
  const inTime = (event: LogEvent) => event.t >= from && event.t <= to;
  const lines = linesOf(events, id, inTime);
  return { lines: lines.slice(-SHOWN), total: lines.length };
}

function linesOf(events: readonly LogEvent[], id: string, inTime: (event: LogEvent) => boolean): LogEvent[] {
  const k = Number(id.replace(/^\D+/, ''));
  switch (id.replace(/\d+$/, '')) {
    case 'stale':
      return staleBlocks(events).filter(inTime);
    case 'forked':
      return forkedHeights(events).filter(inTime);
    case 'V':
      return events.filter((e) => e.kind === 'reorg' && e.because === 'work' && e.depth > k && inTime(e));
    case 'reorg':
      return events.filter((e) => e.kind === 'reorg' && e.because === 'work' && e.depth === k && inTime(e));
    case 'agree':
      return turns(events, inTime, (tips) => new Set(tips.values()).size === 1);
    case 'lag':
      return turns(events, inTime, (tips, depth) => new Set(tips.values()).size > 1 && depth() === 0);
    case 'D':
    case 'A':
      return turns(events, inTime, (tips, depth) => new Set(tips.values()).size > 1 && depth() > k);
    default:
      return [];
  }
}

type Tips = ReadonlyMap<string, string>;

/** After these a node may have another tip, or none. */
const TURNS: ReadonlySet<LogEvent['kind']> = new Set(['tip', 'start', 'stop', 'process']);

/** Events at which a condition on all tips becomes true or false, while at least two nodes are up. */
function turns(
  events: readonly LogEvent[],
  inTime: (event: LogEvent) => boolean,
  holds: (tips: Tips, depth: () => number) => boolean,
): LogEvent[] {
  const forest = newForest();
  const found: LogEvent[] = [];
  let was = false;
  for (const event of events) {
    forest.apply(event);
    if (!TURNS.has(event.kind)) continue;
    const { tips } = forest;
    const is = tips.size > 1 && holds(tips, () => conflictDepth(forest, tips.values()));
    if (is !== was && inTime(event)) found.push(event);
    was = is;
  }
  return found;
}

/** Blocks found, and now on nobody's branch though somebody's is as high. */
function staleBlocks(events: readonly LogEvent[]): LogEvent[] {
  const forest = newForest();
  for (const event of events) forest.apply(event);
  const kept = keptBlocks(forest, forest.tips);
  let top = 0;
  for (const id of [...forest.tips.values(), ...forest.left.values()])
    top = Math.max(top, forest.blocks.get(id)?.height ?? 0);
  return events.filter((e) => e.kind === 'mined' && !kept.has(e.id) && e.height <= top);
}

function forkedHeights(events: readonly LogEvent[]): LogEvent[] {
  const found = new Map<number, Set<string>>();
  for (const event of events) {
    if (event.kind !== 'mined') continue;
    const at = found.get(event.height);
    if (at === undefined) found.set(event.height, new Set([event.id]));
    else at.add(event.id);
  }
  return events.filter((e) => e.kind === 'mined' && (found.get(e.height)?.size ?? 0) > 1);
}
