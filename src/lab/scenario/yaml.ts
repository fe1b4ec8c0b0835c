import {
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  parseDocument,
  visit,
  type Node as YamlNode,
} from 'yaml';
import type { Result } from '../../util/result.ts';
import { didYouMean } from '../../yard/names.ts';
import type { ScenarioFault } from './scenario.ts';

/** A YAML file as fields that know where they stand, so that every refusal points to line and field. */

/** More than any lesson; so are the bounds on what is in a file, which a parser's time and stack depend on. */
export const MAX_SCENARIO_BYTES = 256_000;
const MAX_TOKENS = 50_000;
const MAX_DEPTH = 40;
const MAX_FAULTS = 20;
/** Characters of a fault, which may repeat a value of the file. */
const MAX_SHOWN = 300;

const short = (text: string): string => (text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`);

class FaultThrown extends Error {
  readonly fault: ScenarioFault;
  constructor(fault: ScenarioFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Collects what is wrong, so that one run of the checker tells all of it. */
export class Faults {
  readonly all: ScenarioFault[] = [];

  /** What `work` gives, or undefined after one more fault. */
  try<T>(work: () => T): T | undefined {
    if (this.all.length >= MAX_FAULTS) return undefined;
    try {
      return work();
    } catch (error) {
      if (!(error instanceof FaultThrown)) throw error;
      this.all.push(error.fault);
      return undefined;
    }
  }
}

interface Source {
  readonly doc: Document;
  readonly lines: LineCounter;
}

export class Field {
  readonly path: string;
  readonly #node: YamlNode | null;
  readonly #at: number;
  readonly #source: Source;

  constructor(source: Source, node: YamlNode | null | undefined, path: string, at: number) {
    const resolved = isAlias(node) ? node.resolve(source.doc) : node;
    this.#node = resolved ?? null;
    this.#at = resolved?.range?.[0] ?? at;
    this.path = path;
    this.#source = source;
  }

  get line(): number {
    return this.#source.lines.linePos(this.#at).line;
  }

  /** Throws a fault at this place. */
  refuse(message: string): never {
    const { line, col } = this.#source.lines.linePos(this.#at);
    throw new FaultThrown({ line, column: col, field: short(this.path), message: short(message) });
  }

  /** A parser's value, or its sentence as a fault here. */
  must<T>(result: Result<T, string>): T {
    return result.ok ? result.value : this.refuse(result.error);
  }

  get isMap(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  get isEmpty(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  /** Text as it stands in the file, so that `1.10` is not 1.1. */
  text(): string {
    if (!isScalar(this.#node) || this.isEmpty) return this.refuse(`must be a text, not ${this.#kind()}`);
    const { value, source } = this.#node;
    return typeof value === 'string' ? value : (source ?? String(value));
  }

  flag(): boolean {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value === 'boolean') return value;
    if (value === 'on' || value === 'yes') return true;
    if (value === 'off' || value === 'no') return false;
    return this.refuse('must be true or false');
  }

  whole(least: number, most: number): number {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value !== 'number' || !Number.isInteger(value))
      return this.refuse(`must be a whole number, not ${this.#kind()}`);
    if (value < least || value > most) return this.refuse(`must be from ${least} to ${most}, not ${value}`);
    return value;
  }

  list(most: number): Field[] {
    if (!isSeq(this.#node)) return this.refuse(`must be a list, not ${this.#kind()}`);
    if (this.#node.items.length > most)
      return this.refuse(`has ${this.#node.items.length} entries; ${most} is the most`);
    return this.#node.items.map(
      (item, i) => new Field(this.#source, item as YamlNode, `${this.path}[${i}]`, this.#at),
    );
  }

  #unknown(key: string, at: number, path: string, known: readonly string[]): never {
    return new Field(this.#source, null, path, at).refuse(`no such field. ${didYouMean(key, known)}`);
  }

  /** Every key that is not in `known`, each as a fault of its own. */
  checkKeys(known: readonly string[], faults: Faults): void {
    if (!isMap(this.#node)) return;
    for (const { key } of this.#node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const at = isScalar(key) ? (key.range?.[0] ?? this.#at) : this.#at;
      if (!known.includes(name)) faults.try(() => this.#unknown(name, at, name, known));
    }
  }

  /** The fields of a map; one that is not in `known` is refused at its own line. */
  map(known?: readonly string[]): Map<string, Field> {
    if (!isMap(this.#node)) return this.refuse(`must be fields with values, not ${this.#kind()}`);
    const fields = new Map<string, Field>();
    for (const pair of this.#node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const at = isScalar(pair.key) ? (pair.key.range?.[0] ?? this.#at) : this.#at;
      const path = this.path === '' ? key : `${this.path}.${key}`;
      if (known !== undefined && !known.includes(key)) this.#unknown(key, at, path, known);
      fields.set(key, new Field(this.#source, pair.value as YamlNode | null, path, at));
    }
    return fields;
  }

  #kind(): string {
    if (this.isEmpty) return 'nothing';
    if (isMap(this.#node)) return 'fields';
    if (isSeq(this.#node)) return 'a list';
    return isScalar(this.#node) ? `'${String(this.#node.value)}'` : 'this';
  }
}

/** The file's root, or what YAML itself finds wrong with it. */
export function readYaml(text: string): { root?: Field; faults: ScenarioFault[] } {
  const lines = new LineCounter();
  const fault = (at: number, message: string): ScenarioFault => {
    const { line, col } = lines.linePos(at);
    return { line, column: col, field: '', message };
  };
  if (Buffer.byteLength(text) > MAX_SCENARIO_BYTES)
    return {
      faults: [{ line: 1, column: 1, field: '', message: `is larger than ${MAX_SCENARIO_BYTES} bytes` }],
    };
  const excess = excessIn(new Parser(lines.addNewLine).parse(text));
  if (excess !== undefined) return { faults: [fault(excess.at, excess.message)] };
  // The library compares each key of a map with all others; `doubledKey` needs one look at each.
  const doc = parseDocument(text, { prettyErrors: false, uniqueKeys: false });
  const faults = doc.errors.slice(0, MAX_FAULTS).map((error) => fault(error.pos[0], error.message));
  const doubled = faults.length === 0 ? doubledKey(doc) : undefined;
  if (doubled !== undefined) faults.push(fault(doubled, 'Map keys must be unique'));
  if (faults.length > 0) return { faults };
  return { root: new Field({ doc, lines }, doc.contents as YamlNode | null, '', 0), faults };
}

/** More of anything than a parser can take; told before the document is made, which needs a stack frame for each depth. */
function excessIn(tokens: Iterable<CST.Token>): { at: number; message: string } | undefined {
  const open: { token: CST.Token; depth: number }[] = [];
  for (const token of tokens) open.push({ token, depth: 0 });
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    const at = 'offset' in token ? token.offset : 0;
    if (++count > MAX_TOKENS) return { at, message: `has more than ${MAX_TOKENS} values` };
    if (depth > MAX_DEPTH) return { at, message: `is nested deeper than ${MAX_DEPTH} levels` };
    if (token.type === 'document' && token.value !== undefined) open.push({ token: token.value, depth });
    if (!('items' in token)) continue;
    for (const { key, value } of token.items as readonly Partial<CST.CollectionItem>[])
      for (const child of [key, value])
        if (child !== undefined && child !== null) open.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

/** Where a key stands for the second time in its map. */
function doubledKey(doc: Document): number | undefined {
  let at: number | undefined;
  visit(doc, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          at = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return at;
}
