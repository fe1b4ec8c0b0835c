import { evaluate, handedOn, type Loop, loopOf, type Node } from './dag.ts';
import { jobInputs, lastWordGraph, STAGE } from './double-sha.ts';
import { HeaderJob } from './sha256.ts';
import type { Kernel } from './types.ts';
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
import { type Lanes, type Places, scalarLane, vectorLanes, writeStage } from './wasm-lanes.ts';

/** Nonces a turn of the loop: four vector lanes, and a fifth in the integer units. */
const LANES = { four: 4, five: 5 } as const;
const HITS = 32_768;
/** Nonces a call of the module's `scan`: its list of hits, 8 bytes a turn, fills the page's second half at most. */
const CALL = 16_384;
const PAGE = 65_536;
/** Byte order of the nonce within each lane, reversed. */
const SWAP_BYTES = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

/**
 * Four nonces at once in WebAssembly SIMD; the module's bytes are written here, there is no binary and no toolchain.
 * Schedule, first and second hash are functions of their own: as one, V8's optimiser gives it less than half the speed.
 */
export function simd4Kernel(): Kernel {
  return new WasmKernel('simd4', newEngine(LANES.four));
}

/** The same with a fifth nonce beside it in scalar instructions, for processors with integer units to spare. */
export function simd5Kernel(): Kernel {
  return new WasmKernel('simd5', newEngine(LANES.five));
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(from: number, turns: number): number;
}

/** A module with its memory. Kernels of one engine take turns with it: whose job lies there grinds. */
interface Engine {
  readonly lanes: number;
  readonly jobValues: readonly Node[];
  readonly jobWords: Int32Array;
  readonly top: Uint32Array;
  readonly hits: Uint32Array;
  readonly scan: Exports['run'];
  loaded: WasmKernel | undefined;
}

function newEngine(lanes: number): Engine {
  const { bytes, statics, jobValues, topAddress } = generate(lanes);
  const { memory, run } = instantiate(bytes) as Exports;
  new Int32Array(memory.buffer).set(statics);
  return {
    lanes,
    jobValues,
    jobWords: new Int32Array(memory.buffer, statics.length * 4, jobValues.length),
    top: new Uint32Array(memory.buffer, topAddress, 1),
    hits: new Uint32Array(memory.buffer, HITS),
    scan: run,
    loaded: undefined,
  };
}

class WasmKernel implements Kernel {
  readonly name: string;
  readonly #engine: Engine;
  #job: HeaderJob | undefined;
  #words: Int32Array = new Int32Array(0);

  constructor(name: string, engine: Engine) {
    this.name = name;
    this.#engine = engine;
  }

