import { fileURLToPath } from 'node:url';
import { runCli } from './cli/run.ts';
import { packageVersion } from './node-package.ts';

/**
 * The program. Node processes are started from this very file (as bundled), so a yard's nodes are always of the same
 * version as their launcher.
 */
const code = await runCli(process.argv.slice(2), {
  programPath: fileURLToPath(import.meta.url),
  version: packageVersion(),
});
// Nothing that is still open (a keep-alive connection) may hold a finished command.
process.exit(code);
