import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionsOf, faultLine, linksFacts, wireRules } from '../../src/lab/client/conditions.ts';
import { createYard, readParams, reopenYard } from '../../src/lab/launcher/create.ts';
import { checkLaunch } from '../../src/lab/launcher/launch-check.ts';
import { stoppedYard } from '../../src/lab/launcher/resume.ts';
import { load, save } from '../../src/lab/save/save.ts';
import type { YardFile } from '../../src/lab/yard/check.ts';
import { locateYard, readYard, writeYard } from '../../src/lab/yard/file.ts';
import { allKeys, newKey } from '../../src/lab/yard/keyring.ts';
import { allLinks, longestDelayMs, parseLinks } from '../../src/observe/state/yard-links.ts';
import { CALM } from '../../src/observe/words/conditions.ts';
import { type Random, seeded } from '../../src/util/random.ts';
import { Problem } from '../../src/yard/problem.ts';
import { mutatedText } from './mutations.ts';
import { readTar, tarOf } from './save-forge.ts';

/** State files with damage: each is read as it was or refused in one sentence, and nothing throws anything else. */

const PROGRAM = resolve(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
const context = { step: () => undefined, timeoutMs: 10_000, signal: new AbortController().signal };

let dir: string;
let at: string;
let yard: YardFile;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-damaged-'));
  at = join(dir, 'yard');
  mkdirSync(at);
  const made = createYard(at, PROGRAM, { nodes: 3, network: 'lab', profile: 'world', perProcess: 2 });
  newKey(at, 'zoe', made.params);
  yard = {
    ...made.yard,
    launcher: { pid: 1, port: 2 },
    page: 'http://127.0.0.1:8440/#k=x',
    topology: 'line',
    groups: [['A', 'B'], ['C']],
    conditions: {
      ...CALM,
      oneWay: [['A', 'B']],
      frozen: ['C'],
      clockMs: { A: 90_000 },
      shapes: { 'A>B': { delayMs: 10, jitterMs: 1, loss: 0.1, bitsPerSecond: 0 } },
      profile: 'world',
      regions: { A: 'japan' },
    },
    resume: { held: ['A'], down: ['B'], groups: [['A'], ['B', 'C']], conditions: { ...CALM, frozen: ['A'] } },
    nodes: made.yard.nodes.map((n) => ({ ...n, pid: 1 })),
  };
  writeYard(at, yard);
  await save({ yard: at, file: 'it.yard', force: false }, dir).run(context);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The sentence of a refusal; undefined when it was taken. Any other error is a bug, and fails the test. */
async function refusal(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.message.length).toBeLessThan(600);
    expect(error.message).not.toMatch(/Cannot read|undefined|not a function|\[object|call stack/);
    return error.message;
  }
}

/** `count` mutations of a file, each tried by `work`; answers how many were refused. */
async function damage(
  file: string,
  count: number,
  work: () => unknown,
  write?: (random: Random) => Promise<void>,
): Promise<number> {
  const before = readFileSync(file);
  const plain = (random: Random) =>
    writeFileSync(file, mutatedText(JSON.parse(before.toString('utf8')) as unknown, random));
  let refused = 0;
  try {
    for (let seed = 1; seed <= count; seed++) {
      await (write ?? plain)(seeded(`${file.slice(-12)} ${seed}`));
      const sentence = await refusal(work).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      });
      if (sentence !== undefined) refused++;
    }
  } finally {
    writeFileSync(file, before);
  }
  return refused;
}

/** All that verbs and nodes read of a yard's state. */
function use(): void {
  const { yard: read } = locateYard(at, dir);
  conditionsOf(read);
  faultLine(read, 0);
  const facts = linksFacts(read);
  longestDelayMs(facts);
  allLinks(facts);
  parseLinks('A-B', facts);
  for (const { letter } of read.nodes) wireRules(read, letter);
  reopenYard(stoppedYard(read), {});
  checkLaunch(at, PROGRAM, {});
}

