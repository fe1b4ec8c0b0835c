import { connectSuite } from './connect.ts';
import { hashSuite } from './hash.ts';
import { minerSuite } from './miner.ts';
import { nodeSuite } from './node.ts';
import { parseSuite } from './parse.ts';
import { relaySuite } from './relay.ts';
import { signatureSuite } from './signatures.ts';
import { startupSuite } from './startup.ts';
import { storeSuite } from './store.ts';
import { syncSuite } from './sync.ts';
import { type BenchTable, machine, toMarkdown } from './table.ts';

/** By name, in the order in which all of them run. */
const SUITES: Readonly<Record<string, () => BenchTable | Promise<BenchTable>>> = {
  hash: hashSuite,
  miner: minerSuite,
  signatures: signatureSuite,
  parse: parseSuite,
  connect: connectSuite,
  node: nodeSuite,
  startup: startupSuite,
  relay: relaySuite,
  store: storeSuite,
  sync: syncSuite,
};

/** Measures and prints a Markdown table (or JSON) on standard output, and what runs on standard error. */
async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const names = args.filter((arg) => arg !== '--json');
  const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
  if (unknown !== undefined) {
    process.stderr.write(`there is no suite '${unknown}'; there are ${Object.keys(SUITES).join(', ')}\n`);
    return 2;
  }
  const tables: BenchTable[] = [];
  for (const name of names.length > 0 ? names : Object.keys(SUITES)) {
    process.stderr.write(`measuring ${name} …\n`);
    tables.push(await SUITES[name]!());
  }
  const on = machine();
  process.stdout.write(
    `${json ? JSON.stringify({ v: 1, machine: on, tables }, undefined, 2) : toMarkdown(tables, on)}\n`,
  );
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
