import type { Params } from '../../consensus/params/params.ts';
import type { Row } from '../../consensus/store/store.ts';
import { assert } from '../../util/assert.ts';
import { equal, keyOf, toHex } from '../../util/bytes.ts';
import { FullNode } from '../fullnode.ts';
import type { Input, Step } from '../types.ts';
import type { NodeView } from '../view.ts';
import { checkFingerprint, outlineOf, type RecordedInput, type RecordedStep } from './recording.ts';

/** What differed in a step, in sentences for a person. */
export interface Difference {
  /** Counted from 1. */
  readonly step: number;
  /** Microseconds of the node's own clock. */
  readonly now: number;
  readonly input: string;
  readonly what: readonly string[];
}

/** The node asks for what the recording does not have: this program takes another way than the one that recorded. */
class NotRecorded extends Error {}

/** Most differences that are told of one step. */
const MOST_TOLD = 8;

/**
 * Does recorded steps again, with the recorded answers of the disk and verdicts on signatures, and compares each. The disk
 * is what was recorded of it, and what the node writes while it goes on.
 */
export class Replay {
  readonly #node: FullNode;
  readonly #disk = new Map<string, Uint8Array | undefined>();
  #verdicts: readonly (readonly [number, boolean])[] = [];
  #nextVerdict = 0;
  #done = 0;

  constructor(o: {
    readonly params: Params;
    readonly rows: Iterable<Row>;
    readonly seed: number;
    readonly name: string;
  }) {
    const rows = [...o.rows];
    for (const { key, value } of rows) this.#disk.set(keyOf(key), value);
    this.#node = new FullNode({
      params: o.params,
      store: { get: (key) => this.#get(key) },
      index: rows,
      verify: (check) => this.#verdict(checkFingerprint(check)),
      seed: o.seed,
      name: o.name,
    });
  }

  get view(): NodeView {
    return this.#node.view;
  }

  /** Steps that were the same. */
  get done(): number {
    return this.#done;
  }

  #get(key: Uint8Array): Uint8Array | undefined {
    const text = keyOf(key);
    if (!this.#disk.has(text)) {
      // Nothing is asked of an empty disk before the first step.
      throw new NotRecorded(`reads record ${toHex(key.slice(0, 40))}, which the recorded node did not`);
    }
    return this.#disk.get(text);
  }

  #verdict(print: number): boolean {
    const next = this.#verdicts[this.#nextVerdict++];
    if (next === undefined) throw new NotRecorded('verifies a signature that the recorded node did not');
    if (next[0] !== print) throw new NotRecorded('verifies another signature than the recorded node');
    return next[1];
  }

  /** Undefined: the same. `recorded` is missing for a last input whose step was never told: it is only done. */
  step({ now, input }: RecordedInput, recorded: RecordedStep | undefined): Difference | undefined {
    this.#verdicts = recorded?.verdicts ?? [];
    this.#nextVerdict = 0;
    for (const { key, value } of recorded?.answers ?? []) this.#disk.set(keyOf(key), value);
    let step: Step | undefined;
    let threw: string | undefined;
    try {
      step = this.#node.step(now, input);
    } catch (error) {
      threw = error instanceof Error ? error.message : String(error);
      if (error instanceof NotRecorded) {
        return recorded === undefined ? undefined : this.#differs(now, input, [`it ${threw}`]);
      }
    }
    for (const { key, value } of step?.writes ?? []) this.#disk.set(keyOf(key), value);
    if (recorded === undefined)
      return threw === undefined ? undefined : this.#differs(now, input, [`it throws '${threw}'`]);
    const what = compare(now, step, threw, recorded, this.#nextVerdict);
    if (what.length > 0) return this.#differs(now, input, what);
    this.#done++;
    return undefined;
  }

  #differs(now: number, input: Input, what: readonly string[]): Difference {
    return { step: this.#done + 1, now, input: describeInput(input), what: what.slice(0, MOST_TOLD) };
  }
}

function compare(
  now: number,
  step: Step | undefined,
  threw: string | undefined,
  recorded: RecordedStep,
  verified: number,
): string[] {
  if (threw !== recorded.threw) {
    const before = recorded.threw === undefined ? 'did not throw' : `threw '${recorded.threw}'`;
    return [`the recorded step ${before}; here it ${threw === undefined ? 'does not' : `throws '${threw}'`}`];
  }
  if (step === undefined) return [];
  const outline = outlineOf(now, step);
  if (equal(outline.hash, recorded.hash)) return [];
  const told: string[] = [];
  const counted = (one: string, here: number, there: number) => {
    if (here !== there) told.push(`${here} ${one} here, ${there} recorded`);
  };
  counted('effects', outline.effects.length, recorded.effects.length);
  counted('writes', outline.writes.length, recorded.writes.length);
  counted('verified signatures', verified, recorded.verdicts.length);
  if (outline.durable !== recorded.durable)
    told.push(`its batch is ${outline.durable ? '' : 'not '}durable here`);
  const most = Math.max(outline.effects.length, recorded.effects.length);
  for (let i = 0; i < most; i++) {
    const [kind, print] = outline.effects[i] ?? ['none', 0];
    const [kindBefore, printBefore] = recorded.effects[i] ?? ['none', 0];
    if (kind !== kindBefore) told.push(`effect ${i + 1} is ${kind} here, ${kindBefore} recorded`);
    else if (print !== printBefore)
      told.push(`effect ${i + 1} (${kind}) has another content: here ${brief(step, i)}`);
  }
  for (const [i, write] of step.writes.entries()) {
    const before = recorded.writes[i];
    if (before !== undefined && before !== outline.writes[i])
      told.push(`write ${i + 1} differs: here of record ${toHex(write.key.slice(0, 40))}`);
  }
  return told;
}

/** The start of an effect as text. */
function brief(step: Step, index: number): string {
  const text = JSON.stringify(step.effects[index], (_, value: unknown) =>
    value instanceof Uint8Array
      ? `${value.length} bytes ${toHex(value.slice(0, 8))}…`
      : typeof value === 'bigint'
        ? value.toString(16)
        : value,
  );
  assert(text !== undefined, 'an effect is an object');
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** `message of 82 bytes from 12D3Koo…`, `command submit-block`. */
export function describeInput(input: Input): string {
  switch (input.kind) {
    case 'message':
      return `message of ${input.bytes.length} bytes from ${input.peer}`;
    case 'gossip':
      return `gossip ${input.topic} of ${input.bytes.length} bytes from ${input.peer}`;
    case 'command':
      return `command ${input.command.kind}`;
    case 'joined':
    case 'left':
      return `${input.kind} ${input.peer}`;
    case 'flow':
      return `flow ${input.open ? 'on' : 'off'} ${input.peer}`;
    case 'solved':
      return `solved job ${input.job}`;
    default:
      return input.kind;
  }
}
