import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What the manifest promises to a project that installs the package, where neither our overrides nor our lock file apply. */

const ROOT = join(import.meta.dirname, '..', '..');

interface Locked {
  readonly dev?: boolean;
  readonly engines?: { readonly node?: string };
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
const manifest = read('package.json') as {
  engines: { node: string };
  overrides: Record<string, string>;
  dependencies: Record<string, string>;
};
const { packages } = read('package-lock.json') as { packages: Record<string, Locked> };
const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);

/** `>=20.19` as a number that orders versions; throws for a range of another form. */
function least(range: string): number {
  const [, major, minor = '0'] = /^>= ?(\d+)(?:\.(\d+))?(?:\.\d+)?$/.exec(range) ?? [];
  if (major === undefined) throw new Error(`the range ${range} is of another form`);
  return Number(major) * 1_000 + Number(minor);
}

describe('the packages that are installed beside ours', () => {
  it('are what package.json names and what that needs', () => {
    expect(installed.length).toBeGreaterThan(Object.keys(manifest.dependencies).length);
    for (const name of Object.keys(manifest.dependencies)) {
      expect(installed.map(([path]) => path)).toContain(`node_modules/${name}`);
    }
  });

  it('run on the oldest Node that we name', () => {
    const tooNew = installed.filter(
      ([, { engines }]) => engines?.node !== undefined && least(engines.node) > least(manifest.engines.node),
    );
    expect(tooNew.map(([path]) => path)).toEqual([]);
  });

  it('are none that an override of ours would have to change', () => {
    const changed = Object.keys(manifest.overrides).filter((name) =>
      installed.some(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`)),
    );
    expect(changed).toEqual([]);
  });
});
