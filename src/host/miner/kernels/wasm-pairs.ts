import { type HashPairs, hashPairs } from '../../../bitcoin/merkle.ts';
import { Dag, loopOf, type Node } from './dag.ts';
import { extend, rounds } from './sha-graph.ts';
import { IV, K, sigma0, sigma1 } from './sha256.ts';
import {
  block,
  type Code,
  call,
  type Func,
  i32,
  instantiate,
  local,
  moduleOf,
  TYPE,
  v128,
} from './wasm-binary.ts';
import { type Lanes, vectorLanes, writeStage } from './wasm-lanes.ts';

const LANES = 4;
/** A vector: one word of each lane. */
const VECTOR = 16;
/** The module's memory: tables of words, which are the same for every lane; */
const TABLE = { k: 0, paddingK: 256, iv: 512, tail: 544 } as const;
/** banks of vectors, sixteen schedule words and eight state words each, and the state after the first block; */
const BANK = { one: 1_024, other: 1_536, zero: 2_048, kept: 2_560 } as const;
const STATE = 16 * VECTOR;
/** the pairs, and how many fit. */
const DATA = 4_096;
const PAGES = 2;
const MOST = (PAGES * 65_536 - DATA) / 64;
/** For fewer the way there and back costs as much as hashing them here. */
const FEW = 8;
/** A level of so many pairs is worth generating the code, which takes as long as hashing ten of them. */
const WORTH = 250;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(at: number, groups: number): void;
}

/**
 * SHA-256d of many 64-byte pairs, four at once in WebAssembly SIMD: merkle trees of big blocks, about three times as fast as
 * the same in JavaScript. Generated when it is first worth it (most nodes never see such a block), and tried against the
 * plain one; where it cannot run or is wrong the plain one stays, and `note` hears why.
 */
export function fastPairs(note: (text: string) => void, make: () => HashPairs = wasmPairs): HashPairs {
  let chosen: HashPairs | undefined;
  return (nodes, from, count) => {
    if (chosen === undefined && count >= WORTH) chosen = choose(note, make);
    const pairs = count < FEW ? hashPairs : (chosen ?? hashPairs);
    pairs(nodes, from, count);
  };
}

