#!/usr/bin/env node
// The program is bundled by `npm run build`; a checkout that is not built yet says so instead of failing to import.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/forkyard.js', import.meta.url);
if (existsSync(fileURLToPath(program))) {
  await import(program.href);
} else {
  process.stderr.write(
    'forkyard: not built yet. Run `npm start` once (it installs, builds and shows the tour).\n',
  );
  process.exitCode = 1;
}
