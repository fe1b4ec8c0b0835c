import type { EpochFigures } from './epochs.ts';
import type { RunFigures } from './figures.ts';
import {
  basisOf,
  digits,
  type FigureRow,
  figureRows,
  LEAST_EVENTS,
  measuredWords,
  percent,
  predictedWords,
} from './rows.ts';

/** The panel "do they agree?": what is measured now beside what theory says, in three short columns. */
export interface AgreementPanel {
  /** What began the time that the measured column speaks of: `A stopped`. */
  readonly since: string;
  /** Is a cut open now? */
  readonly cut: boolean;
  /** While a cut is open, what the formulas say of the network before it. */
  readonly predictedFor: 'predicted' | 'predicted uncut';
  readonly rows: readonly PanelRow[];
  /** A sentence below. */
  readonly foot: string;
}

interface PanelRow {
  readonly name: string;
  readonly measured: string;
  /** '' where no formula holds. */
  readonly predicted: string;
}

/** Of all figures those a newcomer asks for: do some two nodes contradict each other, how deep, and what is lost by it? */
const SHOWN: readonly string[] = ['0 deep (the tip)', '1 deep', '2 deep', 'forked heights', 'stale blocks'];

/** The latest epoch without a cut in which a block was found: what an open cut is compared with. */
export function latestUncut(run: RunFigures): EpochFigures | undefined {
  return run.epochs.findLast((epoch) => !epoch.cut && epoch.blocks > 0);
}

/** Undefined before the log says anything. */
export function agreementPanel(run: RunFigures): AgreementPanel | undefined {
  const current = run.cut ?? run.epochs.at(-1);
  if (current === undefined) return undefined;
  const compared = current.cut ? latestUncut(run) : current;
  const theory = compared === undefined ? [] : figureRows(compared, compared.shape);
  const predictions = new Map(theory.map((row) => [shortName(row.name), predictedWords(row)]));
  const measured = new Map(figureRows(current, current.shape).map((row) => [shortName(row.name), row]));
  const rows = SHOWN.flatMap((name) => {
    const row = measured.get(name);
    if (row === undefined) return [];
    return [{ name, measured: shortWords(row), predicted: predictions.get(name) ?? '' }];
  });
  return {
    since: current.because,
    cut: current.cut,
    predictedFor: current.cut ? 'predicted uncut' : 'predicted',
    rows,
    foot: current.cut
      ? 'while a cut is open no depth is safe'
      : `since ${current.because}: ${basisWords(current)}`,
  };
}

function shortName(name: string): string {
  const deep = /^A(\d+) /.exec(name);
  if (deep !== null) return deep[1] === '0' ? '0 deep (the tip)' : `${deep[1]} deep`;
  return name === 'heights with a fork' ? 'forked heights' : name;
}

/** Short enough for a column of thirteen. */
function shortWords(row: FigureRow): string {
  if (row.n < LEAST_EVENTS) return row.count;
  if (row.value === 0 && row.interval !== undefined) return `0, < ${percent(row.interval.high)}`;
  return measuredWords(row);
}

function basisWords(epoch: EpochFigures): string {
  const basis = basisOf(epoch, epoch.shape);
  if (basis.kind === 'none') return `no closed form: ${basis.why}`;
  const x = `x = ${digits(basis.x)} blocks per delay`;
  return basis.adjusted ? `${x}; ≈ equal heights are not equal work here` : x;
}
