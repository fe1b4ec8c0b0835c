// `npm run kill-loop [-- options]`: builds, then kills mining nodes at drawn instants and checks what they kept.
import { join } from 'node:path';
import { checkNode, root, run, setUp } from './setup.mjs';

checkNode();
await setUp();
const { code } = await run(process.execPath, [join(root, 'dist', 'kill-loop.js'), ...process.argv.slice(2)], {
  show: true,
});
process.exit(code);
