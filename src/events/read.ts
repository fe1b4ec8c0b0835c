import { err, ok, type Result } from '../util/result.ts';
import type { LogEvent } from './events.ts';

/** Why a line of a log is not an event. */
export interface EventFault {
  readonly rule: 'bad-json' | 'bad-version' | 'unknown-kind' | 'bad-field';
  /** `height of block must be a whole number from 0 to 4294967295, not "1x"`. */
  readonly detail: string;
}

/** A line that was left out. */
export interface LineFault extends EventFault {
  /** Name of the file, without its folder. */
  readonly file: string;
  /** From 1, in its file. */
  readonly line: number;
}

/** So many of them are named; all are counted. */
const NAMED_FAULTS = 5;

/** `yard.jsonl line 12: height of block must be a whole number from 0 to 4294967295, not "1x" (bad-field)`. */
export function lineFaultWords({ file, line, rule, detail }: LineFault): string {
  return `${file} line ${line}: ${detail} (${rule})`;
}

/** One field: what it must be, in words and as a test. */
interface Check {
  readonly says: string;
  readonly holds: (value: unknown) => boolean;
}
interface OptionalCheck extends Check {
  readonly optional: true;
}

/** Heights are 32 bits wide in Bitcoin's own formats, and no loop over them may run for ever. */
const MOST_HEIGHT = 0xffff_ffff;
/** The last millisecond of a JavaScript date. */
const MOST_TIME = 8.64e15;
const MOST_ID = 128;

