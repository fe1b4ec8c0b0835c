import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { EXPERIMENTS, findExperiment } from '../../lab/experiment/catalogue.ts';
import { readValues } from '../../lab/experiment/parameters.ts';
import { renderReport } from '../../lab/experiment/report.ts';
import { resultJson, runExperiment } from '../../lab/experiment/run.ts';
import type { Experiment, ExperimentResult, LiveRun, Values } from '../../lab/experiment/types.ts';
import { boundRemark, RISK, verdictOf } from '../../lab/experiment/verdict.ts';
import { pathFrom } from '../../lab/yard/file.ts';
import { chartSvg } from '../../observe/chart/chart.ts';
import { chartText } from '../../observe/chart/chart-text.ts';
import { newFigures } from '../../observe/figures/figures.ts';
import { basisOf } from '../../observe/figures/rows.ts';
import { defined } from '../../util/defined.ts';
import { failed, misuse } from '../../yard/problem.ts';
import { packageRoot } from '../node/package.ts';
import { ending, type Shared } from './common.ts';
import { experimentLines, formulaLines } from './experiment-table.ts';
import type { Out } from './out.ts';
import { folderFor } from './places.ts';
import { ProgressBar } from './progress-bar.ts';
import { readEventLog } from './stats-log.ts';

/** More threads than this do not make it faster: few experiments have more pieces of equal length. */
const MOST_THREADS = 8;

export async function runExperimentVerb(
  s: Shared,
  name: string | undefined,
  options: Readonly<Record<string, string>>,
): Promise<void> {
  if (name === undefined) return list(s);
  const { seed: seedText = '1', out: dir, live: liveLog, ...typed } = settingsOf(options);
  const seed = Number(seedText);
  if (!/^\d+$/.test(seedText) || !Number.isSafeInteger(seed))
    throw misuse(`--seed must be a whole number, not '${seedText}'`);
  const chosen = name === 'all' ? EXPERIMENTS : [findExperiment(name)];
  if (name === 'all' && Object.keys(typed).length > 0)
    throw misuse(
      `'all' takes no --${Object.keys(typed)[0]}: each experiment runs with its own settings`,
      'Give them to one experiment by its name.',
    );
  if (liveLog !== undefined && name !== 'disagreement')
    throw misuse(
      '--live goes with the experiment disagreement',
      'As in: experiment disagreement --live yard.jsonl',
    );
  const live = liveLog === undefined ? undefined : await readLive(liveLog);
  // Without a wish: the x of the real nodes, so that all three can be compared.
  if (live !== undefined) typed['x'] ??= String(Number(live.x.toPrecision(2)));
  // All are read before the first one runs: a slip in the last value should not cost a minute.
  const jobs = chosen.map((experiment) => [experiment, readValues(experiment, typed)] as const);
  const folder = dir === undefined ? undefined : folderFor('--out', dir);
  const results: ExperimentResult[] = [];
  for (const [experiment, values] of jobs) {
    announce(s.out, experiment, values, seed);
    const result = await runOne(s, experiment, values, { seed, live, risk: RISK / jobs.length });
    results.push(result);
    print(s.out, result);
    if (!result.ok) ending.code = 1;
  }
  s.out.object(
    name === 'all'
      ? { seed, experiments: results.map(resultJson), ok: ending.code === 0 }
      : resultJson(results[0]!),
  );
  if (folder === undefined) return;
  const file = join(folder, 'report.html');
  writeFileSync(file, renderReport(results));
  for (const { experiment, charts } of results) {
    for (const [i, chart] of charts.entries())
      writeFileSync(join(folder, `${experiment.name}-${i + 1}.svg`), `${chartSvg(chart)}\n`);
  }
  s.out.line(`Report: ${pathFrom(process.cwd(), file)}`);
}

