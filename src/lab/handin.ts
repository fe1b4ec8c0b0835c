import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../util/result.ts';
import type { ScenarioResult } from './scenario-run.ts';

/**
 * A homework as it is handed in: the scenario with the answers, the result, the log, the report, and the hash of each. The
 * hashes show that a file was changed after the run; who could also make new hashes is caught by the run being repeated.
 */
export interface HandIn {
  readonly v: 1;
  readonly student: string;
  /** ISO time of the run. */
  readonly at: string;
  readonly speed: number;
  readonly passed: boolean;
  /** SHA-256 by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** SHA-256 of all of the above. */
  readonly seal: string;
}

export const HAND_IN = 'handin.json';
export const SCENARIO_COPY = 'scenario.yaml';
const FILES = [SCENARIO_COPY, 'result.json', 'log.jsonl', 'report.html'];

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function sealOf({ v, student, at, speed, passed, files }: Omit<HandIn, 'seal'>): string {
  const hashes = FILES.map((name) => [name, files[name]]);
  return createHash('sha256')
    .update(JSON.stringify([v, student, at, speed, passed, hashes]))
    .digest('hex');
}

export interface HandInWishes {
  readonly dir: string;
  readonly student: string;
  readonly scenarioText: string;
  readonly result: ScenarioResult;
  readonly speed: number;
}

/** Makes a folder with a finished run a hand-in. */
export function writeHandIn(wishes: HandInWishes): void {
  const { dir, student, speed, result } = wishes;
  writeFileSync(join(dir, SCENARIO_COPY), wishes.scenarioText);
  const files = Object.fromEntries(FILES.map((name) => [name, hashOf(join(dir, name))]));
  const told = { v: 1, student, at: new Date().toISOString(), speed, passed: result.passed, files } as const;
  const handIn: HandIn = { ...told, seal: sealOf(told) };
  writeFileSync(join(dir, HAND_IN), `${JSON.stringify(handIn, null, 2)}\n`);
}

/** The hand-in in a folder, if every file is as it was when it was made. */
export function readHandIn(dir: string): Result<HandIn, string> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(join(dir, HAND_IN), 'utf8'));
  } catch (error) {
    return err(`${HAND_IN} cannot be read: ${(error as Error).message}`);
  }
  const handIn = json as Partial<HandIn> | null;
  const isWhole =
    handIn?.v === 1 &&
    typeof handIn.student === 'string' &&
    typeof handIn.speed === 'number' &&
    typeof handIn.files === 'object' &&
    handIn.files !== null;
  if (!isWhole) return err(`${HAND_IN} is not a hand-in`);
  if (handIn.seal !== sealOf(handIn as HandIn)) return err(`${HAND_IN} was changed after the run`);
  for (const name of FILES) {
    const path = join(dir, name);
    if (!existsSync(path)) return err(`${name} is missing`);
    if (hashOf(path) !== handIn.files?.[name]) return err(`${name} was changed after the run`);
  }
  return ok(handIn as HandIn);
}
