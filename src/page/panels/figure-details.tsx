import type { LogEvent } from '../../events/events.ts';
import { evidenceOf } from '../../observe/figures/evidence.ts';
import { type FigureRow, intervalWords, LEAST_EVENTS, predictedWords } from '../../observe/figures/rows.ts';
import { figureFormula, figureMeaning } from '../../observe/figures/words.ts';
import { narrate } from '../../observe/state/narrate.ts';
import { clockSpan } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import type { App, SpanOfTime } from '../state/app.ts';
import { type Chosen, chosenFigures, valueWords } from './agree.tsx';
import { Command } from './command.tsx';

/** A figure that was clicked: what it means, how it is counted, what theory says, and the log lines behind it. */
export function FigureDetails({ app, id, span }: { app: App; id: string; span: SpanOfTime }) {
  const chosen = chosenFigures(app.figures(), span);
  if (chosen === undefined) return <p>The log says nothing of this yet.</p>;
  const row = chosen.rows.find((r) => r.id === id);
  return (
    <>
      <h2>{row?.name ?? `Reorganisations ${id.slice('reorg'.length)} deep`}</h2>
      <p>{figureMeaning(id)}</p>
      {row !== undefined && <Value row={row} />}
      <p>
        <code>{figureFormula(id)}</code>
      </p>
      <Theory chosen={chosen} id={id} />
      <p class="because">
        Time: {chosen.because}, {clockSpan(chosen.figures.to - chosen.figures.from)}.
      </p>
      <Lines app={app} chosen={chosen} id={id} />
      <Command>forkyard stats</Command>
    </>
  );
}

function Value({ row }: { row: FigureRow }) {
  const isFew = row.n < LEAST_EVENTS;
  const range = row.interval === undefined || isFew ? '' : ` (${intervalWords(row)} with 95 % confidence)`;
  return (
    <p class="value-line">
      <b>
        {valueWords(row)}
        {range}
      </b>
      {isFew
        ? ` (only ${plural(row.n, row.of.slice(0, -1))}: a percentage would be noise)`
        : ` = ${row.count}`}
    </p>
  );
}

function Theory({ chosen, id }: { chosen: Chosen; id: string }) {
  const row = chosen.theory.get(id);
  if (row?.predicted === undefined) return <p>{chosen.words}</p>;
  return (
    <p>
      Predicted{chosen.isUncut ? ' without the cut' : ''}: <b>{predictedWords(row)}</b> by{' '}
      <code>{row.formula}</code>. {chosen.words}
    </p>
  );
}

function Lines({ app, chosen, id }: { app: App; chosen: Chosen; id: string }) {
  const { run } = app;
  const { from, to } = chosen.figures;
  const { lines, total } = evidenceOf(run.events.slice(0, run.position), id, from, to);
  if (total === 0) return <p>No line of the log counts for it: it is 0 so far, or it began before.</p>;
  const started = run.first?.t ?? 0;
  const isTime = /^(?:agree|lag|[DA])/.test(id);
  return (
    <>
      <h3>
        {isTime ? 'When it began and ended to count' : 'The lines behind it'}
        {total > lines.length ? ` (the newest ${lines.length} of ${total})` : ` (${total})`}
      </h3>
      <ul class="evidence">
        {lines.toReversed().map((event) => (
          <li key={event.seq}>
            <button type="button" class="link-button" onClick={() => app.seek(run.countOf(event.seq))}>
              {clockSpan(event.t - started)}
            </button>{' '}
            {words(event, app)}
          </li>
        ))}
      </ul>
      <details>
        <summary>as in the log</summary>
        <pre>{lines.map((event) => JSON.stringify(event)).join('\n')}</pre>
      </details>
    </>
  );
}

function words(event: LogEvent, app: App): string {
  const { forest } = app.run;
  if (event.kind === 'tip') return `${event.node} goes to ${forest.nameOf(event.id)}`;
  return narrate(event, forest) ?? `${event.node} ${event.kind}`;
}
