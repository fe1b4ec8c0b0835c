import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory } from '../../src/host/directories.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'forkyard-dirs-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('making a directory', () => {
  it('makes what is missing above it, private, and may be asked again', () => {
    const path = join(root, 'a', 'b', 'c');
    makeDirectory(path);
    makeDirectory(path);
    expect(statSync(path).isDirectory()).toBe(true);
    expect(statSync(join(root, 'a')).mode & 0o777).toBe(0o700);
  });

  it('throws the system’s error where a file is in the way', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => makeDirectory(join(root, 'file'))).toThrow(/EEXIST/);
    expect(() => makeDirectory(join(root, 'file', 'x'))).toThrow(/EEXIST|ENOTDIR/);
  });

  it('comes to an end where nothing can ever be made', () => {
    expect(() => makeDirectory('/proc/nope/deeper')).toThrow();
  });
});