function list({ out }: Shared): void {
  out.table(EXPERIMENTS.map((e) => [`  ${e.name}`, e.says]));
  out.line();
  out.line('Do one: forkyard experiment disagreement. Its settings: add --help.');
  out.line('Do all: forkyard experiment all --out report');
  out.object({
    experiments: EXPERIMENTS.map(({ name, says, parameters }) => ({
      name,
      says,
      parameters: parameters.map(({ many: _, ...p }) => p),
    })),
  });
}

/** Own options only: those that mean the same on every verb were read elsewhere. */
function settingsOf(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const shared = new Set(['yard', 'json', 'quiet', 'timeout', 'ascii']);
  return Object.fromEntries(
    Object.entries(options).filter(
      (o): o is [string, string] => !shared.has(o[0]) && typeof o[1] === 'string',
    ),
  );
}

async function runOne(
  s: Shared,
  experiment: Experiment,
  values: Values,
  { seed, live, risk }: { readonly seed: number; readonly live: LiveRun | undefined; readonly risk: number },
): Promise<ExperimentResult> {
  const bar = new ProgressBar(s.out, experiment.name);
  const timeout = s.timeoutMs === undefined ? [] : [AbortSignal.timeout(s.timeoutMs)];
  try {
    return await runExperiment(experiment, values, seed, {
      ...defined({ live }),
      risk,
      networks: JSON.parse(readFileSync(join(packageRoot(), 'genesis.json'), 'utf8')),
      threads: Math.min(MOST_THREADS, availableParallelism()),
      progress: (part) => bar.show(part),
      signal: AbortSignal.any([s.signal, ...timeout]),
    });
  } finally {
    bar.end();
  }
}

/** Said before the work begins: it can take minutes. */
function announce(out: Out, { name, says, parameters }: Experiment, values: Values, seed: number): void {
  out.line(out.style('bold', `${name}: ${says}`));
  const settings = parameters.map((p) => `${p.name} ${values[p.name]!.join(',')}`);
  out.step(out.style('dim', `${settings.join(' · ')} · seed ${seed}`));
}

function print(out: Out, result: ExperimentResult): void {
  const { rows, charts, sentence, remarks } = result;
  const set = (cells: readonly (readonly string[])[]) => out.rows(cells);
  for (const line of experimentLines(rows, out.columns - 2, set)) out.line(`  ${line}`);
  // What predicts stands below by its letter: beside each row it makes the table wider than a terminal.
  for (const line of formulaLines(rows)) out.line(`  ${line}`);
  for (const note of new Set(rows.flatMap((r) => r.note ?? []))) out.step(`  ${note}.`);
  out.step('');
  const [chart] = charts;
  if (chart !== undefined)
    for (const line of chartText(chart)) out.step(`  ${out.ascii ? line.replaceAll('·', '.') : line}`);
  out.step('');
  for (const remark of remarks) out.step(out.style('dim', remark));
  out.step(out.style('dim', boundRemark(result)));
  const verdict = out.style(result.ok ? 'green' : 'red', verdictOf(result));
  out.line(`${verdict} · ${(result.ms / 1000).toFixed(1)} s`);
  out.line(sentence);
  out.step('');
}

/** Of the log of two real nodes: the stretch of unchanged conditions with most blocks. */
async function readLive(path: string): Promise<LiveRun> {
  const figures = newFigures();
  await readEventLog([resolve(process.cwd(), path)], (event) => figures.apply(event));
  const [longest] = [...figures.read().epochs].sort((a, b) => b.blocks - a.blocks);
  const { shape } = longest ?? {};
  if (longest === undefined || shape?.kind !== 'two-clusters' || shape.groups.flat().length !== 2)
    throw failed(
      `${path} is not the log of two nodes with a delay between them`,
      'Make one: forkyard up -n 2 --network lab --pace 1s --delay 500ms',
    );
  const basis = basisOf(longest, shape);
  if (basis.kind === 'none') throw failed(`${path}: nothing can be predicted here (${basis.why})`);
  // Two shares p and 1 − p have p² + (1 − p)² = HHI.
  const share = (1 + Math.sqrt(Math.max(0, 2 * basis.hhi - 1))) / 2;
  return { x: basis.x, share, figures: longest };
}
