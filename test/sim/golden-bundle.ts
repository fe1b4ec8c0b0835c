import { buildSync } from 'esbuild';
import { NETWORKS_JSON } from '../dsl/networks.ts';

/**
 * Every step of four nodes, by hash. Another machine, Node version or browser must give the same. It changes with
 * anything that a node writes, sends or tells: after such a change, on purpose, put the new value here.
 */
export const GOLDEN = 'bdc819591950734bea0c580157eaffd41d8409b529c3805cbaffd0b5e212e8ba';

/** A program without anything of Node in it, which hands the hash to `give`, an expression. */
export function goldenProgram(give: string): string {
  const contents = `import { goldenTrace } from './golden-world.ts';
    (${give})(goldenTrace(${JSON.stringify(NETWORKS_JSON)}));`;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}
