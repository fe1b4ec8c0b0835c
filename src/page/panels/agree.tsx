import type { RunFigures } from '../../observe/figures/figures.ts';
import { latestUncut } from '../../observe/figures/panel.ts';
import {
  basisOf,
  type FigureRow,
  figureRows,
  figureSentence,
  LEAST_EVENTS,
  percent,
  predictedWords,
} from '../../observe/figures/rows.ts';
import type { Figures } from '../../observe/figures/tally.ts';
import { agreementWords, basisWords } from '../../observe/figures/words.ts';
import { agreementOf } from '../../observe/state/agreement.ts';
import { byLetter, clockSpan } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import type { App, SpanOfTime } from '../state/app.ts';
import { useWidth } from '../state/use-width.ts';

/** Do two nodes give the same answer? In words, then measured beside predicted, by depth. */

/** Depths that get a bar; more are told as counts of reorganisations below. */
const BARS = 5;
const ROW = 26;
const FIRST = 82;
const LAST = 118;

/** What the panel speaks of: one stretch of time, and what is predicted for it. */
export interface Chosen {
  readonly figures: Figures;
  readonly rows: readonly FigureRow[];
  /** Rows by id that carry the prediction: those of the time before, while a cut is open. */
  readonly theory: ReadonlyMap<string, FigureRow>;
  readonly because: string;
  readonly isUncut: boolean;
  readonly words: string;
  readonly sentence: string;
}

export function chosenFigures(run: RunFigures, span: SpanOfTime): Chosen | undefined {
  const current = run.cut ?? run.epochs.at(-1);
  if (current === undefined) return undefined;
  const uncut = latestUncut(run);
  const one = span === 'before' ? (uncut ?? current) : current;
  // All of a log under one formula only if its conditions never changed.
  const isWhole = span === 'whole';
  const figures: Figures = isWhole ? run.whole : one;
  const { shape } = isWhole && run.epochs.length > 1 ? MIXED : one;
  const rows = figureRows(figures, shape);
  const borrowed = one.cut && !isWhole ? uncut : undefined;
  const source = borrowed ?? figures;
  // What is predicted rests on the rate of blocks: of few blocks that would be noise too.
  const isKnown = source.blocks >= LEAST_EVENTS;
  const theory = borrowed === undefined ? rows : figureRows(borrowed, borrowed.shape);
  return {
    figures,
    rows,
    theory: new Map(isKnown ? theory.map((row) => [row.id, row]) : []),
    because: isWhole ? 'the whole run' : one.because,
    isUncut: borrowed !== undefined,
    words:
      isKnown || borrowed !== undefined || shape.kind === 'other'
        ? basisWords(basisOf(figures, shape), shape)
        : FEW_WORDS,
    sentence: figureSentence(figures, shape),
  };
}

const FEW_WORDS = `What theory predicts stands here once ${LEAST_EVENTS} blocks tell their rate.`;

const MIXED = { shape: { kind: 'other', why: 'conditions changed in this time' } } as const;

export function AgreePanel({ app }: { app: App }) {
  const { forest } = app.run;
  const run = app.figures();
  const chosen = chosenFigures(run, app.span);
  const up = [...forest.tips.keys()].sort(byLetter);
  return (
    <section class="panel agree" aria-label="Do they agree?">
      <h2>Do two nodes give the same answer?</h2>
      <p class="now">{agreementWords(agreementOf(forest, up), forest)}</p>
      {chosen !== undefined && <Measured app={app} run={run} chosen={chosen} />}
    </section>
  );
}

function Measured({ app, run, chosen }: { app: App; run: RunFigures; chosen: Chosen }) {
  const { figures, rows } = chosen;
  const show = (row: FigureRow) => () => app.select({ kind: 'figure', id: row.id, span: app.span });
  return (
    <>
      <Spans app={app} run={run} />
      <p class="because">
        {chosen.because} · {clockSpan(figures.to - figures.from)} · {plural(figures.blocks, 'block')}
      </p>
      <Bars app={app} chosen={chosen} />
      <dl class="rows">
        {rows
          .filter((row) => /^(?:stale|forked|agree)$/.test(row.id))
          .map((row) => (
            <div key={row.id}>
              <dt>{row.name}</dt>
              <dd>
                <button type="button" class="figure" onClick={show(row)}>
                  {valueWords(row)}
                </button>
                <span class="predicted">{theoryWords(chosen, row.id)}</span>
              </dd>
            </div>
          ))}
      </dl>
      <Depths app={app} figures={figures} />
      <p class="basis">{chosen.words}</p>
      <p class="sentence">{chosen.sentence}</p>
    </>
  );
}

