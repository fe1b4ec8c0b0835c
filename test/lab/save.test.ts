import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Header } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createYard } from '../../src/lab/launcher/create.ts';
import { resumed, yardToResume } from '../../src/lab/launcher/resume.ts';
import type { Manifest } from '../../src/lab/launcher/save-format.ts';
import { load, save } from '../../src/lab/save/save.ts';
import type { YardFile } from '../../src/lab/yard/check.ts';
import { readYard, writeYard } from '../../src/lab/yard/file.ts';
import { newKey } from '../../src/lab/yard/keyring.ts';
import { CALM } from '../../src/observe/words/conditions.ts';
import { forgeSave, format1Of, readTar, type TarEntry, tarOf } from './save-forge.ts';

const PROGRAM = resolve(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
const context = { step: () => undefined, timeoutMs: 10_000, signal: new AbortController().signal };

let dir: string;
let yard: YardFile;

/** A yard that never ran, with something in each place that a yard writes to. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-save-'));
  const at = join(dir, 'old');
  mkdirSync(at);
  const made = createYard(at, PROGRAM, { nodes: 2, network: 'lab' });
  yard = made.yard;
  newKey(at, 'zoe', made.params);
  mkdirSync(join(at, 'A', 'db'), { recursive: true });
  writeFileSync(join(at, 'A', 'db', '000001.log'), Buffer.alloc(300_000, 7));
  writeFileSync(join(at, 'A', 'empty'), '');
  writeFileSync(join(at, 'yard.jsonl'), '{"v":1,"seq":1}\n');
  for (const passing of ['control.cookie', 'A/.cookie', 'A/node.json', 'A/db/LOCK'])
    writeFileSync(join(at, passing), 'x');
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = () => join(dir, 'it.yard');
const doSave = () => save({ yard: 'old', file: 'it.yard', force: false }, dir).run(context);
const doLoad = (to = 'new') => load({ file: 'it.yard', dir: to }, dir).run(context);

const forge = (
  change: (manifest: Manifest) => unknown,
  files?: (entries: readonly TarEntry[]) => readonly TarEntry[],
) => forgeSave(file(), change, files);

const withPath = (from: string, to: string) => (m: Manifest) => ({
  ...m,
  files: m.files.map((f) => (f.path === from ? { ...f, path: to } : f)),
});

describe('a saved yard', () => {
  it('is loaded with every byte that is its own, and nothing that passed with its processes', async () => {
    const { data } = await doSave();
    await doLoad();
    const files = readdirSync(join(dir, 'new'), { recursive: true }).map(String).toSorted();
    expect(files.filter((f) => /\.|empty$/.test(f))).toEqual([
      'A/db/000001.log',
      'A/empty',
      'genesis.json',
      'keys/zoe.json',
      'yard.json',
      'yard.jsonl',
    ]);
    for (const path of ['A/db/000001.log', 'keys/zoe.json', 'genesis.json'])
      expect(readFileSync(join(dir, 'new', path))).toEqual(readFileSync(join(dir, 'old', path)));
    expect(readYard(join(dir, 'new'))).toEqual({ ok: true, value: yard });
    expect(data).toMatchObject({ files: 5 });
    expect(data.packed).toBeLessThan(10_000);
  });

  it('is a tar that other programs list and open', async () => {
    await doSave();
    const tar = (...args: string[]) => {
      const ran = spawnSync('tar', args, { cwd: dir, encoding: 'utf8' });
      expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
      return ran.stdout;
    };
    const inside = ['A/db/000001.log', 'A/empty', 'genesis.json', 'keys/zoe.json', 'yard.jsonl'];
    expect(tar('tzf', 'it.yard').trim().split('\n')).toEqual(
      ['save.json', ...inside].map((path) => `yard/${path}`),
    );
    expect(tar('tzvf', 'it.yard')).toMatch(/^-rw------- /);
    tar('xzf', 'it.yard');
    for (const path of inside)
      expect(readFileSync(join(dir, 'yard', path))).toEqual(readFileSync(join(dir, 'old', path)));
  });

  it('has the same bytes for the same yard at the same time, and paths as long as they may be', async () => {
    const long = `A/${'d'.repeat(99)}/${'e'.repeat(99)}/${'f'.repeat(99)}`;
    mkdirSync(join(dir, 'old', dirname(long)), { recursive: true });
    writeFileSync(join(dir, 'old', long), 'x');
    vi.useFakeTimers({ toFake: ['Date'], now: 1e12 });
    try {
      await doSave();
      const first = readFileSync(file());
      await save({ yard: 'old', file: 'it.yard', force: true }, dir).run(context);
      expect(readFileSync(file()).equals(first)).toBe(true);
    } finally {
      vi.useRealTimers();
    }
    await doLoad();
    expect(readFileSync(join(dir, 'new', long), 'utf8')).toBe('x');
  });

  it('that version 0.1.0 saved is loaded, too', async () => {
    await doSave();
    const [list, ...files] = await readTar(readFileSync(file()));
    const manifest = JSON.parse(list!.content.toString()) as Manifest;
    writeFileSync(
      file(),
      format1Of(
        { ...manifest, v: 1 },
        files.map((f) => f.content),
      ),
    );
    await doLoad();
    for (const { path } of manifest.files)
      expect(readFileSync(join(dir, 'new', path))).toEqual(readFileSync(join(dir, 'old', path)));
    expect(readYard(join(dir, 'new'))).toEqual({ ok: true, value: yard });
  });

  it('that the disk has no room for is a problem of the disk, and leaves nothing', async () => {
    // Linux has a disk without room.
    if (!existsSync('/dev/full')) return;
    const full = join(dir, 'full');
    // What is written to it fails with ENOSPC.
    symlinkSync('/dev/full', `${full}.part`);
    await expect(save({ yard: 'old', file: 'full', force: false }, dir).run(context)).rejects.toThrow(
      /cannot write .*full: .*ENOSPC/,
    );
    expect(readdirSync(dir).toSorted()).toEqual(['old']);
    expect(existsSync(join(dir, 'old', '.saving'))).toBe(false);
  });

  it('overwrites nothing, neither when it is saved nor when it is loaded', async () => {
    await doSave();
    expect(() => save({ yard: 'old', file: 'it.yard', force: false }, dir)).toThrow(/is there already/);
    expect(() => doLoad('old')).toThrow(/old is not empty/);
    mkdirSync(join(dir, 'vacant'));
    await doLoad('vacant');
    expect(existsSync(join(dir, 'vacant', 'yard.json'))).toBe(true);
  });

  it('that is cut, faulty, held and partly down takes that up at its next start', () => {
    const running: YardFile = {
      ...yard,
      launcher: { pid: 1, port: 2 },
      groups: [['A'], ['B']],
      conditions: { ...CALM, frozen: ['B'], clockMs: { A: 5 }, profile: 'lan' },
    };
    const saved = yardToResume(running, { held: ['A'], down: [] });
    expect(saved).toMatchObject({ conditions: { profile: 'lan' }, resume: { held: ['A'], down: [] } });
    expect(saved.groups).toBeUndefined();
    expect(saved.launcher).toBeUndefined();
    // Nobody can be frozen before it runs.
    expect(resumed(saved)).toEqual({
      groups: running.groups,
      conditions: { ...running.conditions, frozen: [] },
    });
  });
});

describe('what cannot be loaded is refused by name, and leaves nothing behind', () => {
  async function expectRefused(words: RegExp): Promise<void> {
    await expect(doLoad()).rejects.toThrow(words);
    await expect(doLoad()).rejects.toThrow(/it\.yard/);
    expect(readdirSync(dir).toSorted()).toEqual(['it.yard', 'old']);
  }

  it('a foreign file, a missing one, one of a later format', async () => {
    await expect(doLoad()).rejects.toThrow(/there is no file .*it\.yard/);
    writeFileSync(file(), gzipSync('hello'));
    await expectRefused(/not a save of forkyard/);
    writeFileSync(file(), '');
    await expectRefused(/not a save of forkyard/);
    writeFileSync(file(), gzipSync(''));
    await expectRefused(/not a save of forkyard/);
    writeFileSync(
      file(),
      gzipSync(await tarOf([{ header: { name: 'yard/genesis.json' }, content: Buffer.from('{}') }])),
    );
    await expectRefused(/not a save of forkyard/);
    writeFileSync(file(), 'FORKYARD SAVE 3\nwhatever');
    await expectRefused(/has format 3, and this forkyard reads formats 1 and 2/);
    rmSync(file());
    await doSave();
    await forge((m) => ({ ...m, v: 3 }));
    await expectRefused(/has format 3, and this forkyard reads formats 1 and 2/);
  });

  it('one that was cut off anywhere', async () => {
    await doSave();
    const whole = readFileSync(file());
    for (const length of [2, 30, whole.length >> 1, whole.length - 1]) {
      writeFileSync(file(), whole.subarray(0, length));
      await expectRefused(/ends too early/);
    }
    // Cut off before it was zipped: between two files, within one, and within the list.
    const inside = gunzipSync(whole);
    for (const length of [inside.length - 2048, inside.length - 200_000, 700]) {
      writeFileSync(file(), gzipSync(inside.subarray(0, length)));
      await expectRefused(/ends too early|damaged \(Unexpected end of data\)/);
    }
  });

  it('one with a changed bit anywhere', async () => {
    await doSave();
    const whole = readFileSync(file());
    const inside = gunzipSync(whole);
    /** Some bits mean nothing: in gzip's header, and where a run of equal bytes can be told in two ways. */
    const isHarmless = (bad: Buffer) => {
      try {
        return gunzipSync(bad).equals(inside);
      } catch {
        return false;
      }
    };
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 12)) {
      const bad = Buffer.from(whole);
      bad[at]! ^= 0x10;
      if (isHarmless(bad)) continue;
      writeFileSync(file(), bad);
      await expectRefused(
        /damaged|too early|not JSON|not one of ours|not as it was saved|cannot be|not a save|belongs/,
      );
    }
  });

  it('one whose content was replaced by somebody who knows gzip', async () => {
    await doSave();
    await forge(
      (m) => m,
      (entries) => entries.map((e) => ({ ...e, content: Buffer.from(e.content.map((b) => b ^ 1)) })),
    );
    await expectRefused(/A\/db\/000001\.log in it is not as it was saved/);
  });

  it('one that would write elsewhere, or over itself, or too much', async () => {
    const cases: [(m: Manifest) => unknown, RegExp][] = [
      [withPath('A/empty', '../evil'), /would write "\.\.\/evil"/],
      [withPath('A/empty', '/etc/evil'), /would write "\/etc\/evil"/],
      [withPath('A/empty', 'A/../../evil'), /would write/],
      [withPath('A/empty', 'bin/evil'), /would write/],
      [withPath('A/empty', 'A/.cookie'), /would write/],
      [withPath('A/empty', 'yard.json'), /would write/],
      [withPath('A/empty', 'A/db/000001.log'), /twice/],
      [withPath('genesis.json', 'yard.1.jsonl'), /lacks genesis\.json/],
      [(m) => ({ ...m, files: m.files.map((f) => ({ ...f, bytes: 2e9 })) }), /would fill 10000000000 bytes/],
      [(m) => ({ ...m, files: m.files.map((f) => ({ ...f, bytes: -1 })) }), /size of/],
      [(m) => ({ ...m, files: [] }), /lacks genesis\.json/],
      [
        (m) => ({ ...m, yard: { ...m.yard, nodes: [{ ...yard.nodes[0], dir: '../..' }] } }),
        /nodes\[0\]\.dir is "\.\.\/\.\.", not "A"/,
      ],
      [(m) => ({ ...m, yard: { ...m.yard, resume: { held: ['Q'], down: [] } } }), /names node "Q"/],
      [
        (m) => ({ ...m, yard: { ...m.yard, resume: { held: [], down: [], groups: [['A'], ['A', 'B']] } } }),
        /resume\.groups: node A is in two groups/,
      ],
      [(m) => ({ ...m, yard: { ...m.yard, conditions: { frozen: 3 } } }), /conditions\.frozen cannot be 3/],
      [(m) => ({ ...m, yard: { ...m.yard, perProcess: 0 } }), /perProcess is 0/],
      [(m) => ({ ...m, v: '2' }), /not one of ours/],
      [() => null, /not one of ours/],
    ];
    for (const [change, words] of cases) {
      rmSync(file(), { force: true });
      await doSave();
      await forge(change);
      await expectRefused(words);
    }
  });

  it('one with more in it than it says, or with a key that is none', async () => {
    await doSave();
    const more: TarEntry = { header: { name: 'yard/A/more' }, content: Buffer.from('more') };
    await forge(
      (m) => m,
      (entries) => [...entries, more],
    );
    await expectRefused(/more in it than its list says/);
    rmSync(file());
    writeFileSync(join(dir, 'old', 'keys', 'zoe.json'), '{}');
    await doSave();
    await expectRefused(/keys\/zoe\.json is not a key file/);
  });
});

