import { evaluate, loopOf, type Node } from './dag.ts';
import { jobInputs, lastWordGraph, STAGE } from './double-sha.ts';
import { HeaderJob, swap32 } from './sha256.ts';
import type { Kernel } from './types.ts';

/**
 * Straight-line plain JavaScript, generated from the graph: about seven times a loop over a library, anywhere
 * JavaScript runs. Two functions, because V8 leaves functions over about 60 KB of bytecode unoptimised.
 */
export function javascriptKernel(): Kernel {
  const { dag, output } = lastWordGraph();
  const loop = loopOf(dag, output);
  const isSecond = (node: Node): boolean => node.stage === STAGE.second;
  const readBySecond = new Set(loop.nodes.filter(isSecond).flatMap((node) => node.args));
  const digest = loop.nodes.filter((node) => !isSecond(node) && readBySecond.has(node));

  const printer = new Printer(loop.uses, new Map(loop.jobValues.map((node, i) => [node, `job[${i}]`])));
  const first = printer.statements(
    loop.nodes.filter((node) => !isSecond(node)),
    new Set(digest),
  );
  const store = digest.map((node, i) => `digest[${i}] = ${printer.text(node)};`);
  const load = digest.map((node, i) => `const ${printer.text(node)} = digest[${i}];`);
  const second = printer.statements(loop.nodes.filter(isSecond), new Set([output]));

  const source = [
    'return {',
    'first(job, digest, w3) {',
    ...first,
    ...store,
    '},',
    'second(digest) {',
    ...load,
    ...second,
    `return ${printer.text(output)};`,
    '} };',
  ];
  return new JavascriptKernel(loop.jobValues, digest.length, new Function(source.join('\n'))() as Halves);
}

interface Halves {
  first(job: Int32Array, digest: Int32Array, w3: number): void;
  second(digest: Int32Array): number;
}

class JavascriptKernel implements Kernel {
  readonly name = 'javascript';
  readonly #wanted: readonly Node[];
  readonly #halves: Halves;
  readonly #digest: Int32Array;
  #values: Int32Array = new Int32Array(0);
  #job: HeaderJob | undefined;

  constructor(wanted: readonly Node[], digestWords: number, halves: Halves) {
    this.#wanted = wanted;
    this.#halves = halves;
    this.#digest = new Int32Array(digestWords);
  }

  another(): Kernel {
    return new JavascriptKernel(this.#wanted, this.#digest.length, this.#halves);
  }

  prepare(header: Uint8Array, target: Uint8Array): void {
    this.#job = new HeaderJob(header, target);
    this.#values = evaluate(this.#wanted, jobInputs(this.#job));
  }

  scan(from: number, count: number): readonly number[] {
    const job = this.#job;
    if (job === undefined) throw new Error('scan before prepare');
    const found: number[] = [];
    const top = job.topTarget;
    const { first, second } = this.#halves;
    const digest = this.#digest;
    const values = this.#values;
    for (let i = 0; i < count; i++) {
      const nonce = (from + i) >>> 0;
      first(values, digest, swap32(nonce));
      if (swap32(second(digest)) >>> 0 <= top && job.meets(nonce)) found.push(nonce);
    }
    return found;
  }
}

const ROTATIONS = {
  sigma0: ['rotr 7', 'rotr 18', 'shr 3'],
  sigma1: ['rotr 17', 'rotr 19', 'shr 10'],
  bigSigma0: ['rotr 2', 'rotr 13', 'rotr 22'],
  bigSigma1: ['rotr 6', 'rotr 11', 'rotr 25'],
} as const;

/** Writes nodes as JavaScript: a variable for what is read more than once, an expression in place for the rest. */
class Printer {
  readonly #uses: ReadonlyMap<Node, number>;
  readonly #names: Map<Node, string>;

  constructor(uses: ReadonlyMap<Node, number>, names: Map<Node, string>) {
    this.#uses = uses;
    this.#names = names;
  }

  /** `kept`: nodes that get a variable however often they are read. */
  statements(nodes: readonly Node[], kept: ReadonlySet<Node>): readonly string[] {
    const lines: string[] = [];
    // A rotation reads its argument several times, whatever the graph counts.
    const rotated = new Set(nodes.flatMap((node) => (node.op in ROTATIONS ? node.args : [])));
    for (const node of nodes) {
      if (node.op === 'input') {
        this.#names.set(node, node.name);
      } else if (kept.has(node) || rotated.has(node) || (this.#uses.get(node) ?? 0) > 1) {
        lines.push(`const v${node.id} = ${this.#expression(node)};`);
        this.#names.set(node, `v${node.id}`);
      }
    }
    return lines;
  }

  text(node: Node): string {
    return this.#names.get(node) ?? (node.op === 'static' ? `${node.value}` : `(${this.#expression(node)})`);
  }

  #expression(node: Node): string {
    const args = node.args.map((arg) => this.text(arg));
    switch (node.op) {
      case 'sum':
        // `| 0` after every addition: V8 then never leaves 32-bit integers.
        return args.reduce((sum, arg) => `(${sum} + ${arg} | 0)`);
      case 'xor':
        return `${args[0]} ^ ${args[1]}`;
      case 'and':
        return `${args[0]} & ${args[1]}`;
      case 'static':
      case 'input':
        throw new Error(`${node.op} node has no expression`);
      default:
        return ROTATIONS[node.op]
          .map((part) => {
            const [kind, by] = part.split(' ');
            const x = args[0];
            return kind === 'shr' ? `${x} >>> ${by}` : `(${x} >>> ${by} | ${x} << ${32 - Number(by)})`;
          })
          .join(' ^ ');
    }
  }
}
