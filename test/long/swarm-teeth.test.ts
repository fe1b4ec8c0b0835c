import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { PLANTED, type Planted } from '../sim/swarm/planted.ts';

const root = join(import.meta.dirname, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'forkyard-teeth-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Swarm = typeof import('../../src/sim/swarm/swarm.ts');

/** The swarm and the whole node below it, with one place changed: the program as it would be with that bug. */
async function withBug(bug: Planted | undefined, number: number): Promise<Swarm> {
  const outfile = join(dir, `${number}.mjs`);
  let changed = bug === undefined;
  await build({
    entryPoints: [join(root, 'src/sim/swarm/swarm.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'bug',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = readFileSync(path, 'utf8');
            if (bug === undefined || path !== join(root, 'src', bug.file)) return { contents, loader: 'ts' };
            expect(contents.split(bug.from), `${bug.file} has that place once`).toHaveLength(2);
            changed = true;
            return { contents: contents.replace(bug.from, () => bug.to), loader: 'ts' };
          }),
      },
    ],
  });
  expect(changed).toBe(true);
  return (await import(pathToFileURL(outfile).href)) as Swarm;
}

const networks: unknown = JSON.parse(readFileSync(join(root, 'genesis.json'), 'utf8'));

/** The first seed from 1 on whose life breaks an invariant. */
function firstFailure(swarm: Swarm, most: number) {
  for (let seed = 1; seed <= most; seed++) {
    const [report] = swarm.runSwarm({ networks, seeds: [String(seed)] });
    if (report!.failure !== undefined) return { seed, ...report!.failure };
  }
  return undefined;
}

describe('bugs that were planted', () => {
  it('none: no life of those that find them fails', { timeout: 900_000 }, async () => {
    const most = Math.max(...PLANTED.map(({ within }) => within));
    expect(firstFailure(await withBug(undefined, 0), most)).toBeUndefined();
  });

  it.each(PLANTED.map((bug, i) => [bug.name, i + 1, bug] as const))('%s', async (name, number, bug) => {
    const found = firstFailure(await withBug(bug, number), bug.within);
    console.log(
      `${name}: ${found === undefined ? 'NOT FOUND' : `seed ${found.seed}, ${found.invariant}: ${found.text}`}`,
    );
    expect(found?.seed, name).toBeLessThanOrEqual(bug.within);
  });
});