  another(): Kernel {
    return new WasmKernel(this.name, this.#engine);
  }

  prepare(header: Uint8Array, target: Uint8Array): void {
    this.#job = new HeaderJob(header, target);
    this.#words = evaluate(this.#engine.jobValues, jobInputs(this.#job));
    this.#load(this.#job);
  }

  scan(from: number, count: number): readonly number[] {
    if (this.#job === undefined) throw new Error('scan before prepare');
    if (this.#engine.loaded !== this) this.#load(this.#job);
    const found: number[] = [];
    for (let done = 0; done < count; done += CALL)
      this.#part(this.#job, (from + done) >>> 0, Math.min(CALL, count - done), found);
    return found;
  }

  #load(job: HeaderJob): void {
    this.#engine.jobWords.set(this.#words);
    this.#engine.top[0] = job.topTarget;
    this.#engine.loaded = this;
  }

  #part(job: HeaderJob, from: number, count: number, found: number[]): void {
    const { lanes, hits, scan } = this.#engine;
    const end = scan(from | 0, Math.ceil(count / lanes));
    for (let i = 0; i * 4 < end - HITS; i += 2) {
      const first = hits[i]!;
      const mask = hits[i + 1]!;
      for (let lane = 0; lane < lanes; lane++) {
        const nonce = (first + lane) >>> 0;
        // The last turn may reach beyond the count.
        if ((mask & (1 << lane)) !== 0 && (nonce - from) >>> 0 < count && job.meets(nonce)) found.push(nonce);
      }
    }
  }
}

interface Program {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Words at address 0; the job's words follow. */
  readonly statics: Int32Array;
  readonly jobValues: readonly Node[];
  readonly topAddress: number;
}

function generate(lanes: number): Program {
  const { dag, output } = lastWordGraph();
  const loop = loopOf(dag, output);
  const nonce = loop.nodes.find((node) => node.op === 'input')!;
  const statics = dag.nodes.filter((node) => node.level === 'static' && loop.uses.has(node));
  const handed = handedOn(loop);
  handed.add(nonce);

  const words = new Map([...statics, ...loop.jobValues].map((node, i) => [node, i * 4]));
  const topAddress = words.size * 4;
  const handedStart = Math.ceil((topAddress + 4) / 32) * 32;
  const slots = new Map([...handed].map((node, i) => [node, handedStart + i * 32]));
  if (handedStart + slots.size * 32 > HITS) throw new Error('kernel memory overflows into its hit list');
  const places: Places = {
    word: (node) => words.get(node)!,
    handed: (node) => slots.get(node)!,
  };
  const kinds = lanes === LANES.five ? [vectorLanes(places), scalarLane(places)] : [vectorLanes(places)];
  const stages = Object.values(STAGE).map((stage) =>
    stageFunction(loop, output, stage, kinds, handed, topAddress),
  );
  return {
    bytes: moduleOf([...stages, scanFunction(lanes, slots.get(nonce)!)], PAGE / 65_536),
    statics: Int32Array.from(statics, (node) => node.value),
    jobValues: loop.jobValues,
    topAddress,
  };
}

/** One function of the kernel; the last one returns a bit for each lane that passes. */
function stageFunction(
  loop: Loop,
  output: Node,
  stage: number,
  kinds: readonly Lanes[],
  handed: ReadonlySet<Node>,
  top: number,
): Func {
  const { code, locals, writers } = writeStage(loop, stage, kinds, handed);
  if (stage !== STAGE.second) return { params: [], results: [], locals, body: code };
  const [vector, scalar] = writers;
  const passed = v128.bitmask(v128.leU(v128.shuffle(vector!.value(output), SWAP_BYTES), v128.loadSplat(top)));
  if (scalar === undefined) return { params: [], results: [TYPE.i32], locals, body: [...code, ...passed] };
  const word = locals.push(TYPE.i32) - 1;
  const fifth = i32.shl(i32.leU(swapBytes(local.get(word)), i32.load(top)), 4);
  const body = [...code, ...local.set(word, scalar.value(output)), ...i32.or(passed, fifth)];
  return { params: [], results: [TYPE.i32], locals, body };
}

function swapBytes(x: Code): Code {
  const odd = i32.and(i32.rotr(x, 8), i32.const(0xff00ff00));
  return i32.or(odd, i32.and(i32.rotr(x, 24), i32.const(0x00ff00ff)));
}

/** `scan(from, turns)`: writes the first nonce and the passing lanes of every turn that has any, returns the list's end. */
function scanFunction(lanes: number, nonceAddress: number): Func {
  const [from, turns, hit, mask] = [0, 1, 2, 3] as const;
  const nonces = v128.add(v128.splat(local.get(from)), v128.const32(0, 1, 2, 3));
  const fifth = i32.add(local.get(from), i32.const(4));
  const body = [
    ...local.set(hit, i32.const(HITS)),
    ...block.loop([
      ...v128.store(nonceAddress, v128.shuffle(nonces, SWAP_BYTES)),
      ...(lanes === LANES.five ? i32.store(nonceAddress + 16, swapBytes(fifth)) : []),
      ...call(STAGE.schedule),
      ...call(STAGE.first),
      ...local.set(mask, call(STAGE.second)),
      ...block.if(local.get(mask), [
        ...i32.store(0, local.get(from), local.get(hit)),
        ...i32.store(4, local.get(mask), local.get(hit)),
        ...local.set(hit, i32.add(local.get(hit), i32.const(8))),
      ]),
      ...local.set(from, i32.add(local.get(from), i32.const(lanes))),
      ...local.set(turns, i32.sub(local.get(turns), i32.const(1))),
      ...block.again(local.get(turns)),
    ]),
    ...local.get(hit),
  ];
  return { params: [TYPE.i32, TYPE.i32], results: [TYPE.i32], locals: [TYPE.i32, TYPE.i32], body };
}
