import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../util/result.ts';
import { failed } from '../../yard/problem.ts';
import { readPlain, readPlainText } from '../plain-file.ts';
import { shown } from '../yard/check.ts';
import type { ScenarioResult } from './run.ts';
import { MAX_SCENARIO_BYTES } from './yaml.ts';

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
/** Its files, and the most bytes of each. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  [SCENARIO_COPY]: MAX_SCENARIO_BYTES,
  'result.json': 16e6,
  'log.jsonl': 1e9,
  'report.html': 100e6,
};
const FILES = Object.keys(MOST_BYTES);
const MAX_HAND_IN = 64_000;

/** Times as fast as the scenario says that a run may be. */
export const LEAST_SPEED = 0.1;
export const MOST_SPEED = 100;

export const isSpeed = (speed: unknown): speed is number =>
  typeof speed === 'number' && speed >= LEAST_SPEED && speed <= MOST_SPEED;

/** May a student be called so? It becomes part of folders, tables and lines. */
export const isStudent = (name: unknown): name is string =>
  typeof name === 'string' && /^[\w@-][\w.@-]{0,63}$/.test(name);

function hashOf(dir: string, name: string): Result<string, string> {
  const hash = createHash('sha256');
  const read = readPlain(join(dir, name), MOST_BYTES[name]!, (piece) => hash.update(piece));
  return read.ok ? ok(hash.digest('hex')) : err(`${name} ${read.error}`);
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

/** Makes a folder with a finished run a hand-in. @throws Error when one of its files cannot be part of one. */
export function writeHandIn(wishes: HandInWishes): void {
  const { dir, student, speed, result } = wishes;
  writeFileSync(join(dir, SCENARIO_COPY), wishes.scenarioText);
  const files = Object.fromEntries(
    FILES.map((name) => {
      const hash = hashOf(dir, name);
      if (!hash.ok) throw failed(`this run cannot be handed in: ${hash.error}`);
      return [name, hash.value];
    }),
  );
  const told = { v: 1, student, at: new Date().toISOString(), speed, passed: result.passed, files } as const;
  const handIn: HandIn = { ...told, seal: sealOf(told) };
  writeFileSync(join(dir, HAND_IN), `${JSON.stringify(handIn, null, 2)}\n`);
}

/** The first field of a hand-in that cannot be as it is: anybody can write one, with a seal that fits. */
function fieldFault(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return `it is ${shown(json)}, not an object`;
  const { v, student, at, speed, passed, files, seal } = json as Record<string, unknown>;
  if (v !== 1) return `v is ${shown(v)}, not 1`;
  if (!isStudent(student)) return `student is ${shown(student)}, not letters, digits, and . _ @ -`;
  if (typeof at !== 'string' || !/^[\dT:.Z-]{10,40}$/.test(at)) return `at is ${shown(at)}, not a time`;
  if (!isSpeed(speed)) return `speed is ${shown(speed)}, not a number from ${LEAST_SPEED} to ${MOST_SPEED}`;
  if (typeof passed !== 'boolean') return `passed is ${shown(passed)}, not true or false`;
  if (typeof files !== 'object' || files === null) return `files is ${shown(files)}, not an object`;
  const hashes = files as Record<string, unknown>;
  const isHash = (name: string) => Object.hasOwn(hashes, name) && /^[0-9a-f]{64}$/.test(textOf(hashes[name]));
  const odd = FILES.find((name) => !isHash(name));
  if (odd !== undefined) return `files.${odd} is ${shown(hashes[odd])}, not a hash`;
  return typeof seal === 'string' ? undefined : `seal is ${shown(seal)}, not a hash`;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The hand-in in a folder with the text of its scenario, if every file is as it was when it was made. */
export function readHandIn(dir: string): Result<HandIn & { readonly scenarioText: string }, string> {
  const text = readPlainText(join(dir, HAND_IN), MAX_HAND_IN);
  if (!text.ok) return err(`${HAND_IN} ${text.error}`);
  let json: unknown;
  try {
    json = JSON.parse(text.value);
  } catch (error) {
    return err(`${HAND_IN} is not JSON: ${(error as Error).message.slice(0, 100)}`);
  }
  const fault = fieldFault(json);
  if (fault !== undefined) return err(`${HAND_IN} is not a hand-in: ${fault}`);
  const handIn = json as HandIn;
  if (handIn.seal !== sealOf(handIn)) return err(`${HAND_IN} was changed after the run`);
  for (const name of FILES) {
    const hash = hashOf(dir, name);
    if (!hash.ok) return hash;
    if (hash.value !== handIn.files[name]) return err(`${name} was changed after the run`);
  }
  const scenario = readPlainText(join(dir, SCENARIO_COPY), MAX_SCENARIO_BYTES);
  return scenario.ok
    ? ok({ ...handIn, scenarioText: scenario.value })
    : err(`${SCENARIO_COPY} ${scenario.error}`);
}
