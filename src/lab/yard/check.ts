import type { Conditions } from '../../events/events.ts';
import type { JsonInput, JsonObject } from '../../host/http/json.ts';
import { shapeProblem } from '../../host/net/rules.ts';
import { parseGroups } from '../../observe/words/parse.ts';
import { type LinkShape, UNSHAPED } from '../../util/link-shape.ts';
import { PROFILES, REGIONS } from '../../util/profiles.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { TOPOLOGIES, type Topology } from '../../util/topology.ts';
import { MAX_CLOCK_MS } from '../../yard/limits.ts';
import { letterOf, MAX_NODES, minerKeyName } from '../../yard/names.ts';

/** The state of a yard, as `yard.json` holds it. */
export interface YardNode {
  readonly letter: string;
  /** Data directory, relative to the yard's. */
  readonly dir: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
  /** Known after the first start. */
  readonly peerId: string;
  /** Multiaddress with peer id; '' before the first start. */
  readonly address: string;
  /** Of the running process; absent when it is down. */
  readonly pid?: number;
  /** Cap in hashes a second, 0 = uncapped. */
  readonly hashrate: number;
  /** Does it mine from the start? */
  readonly miner: boolean;
  /** Name of the key that its coinbases pay. */
  readonly payout: string;
}

export interface YardFile {
  readonly v: 1;
  readonly label: string;
  readonly network: string;
  /** Mean time between blocks over all miners, in milliseconds; 0 on regtest, which has no pace. */
  readonly spacingMs: number;
  /** One-way delay on every link, in milliseconds. */
  readonly delayMs: number;
  /** The process that owns the nodes; absent when the yard is down. */
  readonly launcher?: { readonly pid: number; readonly port: number };
  readonly page?: string;
  /** Who is linked with whom; absent = 'full', all with all. */
  readonly topology?: Topology;
  /** Nodes that share a process; absent = each has its own. */
  readonly perProcess?: number;
  /** The open partition, so that a node that is started again stays on its side. */
  readonly groups?: readonly (readonly string[])[] | undefined;
  /** All other faults that are set; absent = none. */
  readonly conditions?: Partial<Conditions> | undefined;
  /** What held when it was saved, taken up at the next start and then gone. */
  readonly resume?: Resume | undefined;
  readonly nodes: readonly YardNode[];
}

export interface Resume {
  readonly groups?: readonly (readonly string[])[] | undefined;
  readonly conditions?: Partial<Conditions> | undefined;
  /** Nodes whose miners are held, and nodes that are down. */
  readonly held: readonly string[];
  readonly down: readonly string[];
}

/**
 * Is a JSON value a yard's state? A person may have edited the file, a disk may have damaged it, and a save comes from
 * somebody else: every field that the program reads is validated, with its bounds. An error names field and value.
 */

/** Longest mean time between blocks: a day. */
export const MAX_PACE_MS = 86_400_000;
const MAX_DELAY_MS = 3_600_000;
const MAX_PID = 2 ** 31 - 1;
const MAX_PORT = 65_535;
/** Characters of a short text, and of an address or link. */
const SHORT = 64;
const LONG = 400;

const isRecord = (v: JsonInput | undefined): v is JsonObject =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

const isTexts = (v: JsonInput | undefined): v is string[] =>
  Array.isArray(v) && v.every((t) => typeof t === 'string');

/** A value of any shape and size in a few words. Never throws: a value may be nested without end. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHORT));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

const CONDITIONS: Readonly<Record<string, (v: JsonInput) => boolean>> = {
  oneWay: (v) => Array.isArray(v) && v.every((d) => isTexts(d) && d.length === 2),
  wireHeld: (v) => typeof v === 'boolean',
  frozen: isTexts,
  clockMs: (v) =>
    isRecord(v) &&
    Object.values(v).every(
      (ms) => typeof ms === 'number' && Number.isInteger(ms) && Math.abs(ms) <= MAX_CLOCK_MS,
    ),
  shapes: (v) =>
    isRecord(v) &&
    Object.values(v).every(
      (s) =>
        isRecord(s) &&
        Object.keys(UNSHAPED).every((key) => typeof s[key] === 'number') &&
        shapeProblem(s as unknown as LinkShape) === undefined,
    ),
  profile: (v) => v === '' || (PROFILES as readonly JsonInput[]).includes(v),
  regions: (v) => isRecord(v) && Object.values(v).every((r) => (REGIONS as readonly JsonInput[]).includes(r)),
};

/** May this field of a yard's conditions have this value? */
export function isCondition(field: string, value: JsonInput): boolean {
  return Object.hasOwn(CONDITIONS, field) && CONDITIONS[field]!(value);
}

