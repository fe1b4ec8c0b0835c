import { chartSvg } from '../../observe/chart/chart.ts';
import { escapeXml } from '../../observe/chart/plot.ts';
import { ratio, toleranceOf } from './rows.ts';
import { commandOf } from './run.ts';
import type { ExperimentResult, JudgedRow, Row } from './types.ts';
import { boundRemark, scoreText, verdictOf } from './verdict.ts';

/** Experiments on one page that opens from disk: light, without a script, made for a projector and for paper. */

const e = escapeXml;

const STYLE = `
body{font:17px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.8rem;margin-bottom:.2rem}h2{font-size:1.4rem;margin:2.6rem 0 .3rem;border-top:2px solid #1b1b1b;padding-top:.8rem}
.answer{font-size:1.15rem;border-left:5px solid #0072B2;padding-left:.8rem}
div.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums}
td,th{text-align:left;vertical-align:top;padding:.15rem .7rem .15rem 0;border-bottom:1px solid #ccc}td.n,th.n{text-align:right}
tr.no td,.bad{font-weight:700}.small,figcaption{color:#444;font-size:.85rem}figure{margin:1.2rem 0;break-inside:avoid}
svg{width:100%;height:auto}code{font-size:.9em}nav li{margin:.15rem 0}
@media print{body{font-size:10pt;margin:0;max-width:none}section{break-before:page}section:first-of-type{break-before:auto}tr{break-inside:avoid}a{color:inherit;text-decoration:none}}
`;

export function renderReport(results: readonly ExperimentResult[]): string {
  const only = results.length === 1 ? results[0]! : undefined;
  const title =
    only === undefined
      ? 'Measured beside predicted: ten experiments on consensus'
      : `Experiment: ${only.experiment.name}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light"><title>${e(title)}</title><style>${STYLE}</style></head><body>
<h1>${e(title)}</h1>
<p>${summaryOf(results)}</p>
<p class="small"><b>Reduced</b>: blocks without transactions, with the node’s own block tree comparisons. <b>Whole nodes</b>: the very node that runs on a network, on invented time, for fewer blocks, beside the same predictions. <b>Published</b>: a paper’s own figure. <b>Recomputed</b>: from a paper’s formula. <b>Derived here</b>: worked out for this project, and checked by simulation only.</p>
${only === undefined ? contents(results) : ''}
${results.map(section).join('\n')}
</body></html>
`;
}

/** The verdicts of all experiments in one sentence. */
function summaryOf(results: readonly ExperimentResult[]): string {
  const rows = results.flatMap((r) => r.rows);
  const beyond = rows.filter((r) => !r.ok).length;
  const risk = results.reduce((sum, r) => sum + r.risk, 0);
  const found =
    beyond === 0
      ? `All ${rows.length} rows lie within the bounds of their experiments.`
      : `<b>${beyond} of ${rows.length} rows lie beyond the bounds of their experiments</b>: they are named below.`;
  return `${found} The bounds are so wide that, if all predictions are right, chance alone puts a row beyond its bound in one of ${Math.round(1 / risk)} such reports.`;
}

function contents(results: readonly ExperimentResult[]): string {
  const items = results.map(
    (r) =>
      `<li><a href="#${e(r.experiment.name)}">${e(r.experiment.name)}</a>: ${e(r.experiment.says)} ${r.ok ? '✓' : '✗'}</li>`,
  );
  return `<nav><ol>${items.join('')}</ol></nav>`;
}

function section(result: ExperimentResult): string {
  const { experiment, charts, sentence, remarks } = result;
  return `<section id="${e(experiment.name)}"><h2>${e(experiment.name)}: ${e(experiment.says)}</h2>
<p>${e(experiment.question)}</p>
<p class="answer">${e(sentence)}</p>
${charts.map((c) => `<figure>${chartSvg(c)}<figcaption>${e(c.title)}. Marks: measured, with bars of two standard errors; lines: predicted.</figcaption></figure>`).join('\n')}
${rowTable(result)}
${remarks.map((r) => `<p class="small">${e(r)}</p>`).join('\n')}
<p class="small">Again: <code>${e(commandOf(result))}</code> (took ${(result.ms / 1000).toFixed(1)} s)</p></section>`;
}

/** Every key that some row has, in the order in which they come up. */
export function keysOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((r) => Object.keys(r.keys)))];
}

function rowTable(result: ExperimentResult): string {
  const { rows } = result;
  const keys = keysOf(rows);
  const notes = [...new Set(rows.flatMap((r) => (r.note === undefined ? [] : [r.note])))];
  const head = [...keys.map((k) => `<th>${e(k)}</th>`), '<th>model</th>']
    .concat(['measured', 'predicted', 'may be off', 'SE', 'N', 'score'].map((h) => `<th class="n">${h}</th>`))
    .concat(['<th></th>', '<th>prediction</th>']);
  const body = rows.map((r: JudgedRow) => {
    const cells = [
      ...keys.map((k) => `<td>${e(String(r.keys[k] ?? ''))}</td>`),
      `<td>${r.model}</td>`,
      ...figuresOf(r).map((v) => `<td class="n">${e(v)}</td>`),
      `<td>${r.ok ? '✓' : '✗ beyond'}</td>`,
      `<td>${e(r.formula)} (${r.origin})${r.note === undefined ? '' : ` <sup>${notes.indexOf(r.note) + 1}</sup>`}</td>`,
    ];
    return `<tr class="${r.ok ? 'yes' : 'no'}">${cells.join('')}</tr>`;
  });
  const below = notes.map((n, i) => `<sup>${i + 1}</sup> ${e(n)}.`).join(' ');
  return `<div class="wide"><table><tr>${head.join('')}</tr>${body.join('\n')}</table></div>
<p class="${result.ok ? 'small' : 'bad'}">${e(verdictOf(result))}.</p>
<p class="small">${e(boundRemark(result))} ${below}</p>`;
}

function figuresOf(r: Row): string[] {
  const n = Math.round(r.n).toLocaleString('en-US');
  return [ratio(r.measured), ratio(r.predicted), toleranceOf(r), ratio(r.se), n, scoreText(r.z)];
}
