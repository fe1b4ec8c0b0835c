import { agreementPanel } from '../../observe/figures/panel.ts';
import { block, join, type Line, line, styled, wrap } from './screen.ts';
import type { TuiState } from './state.ts';

/** What only a wide window has room for: the agreement panel and who found what. */

/** Columns of the agreement panel: what, measured, predicted. */
const NAME = 18;
const MEASURED = 13;
/** Characters in a line of the right half. */
const WIDTH = 45;
/** Always as many, so that the panes below stay where they are. */
const AGREE_ROWS = 8;

export function agreePane(state: TuiState): Line[] {
  const panel = agreementPanel(state.run);
  if (panel === undefined) return block([styled(' nothing is known yet', 'dim')], AGREE_ROWS);
  const { rows, cut, predictedFor, foot } = panel;
  const cells = (name: string, measured: string, predicted: string) =>
    ` ${name.padEnd(NAME)}${measured.padEnd(MEASURED)}${predicted}`.trimEnd();
  const lines = [
    styled(cells('answers differ', cut ? 'this cut' : 'measured', predictedFor), 'dim'),
    ...rows.map((row) => line(cells(row.name, row.measured, row.predicted))),
    ...wrap(foot, WIDTH).map((text) => styled(` ${text}`, 'dim')),
  ];
  return block(lines.slice(0, AGREE_ROWS), AGREE_ROWS);
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
