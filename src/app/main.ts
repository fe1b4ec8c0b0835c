import { fileURLToPath } from 'node:url';
import { packageVersion } from './node/package.ts';

/**
 * The program. Node processes are started from this very file (as bundled), so a yard's nodes are always of the same
 * version as their launcher.
 */
const args = process.argv.slice(2);
const code =
  args[0] === 'node' || args[0] === 'nodes'
    ? await (await import('./cli/run-node.ts')).runNodeCli(args)
    : await (await import('./cli/run.ts')).runCli(args, {
        programPath: fileURLToPath(import.meta.url),
        version: packageVersion(),
      });
// Nothing that is still open (a keep-alive connection) may hold a finished command.
process.exit(code);
