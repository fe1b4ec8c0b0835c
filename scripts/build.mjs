// tsc writes the types and the worker files to dist/<layer>/; esbuild bundles the program, because five processes
// that each resolve a thousand module files start three times slower. For the same reason it is not split into chunks:
// dist/forkyard.js looks at the verb and loads dist/cli.js or, for the process of a node, dist/node-process.js alone.
// The library and the worker of experiments are bundled, too, over what tsc wrote: then the packages that they use need
// not be installed beside them.
// What is in dist stays until it is written over: yards that run from it start nodes and workers at any time.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';
import { noticesOf } from './notices.mjs';
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
const options = {
  outdir: 'dist',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
  // Native packages find their binaries beside their own files.
  external: ['classic-level', 'secp256k1', 'tiny-secp256k1', 'bitcoinjs-lib', '@scure/btc-signer'],
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
/** Each file is there whole at any moment, the old one or the new one. Resolves to the files that went into it. */
async function bundle(what) {
  const { outputFiles, metafile } = await build({
    ...what,
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
  });
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, contents);
    renameSync(`${path}.new`, path);
  }
  return Object.keys(metafile.inputs);
}
const [program, processes, overTsc, page] = await Promise.all([
  bundle({
    ...options,
    entryPoints: { forkyard: 'src/app/main.ts', cli: 'src/app/cli/run.ts' },
    plugins: [nodeApart],
  }),
  bundle({
    ...options,
    entryPoints: {
      'node-process': 'src/app/cli/run-node.ts',
      bench: 'scripts/bench/main.ts',
      'kill-loop': 'scripts/kill-loop/main.ts',
    },
  }),
  bundle({
    ...options,
    entryPoints: {
      'app/library/yard': 'src/app/library/yard.ts',
      'lab/bench/worker': 'src/lab/bench/worker.ts',
    },
    // The sources are in the package beside it.
    sourcesContent: false,
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
// Whoever gets the bundles gets other people's code in them, whose licences ask to be passed on.
writeFileSync(join(dist, 'NOTICES.txt'), noticesOf([...program, ...processes, ...overTsc, ...page]));
// The simulator as a static page: one file for any web server, or none.
const { simulatorFile } = await import('../dist/app/page/simulator-file.js');
writeFileSync(join(root, 'dist/simulator.html'), simulatorFile());
// What this build did not write is of sources that are gone.
for (const file of filesUnder(dist)) if (statSync(file).mtimeMs < began) rmSync(file);
writeFileSync(BUILT, print);
