import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';
import { limits } from '../src/node/limits.ts';

/** The rows of ARCHITECTURE.md, lowest first: a folder imports itself and the rows below it. */
const ROWS: readonly (readonly string[])[] = [
  ['util'],
  ['bitcoin'],
  ['consensus'],
  ['events'],
  ['node', 'wallet', 'observe'],
  ['sim', 'host'],
  ['yard'],
  ['page', 'lab'],
  ['app'],
];
const PURE = new Set(['util', 'bitcoin', 'consensus', 'events', 'node', 'wallet', 'observe', 'sim']);
const PURE_PACKAGES = ['@noble/hashes', '@noble/secp256k1', '@scure/base'];
const MAX_LINES = 800;
const MAX_FUNCTION_LINES = 60;

const root = resolve(import.meta.dirname, '..');

function filesUnder(folder: string): string[] {
  const at = join(root, folder);
  if (!existsSync(at)) return [];
  return readdirSync(at, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

const sources = filesUnder('src');
const tests = filesUnder('test');

/** Module names in import and export … from, static and dynamic. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\s*\(\s*)'([^']+)'/g)].map((match) => match[1]!);
}

/** The text with comments and the insides of strings blanked: what is left is code. Template holes stay. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

function folderOf(file: string): string {
  return file.split('/')[1]!;
}

function rowOf(folder: string): number {
  return ROWS.findIndex((row) => row.includes(folder));
}

const read = new Map([...sources, ...tests].map((file) => [file, readFileSync(join(root, file), 'utf8')]));

function violations(files: readonly string[], find: (file: string, text: string) => string[]): string[] {
  return files.flatMap((file) => find(file, read.get(file)!).map((what) => file + ': ' + what));
}

/** The files that each source file imports. */
function importGraph(): Map<string, string[]> {
  return new Map(
    sources.map((file) => [
      file,
      importsOf(read.get(file)!)
        .filter((name) => name.startsWith('.'))
        .map((name) =>
          relative(root, resolve(root, dirname(file), name))
            .split(sep)
            .join('/'),
        ),
    ]),
  );
}

/** What each folder in `parent`, and each file of its own, imports of the others. */
function unitGraph(parent: string): Map<string, string[]> {
  const unitOf = (file: string) =>
    file.startsWith(`${parent}/`) ? file.slice(parent.length + 1).split('/')[0] : undefined;
  const graph = new Map<string, string[]>();
  for (const [file, targets] of importGraph()) {
    const unit = unitOf(file);
    if (unit === undefined) continue;
    const others = targets.flatMap((target) => unitOf(target) ?? []).filter((other) => other !== unit);
    graph.set(unit, [...(graph.get(unit) ?? []), ...others]);
  }
  return graph;
}

/** One circle for each edge that closes one: the files from its first to its first again. */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return circles;
}

interface LongFunction {
  readonly line: number;
  readonly lines: number;
}

/** Functions of more than `most` lines, by a parser: declarations, expressions, arrows and members, at every depth. */
function longFunctions(file: string, text: string, most: number): LongFunction[] {
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  const lineAt = (offset: number) => lineStarts.findLastIndex((start) => start <= offset) + 1;
  const found: LongFunction[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    if (Array.isArray(node) || typeof node !== 'object' || node === null) return;
    const { type, start, end } = node as { type?: unknown; start?: unknown; end?: unknown };
    if (
      (type === 'FunctionDeclaration' ||
        type === 'FunctionExpression' ||
        type === 'ArrowFunctionExpression') &&
      typeof start === 'number' &&
      typeof end === 'number'
    ) {
      const line = lineAt(start);
      const lines = lineAt(end - 1) - line + 1;
      if (lines > most) found.push({ line, lines });
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(text, { lang: file.endsWith('.tsx') ? 'tsx' : 'ts' }).body);
  return found;
}

const pureSources = sources.filter((file) => PURE.has(folderOf(file)));

describe('layers', () => {
  it('there is something to look at, and every folder has its row', () => {
    expect(sources.length).toBeGreaterThan(30);
    expect([...new Set(sources.map(folderOf))].filter((folder) => rowOf(folder) < 0)).toEqual([]);
  });

  it('a folder imports itself and the rows below it', () => {
    const bad = violations(sources, (file, text) =>
      importsOf(text)
        .filter((name) => name.startsWith('.'))
        .map((name) => relative(join(root, 'src'), resolve(root, dirname(file), name)).split(sep)[0]!)
        .filter(
          (target) =>
            target !== folderOf(file) && !(rowOf(target) >= 0 && rowOf(target) < rowOf(folderOf(file))),
        )
        .map((target) => 'imports ' + target),
    );
    // host names the node's shapes, and the other way round is what this test forbids.
    expect(bad).toEqual([]);
  });

  it('no import leads back to where it came from, types included', () => {
    expect(circlesOf(importGraph())).toEqual([]);
    const three = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', []],
    ]);
    expect(circlesOf(three)).toEqual([['a', 'b', 'c', 'a']]);
  });

  it('folders side by side, and files beside them, have an order, too', () => {
    const folders = new Set(sources.map((file) => dirname(file)));
    const parents = [...new Set([...folders].flatMap((folder) => [folder, dirname(folder)]))];
    expect(parents.length).toBeGreaterThan(20);
    const bad = parents.flatMap((parent) =>
      circlesOf(unitGraph(parent)).map((circle) => `${parent}: ${circle.join(' -> ')}`),
    );
    expect(bad).toEqual([]);
  });

  it('pure code imports no module of node and only the packages allowed', () => {
    const bad = violations(pureSources, (_, text) =>
      importsOf(text)
        .filter((name) => !name.startsWith('.'))
        .filter(
          (name) => !PURE_PACKAGES.some((allowed) => name === allowed || name.startsWith(allowed + '/')),
        )
        .map((name) => 'imports ' + name),
    );
    expect(bad).toEqual([]);
  });

  it('the page, and the verbs that it gives, import only what runs in a browser, and one library', () => {
    const pages = sources.filter((file) => ['page', 'yard'].includes(folderOf(file)));
    expect(pages.length).toBeGreaterThan(10);
    const allowed = [
      'page',
      'yard',
      'observe',
      'events',
      'consensus',
      'util',
      'bitcoin',
      'node',
      'wallet',
      'sim',
    ];
    const bad = violations(pages, (file, text) =>
      importsOf(text).filter((name) =>
        name.startsWith('.')
          ? !allowed.includes(
              folderOf(
                relative(root, resolve(root, dirname(file), name))
                  .split(sep)
                  .join('/'),
              ),
            )
          : !/^preact(?:\/|$)/.test(name),
      ),
    );
    expect(bad).toEqual([]);
  });

  it('a verb knows no simulator: it is written on the port alone', () => {
    const verbs = sources.filter((file) => file.startsWith('src/yard/verbs/'));
    expect(verbs.length).toBeGreaterThan(8);
    const bad = violations(verbs, (_, text) =>
      importsOf(text).filter((name) => /\/(?:sim|simulated)\b/.test(name)),
    );
    expect(bad).toEqual([]);
  });

  it('everything else imports only what package.json names', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    // What is bundled into dist is no dependency of those who install the package.
    const { dependencies, devDependencies } = manifest as Record<string, Record<string, string>>;
    const named = { ...dependencies, ...devDependencies };
    const rest = sources.filter((file) => folderOf(file) !== 'page');
    const bad = violations(rest, (_, text) =>
      importsOf(text)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !name.startsWith('#'))
        .map((name) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((name) => !Object.hasOwn(named, name))
        .map((name) => 'imports ' + name),
    );
    expect(bad).toEqual([]);
  });
});

