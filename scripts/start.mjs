// `npm start [-- --exit]`: from a fresh clone to the running program, without a step by hand.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkNode, root, setUp } from './setup.mjs';

checkNode();
await setUp();
const child = spawn(process.execPath, [join(root, 'dist', 'forkyard.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to the whole group; the program ends itself, and its code is ours.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