/** Letters that a fault names, wherever it names them. */
function lettersIn(conditions: JsonObject): string[] {
  const links = Object.keys((conditions['shapes'] ?? {}) as JsonObject).flatMap((name) => name.split('>'));
  return [
    ...((conditions['oneWay'] ?? []) as string[][]).flat(),
    ...((conditions['frozen'] ?? []) as string[]),
    ...Object.keys((conditions['clockMs'] ?? {}) as JsonObject),
    ...Object.keys((conditions['regions'] ?? {}) as JsonObject),
    ...links,
  ];
}

/** What a field must be, in words for the error, and whether a value is. */
interface Kind {
  readonly words: string;
  readonly fits: (v: JsonInput | undefined) => boolean;
}

const text = (least: number, most: number): Kind => ({
  words: least === 0 ? `a text of at most ${most} characters` : `a text of ${least} to ${most} characters`,
  fits: (v) => typeof v === 'string' && v.length >= least && v.length <= most,
});

const number = (most: number): Kind => ({
  words: `a number from 0 to ${most}`,
  fits: (v) => typeof v === 'number' && v >= 0 && v <= most,
});

const whole = (least: number, most: number): Kind => ({
  words: `a whole number from ${least} to ${most}`,
  fits: (v) => Number.isSafeInteger(v) && (v as number) >= least && (v as number) <= most,
});

const flag: Kind = { words: 'true or false', fits: (v) => typeof v === 'boolean' };

/** A field that may be absent. */
const maybe = ({ words, fits }: Kind): Kind => ({ words, fits: (v) => v === undefined || fits(v) });

const YARD: Readonly<Record<string, Kind>> = {
  label: text(1, SHORT),
  network: text(1, SHORT),
  spacingMs: number(MAX_PACE_MS),
  delayMs: number(MAX_DELAY_MS),
  page: maybe(text(0, LONG)),
  topology: maybe({
    words: `one of ${TOPOLOGIES.join(', ')}`,
    fits: (v) => (TOPOLOGIES as readonly JsonInput[]).includes(v as JsonInput),
  }),
  perProcess: maybe(whole(1, MAX_NODES)),
};

const NODE: Readonly<Record<string, Kind>> = {
  rpcPort: whole(0, MAX_PORT),
  p2pPort: whole(0, MAX_PORT),
  peerId: text(0, LONG),
  address: text(0, LONG),
  pid: maybe(whole(1, MAX_PID)),
  hashrate: whole(0, Number.MAX_SAFE_INTEGER),
  miner: flag,
};

const LAUNCHER: Readonly<Record<string, Kind>> = { pid: whole(1, MAX_PID), port: whole(1, MAX_PORT) };

/** The first field that is not of its kind. */
function fieldFault(
  record: JsonObject,
  kinds: Readonly<Record<string, Kind>>,
  at: string,
): string | undefined {
  for (const [field, { words, fits }] of Object.entries(kinds)) {
    const value = Object.hasOwn(record, field) ? record[field] : undefined;
    if (!fits(value)) return `${at}${field} is ${shown(value)}, not ${words}`;
  }
  return undefined;
}

