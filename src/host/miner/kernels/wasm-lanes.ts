import type { Loop, Node } from './dag.ts';
import { type Code, i32, local, TYPE, type ValueType, v128 } from './wasm-binary.ts';

/** Where values lie in the kernel's memory. Addresses in bytes. */
export interface Places {
  /** A static or job-level word. */
  word(node: Node): number;
  /** A nonce-level value that one function leaves for the next. */
  handed(node: Node): number;
}

/** How one kind of lane writes the graph's operations: the same nodes become four nonces at once, or one. */
export interface Lanes {
  readonly type: ValueType;
  /** A value known before the loop. */
  fixed(node: Node): Code;
  load(node: Node): Code;
  store(node: Node, value: Code): Code;
  add(a: Code, b: Code): Code;
  xor(a: Code, b: Code): Code;
  and(a: Code, b: Code): Code;
  shr(a: Code, by: number): Code;
  rotr(a: Code, by: number): Code;
}

/** Four nonces in one 128-bit register. Constants come by load32_splat: as immediates they cost registers. */
export function vectorLanes(places: Places): Lanes {
  return {
    type: TYPE.v128,
    fixed: (node) => v128.loadSplat(places.word(node)),
    load: (node) => v128.load(places.handed(node)),
    store: (node, value) => v128.store(places.handed(node), value),
    add: v128.add,
    xor: v128.xor,
    and: v128.and,
    shr: v128.shrU,
    rotr: (a, by) => v128.or(v128.shrU(a, by), v128.shl(a, 32 - by)),
  };
}

/** A fifth nonce in the integer units, which the vector code leaves idle. Its values lie behind the vector's. */
export function scalarLane(places: Places): Lanes {
  const behind = (node: Node): number => places.handed(node) + 16;
  return {
    type: TYPE.i32,
    fixed: (node) => (node.op === 'static' ? i32.const(node.value) : i32.load(places.word(node))),
    load: (node) => i32.load(behind(node)),
    store: (node, value) => i32.store(behind(node), value),
    add: i32.add,
    xor: i32.xor,
    and: i32.and,
    shr: i32.shrU,
    rotr: i32.rotr,
  };
}

const SIGMAS = {
  sigma0: { turns: [7, 18], shift: 3 },
  sigma1: { turns: [17, 19], shift: 10 },
  bigSigma0: { turns: [2, 13, 22], shift: 0 },
  bigSigma1: { turns: [6, 11, 25], shift: 0 },
} as const;

/** Writes the nodes of one function for one kind of lane. */
class LaneWriter {
  readonly #lanes: Lanes;
  readonly #newLocal: (type: ValueType) => number;
  readonly #named = new Map<Node, number>();
  readonly #stage: number;

  constructor(lanes: Lanes, stage: number, newLocal: (type: ValueType) => number) {
    this.#lanes = lanes;
    this.#stage = stage;
    this.#newLocal = newLocal;
  }

  /** Computes a node into a local of its own; `handed`: and leaves it in memory for another function. */
  define(node: Node, handed: boolean): Code {
    const code = this.#keep(node, this.#expression(node));
    return handed ? [...code, ...this.#lanes.store(node, this.value(node))] : code;
  }

  /** Loads what another function left, if this one reads it more than once. */
  fetch(node: Node): Code {
    return this.#keep(node, this.#lanes.load(node));
  }

  has(node: Node): boolean {
    return this.#named.has(node);
  }

  /** The node's value: from its local, from memory, or computed in place. */
  value(node: Node): Code {
    const index = this.#named.get(node);
    if (index !== undefined) return local.get(index);
    if (node.level !== 'nonce') return this.#lanes.fixed(node);
    return node.stage === this.#stage ? this.#expression(node) : this.#lanes.load(node);
  }

  #keep(node: Node, value: Code): Code {
    const index = this.#newLocal(this.#lanes.type);
    this.#named.set(node, index);
    return local.set(index, value);
  }

  #expression(node: Node): Code {
    const lanes = this.#lanes;
    const args = node.args.map((arg) => this.value(arg));
    switch (node.op) {
      case 'sum':
        return args.reduce((a, b) => lanes.add(a, b));
      case 'xor':
        return lanes.xor(args[0]!, args[1]!);
      case 'and':
        return lanes.and(args[0]!, args[1]!);
      case 'input':
        return lanes.load(node);
      case 'static':
        return lanes.fixed(node);
      default: {
        const { turns, shift } = SIGMAS[node.op];
        const parts = turns.map((by) => lanes.rotr(args[0]!, by));
        return (shift === 0 ? parts : [...parts, lanes.shr(args[0]!, shift)]).reduce((a, b) =>
          lanes.xor(a, b),
        );
      }
    }
  }
}

/** One function of a kernel, written: its code, the types of its locals, and the writers to ask for values in it. */
export interface Stage {
  readonly code: number[];
  readonly locals: ValueType[];
  readonly writers: readonly LaneWriter[];
}

/** The loop's nodes of one function in order, the kinds of lanes by turns. `handed`: what others will read from memory. `params`: of the function. */
export function writeStage(
  loop: Loop,
  stage: number,
  kinds: readonly Lanes[],
  handed: ReadonlySet<Node>,
  params = 0,
): Stage {
  const locals: ValueType[] = [];
  const newLocal = (type: ValueType): number => params + locals.push(type) - 1;
  const writers = kinds.map((lanes) => new LaneWriter(lanes, stage, newLocal));
  const nodes = loop.nodes.filter((node) => node.stage === stage);
  const uses = new Map<Node, number>();
  for (const node of nodes) {
    // A rotation reads its argument several times, whatever the graph counts.
    const weight = node.op.endsWith('0') || node.op.endsWith('1') ? 2 : 1;
    for (const arg of node.args) uses.set(arg, (uses.get(arg) ?? 0) + weight);
  }
  const often = (node: Node): boolean => (uses.get(node) ?? 0) > 1;
  const code: number[] = [];
  for (const node of nodes) {
    if (node.op === 'input') continue;
    for (const writer of writers) {
      for (const arg of node.args) {
        const foreign = arg.level === 'nonce' && (arg.stage !== stage || arg.op === 'input');
        if (foreign && often(arg) && !writer.has(arg)) code.push(...writer.fetch(arg));
      }
      if (often(node) || handed.has(node)) code.push(...writer.define(node, handed.has(node)));
    }
  }
  return { code, locals, writers };
}
