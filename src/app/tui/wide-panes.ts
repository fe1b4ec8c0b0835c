import { join, type Line, line, styled } from './screen.ts';
import { READ_DEPTHS, type TuiState } from './state.ts';

/** What only a wide window has room for: the agreement panel and who found what. */

/** Below so many seconds a share says nothing: the count stands alone. */
const ENOUGH_SECONDS = 30;

export function agreePane(state: TuiState): Line[] {
  const { seconds, differ } = state.samples;
  const isCut = state.forest.cut !== undefined;
  const head = `${'reads that differ'.padEnd(20)}${isCut ? 'this cut' : 'since the last change'}`;
  const rows = Array.from({ length: READ_DEPTHS }, (_, deep) => {
    const n = differ[deep] ?? 0;
    const share = seconds >= ENOUGH_SECONDS ? `  ${((100 * n) / seconds).toFixed(1)} %` : '';
    const name = `${deep} deep${deep === 0 ? ' (the tip)' : ''}`;
    return line(` ${name.padEnd(20)}${n} of ${seconds} s${share}`);
  });
  const words = isCut ? 'while a cut is open no depth is safe' : 'two nodes asked at the same moment';
  return [styled(` ${head}`, 'dim'), ...rows, styled(` ${words}`, 'dim')];
}

/** Bars are as long as their share of this. */
const BAR = 10;

export function minersPane(state: TuiState, rows: number): Line[] {
  const most = Math.max(1, ...state.tally.map((t) => t.blocks));
  const bars = state.tally.map(({ miner, blocks, stale }) => {
    const name = miner === '' ? '?' : miner;
    const bar = '█'.repeat(Math.max(blocks > 0 ? 1 : 0, Math.round((BAR * blocks) / most)));
    return join(styled(` ${name} `, `node:${name}`), line(`${bar} ${blocks} / ${stale}`));
  });
  const depths = new Map<number, number>();
  for (const { depth } of state.forest.reorgs) depths.set(depth, (depths.get(depth) ?? 0) + 1);
  const told = [...depths].sort(([a], [b]) => a - b).map(([depth, n]) => `${n} of depth ${depth}`);
  const last = told.length === 0 ? ' no reorg so far' : ` reorgs so far: ${told.slice(0, 4).join(', ')}`;
  // Where a line each does not sized, two stand on one.
  const half = Math.ceil(bars.length / 2);
  const isTight = bars.length + 1 > rows;
  const shown = isTight ? bars.slice(0, half).map((b, i) => pair(b, bars[half + i])) : bars;
  return [...shown.slice(0, rows - 1), line(last)];
}

function pair(left: Line, right: Line | undefined): Line {
  if (right === undefined) return left;
  return join(left, line(' '.repeat(Math.max(1, 23 - left.text.length))), right);
}
