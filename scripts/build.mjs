// tsc writes the library and the worker files to dist/<layer>/; esbuild bundles the program, because five processes
// that each resolve a thousand module files start three times slower. For the same reason it is not split into chunks:
// dist/forkyard.js looks at the verb and loads dist/cli.js or, for the process of a node, dist/node-process.js alone.
import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
rmSync(join(root, 'dist'), { recursive: true, force: true });
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
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
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
const nodeApart = {
  name: 'node-apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(?:node-process|run-node|run)\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import'
        ? { path: path.endsWith('/run.ts') ? './cli.js' : './node-process.js', external: true }
        : undefined,
    ),
};
await Promise.all([
  build({
    ...options,
    entryPoints: { forkyard: 'src/app/main.ts', cli: 'src/app/cli/run.ts' },
    plugins: [nodeApart],
  }),
  build({
    ...options,
    entryPoints: { 'node-process': 'src/app/cli/run-node.ts', bench: 'scripts/bench/main.ts' },
  }),
  build({
    absWorkingDir: root,
    entryPoints: { page: 'src/page/main.ts', simulator: 'src/page/sim-main.tsx', style: 'src/page/page.css' },
    outdir: 'dist/page',
    bundle: true,
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
// The simulator as a static page: one file for any web server, or none.
const { simulatorFile } = await import('../dist/app/page/simulator-file.js');
writeFileSync(join(root, 'dist/simulator.html'), simulatorFile());