describe('a tar whose entries are not what its list says is refused, and leaves nothing behind', () => {
  async function expectRefused(words: RegExp): Promise<void> {
    await expect(doLoad()).rejects.toThrow(words);
    expect(readdirSync(dir).toSorted()).toEqual(['it.yard', 'old']);
  }

  /** The save with the entry of `A/empty` replaced by these. */
  async function withEntries(...instead: TarEntry[]): Promise<void> {
    await doSave();
    await forge(
      (m) => m,
      (entries) => entries.flatMap((e) => (e.header.name === 'yard/A/empty' ? instead : [e])),
    );
  }

  const empty = Buffer.alloc(0);
  const entry = (name: string, header: Partial<Header> = {}, content = empty): TarEntry => ({
    header: { ...header, name },
    content,
  });

  it.each<[string, TarEntry[], RegExp]>([
    ['above the folder', [entry('../evil')], /"\/\.\.\/evil" where A\/empty belongs/],
    ['above it by its own name', [entry('yard/../../evil')], /"\.\.\/\.\.\/evil" where/],
    ['anywhere', [entry('/etc/evil')], /"\/\/etc\/evil" where/],
    ['under another name', [entry('yard/A/other')], /"A\/other" where/],
    ['beside the folder', [entry('A/empty')], /"\/A\/empty" where/],
    ['a symbolic link', [entry('yard/A/empty', { type: 'symlink', linkname: '/etc' })], /is a link/],
    ['a hard link', [entry('yard/A/empty', { type: 'link', linkname: 'yard/genesis.json' })], /is a link/],
    ['a folder', [entry('yard/A/empty', { type: 'directory' })], /belongs|is a link, a folder/],
    ['a device', [entry('yard/A/empty', { type: 'character-device' })], /is a link, a folder or the like/],
    [
      'longer than its list says',
      [entry('yard/A/empty', {}, Buffer.from('x'))],
      /has 1 bytes, and 0 in its list/,
    ],
    ['twice', [entry('yard/A/empty'), entry('yard/A/empty')], /"A\/empty" where genesis\.json belongs/],
    ['not at all', [], /"genesis\.json" where A\/empty belongs/],
    [
      'by a path in an extended header',
      [entry('yard/A/empty', { pax: { path: '../evil' } })],
      /"\/\.\.\/evil" where/,
    ],
    [
      'with a size that is none',
      [entry('yard/A/empty', { pax: { size: 'x1' } })],
      /damaged \(Invalid header\)/,
    ],
    [
      'with a size below zero',
      [entry('yard/A/empty', { pax: { size: '-1' } })],
      /damaged \(Invalid header\)/,
    ],
    ['of 8 EB', [entry('yard/A/empty', { pax: { size: '9007199254740991' } })], /has 9007199254740991 bytes/],
  ])('%s', async (_, entries, words) => {
    await withEntries(...entries);
    await expectRefused(words);
  });

  it('the last file missing', async () => {
    await doSave();
    await forge(
      (m) => m,
      (entries) => entries.slice(0, -1),
    );
    await expectRefused(/ends too early/);
  });

  it('headers without end, or a list of files without end, of a file that is small', async () => {
    await doSave();
    const [list, ...rest] = await readTar(readFileSync(file()));
    const [head, end] = [await tarOf([list!]), await tarOf(rest)];
    const noise = await tarOf([entry('x', { pax: { comment: 'y'.repeat(300) } })]);
    // The header and its extension, without the entry that they belong to.
    const headers = Buffer.concat(Array.from({ length: 3_000 }, () => noise.subarray(0, 1024)));
    writeFileSync(file(), gzipSync(Buffer.concat([head.subarray(0, -1024), headers, end])));
    await expectRefused(/more in it than its files/);
    writeFileSync(file(), gzipSync(Buffer.concat([head, Buffer.alloc(3_000_000)])));
    await expectRefused(/more in it than its files/);
    const big = entry('yard/save.json', {}, Buffer.alloc(9 << 20, 0x20));
    writeFileSync(file(), gzipSync(await tarOf([big])));
    await expectRefused(/its list of files has 9437184 bytes; 8388608 is the most/);
  });
});