const text: Check = { says: 'text', holds: (value) => typeof value === 'string' };
const id: Check = {
  says: `text of at most ${MOST_ID} characters`,
  holds: (value) => typeof value === 'string' && value.length <= MOST_ID,
};
const flag: Check = { says: 'true or false', holds: (value) => typeof value === 'boolean' };
const work: Check = {
  says: '1 to 64 hex digits',
  holds: (value) => typeof value === 'string' && /^[0-9a-f]{1,64}$/.test(value),
};
const height = whole(MOST_HEIGHT);
const many = whole(Number.MAX_SAFE_INTEGER);
const amount = number(0, Number.MAX_SAFE_INTEGER);
const signed = number(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const because = oneOf('work', 'invalidated', 'precious');
const ref = shape('a block { id, height, miner }', { id, height, miner: text });
const wire = shape('a link { delayMs, jitterMs, loss, bitsPerSecond }', {
  delayMs: amount,
  jitterMs: amount,
  loss: number(0, 1),
  bitsPerSecond: amount,
  drop: { says: 'a share', holds: (value) => value === undefined || number(0, 1).holds(value) },
});
const direction: Check = {
  says: 'two letters',
  holds: (value) => Array.isArray(value) && value.length === 2 && value.every(text.holds),
};

type Own<K extends LogEvent['kind']> = Omit<
  Extract<LogEvent, { kind: K }>,
  'v' | 'seq' | 't' | 'node' | 'kind'
>;
type ChecksOf<T> = {
  readonly [F in keyof T]-?: undefined extends T[F] ? OptionalCheck : Check;
};

/** Every field of every kind; the compiler misses one that is added to the vocabulary. */
const CHECKS: { readonly [K in LogEvent['kind']]: ChecksOf<Own<K>> } = {
  header: { id, prev: id, height, work, from: id },
  headers: { count: many, id, prev: id, height, work, from: id },
  block: { id, prev: id, height, work, miner: text, time: many, txs: many, size: many, from: id },
  mined: { id, height, miner: text, tries: amount, ms: amount, hidden: optional(oneOf(true)) },
  connected: { id, height, miner: text, txids: list(id) },
  disconnected: { id, height, miner: text },
  tip: { id, height, work, miner: text, old: id, because },
  reorg: { fork: ref, depth: height, length: height, out: list(ref), in: list(ref), because },
  refused: { id, height, rule: text, detail: text, from: id },
  'tx-seen': { txid: id, fee: amount, vsize: amount, from: id },
  'tx-refused': { txid: id, rule: text, detail: text, from: id },
  'tx-returned': { txid: id },
  'tx-lost': { txid: id, by: optional(id), block: optional(id) },
  'tx-removed': {
    txid: id,
    why: oneOf('replaced', 'evicted', 'expired', 'conflict'),
    by: optional(id),
  },
  'peer-joined': { peer: id, inbound: flag },
  'peer-ready': { peer: id, name: text, height },
  'peer-left': { peer: id },
  fault: { peer: id, rule: text, detail: text, banned: flag },
  mining: { on: flag, height: optional(height) },
  clock: { offsetMs: signed },
  start: { genesis: id, network: text, id, height, work, pid: many, peer: id },
  stop: { why: text },
  note: { text },
  links: {
    refuse: list(id),
    delayMs: amount,
    delayTo: optional(table(amount)),
    deaf: optional(list(id)),
    hold: optional(flag),
    shapes: optional(table(wire)),
  },
  power: { on: flag, held: flag, hashrate: amount },
  job: { prev: id, height },
  strategy: { of: id, name: text, on: flag },
  yard: {
    label: text,
    network: text,
    spacingMs: amount,
    retarget: oneOf('none', 'ema', 'asert', 'bitcoin'),
    topology: oneOf('full', 'line', 'random'),
    nodes: list(id),
  },
  process: {
    what: oneOf('started', 'exited', 'killed'),
    of: id,
    code: orNull(signed),
    signal: orNull(text),
  },
  partition: { groups: list(list(id)) },
  heal: {},
  conditions: {
    text,
    oneWay: list(direction),
    wireHeld: flag,
    frozen: list(id),
    clockMs: table(signed),
    shapes: table(wire),
    profile: text,
    regions: table(text),
  },
  action: { text },
};

const HEAD = { seq: many, t: number(0, MOST_TIME), node: id };

type Kind = LogEvent['kind'];

type Fields = readonly (readonly [string, Check | OptionalCheck])[];

const COMMON_FIELDS: Fields = Object.entries({ ...HEAD, kind: text });

/** The checks of each kind as a list, made once: logs have hundreds of thousands of lines. */
const FIELDS: ReadonlyMap<string, Fields> = new Map(
  (Object.keys(CHECKS) as Kind[]).map((kind) => [
    kind,
    Object.entries<Check | OptionalCheck>({ ...HEAD, ...CHECKS[kind] }),
  ]),
);

/** One line of an event log (docs/event-log.md). Fields that no kind has are kept. */
export function readEventLine(line: string): Result<LogEvent, EventFault> {
  const value = objectIn(line);
  if (!value.ok) return value;
  const { kind } = value.value;
  const checks = typeof kind === 'string' ? FIELDS.get(kind) : undefined;
  if (checks === undefined) return fault('unknown-kind', `no event is of kind ${shown(kind)}`);
  return checked(value.value, checks);
}

/**
 * The same for a line that a node of ours wrote: only what all kinds have in common (v, seq, t, node, kind) is checked. A
 * node counts on from the last line of its log, whatever its kind, which a newer version may have written.
 */
export function readOwnEventLine(line: string): Result<LogEvent, EventFault> {
  const value = objectIn(line);
  return value.ok ? checked(value.value, COMMON_FIELDS) : value;
}

/** An object of a version that we read. */
function objectIn(line: string): Result<Record<string, unknown>, EventFault> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A SyntaxError, or a RangeError where it is nested too deep.
    return fault('bad-json', 'not JSON');
  }
  if (!isObject(value)) return fault('bad-json', 'not an object');
  return value['v'] === 1 ? ok(value) : fault('bad-version', `v must be 1, not ${shown(value['v'])}`);
}