/**
 * What the compiler cannot ban: `lib: es2023` has all of these. Math's transcendental functions differ between engines,
 * the rest is clock, chance, I/O or the order of a locale.
 */
const BANNED: readonly (readonly [string, RegExp])[] = [
  [
    'a Math function whose last bits differ between engines, or chance',
    /\bMath\s*\.\s*(?:random|log\w*|exp\w*|pow|sqrt|cbrt|hypot|a?sinh?|a?cosh?|a?tanh?|atan2|fround)\b/,
  ],
  ['a computed member of Math', /\bMath\s*\[/],
  ['Date', /\bDate\b/],
  ['Intl', /\bIntl\b/],
  ['Promise', /\bPromise\b/],
  ['async', /\basync\b/],
  ['await', /\bawait\b/],
  ['WeakRef', /\bWeakRef\b/],
  ['FinalizationRegistry', /\bFinalizationRegistry\b/],
  ['a locale', /\b(?:localeCompare|toLocale\w+)\b/],
  ['console', /\bconsole\b/],
  ['process', /\bprocess\s*\./],
  ['globalThis', /\bglobalThis\b/],
  ['a timer', /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ['TextEncoder', /\bText(?:En|De)coder\b/],
  ['performance', /\bperformance\b/],
  ['crypto', /\bcrypto\s*\./],
  ['structuredClone', /\bstructuredClone\b/],
  ['sort without a comparator', /\.(?:sort|toSorted)\(\s*\)/],
  ['eval', /\beval\s*\(|\bnew Function\b/],
  ['dynamic import', /\bimport\s*\(/],
];

describe('pure code', () => {
  for (const [what, pattern] of BANNED) {
    it('has no ' + what, () => {
      const bad = violations(pureSources, (_, text) => {
        const found = pattern.exec(codeOf(text));
        return found === null ? [] : [found[0]];
      });
      expect(bad).toEqual([]);
    });
  }

  it('the patterns do find what they ban', () => {
    const samples: readonly string[] = [
      'Math.random()',
      "Math['log'](2)",
      'new Date()',
      'Intl.NumberFormat',
      'Promise.resolve()',
      'async () => 1',
      'await x',
      'new WeakRef(x)',
      'new FinalizationRegistry(f)',
      'a.localeCompare(b)',
      'console.log(1)',
      'process.env',
      'globalThis.x',
      'setTimeout(f)',
      'new TextEncoder()',
      'performance.now()',
      'crypto.subtle',
      'structuredClone(x)',
      'list.sort()',
      "eval('1')",
      "import('x')",
    ];
    expect(samples.map((sample, i) => BANNED[i]![1].test(codeOf(sample)))).toEqual(samples.map(() => true));
    expect(codeOf("const a = 'Date'; // Date\n/* Date */ b")).not.toContain('Date');
  });
});

describe('the repository', () => {
  it('has no source file of more than ' + MAX_LINES + ' lines', () => {
    const bad = violations(sources, (_, text) => {
      const lines = text.split('\n').length - 1;
      return lines <= MAX_LINES ? [] : [lines + ' lines'];
    });
    expect(bad).toEqual([]);
  });

  it('a function has at most ' + MAX_FUNCTION_LINES + ' lines', () => {
    const bad = sources.flatMap((file) =>
      longFunctions(file, read.get(file)!, MAX_FUNCTION_LINES).map(
        ({ line, lines }) => `${file}:${line}: ${lines} lines`,
      ),
    );
    expect(bad).toEqual([]);
  });

  it('every kind of function is counted, from its start to its end, and so is one that only holds others', () => {
    const sample = [
      'export function declared(',
      '  a: number,',
      ') {',
      '  return () => {',
      '    return a;',
      '  };',
      '}',
      'class Holder {',
      '  constructor() {',
      '    go();',
      '  }',
      '  get value() {',
      '    return 1;',
      '  }',
      '}',
      'const named = function () {',
      '  return <b />;',
      '};',
    ].join('\n');
    expect(longFunctions('sample.tsx', sample, 2)).toEqual([
      { line: 1, lines: 7 },
      { line: 4, lines: 3 },
      { line: 9, lines: 3 },
      { line: 12, lines: 3 },
      { line: 16, lines: 3 },
    ]);
    expect(longFunctions('sample.tsx', sample, 3)).toEqual([{ line: 1, lines: 7 }]);
  });

  it('skips no test and singles none out', () => {
    const bad = violations(tests, (_, text) =>
      [...codeOf(text).matchAll(/\b(?:describe|it|test)\s*\.\s*(?:only|skip|todo|fails)\b/g)].map(
        ([found]) => found,
      ),
    );
    expect(bad).toEqual([]);
  });

  it('keeps tests under test/, and helpers there are named for what they are', () => {
    expect(sources.filter((file) => /\.(?:test|spec)\.ts$/.test(file))).toEqual([]);
    expect(tests.filter((file) => /\.spec\.ts$/.test(file))).toEqual([]);
  });

  it('leaves no work marked as undone', () => {
    const word = new RegExp('\\b(?:TO' + 'DO|FIX' + 'ME|XX' + 'X|HA' + 'CK)\\b');
    const bad = violations([...sources, ...tests], (_, text) => {
      const found = word.exec(text);
      return found === null ? [] : [found[0]];
    });
    expect(bad).toEqual([]);
  });

  it('has no empty catch', () => {
    const bad = violations(sources, (_, text) =>
      [
        ...codeOf(text).matchAll(
          /\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\(\s*\)\s*=>\s*(?:\{\s*\}|undefined)\s*\)/g,
        ),
      ].map(([found]) => found),
    );
    expect(bad).toEqual([]);
  });

  it('uses every bound of node/limits.ts, and none is zero or negative', () => {
    const users = sources.filter((file) => file !== 'src/node/limits.ts').map((file) => read.get(file)!);
    const unused = Object.keys(limits).filter(
      (name) => !users.some((text) => new RegExp('\\b' + name + '\\b').test(text)),
    );
    expect(unused).toEqual([]);
    expect(Object.entries(limits).filter(([, value]) => !(value > 0 && Number.isSafeInteger(value)))).toEqual(
      [],
    );
  });
});
