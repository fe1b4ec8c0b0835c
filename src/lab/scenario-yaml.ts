import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node as YamlNode,
} from 'yaml';
import type { Result } from '../util/result.ts';
import { didYouMean } from './names.ts';
import type { ScenarioFault } from './scenario.ts';

/** A YAML file as fields that know where they stand, so that every refusal points to line and field. */

/** More than any lesson. */
const MAX_BYTES = 1_000_000;
const MAX_FAULTS = 20;

export class FaultThrown extends Error {
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
    try {
      return work();
    } catch (error) {
      if (!(error instanceof FaultThrown)) throw error;
      if (this.all.length < MAX_FAULTS) this.all.push(error.fault);
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
    throw new FaultThrown({ line, column: col, field: this.path, message });
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
  if (text.length > MAX_BYTES)
    return { faults: [{ line: 1, column: 1, field: '', message: `is larger than ${MAX_BYTES} bytes` }] };
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = doc.errors.slice(0, MAX_FAULTS).map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { line, column: col, field: '', message: error.message };
  });
  if (faults.length > 0) return { faults };
  return { root: new Field({ doc, lines }, doc.contents as YamlNode | null, '', 0), faults };
}
