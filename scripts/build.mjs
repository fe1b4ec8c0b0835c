// tsc writes the library and the worker files to dist/<layer>/; esbuild bundles the program to dist/forkyard.js,
// because five processes that each resolve a thousand module files start three times slower.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
rmSync(join(root, 'dist'), { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', '--pretty', 'false'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
await build({
  absWorkingDir: root,
  entryPoints: { forkyard: 'src/app/main.ts', bench: "scripts/bench/main.ts" },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
  // Native packages find their binaries beside their own files.
  external: ['classic-level', 'secp256k1', 'bitcoinjs-lib', '@scure/btc-signer'],
  // Some packages inside are CommonJS and call require for built-in modules.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
});
