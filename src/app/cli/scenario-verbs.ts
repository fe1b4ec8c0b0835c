import { readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { Command } from 'commander';
import type { Grade } from '../../lab/scenario/grade.ts';
import type { ReportOptions } from '../../lab/scenario/report.ts';
import { pathFrom } from '../../lab/yard/file.ts';
import { defined } from '../../util/defined.ts';
import { Problem } from '../../yard/problem.ts';
import { addDryRun, addShared, ending, example, type Shared, shared } from './common.ts';
import type { Out } from './out.ts';
import { fileFor, folderFor } from './places.ts';

/** `run`, `grade`: lessons from a file, played and judged. */

const MOST_RUNS = 100_000;

interface RunOptions {
  readonly student?: string;
  readonly speed?: string;
  readonly out?: string;
  readonly sim?: boolean;
  readonly seed?: string;
  readonly runs?: string;
  readonly log?: string;
}

export function scenarioVerbs(programPath: string): Command[] {
  return [runVerb(programPath), gradeVerb(programPath)];
}

function runVerb(programPath: string): Command {
  const run = addDryRun(addShared(new Command('run')))
    .description('play a scenario on a yard of its own, and judge it; without a file: list the lessons')
    .argument('[file]', 'a YAML file, or the name of a lesson that ships')
    .option('--student <id>', 'make it a hand-in of this student')
    .option('--speed <times>', 'so many times as fast: pace, delays and waits together')
    .option('--sim', 'on invented time: the same nodes, in seconds, the same for the same seed')
    .option('--seed <number>', 'with --sim: which run (default 1)')
    .option('--runs <number>', 'with --sim: so many seeds, counted per assertion')
    .option('--log <file>', 'the event log goes there, for stats --log and export --log')
    .option('--out <dir>', 'where log and report go (default ./NAME.run)')
    .action(async (file: string | undefined, options: RunOptions, command: Command) => {
      const s = shared(command);
      if (file === undefined) return listLessons(s);
      ending.code = await play(s, programPath, file, options);
    });
  return example(
    run,
    'run first-fork',
    'run first-fork --sim --seed 7',
    'run homework.yaml --student s1234567',
  );
}

async function listLessons({ out }: Shared): Promise<void> {
  const { shippedLessons } = await import('./lessons.ts');
  const lessons = shippedLessons();
  out.table(lessons.map((l) => [`  ${l.name}`, l.title]));
  out.line();
  out.line(`Play one: forkyard run ${lessons[0]?.name ?? 'FILE'}`);
  out.object({ lessons });
}

async function play(s: Shared, programPath: string, given: string, options: RunOptions): Promise<number> {
  const { out } = s;
  const sim = await simulation(options);
  const [{ findLesson, loadScenario }, { runScenario }] = await Promise.all([
    import('./lessons.ts'),
    import('../../lab/scenario/run.ts'),
  ]);
  const file = findLesson(given);
  const text = readFileSync(file, 'utf8');
  const scenario = loadScenario(file, text);
  const { speed, dir, logFile } = await checkedOptions(file, options);
  const writes = !s.dryRun && (sim?.runs ?? 1) === 1;
  if (writes) folderFor('--out', dir);
  out.line(out.style('bold', scenario.title));
  if (scenario.lesson !== '') out.step(scenario.lesson);
  out.step('');
  if (s.dryRun) {
    const plan = `${scenario.nodes.length} nodes, ${scenario.steps.length} steps, ${scenario.assertions.length} assertions`;
    out.line(plan);
    out.object({ plan, scenario: scenario.title });
    return 0;
  }
  const bounded = s.timeoutMs === undefined ? scenario : { ...scenario, timeoutMs: s.timeoutMs };
  if (sim !== undefined && sim.runs > 1) {
    const { playMany } = await import('./scenario-many.ts');
    return playMany(s, { scenario: bounded, programPath, given, ...sim });
  }
  const { result, watch } = await runScenario({
    scenario: bounded,
    programPath,
    ...(sim === undefined ? {} : { simulate: { seed: sim.seed } }),
    speed,
    logFile,
    signal: s.signal,
    say: (atMs, line) => out.step(`${(atMs / 1000).toFixed(1).padStart(7)} s  ${line}`),
  });
  const how = sim === undefined ? (speed === 1 ? '' : ` --speed ${speed}`) : ` --sim --seed ${sim.seed}`;
  const played: Played = { scenario, text, speed, result, watch, command: `forkyard run ${given}${how}` };
  const report = await writeResults(dir, options.student, played);
  tellResult(out, result, report);
  out.object({ ...result, report, log: logFile, ...defined({ student: options.student }) });
  return result.passed ? 0 : 1;
}

/** Speed, and where report and log go; refuses what makes no sense before anything starts. */
async function checkedOptions(
  file: string,
  { speed: given, student, out, log }: RunOptions,
): Promise<{ readonly speed: number; readonly dir: string; readonly logFile: string }> {
  const { isSpeed, isStudent, LEAST_SPEED, MOST_SPEED } = await import('../../lab/scenario/handin.ts');
  const speed = Number(given ?? 1);
  if (!isSpeed(speed))
    throw new Problem(2, `--speed must be a number from ${LEAST_SPEED} to ${MOST_SPEED}, not '${given}'`);
  const dir = out ?? `${basename(file, extname(file))}${student === undefined ? '' : `-${student}`}.run`;
  if (student !== undefined && !isStudent(student))
    throw new Problem(
      2,
      `--student: '${student}' must be 1 to 64 letters, digits, and . _ @ - and not begin with a dot`,
    );
  const logFile = log === undefined ? join(resolve(dir), 'log.jsonl') : fileFor('--log', log);
  return { speed, dir, logFile };
}

interface Played extends Pick<ReportOptions, 'scenario' | 'result' | 'watch' | 'command'> {
  /** The scenario's file. */
  readonly text: string;
  readonly speed: number;
}

/** Writes report, result and, for a student, the hand-in; gives the report's file. */
async function writeResults(given: string, student: string | undefined, played: Played): Promise<string> {
  const [{ renderReport }, { writeHandIn }] = await Promise.all([
    import('../../lab/scenario/report.ts'),
    import('../../lab/scenario/handin.ts'),
  ]);
  const { scenario, text, speed, result, watch, command } = played;
  const dir = resolve(given);
  const report = join(dir, 'report.html');
  writeFileSync(report, renderReport({ scenario, result, watch, command, ...defined({ student }) }));
  writeFileSync(join(dir, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  if (student !== undefined) writeHandIn({ dir, student, scenarioText: text, result, speed });
  return report;
}

function tellResult(out: Out, result: Played['result'], report: string): void {
  out.step('');
  if (result.failure !== undefined) out.error(`forkyard: ${result.failure}`);
  const held = result.verdicts.filter((v) => v.holds).length;
  const verdict = result.passed ? out.style('green', 'PASSED') : out.style('red', 'FAILED');
  out.line(
    `${verdict} ${held} of ${result.verdicts.length} assertions hold · report ${pathFrom(process.cwd(), report)}`,
  );
  for (const ask of result.answers.filter((a) => a.answer === undefined))
    out.line(`Not answered yet (${ask.id}): ${ask.question}`);
}

/** What `--sim` and what goes with it ask for; undefined: real processes. */
async function simulation(options: RunOptions): Promise<{ seed: number; runs: number } | undefined> {
  const { sim, seed, runs, speed, student, log } = options;
  if (sim !== true) {
    if (seed !== undefined || runs !== undefined)
      throw new Problem(2, '--seed and --runs are of simulated runs', 'Add --sim.');
    return undefined;
  }
  if (speed !== undefined)
    throw new Problem(2, 'a simulated run takes as long as it takes: --speed means nothing with --sim');
  if (student !== undefined)
    throw new Problem(2, 'a hand-in is of a live run', 'Leave out --sim, or leave out --student.');
  const { readCount } = await import('../../lab/sweep.ts');
  const many = readCount(runs, 1, '--runs', MOST_RUNS);
  if (many > 1 && log !== undefined)
    throw new Problem(2, '--log is the log of one run', 'Choose its seed: --sim --seed 7 --log FILE');
  return { seed: readCount(seed, 1, '--seed', Number.MAX_SAFE_INTEGER - MOST_RUNS), runs: many };
}

function gradeVerb(programPath: string): Command {
  const grade = addShared(new Command('grade'))
    .description('run all hand-ins of a folder again, and write a table of who passed')
    .argument('<dir>', 'a folder of hand-ins, one folder each')
    .option('--scenario <file>', 'the homework as it was given out; only answers may differ from it')
    .option('--csv <file>', 'where the table goes (default DIR/grades.csv)')
    .action(async (dir: string, options: { scenario?: string; csv?: string }, command: Command) => {
      const s = shared(command);
      const { gradeAll, gradesCsv } = await import('../../lab/scenario/grade.ts');
      const { findLesson, loadScenario } = await import('./lessons.ts');
      const given = options.scenario === undefined ? undefined : findLesson(options.scenario);
      const csv =
        options.csv === undefined ? join(resolve(dir), 'grades.csv') : fileFor('--csv', options.csv);
      const soFar: Grade[] = [];
      const grades = await gradeAll({
        dir: resolve(dir),
        programPath,
        ...(given === undefined ? {} : { original: loadScenario(given, readFileSync(given, 'utf8')) }),
        signal: s.signal,
        say: (line) => s.out.step(line),
        // After each of them: who stops it half way has the grades until then.
        onGrade: (grade) => {
          soFar.push(grade);
          writeFileSync(csv, gradesCsv(soFar));
        },
      });
      const passed = grades.filter((g) => g.state === 'ok' && g.passed).length;
      const refused = grades.filter((g) => g.state !== 'ok').length;
      s.out.line(
        `${passed} of ${grades.length} passed, ${refused} refused · ${pathFrom(process.cwd(), csv)}`,
      );
      s.out.object({ grades, csv });
      if (passed < grades.length) ending.code = 1;
    });
  return example(grade, 'grade handins --scenario homework.yaml');
}