describe('damage is refused with a sentence that names file and field', () => {
  it('whole files are read as they are', async () => {
    expect(readYard(at)).toEqual({ ok: true, value: yard });
    expect(await refusal(use)).toBeUndefined();
  });

  it.each([
    [
      '{"v":1,"label":"x","network":"lab","spacingMs":1,"delayMs":0,"nodes":[null]}',
      'nodes[0] is null, not a node',
    ],
    ['null', 'it is null, not an object'],
    ['[]', 'it is a list, not an object'],
  ])('%s', async (text, words) => {
    const path = join(at, 'yard.json');
    const before = readFileSync(path);
    writeFileSync(path, text);
    expect(await refusal(use)).toBe(`${path}: ${words}`);
    writeFileSync(path, before);
  });

  it.each([
    ['launcher', null, 'launcher is null, not a pid and a port'],
    ['launcher', { pid: 0, port: 1 }, 'launcher.pid is 0, not a whole number from 1 to 2147483647'],
    ['perProcess', { toString: 1 }, 'perProcess is an object, not a whole number from 1 to 64'],
    ['page', 7, 'page is 7, not a text of at most 400 characters'],
    ['topology', 'ring', 'topology is "ring", not one of full, line, random'],
    ['groups', [['A', 'B', 'C']], "groups: 'A,B,C' is one group"],
    ['conditions', null, 'conditions is null, not a list of fields'],
    ['conditions', { wind: 1 }, 'conditions.wind cannot be 1'],
    ['conditions', { frozen: ['Q'] }, 'conditions names node "Q", which the yard does not have'],
    ['resume', { held: [], down: [], conditions: { oneWay: 3 } }, 'resume.conditions.oneWay cannot be 3'],
    ['spacingMs', -1, 'spacingMs is -1, not a number from 0 to 86400000'],
  ])('yard.json with %s = %j', async (field, value, words) => {
    const path = join(at, 'yard.json');
    const before = readFileSync(path);
    writeFileSync(path, JSON.stringify({ ...yard, [field]: value }));
    expect(await refusal(use)).toContain(`${path}: ${words}`);
    writeFileSync(path, before);
  });

  it('yard.json, 700 mutations', async () => {
    const refused = await damage(join(at, 'yard.json'), 700, use);
    expect(refused).toBeGreaterThan(450);
  });

  it('genesis.json, 300 mutations', async () => {
    const refused = await damage(join(at, 'genesis.json'), 300, () => readParams(at));
    expect(refused).toBeGreaterThan(150);
  });

  it('a key file, 200 mutations, and null', async () => {
    const params = readParams(at);
    const path = join(at, 'keys', 'zoe.json');
    expect(await damage(path, 200, () => allKeys(at, params))).toBeGreaterThan(100);
    const before = readFileSync(path);
    writeFileSync(path, 'null');
    expect(await refusal(() => allKeys(at, params))).toBe(`${path} is not a key file: v is missing, not 1`);
    writeFileSync(path, before);
  });

  it("a save's list of files, 150 mutations, and nothing is left behind", async () => {
    const path = join(dir, 'it.yard');
    const [list, ...files] = await readTar(readFileSync(path));
    const manifest = JSON.parse(list!.content.toString()) as unknown;
    const refused = await damage(
      path,
      150,
      async () => {
        rmSync(join(dir, 'new'), { recursive: true, force: true });
        await load({ file: 'it.yard', dir: 'new' }, dir).run(context);
        // What was taken can be started: nothing in it speaks of processes of this machine.
        const loaded = readYard(join(dir, 'new'));
        expect(loaded.ok && loaded.value.nodes.map((n) => n.pid)).toEqual([undefined, undefined, undefined]);
        expect(loaded.ok && loaded.value.launcher).toBeUndefined();
        checkLaunch(join(dir, 'new'), PROGRAM, {});
      },
      async (random) => {
        const content = Buffer.from(mutatedText(manifest, random));
        writeFileSync(path, gzipSync(await tarOf([{ ...list!, content }, ...files])));
      },
    );
    expect(refused).toBeGreaterThan(90);
    rmSync(join(dir, 'new'), { recursive: true, force: true });
    expect(readdirSync(dir).toSorted()).toEqual(['it.yard', 'yard']);
  });
});
