// `npm run bench [-- suite] [--json]`: builds, then runs the benchmarks.
import { join } from 'node:path';
import { checkNode, root, run, setUp } from './setup.mjs';

checkNode();
await setUp();
const { code } = await run(process.execPath, [join(root, 'dist', 'bench.js'), ...process.argv.slice(2)], {
  show: true,
});
process.exit(code);
