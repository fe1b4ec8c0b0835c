/**
 * The little of WebAssembly's binary format that the kernel needs (spec: core/binary). Code is a list of bytes in
 * postfix order, so an expression is its operands' code followed by its own.
 */
export type Code = readonly number[];

export const TYPE = { i32: 0x7f, v128: 0x7b } as const;
export type ValueType = (typeof TYPE)[keyof typeof TYPE];

/** LEB128, unsigned. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** LEB128, signed. */
function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

/** Binary operators: native concat, because the kernels join some ten thousand small pieces. */
const simd2 = (op: number): ((a: Code, b: Code) => Code) => {
  const code = [0xfd, ...unsigned(op)];
  return (a, b) => a.concat(b, code);
};
const plain2 = (op: number): ((a: Code, b: Code) => Code) => {
  const code = [op];
  return (a, b) => a.concat(b, code);
};
/** The same with a constant shift count as second operand. */
const by = (op: (a: Code, b: Code) => Code): ((a: Code, count: number) => Code) => {
  return (a, count) => op(a, i32.const(count));
};
/** Alignment as a power of two, then a fixed offset: addresses are known when the code is written. */
const at = (align: number, address: number): Code => [align, ...unsigned(address)];
const ZERO: Code = [0x41, 0];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  load: (address: number): Code => ZERO.concat([0x28], at(2, address)),
  store: (address: number, value: Code, base: Code = ZERO): Code =>
    base.concat(value, [0x36], at(2, address)),
  add: plain2(0x6a),
  sub: plain2(0x6b),
  and: plain2(0x71),
  or: plain2(0x72),
  xor: plain2(0x73),
  shl: by(plain2(0x74)),
  shrU: by(plain2(0x76)),
  rotr: by(plain2(0x78)),
  leU: plain2(0x4d),
};

export const v128 = {
  load: (address: number, base: Code = ZERO): Code => base.concat([0xfd, 0], at(4, address)),
  loadSplat: (address: number, base: Code = ZERO): Code => base.concat([0xfd, 9], at(2, address)),
  store: (address: number, value: Code, base: Code = ZERO): Code =>
    base.concat(value, [0xfd, 11], at(4, address)),
  const32: (...lanes: readonly [number, number, number, number]): Code => [
    ...[0xfd, 12],
    ...new Uint8Array(Int32Array.from(lanes).buffer),
  ],
  /** Bytes of `a`, in the order of `picks` (16 indices); with `b`, its bytes are those from 16 on. */
  shuffle: (a: Code, picks: readonly number[], b: Code = a): Code => a.concat(b, [0xfd, 13], picks),
  splat: (a: Code): Code => a.concat([0xfd, 17]),
  and: simd2(78),
  or: simd2(80),
  xor: simd2(81),
  leU: simd2(62),
  bitmask: (a: Code): Code => a.concat([0xfd, ...unsigned(164)]),
  shl: by(simd2(171)),
  shrU: by(simd2(173)),
  add: simd2(174),
};

export const local = {
  get: (index: number): Code => [0x20, ...unsigned(index)],
  set: (index: number, value: Code): Code => value.concat([0x21], unsigned(index)),
};

export const call = (index: number, ...args: Code[]): Code => [...args.flat(), 0x10, ...unsigned(index)];
export const block = {
  loop: (body: Code): Code => [0x03, 0x40, ...body, 0x0b],
  if: (condition: Code, then: Code): Code => [...condition, 0x04, 0x40, ...then, 0x0b],
  /** Back to the start of the innermost loop while the condition is not zero. */
  again: (condition: Code): Code => [...condition, 0x0d, 0x00],
};

export interface Func {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** Types of the locals after the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A module of these functions with one memory of its own; `memory` and the last function, as `run`, are exported. */
export function moduleOf(functions: readonly Func[], pages: number): Uint8Array<ArrayBuffer> {
  const vec = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, body: Code): Code => [id, ...unsigned(body.length), ...body];
  const name = (text: string): Code => vec([...text].map((c) => [c.charCodeAt(0)]));
  const code = functions.map(({ locals, body }) => {
    const whole = [...vec(runs(locals)), ...body, 0x0b];
    return [...unsigned(whole.length), ...whole];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      vec(functions.map((f) => [0x60, ...vec(f.params.map((t) => [t])), ...vec(f.results.map((t) => [t]))])),
    ),
    ...section(3, vec(functions.map((_, i) => unsigned(i)))),
    ...section(5, vec([[0x00, ...unsigned(pages)]])),
    ...section(
      7,
      vec([
        [...name('memory'), 0x02, 0],
        [...name('run'), 0x00, ...unsigned(functions.length - 1)],
      ]),
    ),
    ...section(10, vec(code)),
  ]);
}

function runs(types: readonly ValueType[]): readonly Code[] {
  const out: { type: ValueType; count: number }[] = [];
  for (const type of types) {
    const last = out.at(-1);
    if (last?.type === type) last.count++;
    else out.push({ type, count: 1 });
  }
  return out.map(({ type, count }) => [...unsigned(count), type]);
}

/** The part of the engine's WebAssembly that is used: Node's types leave it to the browser's library. */
declare const WebAssembly: {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/**
 * What a generated module exports.
 * @throws Error where the engine cannot run it: all of them use SIMD.
 */
export function instantiate(bytes: Uint8Array<ArrayBuffer>): unknown {
  if (!WebAssembly.validate(bytes)) throw new Error('this JavaScript engine has no WebAssembly SIMD');
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
}
