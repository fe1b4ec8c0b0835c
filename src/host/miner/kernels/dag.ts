import { bigSigma0, bigSigma1, sigma0, sigma1 } from './sha256.ts';

/**
 * When a value is known: `static` while the kernel is generated, `job` when header and target are given, `nonce` only
 * inside the loop. Whatever does not reach the nonce is lifted out of the loop by construction, not by hand.
 */
export type Level = 'static' | 'job' | 'nonce';
export type Sigma = 'sigma0' | 'sigma1' | 'bigSigma0' | 'bigSigma1';

export interface Node {
  readonly id: number;
  readonly op: 'static' | 'input' | 'sum' | 'xor' | 'and' | Sigma;
  readonly level: Level;
  /** The function that computes it: kernels are cut into several, since compilers give up on huge ones. */
  readonly stage: number;
  readonly args: readonly Node[];
  /** The int32 value of a `static` node. */
  readonly value: number;
  /** The name of an `input`. */
  readonly name: string;
}

const RANK: Record<Level, number> = { static: 0, job: 1, nonce: 2 };
const SIGMAS: Record<Sigma, (x: number) => number> = { sigma0, sigma1, bigSigma0, bigSigma1 };

/** A computation on 32-bit words as a graph without duplicates: equal expressions are one node, constants are folded. */
export class Dag {
  readonly nodes: Node[] = [];
  /** Nodes made from now on belong to this function. */
  stage = 0;
  readonly #byKey = new Map<string, Node>();

  static(value: number): Node {
    return this.#make('static', [], 'static', value | 0, '');
  }

  input(name: string, level: 'job' | 'nonce'): Node {
    return this.#make('input', [], level, 0, name);
  }

  /** Sum modulo 2^32. Terms that are known early are added early, so that one of them at most is left in the loop. */
  sum(...terms: readonly Node[]): Node {
    const flat = terms.flatMap((term) => this.#opened(term, terms));
    let constant = 0;
    for (const term of flat) if (term.level === 'static') constant = (constant + term.value) | 0;
    const fixed = this.#all(flat, 'job', constant === 0 ? [] : [this.static(constant)]);
    return this.#all(flat, 'nonce', fixed)[0] ?? this.static(0);
  }

  xor(a: Node, b: Node): Node {
    if (a.level === 'static' && b.level === 'static') return this.static(a.value ^ b.value);
    return this.#make('xor', a.id < b.id ? [a, b] : [b, a], latest(a, b), 0, '');
  }

  and(a: Node, b: Node): Node {
    if (a.level === 'static' && b.level === 'static') return this.static(a.value & b.value);
    return this.#make('and', a.id < b.id ? [a, b] : [b, a], latest(a, b), 0, '');
  }

  sigma(op: Sigma, x: Node): Node {
    if (x.level === 'static') return this.static(SIGMAS[op](x.value));
    return this.#make(op, [x], x.level, 0, '');
  }

  /** `start` and every term of this level as one sum, or nothing. */
  #all(terms: readonly Node[], level: 'job' | 'nonce', start: readonly Node[]): readonly Node[] {
    const args = [...start, ...terms.filter((term) => term.level === level)];
    return args.length < 2
      ? args
      : [this.#make('sum', args, level === 'job' ? latest(...args) : 'nonce', 0, '')];
  }

  /**
   * A term `constant + x` is taken apart where another constant waits to be added: one addition fewer. Not across
   * functions: there the sum is already computed and stored.
   */
  #opened(term: Node, beside: readonly Node[]): readonly Node[] {
    const [first, second, ...more] = term.args;
    const opens =
      term.op === 'sum' &&
      term.level === 'nonce' &&
      term.stage === this.stage &&
      second !== undefined &&
      more.length === 0 &&
      first!.level !== 'nonce' &&
      beside.some((other) => other !== term && other.level !== 'nonce');
    return opens ? term.args : [term];
  }

  #make(op: Node['op'], args: readonly Node[], level: Level, value: number, name: string): Node {
    const key = `${op} ${args.map((arg) => arg.id).join(' ')} ${value} ${name}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const node: Node = { id: this.nodes.length, op, level, stage: this.stage, args, value, name };
    this.nodes.push(node);
    this.#byKey.set(key, node);
    return node;
  }
}

function latest(...nodes: readonly Node[]): Level {
  let level: Level = 'static';
  for (const node of nodes) if (RANK[node.level] > RANK[level]) level = node.level;
  return level;
}

/** What the loop of a kernel computes: the nonce-level nodes that its outputs need, and the earlier values they read. */
export interface Loop {
  /** Nonce-level nodes in an order in which arguments come first. */
  readonly nodes: readonly Node[];
  /** How often a node of the loop reads each node. */
  readonly uses: ReadonlyMap<Node, number>;
  /** Job-level values that the loop reads, to be computed once a job. */
  readonly jobValues: readonly Node[];
}

export function loopOf(dag: Dag, ...outputs: readonly Node[]): Loop {
  const uses = new Map<Node, number>();
  const jobValues: Node[] = [];
  const nodes: Node[] = [];
  const needed = new Set<Node>(outputs);
  for (const node of [...dag.nodes].reverse()) {
    if (!needed.has(node) || node.level !== 'nonce') continue;
    nodes.push(node);
    for (const arg of node.args) {
      needed.add(arg);
      uses.set(arg, (uses.get(arg) ?? 0) + 1);
      if (arg.level === 'job' && !jobValues.includes(arg)) jobValues.push(arg);
    }
  }
  return { nodes: nodes.reverse(), uses, jobValues };
}

/** The nonce-level nodes that a later function of the kernel reads. */
export function handedOn(loop: Loop): Set<Node> {
  const readers = loop.nodes.flatMap((node) => node.args.map((arg) => ({ node, arg })));
  return new Set(
    readers.filter(({ node, arg }) => arg.level === 'nonce' && arg.stage < node.stage).map(({ arg }) => arg),
  );
}

/** Computes job-level values from the job's inputs. */
export function evaluate(wanted: readonly Node[], inputs: (name: string) => number): Int32Array {
  const done = new Map<Node, number>();
  const value = (node: Node): number => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const result = compute(node, node.args.map(value), inputs) | 0;
    done.set(node, result);
    return result;
  };
  return Int32Array.from(wanted, value);
}

function compute(node: Node, args: readonly number[], inputs: (name: string) => number): number {
  switch (node.op) {
    case 'static':
      return node.value;
    case 'input':
      return inputs(node.name);
    case 'sum':
      return args.reduce((total, arg) => (total + arg) | 0, 0);
    case 'xor':
      return args[0]! ^ args[1]!;
    case 'and':
      return args[0]! & args[1]!;
    default:
      return SIGMAS[node.op](args[0]!);
  }
}
