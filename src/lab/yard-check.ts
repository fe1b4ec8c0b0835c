import type { JsonInput, JsonObject } from '../host/http-json.ts';
import { shapeProblem } from '../host/net/rules.ts';
import { parseGroups } from '../observe/typed-names.ts';
import { type LinkShape, UNSHAPED } from '../util/link-shape.ts';
import { PROFILES, REGIONS } from '../util/profiles.ts';
import { err, ok, type Result } from '../util/result.ts';
import { TOPOLOGIES } from '../util/topology.ts';
import { MAX_NODES } from './create.ts';
import { minerKeyName } from './keyring.ts';
import { letterOf } from './names.ts';
import { faultOf, type YardFile } from './yard-file.ts';

/** Is what somebody else gives us a yard's state, or one of its faults? Every field is looked at, none is trusted. */

/** As far as a node lets its clock be set off (RPC setclock). */
export const MAX_CLOCK_MS = 100 * 86_400_000;

const isRecord = (v: JsonInput | undefined): v is JsonObject =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

const isTexts = (v: JsonInput | undefined): v is string[] =>
  Array.isArray(v) && v.every((t) => typeof t === 'string');

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

/** A yard's state as somebody saved it: only what this program writes, no path that leads elsewhere. */
export function strangersYard(json: unknown): Result<YardFile, string> {
  const fault = faultOf(json);
  if (fault !== undefined) return err(fault);
  const yard = json as JsonObject & YardFile;
  if (yard.nodes.length > MAX_NODES)
    return err(`it has ${yard.nodes.length} nodes; ${MAX_NODES} is the most`);
  if (!/^[\w-]{1,64}$/.test(yard.label))
    return err(`its label is ${JSON.stringify(yard.label).slice(0, 80)}`);
  for (const [i, node] of yard.nodes.entries()) {
    const letter = letterOf(i);
    if (node.letter !== letter || node.dir !== letter || node.payout !== minerKeyName(letter))
      return err(`node ${i + 1} is not called ${letter} throughout`);
    if (node.hashrate < 0 || typeof node.miner !== 'boolean')
      return err(`what node ${letter} mines is not said`);
    if (![node.rpcPort, node.p2pPort].every((port) => port >= 0 && port <= 65_535))
      return err(`a port of node ${letter} is none`);
  }
  for (const ms of [yard.spacingMs, yard.delayMs])
    if (!(ms >= 0 && ms <= 3_600_000)) return err(`${ms} ms is no delay`);
  if (yard.topology !== undefined && !TOPOLOGIES.includes(yard.topology))
    return err(`its topology is ${String(yard.topology)}`);
  const { perProcess = 1 } = yard;
  if (!(Number.isInteger(perProcess) && perProcess >= 1 && perProcess <= MAX_NODES))
    return err(`its nodes in one process are ${String(perProcess)}`);
  const letters = yard.nodes.map((n) => n.letter);
  const wrong =
    conditionsFault(yard.conditions as JsonInput | undefined, letters) ?? resumeFault(yard, letters);
  return wrong === undefined ? ok(yard) : err(wrong);
}

function conditionsFault(conditions: JsonInput | undefined, letters: readonly string[]): string | undefined {
  if (conditions === undefined) return undefined;
  if (!isRecord(conditions)) return 'its faults are not a list of fields';
  const bad = Object.entries(conditions).find(([field, value]) => !isCondition(field, value));
  if (bad !== undefined)
    return `its fault ${bad[0].slice(0, 40)} cannot be ${JSON.stringify(bad[1]).slice(0, 80)}`;
  const stranger = lettersIn(conditions).find((l) => !letters.includes(l));
  return stranger === undefined
    ? undefined
    : `a fault names node ${stranger.slice(0, 20)}, which it does not have`;
}

function resumeFault(yard: YardFile, letters: readonly string[]): string | undefined {
  const resume = yard.resume as JsonInput | undefined;
  if (resume === undefined) return undefined;
  if (!isRecord(resume) || !isTexts(resume['held']) || !isTexts(resume['down']))
    return 'what held in it is not said';
  const stranger = [...resume['held'], ...resume['down']].find((l) => !letters.includes(l));
  if (stranger !== undefined) return `it names node ${stranger.slice(0, 20)}, which it does not have`;
  if (resume['down'].length === letters.length) return 'all of its nodes are down';
  const { groups } = resume;
  if (groups !== undefined) {
    if (!Array.isArray(groups) || !groups.every(isTexts)) return 'its cut is not groups of nodes';
    const parsed = parseGroups(groups.map((g) => (g as string[]).join(',')).join('/'), letters);
    if (!parsed.ok) return `its cut cannot be: ${parsed.error}`;
  }
  return conditionsFault(resume['conditions'], letters);
}
