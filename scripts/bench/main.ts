import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connectSuite } from './connect.ts';
import { hashSuite } from './hash.ts';
import { minerSuite } from './miner.ts';
import { nodeSuite } from './node.ts';
import { parseSuite } from './parse.ts';
import { reducedSuite } from './reduced.ts';
import { relaySuite } from './relay.ts';
import { compare, loadNow, readFigures, toJson, toMarkdown, updateFile } from './report.ts';
import { signatureSuite } from './signatures.ts';
import { startupSuite } from './startup.ts';
import { storeSuite } from './store.ts';
import { syncSuite } from './sync.ts';
import type { BenchTable } from './table.ts';
import { wholeSuite } from './whole.ts';

/** By name, in the order in which all of them run. */
const SUITES: Readonly<Record<string, () => BenchTable | Promise<BenchTable>>> = {
  hash: hashSuite,
  miner: minerSuite,
  signatures: signatureSuite,
  parse: parseSuite,
  connect: connectSuite,
  node: nodeSuite,
  store: storeSuite,
  startup: startupSuite,
  relay: relaySuite,
  sync: syncSuite,
  reduced: reducedSuite,
  whole: wholeSuite,
};

const USAGE = `npm run bench -- [suite…] [--json] [--compare FILE] [--update]
  suites: ${Object.keys(SUITES).join(', ')}; all without one
  --json          one JSON object a suite and line, instead of Markdown tables
  --compare FILE  what moved since a --json run that was kept in FILE
  --update        puts the tables into BENCHMARKS.md`;

const BENCHMARKS = fileURLToPath(new URL('../BENCHMARKS.md', import.meta.url));

/** Measures and prints on standard output; what runs on standard error. */
async function main(args: readonly string[]): Promise<number> {
  const refuse = (sentence: string): number => {
    process.stderr.write(`${sentence}\n`);
    return 2;
  };
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    return refuse(`${(error as Error).message}\n${USAGE}`);
  }
  const { values, positionals: names } = given;
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
  if (unknown !== undefined)
    return refuse(`there is no suite '${unknown}'; there are ${Object.keys(SUITES).join(', ')}`);
  let before: ReturnType<typeof readFigures> = [];
  try {
    if (values.compare !== undefined) before = readFigures(values.compare);
  } catch (error) {
    return refuse((error as Error).message);
  }
  const tables: BenchTable[] = [];
  const written = new Map<string, string>();
  for (const name of names.length > 0 ? names : Object.keys(SUITES)) {
    process.stderr.write(`measuring ${name} …\n`);
    const load = loadNow();
    const table = await SUITES[name]!();
    tables.push(table);
    written.set(name, toMarkdown(table, load));
    if (values.json === true) process.stdout.write(`${JSON.stringify(toJson(table))}\n`);
    else if (values.compare === undefined) process.stdout.write(`${written.get(name)}\n\n`);
  }
  if (values.compare !== undefined) process.stdout.write(`${compare(before, tables)}\n`);
  if (values.update === true) updateFile(BENCHMARKS, written);
  return 0;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      compare: { type: 'string' },
      update: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

process.exitCode = await main(process.argv.slice(2));