function choose(note: (text: string) => void, make: () => HashPairs): HashPairs {
  try {
    const made = make();
    if (isRight(made)) return made;
    note(
      'merkle trees are hashed in plain JavaScript: the WebAssembly code gives wrong hashes on this machine',
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    note(`merkle trees are hashed in plain JavaScript: ${why}`);
  }
  return hashPairs;
}

/** Equal to the plain one, in every lane and for counts that do not fill the last group. */
function isRight(made: HashPairs): boolean {
  for (const [from, count] of [
    [0, 9],
    [3, 12],
  ] as const) {
    const nodes = Uint8Array.from({ length: 64 * (from + count) }, (_, i) => (i * 167 + (i >>> 5)) & 0xff);
    const want = nodes.slice();
    made(nodes, from, count);
    hashPairs(want, from, count);
    if (nodes.some((byte, i) => byte !== want[i])) return false;
  }
  return true;
}

/** One for all nodes of a process. */
let generated: HashPairs | undefined;

/** @throws Error where the engine has no SIMD. */
export function wasmPairs(): HashPairs {
  generated ??= generate();
  return generated;
}

function generate(): HashPairs {
  const { memory, run } = instantiate(
    moduleOf([sixteen(true), sixteen(false), runFunction()], PAGES),
  ) as Exports;
  const words = new Int32Array(memory.buffer);
  words.set(K, TABLE.k / 4);
  words.set(paddingK(), TABLE.paddingK / 4);
  words.set(IV, TABLE.iv / 4);
  // What follows 32 bytes in the only block of a hash.
  words.set([0x80000000, 0, 0, 0, 0, 0, 0, 256], TABLE.tail / 4);
  const data = new Uint8Array(memory.buffer, DATA);
  return (nodes, from, count) => {
    for (let done = 0; done < count; done += MOST) {
      const some = Math.min(MOST, count - done);
      const first = from + done;
      data.set(nodes.subarray(64 * first, 64 * (first + some)));
      run(DATA, Math.ceil(some / LANES));
      nodes.set(data.subarray(0, 32 * some), 32 * first);
    }
  };
}

/** Schedule and constants of the block that follows 64 bytes: it is padding alone, so they are known here. */
function paddingK(): readonly number[] {
  const w = [0x80000000, ...new Array<number>(14).fill(0), 512];
  for (let i = 16; i < 64; i++) w.push((w[i - 16]! + sigma0(w[i - 15]!) + w[i - 7]! + sigma1(w[i - 2]!)) | 0);
  return w.map((word, i) => (word + K[i]!) | 0);
}

const SIXTEEN = { extending: 0, last: 1 } as const;
/** The parameters of both: where the constants lie, the schedule, the state, and the bank for the results. */
const [CONSTANTS, SCHEDULE, BEFORE, AFTER] = [0, 1, 2, 3] as const;
const PARAMS = [TYPE.i32, TYPE.i32, TYPE.i32, TYPE.i32] as const;

/**
 * Sixteen rounds, and, unless they are a block's last, the schedule's next sixteen words. Not all 64 as one: code of a
 * tenth of the size is made and compiled in milliseconds instead of a quarter of a second, and hardly slower.
 */
function sixteen(extends_: boolean): Func {
  const dag = new Dag();
  const schedule = Array.from({ length: 16 }, (_, i) => dag.input(`w${i}`, 'nonce'));
  const before = IV.map((_, i) => dag.input(`s${i}`, 'nonce'));
  const added = schedule.map((word, i) => dag.sum(dag.input(`k${i}`, 'job'), word));
  const outputs = [
    ...(extends_ ? extend(dag, schedule, 32).slice(16) : schedule.map(() => undefined)),
    ...rounds(dag, before, added, 16),
  ];
  const slots = new Map<Node, number>();
  for (const [i, node] of outputs.entries()) if (node !== undefined) slots.set(node, VECTOR * i);
  const wanted = [...slots.keys()];
  const place = ({ name }: Node): number => Number(name.slice(1));
  const lanes: Lanes = {
    ...vectorLanes({ word: () => 0, handed: () => 0 }),
    fixed: (node) => v128.loadSplat(4 * place(node), local.get(CONSTANTS)),
    load: (node) =>
      node.name.startsWith('w')
        ? v128.load(VECTOR * place(node), local.get(SCHEDULE))
        : v128.load(STATE + VECTOR * place(node), local.get(BEFORE)),
    store: (node, value) => v128.store(slots.get(node)!, value, local.get(AFTER)),
  };
  const { code, locals } = writeStage(loopOf(dag, ...wanted), 0, [lanes], new Set(wanted), PARAMS.length);
  return { params: PARAMS, results: [], locals, body: code };
}

/** `run(at, groups)`: each group is four pairs, read at `at`; the hashes gather there, over pairs that are done. */
function runFunction(): Func {
  const [at, groups, to] = [0, 1, 2] as const;
  const rows = [3, 4, 5, 6] as const;
  const halves = [7, 8, 9, 10] as const;
  const word = (bank: number, i: number): number => bank + VECTOR * i;
  const state = (bank: number, i: number): number => bank + STATE + VECTOR * i;
  const iv = (i: number): Code => v128.loadSplat(TABLE.iv + 4 * i);
  const each = (count: number, code: (i: number) => Code): Code =>
    Array.from({ length: count }, (_, i) => code(i)).flat();
  const rounds16 = (which: number, ...args: readonly number[]): Code => call(which, ...args.map(i32.const));
  // From the first bank to the other and back, four times in all.
  const blockOf = (k: number, isPadding: boolean): Code =>
    [BANK.one, BANK.other, BANK.one, BANK.other].flatMap((bank, i) =>
      rounds16(
        isPadding || i === 3 ? SIXTEEN.last : SIXTEEN.extending,
        k + 64 * i,
        isPadding ? BANK.zero : bank,
        bank,
        BANK.one + BANK.other - bank,
      ),
    );
  const start = each(8, (i) => v128.store(state(BANK.one, i), iv(i)));
  const ended = (i: number): Code => v128.load(state(BANK.one, i));
  const grown = (index: number, by: number): Code =>
    local.set(index, i32.add(local.get(index), i32.const(by)));
  const body = [
    ...local.set(to, local.get(at)),
    ...block.loop([
      ...each(4, (q) => [
        ...rows.flatMap((row, lane) => local.set(row, v128.load(64 * lane + 16 * q, local.get(at)))),
        ...turned(rows, halves).flatMap((code, i) => v128.store(word(BANK.one, 4 * q + i), code)),
      ]),
      ...start,
      ...blockOf(TABLE.k, false),
      ...each(8, (i) => v128.store(state(BANK.kept, i), v128.add(ended(i), iv(i)))),
      ...each(8, (i) => v128.store(state(BANK.one, i), v128.load(state(BANK.kept, i)))),
      ...blockOf(TABLE.paddingK, true),
      ...each(8, (i) => v128.store(word(BANK.one, i), v128.add(ended(i), v128.load(state(BANK.kept, i))))),
      ...each(8, (i) => v128.store(word(BANK.one, 8 + i), v128.loadSplat(TABLE.tail + 4 * i))),
      ...start,
      ...blockOf(TABLE.k, false),
      ...each(2, (q) => [
        ...rows.flatMap((row, i) => local.set(row, v128.add(ended(4 * q + i), iv(4 * q + i)))),
        ...turned(rows, halves).flatMap((code, lane) => v128.store(32 * lane + 16 * q, code, local.get(to))),
      ]),
      ...grown(at, 64 * LANES),
      ...grown(to, 32 * LANES),
      ...grown(groups, -1),
      ...block.again(local.get(groups)),
    ]),
  ];
  const locals = [TYPE.i32, ...[...rows, ...halves].map(() => TYPE.v128)];
  return { params: [TYPE.i32, TYPE.i32], results: [], locals, body };
}

/** Four vectors of four words, turned by their diagonal and each word's bytes reversed: words by lane, and back. */
function turned(rows: readonly number[], halves: readonly number[]): readonly Code[] {
  const [a, b, c, d] = rows.map((row) => local.get(row)) as [Code, Code, Code, Code];
  const words = (picks: readonly number[]): number[] =>
    picks.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]);
  const swapped = (picks: readonly number[]): number[] =>
    picks.flatMap((word) => [4 * word + 3, 4 * word + 2, 4 * word + 1, 4 * word]);
  const made = [
    v128.shuffle(a, swapped([0, 4, 1, 5]), b),
    v128.shuffle(c, swapped([0, 4, 1, 5]), d),
    v128.shuffle(a, swapped([2, 6, 3, 7]), b),
    v128.shuffle(c, swapped([2, 6, 3, 7]), d),
  ];
  const [p, q, r, s] = halves.map((half) => local.get(half)) as [Code, Code, Code, Code];
  const set = made.flatMap((code, i) => local.set(halves[i]!, code));
  const [first, ...others] = [
    v128.shuffle(p, words([0, 1, 4, 5]), q),
    v128.shuffle(p, words([2, 3, 6, 7]), q),
    v128.shuffle(r, words([0, 1, 4, 5]), s),
    v128.shuffle(r, words([2, 3, 6, 7]), s),
  ] as [Code, Code, Code, Code];
  return [[...set, ...first], ...others];
}
