import { conflictDepth } from '../../observe/state/agreement.ts';
import { keptBlocks } from '../../observe/state/fold.ts';
import type { SeenBlock } from '../../observe/state/forest.ts';
import { formatMs } from '../../observe/words/units.ts';
import { FIGURES, type FigureKind } from './assertion-figures.ts';
import type { ScenarioWatch } from './watch.ts';

/** The figures of `assertion-figures.ts`, computed from what a watch saw since a moment. Times in milliseconds. */

export interface FigureQuestion {
  readonly figure: FigureKind;
  readonly of: string | undefined;
  readonly since: string | undefined;
}

/** Undefined when nothing has happened that the figure could be of. */
export function figureOf(watch: ScenarioWatch, question: FigureQuestion, now: number): number | undefined {
  const { figure, of } = question;
  const from = question.since === undefined ? watch.began : (watch.marks.get(question.since) ?? watch.began);
  const mined = watch.mined.filter((b) => b.t >= from);
  const reorgs = watch.reorgs.filter((r) => r.t >= from && (of === undefined || r.node === of));
  switch (figure) {
    case 'blocks':
      return mined.filter((b) => of === undefined || b.node === of).length;
    case 'share':
      return mined.length === 0
        ? undefined
        : (100 * mined.filter((b) => b.node === of).length) / mined.length;
    case 'revenue':
      return revenue(watch, from, of!);
    case 'stale blocks':
      return stale(watch, from);
    case 'stale share': {
      const all = newBlocks(watch, from).length + unseen(watch, from).length;
      return all === 0 ? undefined : (100 * stale(watch, from)) / all;
    }
    case 'forked heights': {
      const heights = [...newBlocks(watch, from), ...unseen(watch, from)].map((b) => b.height);
      return new Set(heights.filter((h, i) => heights.indexOf(h) !== i)).size;
    }
    case 'height':
      return watch.best()?.height;
    case 'reorgs':
      return reorgs.length;
    case 'deepest reorg':
      return Math.max(0, ...reorgs.map((r) => r.depth));
    case 'conflict depth':
      return conflictDepth(watch.forest, watch.forest.tips.values());
    case 'deepest conflict':
      return Math.max(0, ...spans(watch, from, now).map((s) => s.conflict));
    case 'agreement share': {
      const total = now - from;
      if (total <= 0) return undefined;
      const agreed = spans(watch, from, now).reduce((sum, s) => sum + (s.agree ? s.ms : 0), 0);
      return (100 * agreed) / total;
    }
    case 'longest disagreement':
      return longestDisagreement(watch, from, now);
    case 'time to agreement':
      return timeToAgreement(watch, from);
    case 'propagation':
      return median(spreads(watch, from));
    case 'mean interval':
      return meanInterval(watch, from);
    case 'difficulty change':
      return difficultyChange(watch);
    case 'payments returned':
      return [...watch.returned.values()].filter((t) => t >= from).length;
    case 'payments lost':
      return [...watch.lost.values()].filter((t) => t >= from).length;
    case 'confirmations undone':
      return confirmationsUndone(watch, of!);
  }
}

