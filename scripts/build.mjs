// tsc checks the types and writes declarations, which become one file, dist/yard.d.ts. esbuild bundles the program, the library
// and the workers, because five processes that each resolve a thousand module files start three times slower. For the same
// reason the program is not split into chunks: dist/forkyard.js looks at the verb and loads dist/cli.js or, for the process of
// a node, dist/node-process.js alone.
// What is in dist stays until it is written over: yards that run from it start nodes and workers at any time.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';
import { noticesOf } from './notices.mjs';
import { rollTypes } from './roll-types.mjs';
import { BUILT, filesUnder, root, sourcesPrint } from './setup.mjs';

const dist = join(root, 'dist');
const began = Date.now();
// Of the sources as they are now: what changes while we build is for the next build.
const print = sourcesPrint();
rmSync(BUILT, { force: true });
// Without its notes tsc writes everything again.
for (const file of filesUnder(dist)) if (file.endsWith('.tsbuildinfo')) rmSync(file);
function tsc(...args) {
  const bin = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [bin, ...args, '--pretty', 'false'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

tsc('-b');
// The page is a project of its own: it has a browser's globals and none of Node's.
tsc('-p', 'tsconfig.page.json');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** What a user has installed beside the bundles, and what only `npm run bench` compares with. */
const EXTERNAL = [...Object.keys(dependencies), 'bitcoinjs-lib', '@scure/btc-signer'];
const options = {
  outdir: 'dist',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // Beside the bundle and not named in it: Node would copy it into what each process writes about its coverage.
  sourcemap: 'external',
  legalComments: 'none',
  logLevel: 'warning',
  external: EXTERNAL,
  // Some packages inside are CommonJS and call require for built-in modules.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
};
/** What the program loads by itself, when it is asked for: the bundle that it is in. */
const APART = {
  'src/app/cli/run.ts': './cli.js',
  'src/app/cli/run-node.ts': './node-process.js',
  'src/app/node/process.ts': './node-process.js',
};
const nodeApart = {
  name: 'node-apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(?:run|run-node|process)\.ts$/ }, ({ kind, path, resolveDir }) => {
      const apart = APART[relative(root, resolve(resolveDir, path)).split(sep).join('/')];
      return kind === 'dynamic-import' && apart !== undefined ? { path: apart, external: true } : undefined;
    }),
};
/** Each file is there whole at any moment, the old one or the new one. */
function put(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, contents);
  renameSync(`${path}.new`, path);
}
/** Resolves to the files that went into it. */
async function bundle(what) {
  const { outputFiles, metafile } = await build({
    ...what,
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
  });
  for (const { path, contents } of outputFiles) put(path, contents);
  return Object.keys(metafile.inputs);
}
const [program, processes, page] = await Promise.all([
  bundle({
    ...options,
    entryPoints: { forkyard: 'src/app/main.ts', cli: 'src/app/cli/run.ts' },
    plugins: [nodeApart],
  }),
  bundle({
    ...options,
    entryPoints: {
      'node-process': 'src/app/cli/run-node.ts',
      yard: 'src/app/library/yard.ts',
      'worker/bench': 'src/lab/bench/worker.ts',
      'worker/miner': 'src/host/miner/worker.ts',
      'worker/verify': 'src/host/verify/worker.ts',
      // Of use to this build alone; a name that begins with a dot is not published.
      '.simulator-file': 'src/app/page/simulator-file.ts',
      bench: 'scripts/bench/main.ts',
      'kill-loop': 'scripts/kill-loop/main.ts',
    },
  }),
  bundle({
    entryPoints: { page: 'src/page/main.ts', simulator: 'src/page/sim/main.tsx', style: 'src/page/page.css' },
    outdir: 'dist/page',
    minify: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  }),
]);
copyFileSync(join(root, 'src/page/index.html'), join(root, 'dist/page/index.html'));
put(join(dist, 'yard.d.ts'), rollTypes(join(dist, '.types/app/library/yard.d.ts')));
// Whoever gets the bundles gets other people's code in them, whose licences ask to be passed on.
writeFileSync(join(dist, 'NOTICES.txt'), noticesOf([...program, ...processes, ...page]));
// The simulator as a static page: one file for any web server, or none.
const { simulatorFile } = await import('../dist/.simulator-file.js');
writeFileSync(join(root, 'dist/simulator.html'), simulatorFile());
// What this build did not write is of sources that are gone.
for (const file of filesUnder(dist)) if (statSync(file).mtimeMs < began) rmSync(file);
writeFileSync(BUILT, print);