function checked(value: Record<string, unknown>, fields: Fields): Result<LogEvent, EventFault> {
  for (const [name, check] of fields) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given === undefined && 'optional' in check) continue;
    if (!check.holds(given)) {
      const kind = typeof value['kind'] === 'string' ? value['kind'] : 'an event';
      return fault('bad-field', `${name} of ${kind} must be ${check.says}, not ${shown(given)}`);
    }
  }
  return ok(value as unknown as LogEvent);
}

/** Takes the lines of log files one by one, counts them, and says which are no events. */
export interface LineReader {
  /** Lines that are events, and those that are not. */
  readonly events: number;
  readonly skipped: number;
  /** The first of the latter, and why. */
  readonly faults: readonly LineFault[];
  /** The lines of another file follow; the name is without its folder. */
  open(file: string): void;
  /** A line without its newline. Blank ones are counted, and are nothing else. */
  take(line: string): void;
  /** What follows the last newline of a file. False if it is no event: a crash, or a writer at work. It is then not counted. */
  takeRest(rest: string): boolean;
}

/** A reader of log files that gives `each` the events, in the order of the lines. */
export function newLineReader(each: (event: LogEvent) => void): LineReader {
  return new CountingReader(each);
}

class CountingReader implements LineReader {
  events = 0;
  skipped = 0;
  readonly faults: LineFault[] = [];
  readonly #each: (event: LogEvent) => void;
  #file = '';
  #line = 0;

  constructor(each: (event: LogEvent) => void) {
    this.#each = each;
  }

  open(file: string): void {
    this.#file = file;
    this.#line = 0;
  }

  take(line: string): void {
    this.#line++;
    const found = this.#read(line);
    if (found === undefined) return;
    this.skipped++;
    if (this.faults.length < NAMED_FAULTS) this.faults.push({ file: this.#file, line: this.#line, ...found });
  }

  takeRest(rest: string): boolean {
    return this.#read(rest) === undefined;
  }

  #read(line: string): EventFault | undefined {
    if (line.trim() === '') return undefined;
    const read = readEventLine(line);
    if (!read.ok) return read.error;
    this.events++;
    this.#each(read.value);
    return undefined;
  }
}

function fault(rule: EventFault['rule'], detail: string): Result<never, EventFault> {
  return err({ rule, detail });
}

const MOST_SHOWN = 40;

/** A value of a stranger, safe for a terminal. */
function shown(value: unknown): string {
  const json = value === undefined ? 'nothing' : JSON.stringify(value);
  const plain = json.slice(0, MOST_SHOWN).replace(/[^ -~]/g, '?');
  return json.length > MOST_SHOWN ? `${plain}…` : plain;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function whole(most: number): Check {
  return {
    says: `a whole number from 0 to ${most}`,
    holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most,
  };
}

function number(least: number, most: number): Check {
  return {
    says: least === 0 ? `a number from 0 to ${most}` : `a number of at most ${most}, either sign`,
    holds: (value) => typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most,
  };
}

function oneOf(...values: readonly (string | boolean)[]): Check {
  return {
    says: values.join(', '),
    holds: (value) => values.includes(value as string | boolean),
  };
}

function list(each: Check): Check {
  return {
    says: `a list, each of it ${each.says}`,
    holds: (value) => Array.isArray(value) && value.every(each.holds),
  };
}

function table(each: Check): Check {
  return {
    says: `an object, each value ${each.says}`,
    holds: (value) => isObject(value) && Object.values(value).every(each.holds),
  };
}

function shape(says: string, fields: Readonly<Record<string, Check>>): Check {
  return {
    says,
    holds: (value) =>
      isObject(value) && Object.entries(fields).every(([name, check]) => check.holds(value[name])),
  };
}

function orNull(check: Check): Check {
  return { says: `${check.says}, or null`, holds: (value) => value === null || check.holds(value) };
}

function optional(check: Check): OptionalCheck {
  return { ...check, optional: true };
}