function Spans({ app, run }: { app: App; run: RunFigures }) {
  const current = run.epochs.at(-1);
  const choices: readonly (readonly [SpanOfTime, string])[] = [
    ['now', current?.cut === true ? 'this cut' : 'since the last change'],
    ...(current?.cut === true ? ([['before', 'before the cut']] as const) : []),
    ['whole', 'whole run'],
  ];
  return (
    <p class="spans" role="group" aria-label="Which time">
      {choices.map(([span, words]) => (
        <button
          key={span}
          type="button"
          class={app.span === span ? 'on' : ''}
          aria-pressed={app.span === span}
          onClick={() => {
            app.span = span;
            app.changed();
          }}
        >
          {words}
        </button>
      ))}
    </p>
  );
}

/** Below so many events a percentage would be noise: then the count. */
export function valueWords(row: FigureRow): string {
  return row.n < LEAST_EVENTS ? row.count : percent(row.value);
}

function theoryWords(chosen: Chosen, id: string): string {
  const row = chosen.theory.get(id);
  if (row?.predicted === undefined) return '';
  return `predicted${chosen.isUncut ? ' uncut' : ''} ${predictedWords(row)}`;
}

/** D_k by depth: a bar, the 95 % interval as a line over its end, a dotted mark where theory puts it. */
function Bars({ app, chosen }: { app: App; chosen: Chosen }) {
  const [svg, width] = useWidth<SVGSVGElement>(300);
  const rows = chosen.rows.filter((row) => row.id.startsWith('D')).slice(0, BARS);
  if (rows.length === 0) return <p class="empty">One node alone cannot disagree.</p>;
  const most = Math.max(
    0.05,
    ...rows.map((row) => row.interval?.high ?? row.value),
    ...rows.map((row) => chosen.theory.get(row.id)?.predicted ?? 0),
  );
  const room = Math.max(40, width - FIRST - LAST);
  const x = (value: number) => FIRST + Math.min(1, value / most) * room;
  return (
    <svg
      ref={svg}
      class="bars"
      viewBox={`0 0 ${width} ${rows.length * ROW}`}
      height={rows.length * ROW}
      role="group"
      aria-label="Reads that differ, by depth"
    >
      {rows.map((row, i) => (
        <Bar key={row.id} app={app} chosen={chosen} row={row} x={x} width={width} y={i * ROW + ROW / 2} />
      ))}
    </svg>
  );
}

interface BarProps {
  readonly app: App;
  readonly chosen: Chosen;
  readonly row: FigureRow;
  readonly x: (value: number) => number;
  readonly width: number;
  readonly y: number;
}

function Bar({ app, chosen, row, x, width, y }: BarProps) {
  const predicted = chosen.theory.get(row.id)?.predicted;
  const k = row.id.slice(1);
  const name = k === '0' ? 'at the tip' : `${k} deep`;
  const open = () => app.select({ kind: 'figure', id: row.id, span: app.span });
  const { low: from, high: to } = row.interval ?? { low: row.value, high: row.value };
  const theory = theoryWords(chosen, row.id);
  return (
    <g
      class="bar"
      data-figure={row.id}
      role="button"
      tabIndex={0}
      aria-label={`Reads that differ ${name}: ${valueWords(row)}${theory === '' ? '' : `, ${theory}`}`}
      onClick={open}
      onKeyDown={(event) => {
        if (event.key === 'Enter') open();
      }}
    >
      <rect class="hit" x="0" y={y - ROW / 2} width={width} height={ROW} />
      <text x="0" y={y + 4}>
        {name}
      </text>
      <line class="axis" x1={x(0)} x2={x(0)} y1={y - 9} y2={y + 9} />
      <rect class="measured" x={x(0)} y={y - 7} width={Math.max(0, x(row.value) - x(0))} height="14" />
      {row.interval !== undefined && row.n >= LEAST_EVENTS && (
        <path
          class="error"
          d={`M${x(from)} ${y}H${x(to)}M${x(from)} ${y - 4}V${y + 4}M${x(to)} ${y - 4}V${y + 4}`}
        />
      )}
      {predicted !== undefined && (
        <line class="mark" x1={x(predicted)} x2={x(predicted)} y1={y - 11} y2={y + 11} />
      )}
      <text class="value" x={width} y={y + 4}>
        {valueWords(row)}
      </text>
      <title>{`${row.name}. ${theory === '' ? 'No closed form here.' : theory}. Click: how it is counted`}</title>
    </g>
  );
}

/** How deep nodes had to undo: a count a depth. */
function Depths({ app, figures }: { app: App; figures: Figures }) {
  const { reorgs } = figures;
  if (reorgs.length === 0) return <p class="depths">No node had to undo a block.</p>;
  const most = Math.max(...reorgs.map((r) => r.count));
  return (
    <div class="depths">
      <span>Reorganisations by depth</span>
      {reorgs.slice(0, 12).map(({ depth, count: times }) => (
        <button
          key={depth}
          type="button"
          class="figure depth"
          onClick={() => app.select({ kind: 'figure', id: `reorg${depth}`, span: app.span })}
        >
          <i style={{ height: `${4 + (20 * times) / most}px` }} />
          {times} × {depth} deep
        </button>
      ))}
    </div>
  );
}
