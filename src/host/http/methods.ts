import { nearest } from '../../util/nearest.ts';
import { RPC, RpcError } from './errors.ts';
import type { Json, JsonInput, JsonObject, JsonTypeName } from './json.ts';
import { typeName } from './json.ts';

/** What an argument may be. `amount`: coins, a number or a decimal string. `flag`: a number, or a bool from older clients. */
type ArgumentType = 'string' | 'number' | 'bool' | 'object' | 'array' | 'amount' | 'flag' | 'any';

export interface RpcArgument {
  readonly name: string;
  /** An older name, under which named calls may give it too. */
  readonly alias?: string;
  readonly type: ArgumentType;
  /** Optional when given; the text says what absence means. */
  readonly default?: string;
  readonly says: string;
}

/** What a running call may look at besides its arguments. */
export interface Call {
  /** Aborted when the caller hangs up or the server closes: long waits and grinds end then. */
  readonly signal: AbortSignal;
}

export interface RpcMethod {
  readonly name: string;
  /** Heading in the list of `help`. */
  readonly category: string;
  readonly summary: string;
  readonly args: readonly RpcArgument[];
  /** All arguments may also come as one object, `["…", [{"name": value}]]`: what clients without named calls can say. */
  readonly oneObject?: boolean;
  /** Arguments of an example call, as one types them after the method's name. */
  readonly example: string;
  /** `view`: it reads the node's memory alone, and in one go. */
  readonly looks?: 'view';
  run(args: Arguments, call: Call): Json | Promise<Json>;
}

const ACCEPTS: Record<ArgumentType, readonly JsonTypeName[]> = {
  string: ['string'],
  number: ['number'],
  bool: ['bool'],
  object: ['object'],
  array: ['array'],
  amount: ['number', 'string'],
  flag: ['number', 'bool'],
  any: ['string', 'number', 'bool', 'object', 'array'],
};