/** `3 blocks`, `41.2 %`, `0.8 s`. */
export function formatFigure(figure: FigureKind, value: number | undefined): string {
  const { unit } = FIGURES[figure];
  if (value === undefined) return 'nothing to measure';
  if (unit === 'ms') return formatMs(value);
  if (unit === '%') return `${value.toFixed(1)} %`;
  if (unit === 'times') return `${value.toFixed(2)} times`;
  return `${value} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
}

function newBlocks(watch: ScenarioWatch, from: number): SeenBlock[] {
  return [...watch.forest.blocks.values()].filter(
    (b) => b.height > 0 && Math.min(...b.seenBy.values(), Number.POSITIVE_INFINITY) >= from,
  );
}

/**
 * How many blocks are on no node's branch, as `stats` counts them. While two branches have equal work, or are cut apart,
 * neither is stale. A block that a strategy never showed counts once a tip is as high.
 */
function stale(watch: ScenarioWatch, from: number): number {
  const kept = keptBlocks(watch.forest, watch.forest.tips);
  const height = watch.best()?.height ?? 0;
  const lost = unseen(watch, from).filter((b) => b.height <= height);
  return newBlocks(watch, from).filter((b) => !kept.has(b.id)).length + lost.length;
}

/** Found by a strategy's hidden node, and shown to nobody. */
function unseen(watch: ScenarioWatch, from: number): ScenarioWatch['mined'] {
  return watch.mined.filter((b) => b.hidden === true && b.t >= from && !watch.forest.blocks.has(b.id));
}

interface Span {
  readonly ms: number;
  readonly agree: boolean;
  readonly conflict: number;
}

/** The moments as stretches of time within [from, now]. */
function spans(watch: ScenarioWatch, from: number, now: number): Span[] {
  const { moments } = watch;
  const found: Span[] = [];
  for (const [i, moment] of moments.entries()) {
    const start = Math.max(from, moment.t);
    const end = Math.min(now, moments[i + 1]?.t ?? now);
    if (end > start || (end >= from && i === moments.length - 1))
      found.push({ ms: Math.max(0, end - start), agree: moment.agree, conflict: moment.conflict });
  }
  return found;
}

function longestDisagreement(watch: ScenarioWatch, from: number, now: number): number {
  let longest = 0;
  let running = 0;
  for (const span of spans(watch, from, now)) {
    running = span.agree ? 0 : running + span.ms;
    longest = Math.max(longest, running);
  }
  return longest;
}

function timeToAgreement(watch: ScenarioWatch, from: number): number | undefined {
  const heal = watch.heals.at(-1);
  if (heal === undefined || heal < from) return undefined;
  const before = watch.moments.findLast((m) => m.t <= heal);
  if (before?.agree === true) return 0;
  const agreed = watch.moments.find((m) => m.t > heal && m.agree);
  return agreed === undefined ? undefined : agreed.t - heal;
}

/** From a block's finding until the last node that is up had it, for blocks that all have. */
function spreads(watch: ScenarioWatch, from: number): number[] {
  const up = [...watch.forest.tips.keys()];
  return watch.mined.flatMap((mined) => {
    const seenBy = watch.forest.blocks.get(mined.id)?.seenBy;
    if (mined.t < from || mined.hidden === true || seenBy === undefined || !up.every((l) => seenBy.has(l)))
      return [];
    return [Math.max(0, ...up.map((l) => seenBy.get(l)! - mined.t))];
  });
}

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function meanInterval(watch: ScenarioWatch, from: number): number | undefined {
  const best = watch.best();
  if (best === undefined) return undefined;
  const times = watch.forest
    .branch(best.id)
    .map((b) => Math.min(...b.seenBy.values(), Number.POSITIVE_INFINITY))
    .filter((t) => t >= from && Number.isFinite(t));
  if (times.length < 2) return undefined;
  return (Math.max(...times) - Math.min(...times)) / (times.length - 1);
}

/** Work of the newest block over that of the first. */
function difficultyChange(watch: ScenarioWatch): number | undefined {
  const best = watch.best();
  const branch = best === undefined ? [] : watch.forest.branch(best.id).filter((b) => b.height > 0);
  if (branch.length < 3) return undefined;
  const own = (i: number) => Number(branch[i]!.work - branch[i + 1]!.work);
  // The genesis' own work is not in the log, so the second block is the first whose work is known.
  return own(0) / own(branch.length - 2);
}

/** Blocks found in secret count from when they are shown: before, no branch has them. */
function revenue(watch: ScenarioWatch, from: number, node: string): number | undefined {
  const best = watch.best();
  const fresh = new Set(newBlocks(watch, from));
  const branch = best === undefined ? [] : watch.forest.branch(best.id).filter((b) => fresh.has(b));
  if (branch.length === 0) return undefined;
  return (100 * branch.filter((b) => b.miner === node).length) / branch.length;
}

function confirmationsUndone(watch: ScenarioWatch, name: string): number | undefined {
  const txid = watch.named.get(name);
  if (txid === undefined) return undefined;
  const undone = watch.nodes.filter((l) => watch.payments.standing(txid, l).kind !== 'confirmed');
  return Math.max(0, ...undone.map((l) => watch.payments.deepest(txid, l)));
}
