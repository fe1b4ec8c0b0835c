import { barPlot, escapeXml, type Series, stepPlot } from '../../observe/chart/plot.ts';
import { drawTree } from '../../observe/tree/draw.ts';
import { formatMs } from '../../observe/words/units.ts';
import type { ScenarioResult } from './run.ts';
import type { Scenario } from './scenario.ts';
import type { ScenarioWatch } from './watch.ts';

/** A run on one page that opens from disk: what to look for, what came of it, the figures, the plots, each step. */

export interface ReportOptions {
  readonly scenario: Scenario;
  readonly result: ScenarioResult;
  readonly watch: ScenarioWatch;
  readonly command: string;
  readonly student?: string;
}

/** Rows of the tree that a page shows; a longer run shows its end. */
const TREE_HEIGHTS = 60;

export function renderReport(options: ReportOptions): string {
  const { scenario, result, watch, command, student } = options;
  const e = escapeXml;
  const state = result.passed ? 'passed' : 'failed';
  const who = student === undefined ? '' : ` · handed in by <b>${e(student)}</b>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${e(result.title)}: ${state}</title><style>${STYLE}</style></head><body>
<h1>${e(result.title)}</h1>
<p class="${state}"><b>${state === 'passed' ? '✓ passed' : '✗ failed'}</b> in ${e(formatMs(result.ms))}${who}</p>
${result.failure === undefined ? '' : `<p class="failed">It did not come to its end: ${e(result.failure)}</p>`}
${scenario.lesson === '' ? '' : `<h2>What to look for</h2><p>${e(scenario.lesson)}</p>`}
<h2>Verdicts</h2>
${verdictTable(result)}
${answers(result)}
<h2>The tree</h2>
<pre>${e(treeOf(watch))}</pre>
<h2>Height of each node</h2>
${heightPlot(watch)}
<h2>Blocks by miner</h2>
${minerPlot(watch)}
${reorgPlot(watch)}
<h2>What happened</h2>
<table>${result.steps.map((s) => `<tr><td class="time">${(s.atMs / 1000).toFixed(1)} s</td><td>${e(s.text)}</td></tr>`).join('\n')}</table>
<p class="small">Again: <code>${e(command)}</code></p>
</body></html>
`;
}

const STYLE = `
body{font:16px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:1.8rem}
.passed b{color:#00795a}.failed,.failed b{color:#b34700}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #ddd}
pre{overflow-x:auto;font:13px/1.35 ui-monospace,monospace;background:#f5f5f2;padding:.8rem}
.time{white-space:nowrap;color:#666;font-variant-numeric:tabular-nums}.small{color:#666;font-size:.9rem}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}svg text{fill:currentColor}svg .name{font-weight:700}
svg .grid{stroke:currentColor;stroke-opacity:.15}svg .note{stroke:currentColor;stroke-dasharray:3 3;stroke-opacity:.5}
@media(prefers-color-scheme:dark){body{color:#e8e8e4;background:#16181a}pre{background:#202326}td,th{border-color:#333}.time,.small{color:#a0a0a0}.passed b{color:#4cc9a0}.failed,.failed b{color:#f0955a}}
`;

function verdictTable(result: ScenarioResult): string {
  if (result.verdicts.length === 0) return '<p>Nothing was asserted.</p>';
  const rows = result.verdicts.map(
    (v) =>
      `<tr class="${v.holds ? 'passed' : 'failed'}"><td><b>${v.holds ? '✓' : '✗'}</b></td><td>${escapeXml(v.text)}</td><td>${escapeXml(v.found)}</td></tr>`,
  );
  return `<table><tr><th></th><th>asserted</th><th>found</th></tr>${rows.join('\n')}</table>`;
}

function answers(result: ScenarioResult): string {
  if (result.answers.length === 0) return '';
  const rows = result.answers.map(
    (a) =>
      `<tr><td>${escapeXml(a.question)}</td><td>${escapeXml(a.answer ?? 'not answered')}</td><td>${escapeXml(a.measured ?? '')}</td></tr>`,
  );
  return `<h2>Questions</h2><table><tr><th>asked</th><th>answer</th><th>measured</th></tr>${rows.join('\n')}</table>`;
}

function treeOf(watch: ScenarioWatch): string {
  const { rows } = drawTree(watch.forest, { nodes: watch.nodes, last: TREE_HEIGHTS, ascii: false });
  return rows.map((row) => row.text).join('\n');
}

const seconds = (watch: ScenarioWatch, t: number) => Math.max(0, (t - watch.began) / 1000);

function heightPlot(watch: ScenarioWatch): string {
  const series: Series[] = watch.nodes.map((node) => ({
    name: node,
    points: watch.heights
      .filter((p) => p.node === node)
      .map((p) => ({ x: seconds(watch, p.t), y: p.height })),
  }));
  const end = seconds(watch, watch.now);
  const notes = [
    ...watch.heals.map((t) => ({ x: seconds(watch, t), text: 'heal' })),
    ...[...watch.marks].map(([text, t]) => ({ x: seconds(watch, t), text })),
  ].filter((n) => n.x <= end);
  const options = { title: 'Height of each node over time', xLabel: 'seconds', yLabel: 'height', notes };
  return stepPlot(series, options);
}

function minerPlot(watch: ScenarioWatch): string {
  const bars = watch.nodes.map((label) => ({
    label,
    value: watch.mined.filter((b) => b.node === label && b.t >= watch.began).length,
  }));
  return barPlot(bars, { title: 'Blocks by miner', xLabel: 'node', yLabel: 'blocks' });
}

function reorgPlot(watch: ScenarioWatch): string {
  const deepest = Math.max(0, ...watch.reorgs.map((r) => r.depth));
  if (deepest === 0) return '<h2>Reorgs</h2><p>None.</p>';
  const bars = Array.from({ length: Math.min(deepest, 40) }, (_, i) => ({
    label: String(i + 1),
    value: watch.reorgs.filter((r) => r.depth === i + 1).length,
  }));
  const options = { title: 'Reorgs by depth', xLabel: 'blocks undone', yLabel: 'reorgs, all nodes' };
  return `<h2>Reorgs by depth</h2>${barPlot(bars, options)}`;
}