/** The arguments of one call, already held against the method's declaration. Null counts as absent, as in Core. */
export class Arguments {
  readonly #values: ReadonlyMap<string, JsonInput>;
  constructor(values: ReadonlyMap<string, JsonInput>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  value(name: string): JsonInput | undefined {
    return this.#values.get(name);
  }

  string(name: string): string {
    return this.#typed(name, 'string') as string;
  }

  bool(name: string, fallback: boolean): boolean {
    return this.has(name) ? (this.#typed(name, 'bool') as boolean) : fallback;
  }

  array(name: string): JsonInput[] {
    return this.#typed(name, 'array') as JsonInput[];
  }

  object(name: string): JsonObject {
    return this.#typed(name, 'object') as JsonObject;
  }

  /** A whole number within bounds; outside is the caller's mistake and named so. */
  integer(name: string, bounds: { min: number; max: number; fallback?: number }): number {
    const value = this.#values.get(name) ?? bounds.fallback;
    if (typeof value !== 'number') throw new TypeError(`argument ${name} is not declared as a number`);
    // Core fails to read such a number before it looks at what it is for.
    if (!Number.isSafeInteger(value))
      throw new RpcError(
        RPC.MISC_ERROR,
        `JSON integer out of range: ${name} must be a whole number (not ${value})`,
      );
    if (value < bounds.min || value > bounds.max)
      throw new RpcError(
        RPC.INVALID_PARAMETER,
        `${name} out of range: ${value} is not in ${bounds.min}..${bounds.max}`,
      );
    return value;
  }

  /** Core's verbosity: a number, or false and true for 0 and 1. */
  flag(name: string, fallback: number): number {
    const value = this.#values.get(name);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value ? 1 : 0;
    return this.integer(name, { min: -1e9, max: 1e9 });
  }

  #typed(name: string, type: JsonTypeName): JsonInput {
    const value = this.#values.get(name);
    if (value === undefined || typeName(value) !== type)
      throw new TypeError(`argument ${name} is not declared as a ${type}`);
    return value;
  }
}

/** All methods that a server answers, by name. */
export class RpcRegistry {
  readonly #methods: Map<string, RpcMethod>;
  constructor(methods: Iterable<RpcMethod>) {
    this.#methods = new Map();
    for (const method of methods) {
      if (this.#methods.has(method.name)) throw new TypeError(`two methods are called ${method.name}`);
      this.#methods.set(method.name, method);
    }
  }

  get names(): readonly string[] {
    return [...this.#methods.keys()];
  }

  find(name: string): RpcMethod {
    const method = this.#methods.get(name);
    if (method !== undefined) return method;
    const near = nearest(name, this.names);
    const hint = near === undefined ? "'help' lists them all" : `did you mean '${near}'?`;
    throw new RpcError(RPC.METHOD_NOT_FOUND, `Method not found: '${name.slice(0, 64)}'; ${hint}`);
  }

  /** Every method's first line under its category, or one method's whole text. */
  help(name?: string): string {
    if (name !== undefined) return describe(this.find(name));
    const categories = new Map<string, RpcMethod[]>();
    for (const method of this.#methods.values()) {
      const list = categories.get(method.category) ?? [];
      list.push(method);
      categories.set(method.category, list);
    }
    const blocks: string[] = [];
    for (const [category, methods] of [...categories].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const lines = methods.map(usage).sort((a, b) => (a < b ? -1 : 1));
      blocks.push([`== ${category} ==`, ...lines].join('\n'));
    }
    return blocks.join('\n\n');
  }
}

/** Binds positional or named parameters to a method's declaration. Core: transformNamedArguments, RPCHelpMan. */
export function bindArguments(method: RpcMethod, given: readonly JsonInput[] | JsonObject): Arguments {
  const params = method.oneObject === true ? namedPart(given) : given;
  const values = new Map<string, JsonInput>();
  const put = (argument: RpcArgument, value: JsonInput) => {
    if (value !== null) values.set(argument.name, value);
  };
  const positional = Array.isArray(params) ? (params as JsonInput[]) : positionalPart(params as JsonObject);
  if (positional.length > method.args.length) {
    const takes = method.args.length === 0 ? 'no arguments' : `at most ${method.args.length}`;
    throw new RpcError(
      RPC.MISC_ERROR,
      `${method.name} takes ${takes}, got ${positional.length}\n\n${describe(method)}`,
    );
  }
  positional.forEach((value, i) => {
    put(method.args[i]!, value);
  });
  if (!Array.isArray(params)) {
    for (const [name, value] of Object.entries(params as JsonObject)) {
      const at = method.args.findIndex((a) => a.name === name || a.alias === name);
      if (at < 0 && name === 'args') continue;
      if (at < 0) throw new RpcError(RPC.INVALID_PARAMETER, `Unknown named parameter ${name}`);
      if (at < positional.length)
        throw new RpcError(
          RPC.INVALID_PARAMETER,
          `Parameter ${name} specified twice both as positional and named argument`,
        );
      put(method.args[at]!, value);
    }
  }
  method.args.forEach((argument, i) => {
    const value = values.get(argument.name);
    if (value === undefined) {
      if (argument.default !== undefined) return;
      throw new RpcError(
        RPC.MISC_ERROR,
        `${method.name}: missing argument ${argument.name}\n\n${describe(method)}`,
      );
    }
    const accepted = ACCEPTS[argument.type];
    if (!accepted.includes(typeName(value)))
      throw new RpcError(
        RPC.TYPE_ERROR,
        `Wrong type passed: position ${i + 1} (${argument.name}): JSON value of type ${typeName(value)} is not of expected type ${accepted.join(' or ')}`,
      );
  });
  return new Arguments(values);
}

function namedPart(given: readonly JsonInput[] | JsonObject): readonly JsonInput[] | JsonObject {
  const first = Array.isArray(given) && given.length === 1 ? (given[0] as JsonInput) : null;
  return first !== null && typeof first === 'object' && !Array.isArray(first) ? first : given;
}

/** Core lets named calls carry their positional part under `args`. */
function positionalPart(params: JsonObject): readonly JsonInput[] {
  const part = params['args'];
  if (part === undefined || part === null) return [];
  if (!Array.isArray(part)) throw new RpcError(RPC.INVALID_PARAMETER, 'Parameter args must be an array');
  return part;
}

function usage(method: RpcMethod): string {
  const words = [method.name];
  let optional = false;
  for (const argument of method.args) {
    if (argument.default !== undefined && !optional) {
      optional = true;
      words.push('(');
    }
    words.push(argument.type === 'string' ? `"${argument.name}"` : argument.name);
  }
  if (optional) words.push(')');
  return words.join(' ');
}

function describe(method: RpcMethod): string {
  const lines = [usage(method), '', method.summary];
  if (method.args.length > 0) {
    lines.push('', 'Arguments:');
    const width = Math.max(...method.args.map((a) => a.name.length)) + 2;
    method.args.forEach((a, i) => {
      const need = a.default === undefined ? 'required' : `optional, default=${a.default}`;
      lines.push(`${i + 1}. ${a.name.padEnd(width)}(${a.type}, ${need}) ${a.says}`);
    });
  }
  lines.push(
    '',
    'Example:',
    `> forkyard rpc ${method.name}${method.example === '' ? '' : ` ${method.example}`}`,
  );
  return lines.join('\n');
}