/** The state of a yard, or the first field that cannot be as it is. */
export function checkYard(given: unknown): Result<YardFile, string> {
  const json = given as JsonInput;
  if (!isRecord(json)) return err(`it is ${shown(json)}, not an object`);
  if (json['v'] !== 1) return err(`v is ${shown(json['v'])}; this forkyard reads version 1`);
  const field = fieldFault(json, YARD, '');
  if (field !== undefined) return err(field);
  const { nodes, launcher } = json;
  if (!Array.isArray(nodes) || nodes.length === 0)
    return err(`nodes is ${Array.isArray(nodes) ? 'empty' : shown(nodes)}, not a list of nodes`);
  if (nodes.length > MAX_NODES) return err(`nodes has ${nodes.length} entries; ${MAX_NODES} is the most`);
  const letters = nodes.map((_, i) => letterOf(i));
  const fault =
    nodes.map((node, i) => nodeFault(node as JsonInput, i)).find((f) => f !== undefined) ??
    (launcher === undefined ? undefined : launcherFault(launcher)) ??
    groupsFault(json['groups'], letters) ??
    conditionsFault(json['conditions'], letters) ??
    resumeFault(json['resume'], letters);
  return fault === undefined ? ok(json as JsonObject & YardFile) : err(fault);
}

function nodeFault(node: JsonInput, i: number): string | undefined {
  const at = `nodes[${i}]`;
  if (!isRecord(node)) return `${at} is ${shown(node)}, not a node`;
  const letter = letterOf(i);
  for (const [field, must] of [
    ['letter', letter],
    ['dir', letter],
    ['payout', minerKeyName(letter)],
  ] as const)
    if (node[field] !== must) return `${at}.${field} is ${shown(node[field])}, not "${must}"`;
  return fieldFault(node, NODE, `${at}.`);
}

function launcherFault(launcher: JsonInput): string | undefined {
  return isRecord(launcher)
    ? fieldFault(launcher, LAUNCHER, 'launcher.')
    : `launcher is ${shown(launcher)}, not a pid and a port`;
}

function groupsFault(groups: JsonInput | undefined, letters: readonly string[]): string | undefined {
  if (groups === undefined) return undefined;
  if (!Array.isArray(groups) || !groups.every(isTexts)) return 'groups is not lists of nodes';
  if (groups.length > letters.length || groups.some((g) => (g as string[]).length > letters.length))
    return 'groups names more nodes than there are';
  const parsed = parseGroups(groups.map((g) => (g as string[]).join(',')).join('/'), letters);
  return parsed.ok ? undefined : `groups: ${parsed.error.slice(0, 200)}`;
}

function conditionsFault(conditions: JsonInput | undefined, letters: readonly string[]): string | undefined {
  if (conditions === undefined) return undefined;
  if (!isRecord(conditions)) return `conditions is ${shown(conditions)}, not a list of fields`;
  const bad = Object.entries(conditions).find(([field, value]) => !isCondition(field, value));
  if (bad !== undefined) return `conditions.${bad[0].slice(0, 40)} cannot be ${shown(bad[1])}`;
  const stranger = lettersIn(conditions).find((l) => !letters.includes(l));
  return stranger === undefined
    ? undefined
    : `conditions names node ${shown(stranger.slice(0, 20))}, which the yard does not have`;
}

function resumeFault(resume: JsonInput | undefined, letters: readonly string[]): string | undefined {
  if (resume === undefined) return undefined;
  if (!isRecord(resume)) return `resume is ${shown(resume)}, not an object`;
  const { held, down } = resume;
  if (!isTexts(held) || !isTexts(down)) return 'resume.held and resume.down are not lists of nodes';
  const stranger = [held, down].flat().find((l) => !letters.includes(l));
  if (stranger !== undefined)
    return `resume names node ${shown(stranger.slice(0, 20))}, which the yard does not have`;
  if (letters.every((l) => down.includes(l))) return 'resume.down holds all of its nodes';
  const fault = groupsFault(resume['groups'], letters) ?? conditionsFault(resume['conditions'], letters);
  return fault === undefined ? undefined : `resume.${fault}`;
}

/**
 * A yard's state from a save. Nothing of it says anything about processes of this machine: pids, the launcher and the page
 * are left out, and so is a cut outside of `resume`.
 */
export function strangersYard(json: unknown): Result<YardFile, string> {
  const checked = checkYard(json);
  if (!checked.ok) return checked;
  const { launcher: _l, page: _p, groups: _g, ...yard } = checked.value;
  if (!/^[\w-]+$/.test(yard.label)) return err(`label is ${shown(yard.label)}, not letters, digits, _ and -`);
  return ok({ ...yard, nodes: yard.nodes.map(({ pid: _, ...node }) => node) });
}
