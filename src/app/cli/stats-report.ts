import { lineFaultWords } from '../../events/read.ts';
import type { Shape } from '../../observe/figures/conditions.ts';
import type { EpochFigures } from '../../observe/figures/epochs.ts';
import type { RunFigures } from '../../observe/figures/figures.ts';
import {
  ADJUSTED_WORDS,
  basisOf,
  DELAY_WORDS,
  digits,
  type FigureRow,
  figureRows,
  figureSentence,
  spreadWords,
} from '../../observe/figures/rows.ts';
import type { Figures } from '../../observe/figures/tally.ts';
import { formatMs } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import type { LogReading } from './stats-log.ts';
import { figureLines } from './stats-table.ts';

/** Figures as `stats` prints them: measured, predicted, N, SE, and one sentence in words. */
export interface StatsReport {
  readonly run: RunFigures;
  /** Those to be shown in full. */
  readonly epochs: readonly EpochFigures[];
  readonly reading: LogReading;
  readonly paths: readonly string[];
}

/** Of the whole run no formula is asked: its conditions changed, or one epoch says it already. */
const WHOLE: Shape = { kind: 'other', why: 'conditions changed during the run: see the epochs' };

/** What `--json` prints. */
export function statsJson({ run, epochs, reading, paths }: StatsReport): object {
  return {
    log: { paths, ...reading },
    epochs: epochs.map((e) => ({ ...e, basis: basisOf(e, e.shape), rows: figureRows(e, e.shape) })),
    whole: { ...run.whole, rows: figureRows(run.whole, wholeShape(run)) },
    heals: run.heals,
    nodes: run.nodes,
    sentence: figureSentence(...sentenceOf(run, epochs)),
  };
}

/** One epoch that is the whole run lends it its shape. */
function wholeShape(run: RunFigures): Shape {
  const [only, ...more] = run.epochs;
  return only !== undefined && more.length === 0 ? only.shape : WHOLE;
}

function sentenceOf(run: RunFigures, chosen: readonly EpochFigures[]): readonly [Figures, Shape] {
  const [only, ...more] = chosen;
  return only !== undefined && more.length === 0 ? [only, only.shape] : [run.whole, wholeShape(run)];
}

/** How lines are set: what marks a heading, and what a table becomes. */
export interface Setting {
  readonly strong: (text: string) => string;
  /** So wide may a table be. */
  readonly columns: number;
  readonly rows: (rows: readonly (readonly string[])[]) => readonly string[];
}

/** The whole report for a person. */
export function* statsLines({ run, epochs, reading }: StatsReport, setting: Setting): Iterable<string> {
  if (reading.torn)
    yield 'The last line of the log is torn (a crash, or a copy made while it was written); it is left out.';
  if (reading.skipped > 0)
    yield `${plural(reading.skipped, 'line')} of the log ${reading.skipped === 1 ? 'is no event and is' : 'are not events and are'} left out:`;
  for (const fault of reading.faults) yield `  ${lineFaultWords(fault)}`;
  for (const epoch of epochs) {
    yield setting.strong(
      `Epoch ${epoch.epoch}${epoch.open ? ', going on' : ''}: ${epoch.because} · ${times(epoch)}`,
    );
    yield* section(epoch, epoch.shape, setting);
    yield '';
  }
  const others = run.epochs.length > 1;
  if (others) {
    yield setting.strong(`Whole run, ${run.epochs.length} epochs (stats --epoch all) · ${times(run.whole)}`);
    yield* section(run.whole, WHOLE, setting, true);
    yield '';
  }
  const { heals } = run;
  if (heals.count > 0) {
    const { count: healed, agreed, meanMs, maxMs } = heals;
    const most = agreed < 2 ? '' : ` on average, ${formatMs(maxMs)} at most`;
    const took = agreed === 0 ? '' : `, after ${formatMs(meanMs)}${most}`;
    yield `Healed ${timesWord(healed)}; all agreed again ${timesWord(agreed)}${took}.`;
  }
  yield figureSentence(...sentenceOf(run, epochs));
}

function times(figures: Figures): string {
  const rate = figures.blocksPerS === 0 ? '' : `, one every ${formatMs(1000 / figures.blocksPerS)}`;
  return `${formatMs(figures.upMs)} · ${plural(figures.blocks, 'block')}${rate}`;
}

function timesWord(n: number): string {
  return n === 0 ? 'not once' : n === 1 ? 'once' : `${n} times`;
}

/** The table of one stretch of time, and what does not fit into its columns. */
function* section(figures: Figures, shape: Shape, setting: Setting, quietBasis = false): Iterable<string> {
  if (figures.blocks === 0) {
    yield '  no block was found';
    return;
  }
  const basis = basisOf(figures, shape);
  const rows = figureRows(figures, shape).filter(isTelling);
  for (const line of figureLines(rows, setting.columns - 2, setting.rows)) yield `  ${line}`;
  yield `  mined → body  ${spreadWords(figures.body)}`;
  yield `  mined → tip   ${spreadWords(figures.tip)}`;
  yield `  mined → job   ${spreadWords(figures.job)}`;
  yield `  contradictions  ${windowWords(figures)}`;
  yield `  reorgs  ${reorgWords(figures)}`;
  yield `  common prefix  reads ${figures.commonPrefixFrom} deep or deeper were never undone or contradicted`;
  yield `  blocks / stale  ${figures.miners.map((m) => `${m.miner} ${m.blocks} / ${m.stale}`).join(' · ')}`;
  if (figures.workDecreases > 0)
    yield `  BROKEN: ${figures.workDecreases} times a node went to less work by itself`;
  if (basis.kind === 'none') {
    if (!quietBasis) yield `  no closed form here (${basis.why}); only a simulation can predict this`;
    return;
  }
  const names = basis.kind === 'clique' ? 'miners at one delay' : 'two clusters';
  yield `  predicted for ${names}: x = λd = ${digits(basis.x)} (${digits(basis.blocksPerS)} blocks/s × ${digits(basis.delayMs)} ms ${DELAY_WORDS[basis.delayOf]}), HHI ${digits(basis.hhi)}`;
  if (basis.adjusted) yield `  ${ADJUSTED_WORDS}`;
}

/** Depths at which nothing happened, and nothing was predicted worth a line, are left out; the tip stays. */
function isTelling(row: FigureRow): boolean {
  if (!/^[DAV][1-9]/.test(row.name)) return true;
  return row.value > 0 || (row.predicted !== undefined && row.predicted * row.n >= 1);
}

function windowWords({ windows }: Figures): string {
  if (windows.n === 0) return windows.openMs > 0 ? `one, open for ${formatMs(windows.openMs)}` : 'none';
  const open = windows.openMs > 0 ? `, one open for ${formatMs(windows.openMs)}` : '';
  return `${windows.n} (${digits(windows.perBlock)} a block), ${formatMs(windows.mean)} on average, 99 % within ${formatMs(windows.p99)}, longest ${formatMs(windows.max)}${open}`;
}

function reorgWords(figures: Figures): string {
  const forced = figures.forcedReorgs === 0 ? '' : ` · ${figures.forcedReorgs} forced`;
  if (figures.reorgs.length === 0) return `none${forced}`;
  return figures.reorgs.map(({ depth, count }) => `${count} × depth ${depth}`).join(', ') + forced;
}
