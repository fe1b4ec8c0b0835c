import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Interrupted } from '../../yard/action.ts';
import { missing } from '../../yard/problem.ts';
import { HAND_IN, type HandIn, readHandIn, SCENARIO_COPY } from './handin.ts';
import { parseScenario } from './parse.ts';
import { runScenario, type ScenarioAnswer } from './run.ts';
import { describeFault, type Scenario } from './scenario.ts';

/** Runs hand-ins again and says who passed. A file that was changed is refused and not run. */

/** Longest run of one hand-in, by its own waits and timeouts and at its own speed. */
const HOUR_MS = 3_600_000;
const LONGEST_MS = 4 * HOUR_MS;

export interface Grade {
  readonly folder: string;
  readonly student: string;
  readonly state: 'ok' | 'changed' | 'not the homework' | 'not run';
  readonly passed: boolean;
  readonly held: number;
  readonly asserted: number;
  readonly answers: readonly ScenarioAnswer[];
  readonly remark: string;
}

export interface GradeOptions {
  readonly dir: string;
  readonly programPath: string;
  /** The homework as it was given out. */
  readonly original?: Scenario;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Called with each grade as it comes. */
  readonly onGrade?: (grade: Grade) => void;
}

export async function gradeAll(options: GradeOptions): Promise<Grade[]> {
  const { dir, say } = options;
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw missing(`there is no folder ${dir}`);
  const folders = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, HAND_IN)))
    .map((entry) => entry.name)
    .sort((a, b) => (a < b ? -1 : 1));
  if (folders.length === 0)
    throw missing(`no hand-in in ${dir}`, 'A hand-in is what this leaves: forkyard run FILE --student ID');
  const grades: Grade[] = [];
  const logs = new Map<string, string>();
  for (const folder of folders) {
    const grade = await gradeOne(options, folder, logs).catch((error: unknown) => notRun(folder, error));
    grades.push(grade);
    options.onGrade?.(grade);
    const word = grade.state === 'ok' ? (grade.passed ? 'passed' : 'failed') : `refused (${grade.state})`;
    say(`${grade.student}: ${word}${grade.remark === '' ? '' : `: ${grade.remark}`}`);
  }
  return grades;
}

/** Whatever goes wrong with one hand-in, the others are graded. Only who stops the program stops it. */
function notRun(folder: string, error: unknown): Grade {
  if (error instanceof Interrupted) throw error;
  const { message } = error as Error;
  const none = { folder, student: folder, passed: false, held: 0, asserted: 0, answers: [] };
  return { ...none, state: 'not run', remark: message };
}

async function gradeOne(options: GradeOptions, folder: string, logs: Map<string, string>): Promise<Grade> {
  const dir = join(options.dir, folder);
  const none = { folder, student: folder, passed: false, held: 0, asserted: 0, answers: [] };
  const handIn = readHandIn(dir);
  if (!handIn.ok) return { ...none, state: 'changed', remark: handIn.error };
  const own = { ...none, student: handIn.value.student };
  const parsed = parseScenario(handIn.value.scenarioText);
  if ('faults' in parsed) {
    const remark = parsed.faults.map((fault) => describeFault(SCENARIO_COPY, fault)).join('; ');
    return { ...own, state: 'not run', remark };
  }
  const { scenario } = parsed;
  if (options.original !== undefined && essence(scenario) !== essence(options.original))
    return { ...own, state: 'not the homework', remark: 'more than its answers differs from what was given' };
  const longest = spanMs(scenario) / handIn.value.speed;
  if (longest > LONGEST_MS) {
    const remark = `its waits and timeouts take up to ${(longest / HOUR_MS).toFixed(1)} hours; ${LONGEST_MS / HOUR_MS} is the most`;
    return { ...own, state: 'not run', remark };
  }
  return runAgain(options, own, scenario, handIn.value, logs);
}

/** How long a scenario may take at most, at its own speed: every wait to its end, every patience used up. */
function spanMs({ steps, timeoutMs }: Scenario): number {
  const latest = Math.max(0, ...steps.map((step) => step.atMs ?? 0));
  return steps.reduce((sum, step) => {
    const wait = step.action?.kind === 'wait' ? step.action.ms : 0;
    return sum + wait + (step.timeoutMs ?? timeoutMs);
  }, latest);
}

async function runAgain(
  options: GradeOptions,
  own: Omit<Grade, 'state' | 'remark'>,
  scenario: Scenario,
  handIn: HandIn,
  logs: Map<string, string>,
): Promise<Grade> {
  const { programPath, signal } = options;
  const { speed, files, student } = handIn;
  const { result } = await runScenario({ scenario, programPath, speed, signal, say: () => undefined });
  const log = files['log.jsonl']!;
  const twin = logs.get(log);
  logs.set(log, student);
  const remarks = [
    ...(twin === undefined ? [] : [`the same log as ${twin}`]),
    ...(result.failure === undefined ? [] : [result.failure]),
    ...(handIn.passed && !result.passed ? ['passed at home, not here'] : []),
  ];
  return {
    ...own,
    state: 'ok',
    passed: result.passed,
    held: result.verdicts.filter((v) => v.holds).length,
    asserted: result.verdicts.length,
    answers: result.answers,
    remark: remarks.join('; '),
  };
}

/** What must be the same in all hand-ins of one homework: everything but answers and where lines stand. */
function essence(scenario: Scenario): string {
  const { asks, ...rest } = scenario;
  const questions = asks.map(({ id, question, figure }) => ({ id, question, figure }));
  return JSON.stringify({ ...rest, questions }, (key, value: unknown) =>
    key === 'line' ? undefined : value,
  );
}

/** One row a hand-in, one pair of columns a question. */
export function gradesCsv(grades: readonly Grade[]): string {
  const ids = [...new Set(grades.flatMap((g) => g.answers.map((a) => a.id)))];
  const head = ['student', 'folder', 'state', 'passed', 'held', 'asserted'];
  const rows = grades.map((g) => [
    g.student,
    g.folder,
    g.state,
    g.passed ? 'yes' : 'no',
    String(g.held),
    String(g.asserted),
    ...ids.flatMap((id) => {
      const answer = g.answers.find((a) => a.id === id);
      const right = answer?.right === undefined ? '' : answer.right ? 'yes' : 'no';
      return [answer?.answer ?? '', answer?.measured ?? '', right];
    }),
    g.remark,
  ]);
  const all = [
    [...head, ...ids.flatMap((id) => [`${id}: answer`, `${id}: measured`, `${id}: right`]), 'remark'],
    ...rows,
  ];
  return all.map((row) => `${row.map(cell).join(',')}\n`).join('');
}

/** Quoted where needed; what a spreadsheet would take for a formula gets a quote in front. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
