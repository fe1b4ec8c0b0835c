import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Everything in the documents that a reader may copy: fenced blocks, and commands in the text. */

export const ROOT = join(import.meta.dirname, '..', '..');

export const DOCUMENTS: readonly string[] = [
  'README.md',
  'examples/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export interface Snippet {
  /** `README.md:90`. */
  readonly place: string;
  /** The language after the fence; `sh` for a command in the text. */
  readonly language: string;
  readonly text: string;
}

const COMMAND_IN_TEXT = /`((?:npx forkyard|forkyard|npm) [^`]+)`/g;

/** In the order of the document. */
export function snippetsOf(document: string): Snippet[] {
  const snippets: Snippet[] = [];
  let fence: { place: string; language: string; lines: string[] } | undefined;
  const lines = readFileSync(join(ROOT, document), 'utf8').split('\n');
  for (const [i, line] of lines.entries()) {
    const place = `${document}:${i + 1}`;
    if (fence === undefined) {
      if (line.startsWith('```')) fence = { place, language: line.slice(3).trim(), lines: [] };
      else
        for (const [, text] of line.matchAll(COMMAND_IN_TEXT))
          snippets.push({ place, language: 'sh', text: text! });
    } else if (line === '```') {
      snippets.push({ place: fence.place, language: fence.language, text: fence.lines.join('\n') });
      fence = undefined;
    } else fence.lines.push(line);
  }
  if (fence !== undefined) throw new Error(`${fence.place}: this block has no end`);
  return snippets;
}

/** The command lines of a shell block, without comments. */
export function linesOf(snippet: Snippet): string[] {
  return snippet.text
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** How a line is run that does not simply run to its end with exit code 0. */
export interface How {
  /** It has no end: it is stopped with Ctrl-C after its output matches this. */
  readonly stays?: RegExp;
  /** It is stopped only after the rest of its block, which needs it. */
  readonly beside?: boolean;
  /** What is run in its place, because the line as printed names an id, a file or a port of the reader's. */
  readonly as?: string;
  /** In a folder of its own, because it makes a yard where the folder has one. */
  readonly apart?: boolean;
  /** On a busy machine it may find that it cannot, and end with 1 and this sentence. */
  readonly declines?: RegExp;
  /** Minutes of computing: test/long/snippets.test.ts runs it. */
  readonly long?: boolean;
  /** It is not run here: the file that does run it. */
  readonly by?: string;
}

/** `{txid}` in `as` is the end of the id of a payment in the yard of the document. */
export const HOW: Readonly<Record<string, How>> = {
  'npm start': { by: 'test/live/tour.test.ts' },
  'npm test': { by: '.ci/run' },
  'npm run bench': { by: 'test/host/bench-report.test.ts' },
  'npm install --save-dev forkyard vitest': { by: 'test/long/install.test.ts' },
  'cp -r node_modules/forkyard/examples/indexer .': { by: 'test/long/install.test.ts' },
  'npx vitest run indexer': { by: 'test/live/package.test.ts' },
  'npx forkyard watch': { stays: /[A-D] found \d+[A-D]/ },
  'npx forkyard tx a91f3c': { as: 'npx forkyard tx {txid}' },
  'npx forkyard mine --every 2s': { stays: /\d+A …[0-9a-f]+/ },
  'npx forkyard up -n 20 --per-process 10': { stays: /In a second terminal|Try,/, apart: true },
  'npx forkyard up -n 5 --pace 2s --delay 400ms --data five': { stays: /In a second terminal|Try,/ },
  'npx forkyard down': { by: 'test/live/yard.test.ts' },
  'npx forkyard strategy selfish -N C': { stays: /plays selfish from height/ },
  'npx forkyard strategy double-spend -N C --confirmations 2': { stays: /plays double-spend from height/ },
  'npx forkyard node --network regtest --datadir ./n1 --rpcport 18443 --listen /ip4/127.0.0.1/tcp/18444': {
    as: 'npx forkyard node --network regtest --datadir ./n1 --rpcport 0 --listen /ip4/127.0.0.1/tcp/0',
    stays: /Ctrl-C stops it/,
  },
  'forkyard node --network main-headers --datadir D': {
    as: 'forkyard node --network main-headers --datadir D --rpcport 0',
    stays: /Ctrl-C stops it/,
  },
  'npx forkyard replay FILE': { by: 'test/live/record.test.ts' },
  'forkyard grade DIR': { by: 'test/live/scenarios.test.ts' },
  'forkyard grade DIR --scenario FILE': { by: 'test/live/scenarios.test.ts' },
  'forkyard run FILE': { as: 'forkyard run scenarios/first-fork.yaml --sim' },
  'forkyard run FILE --sim --seed 7': { as: 'forkyard run scenarios/first-fork.yaml --sim --seed 7' },
  'forkyard run FILE --student ID': {
    as: 'forkyard run scenarios/first-fork.yaml --student s1',
  },
  'forkyard up -n 2 --network lab --pace 1s --delay 500ms --hashrate 20kH/s --log': {
    stays: /(?:found \d+[AB][\s\S]*){5}/,
    beside: true,
  },
  'npx forkyard run first-fork --sim --runs 200': { long: true },
  'npx forkyard swarm --seeds 200': { long: true },
  'npx forkyard experiment doublespend --q 0.3 --z 1..6': { long: true },
  'npx forkyard experiment all --out report': { long: true },
  'forkyard experiment all --out report': { long: true },
  'forkyard experiment disagreement': { long: true },
  // Delays that were measured in a few seconds may be longer than the time between blocks.
  'forkyard experiment disagreement --live .forkyard/yard.jsonl --out report': {
    declines: /nothing can be predicted here \(x = λd = [\d.]+ is above 1\)/,
  },
  'forkyard experiment quiescence': { long: true },
  'forkyard experiment doublespend': { long: true },
  'forkyard experiment doublespend --q 0.3 --z 4,6 --model premined': { long: true },
  'forkyard experiment partition': { long: true },
};

/** Blocks of output that nobody types: the first line, and what holds them true. */
export const SHOWN: Readonly<Record<string, string>> = {
  ' forkyard · four real nodes on this laptop · a minute': 'test/live/tour.test.ts',
};

/** Documents whose commands are typed beside a running yard of four. */
export const BESIDE_A_YARD: ReadonlySet<string> = new Set(['README.md', 'docs/event-log.md']);