describe('a save of version 0.1.0 that is not whole is refused, and leaves nothing behind', () => {
  it.each<[string, (m: Manifest) => unknown, (contents: Buffer[]) => Buffer[], RegExp]>([
    ['changed', (m) => m, (all) => all.map((c) => Buffer.from(c.map((b) => b ^ 1))), /not as it was saved/],
    ['cut off', (m) => m, (all) => all.slice(0, -1), /ends too early/],
    ['with more', (m) => m, (all) => [...all, Buffer.from('x')], /more in it than its list says/],
    ['that writes elsewhere', withPath('A/empty', '../evil'), (all) => all, /would write "\.\.\/evil"/],
    ['of another format', (m) => ({ ...m, v: 2 }), (all) => all, /has format 2/],
    [
      'without an end of its list',
      () => ' '.repeat(9 << 20),
      () => [],
      /list of files has no end|not one of ours/,
    ],
  ])('%s', async (_, change, contents, words) => {
    await doSave();
    const [list, ...files] = await readTar(readFileSync(file()));
    const manifest = { ...(JSON.parse(list!.content.toString()) as Manifest), v: 1 };
    writeFileSync(file(), format1Of(change(manifest), contents(files.map((f) => f.content))));
    await expect(doLoad()).rejects.toThrow(words);
    expect(readdirSync(dir).toSorted()).toEqual(['it.yard', 'old']);
  });
});

describe('a yard that is not there', () => {
  it('cannot be saved', () => {
    expect(() => save({ yard: 'nowhere', file: 'x', force: false }, dir)).toThrow(/no yard in nowhere/);
    writeYard(join(dir, 'old'), yard);
    expect(() => save({ yard: 'old', file: 'no/such/x', force: false }, dir)).toThrow(/there is no folder/);
  });
});
