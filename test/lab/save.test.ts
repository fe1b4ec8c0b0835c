import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createYard } from '../../src/lab/launcher/create.ts';
import { resumed, yardToResume } from '../../src/lab/launcher/resume.ts';
import { MAGIC, type Manifest } from '../../src/lab/launcher/save-format.ts';
import { load, save } from '../../src/lab/save/save.ts';
import type { YardFile } from '../../src/lab/yard/check.ts';
import { readYard, writeYard } from '../../src/lab/yard/file.ts';
import { newKey } from '../../src/lab/yard/keyring.ts';
import { CALM } from '../../src/observe/words/conditions.ts';

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

/** The save with its manifest changed by `change`, and the files' bytes after it as they were. */
function forge(change: (manifest: Manifest) => unknown, tail = (bytes: Buffer) => bytes): void {
  const inside = gunzipSync(readFileSync(file()).subarray(MAGIC.length));
  const end = inside.indexOf(0x0a);
  const manifest = JSON.parse(inside.subarray(0, end).toString()) as Manifest;
  const changed = Buffer.from(`${JSON.stringify(change(manifest))}\n`);
  const packed = gzipSync(Buffer.concat([changed, tail(inside.subarray(end + 1))]));
  writeFileSync(file(), Buffer.concat([Buffer.from(MAGIC), packed]));
}

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
    writeFileSync(file(), 'FORKYARD SAVE 2\nwhatever');
    await expectRefused(/has format 2, and this forkyard reads format 1/);
  });

  it('one that was cut off anywhere', async () => {
    await doSave();
    const whole = readFileSync(file());
    for (const length of [MAGIC.length, MAGIC.length + 20, whole.length >> 1, whole.length - 1]) {
      writeFileSync(file(), whole.subarray(0, length));
      await expectRefused(/ends too early/);
    }
  });

  it('one with a changed bit anywhere', async () => {
    await doSave();
    const whole = readFileSync(file());
    for (let at = MAGIC.length; at < whole.length; at += Math.ceil(whole.length / 12)) {
      const bad = Buffer.from(whole);
      bad[at]! ^= 0x10;
      writeFileSync(file(), bad);
      // The operating system's byte and the like in gzip's header mean nothing.
      if (at < MAGIC.length + 10) continue;
      await expectRefused(/damaged|too early|not JSON|not one of ours|not as it was saved|cannot be/);
    }
  });

  it('one whose content was replaced by somebody who knows gzip', async () => {
    await doSave();
    forge(
      (m) => m,
      (bytes) => Buffer.from(bytes.toString('latin1').replace('\x07', '\x08'), 'latin1'),
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
      [(m) => ({ ...m, v: 2 }), /not one of ours/],
      [() => null, /not one of ours/],
    ];
    for (const [change, words] of cases) {
      rmSync(file(), { force: true });
      await doSave();
      forge(change);
      await expectRefused(words);
    }
  });

  it('one with more in it than it says, or with a key that is none', async () => {
    await doSave();
    forge(
      (m) => m,
      (bytes) => Buffer.concat([bytes, Buffer.from('more')]),
    );
    await expectRefused(/more in it than its list says/);
    rmSync(file());
    writeFileSync(join(dir, 'old', 'keys', 'zoe.json'), '{}');
    await doSave();
    await expectRefused(/keys\/zoe\.json is not a key file/);
  });
});

describe('a yard that is not there', () => {
  it('cannot be saved', () => {
    expect(() => save({ yard: 'nowhere', file: 'x', force: false }, dir)).toThrow(/no yard in nowhere/);
    writeYard(join(dir, 'old'), yard);
    expect(() => save({ yard: 'old', file: 'no/such/x', force: false }, dir)).toThrow(/there is no folder/);
  });
});
