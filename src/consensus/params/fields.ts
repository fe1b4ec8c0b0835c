import { parseAmount } from '../../bitcoin/amount.ts';
import { compactToTarget, targetToCompact } from '../../bitcoin/target.ts';
import { fromHex } from '../../util/bytes.ts';
import { err, ok, type Result } from '../../util/result.ts';

/** How a field gives up; `readFields` turns it into an error value. */
class FieldError extends Error {}

/** Reads parsed JSON from outside: the first wrong field is refused by its path and value. */
export function readFields<T>(json: unknown, root: string, read: (field: Field) => T): Result<T, string> {
  try {
    return ok(read(new Field(json, root)));
  } catch (error) {
    if (error instanceof FieldError) return err(error.message);
    throw error;
  }
}

/** As much of a value as an error message should quote. */
function quoted(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? text.slice(0, 57) + '…' : text;
}

/** One value of a JSON document, and the path to it. */
export class Field {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  fail(expected: string): never {
    throw new FieldError(`${this.path} must be ${expected}, not ${quoted(this.value)}`);
  }

  #record(): Record<string, unknown> {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('an object');
    return value as Record<string, unknown>;
  }

  /** The names that are there, in order. */
  names(): readonly string[] {
    return Object.keys(this.#record());
  }

  /** A field of this object; `undefined` as its value when it is missing, so that its own reader refuses it. */
  at(name: string): Field {
    const record = this.#record();
    return new Field(Object.hasOwn(record, name) ? record[name] : undefined, `${this.path}.${name}`);
  }

  /** A misspelt field would otherwise be a default in silence. */
  only(...known: readonly string[]): void {
    for (const name of this.names()) {
      if (!known.includes(name)) {
        throw new FieldError(`${this.path}.${name} is not a known field; known are ${known.join(', ')}`);
      }
    }
  }

  items(): readonly Field[] {
    if (!Array.isArray(this.value)) this.fail('a list');
    return this.value.map((value: unknown, i) => new Field(value, `${this.path}[${i}]`));
  }

  text(pattern: RegExp, expected: string): string {
    if (typeof this.value !== 'string' || !pattern.test(this.value)) this.fail(expected);
    return this.value;
  }

  integer(min: number, max: number): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      this.fail(`a whole number from ${min} to ${max}`);
    }
    return value;
  }

  flag(): boolean {
    if (typeof this.value !== 'boolean') this.fail('true or false');
    return this.value;
  }

  exactly<T extends string | number>(...allowed: readonly T[]): T {
    for (const one of allowed) if (this.value === one) return one;
    return this.fail(allowed.map((one) => JSON.stringify(one)).join(' or '));
  }

  bytes(): Uint8Array {
    const bytes = typeof this.value === 'string' ? fromHex(this.value) : undefined;
    return bytes ?? this.fail('hex');
  }

  /** Coins as decimal text, exact to 8 digits; satoshi. */
  amount(): number {
    if (typeof this.value !== 'string') this.fail('an amount as text, such as "50"');
    const amount = parseAmount(this.value);
    return amount.ok ? amount.value : this.fail(`an amount (${amount.error})`);
  }

  /** Compact bits as 8 hex digits: a positive target in its one canonical form. */
  bits(): number {
    const text = this.text(/^[0-9a-f]{8}$/, 'compact bits as 8 hex digits, such as "207fffff"');
    const bits = Number.parseInt(text, 16);
    const { target, negative, overflow } = compactToTarget(bits);
    if (negative || overflow || target === 0n || targetToCompact(target) !== bits) {
      this.fail('compact bits of a positive target below 2^256');
    }
    return bits;
  }
}
