import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/host/files.ts';
import { loadIdentity, removeEmptyIdentity } from '../../src/host/net/identity.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-files-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const modeOf = (name: string): number => statSync(join(dir, name)).mode & 0o777;

describe('a file of state', () => {
  it('is for its owner alone, whatever the umask and an older file say', () => {
    const before = process.umask(0o000);
    try {
      writeAtomically(join(dir, 'new'), 'one');
      writeFileSync(join(dir, 'old'), 'zero', { mode: 0o666 });
      chmodSync(join(dir, 'old'), 0o666);
      writeAtomically(join(dir, 'old'), 'one');
      writeAtomically(join(dir, 'public'), 'one', 0o644);
    } finally {
      process.umask(before);
    }
    expect(['new', 'old', 'public'].map(modeOf)).toEqual([0o600, 0o600, 0o644]);
    expect(readFileSync(join(dir, 'old'), 'utf8')).toBe('one');
  });

  it('stays as it was when it cannot be written, and nothing is left beside it', () => {
    expect(() => writeAtomically(join(dir, 'no', 'such'), 'x')).toThrow(/ENOENT/);
    writeFileSync(join(dir, 'kept'), 'old');
    expect(() => writeAtomically(join(dir, 'kept', 'below'), 'x')).toThrow();
    expect(readdirSync(dir)).toEqual(['kept']);
  });
});

describe("a node's identity", () => {
  it('is made once, and read again', async () => {
    const made = await loadIdentity(dir);
    expect(modeOf('identity')).toBe(0o600);
    expect((await loadIdentity(dir)).equals(made)).toBe(true);
    expect(removeEmptyIdentity(dir)).toBeUndefined();
    expect(readdirSync(dir)).toEqual(['identity']);
  });

  it('is not there at all when its first write fails or the process ends within it', () => {
    const { outputFiles } = buildSync({
      stdin: {
        contents: `import { loadIdentity } from './src/host/net/identity.ts';
          await loadIdentity(${JSON.stringify(dir)});`,
        resolveDir: resolve(import.meta.dirname, '..', '..'),
        loader: 'ts',
      },
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      write: false,
      logLevel: 'silent',
    });
    const run = (limit: string) =>
      spawnSync(
        'sh',
        ['-c', `${limit} exec "$0" --input-type=module -e "$1"`, process.execPath, outputFiles[0]!.text],
        {
          cwd: resolve(import.meta.dirname, '..', '..'),
          encoding: 'utf8',
        },
      );
    // No process may write a byte to a file: as on a full disk, or as a kill at that moment.
    expect(run('ulimit -f 0;').status).not.toBe(0);
    expect(readdirSync(dir)).not.toContain('identity');
    expect(run('')).toMatchObject({ status: 0 });
    expect(readdirSync(dir)).toContain('identity');
  });

  it('that an interrupted first start left empty is removed, and said so; a damaged one stays', async () => {
    expect(removeEmptyIdentity(dir)).toBeUndefined();
    writeFileSync(join(dir, 'identity'), '\n');
    expect(removeEmptyIdentity(dir)).toContain('identity was empty');
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(join(dir, 'identity'), 'rubbish');
    expect(removeEmptyIdentity(dir)).toBeUndefined();
    await expect(loadIdentity(dir)).rejects.toThrow(/does not hold a peer identity/);
  });
});
