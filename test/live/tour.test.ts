import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import type { YardFile } from '../../src/lab/yard/check.ts';
import { readYard } from '../../src/lab/yard/file.ts';
import { isAlive } from '../../src/lab/yard/processes.ts';
import { ofKind } from './lab.ts';
import { eventually } from './yard-helpers.ts';

/** Two tours side by side, as a person starts them after cloning: one that ends by itself, one that stays. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
let ending: Running;
let staying: Running;

interface Running {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  readonly data: string;
  text(): string;
}

/** A command line in a process group of its own, as a terminal runs it. */
function shell(line: string, data = ''): Running {
  const child = spawn('sh', ['-c', line], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let text = '';
  child.stdout.on('data', (bytes) => (text += String(bytes)));
  child.stderr.on('data', (bytes) => (text += String(bytes)));
  const ended = new Promise<number | string | null>((done) =>
    child.once('close', (code, signal) => done(code ?? signal)),
  );
  return { child, ended, data, text: () => text };
}

/** Ctrl-C: the terminal sends it to the whole group. */
const interrupt = ({ child }: Running): boolean => process.kill(-child.pid!, 'SIGINT');

function yardOf(data: string): YardFile {
  const yard = readYard(data);
  if (!yard.ok) throw new Error(yard.error);
  return yard.value;
}

function logOf(data: string): LogEvent[] {
  const lines = readFileSync(join(data, 'yard.jsonl'), 'utf8').split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as LogEvent);
}

/** Blocks undone in the last reorganisation that the yard has seen. */
const deepest = (data: string): number => ofKind(logOf(data), 'reorg').at(-1)?.depth ?? 0;

/** Nothing of a yard is left: no process, and nobody at its ports. */
async function expectGone(yard: YardFile, pids: readonly number[]): Promise<void> {
  await eventually(
    () => pids.every((pid) => !isAlive(pid)),
    () => `the processes ${pids.join(' ')} have ended`,
  );
  for (const port of yard.nodes.flatMap(({ rpcPort, p2pPort }) => [rpcPort, p2pPort])) {
    const answer = await new Promise<string>((done) => {
      const socket = connect(port, '127.0.0.1', () => done('somebody is there'));
      socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
    expect(answer, `port ${port}`).toBe('ECONNREFUSED');
  }
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-tour-'));
  const start = (data: string, more: string) => shell(`npm start -- ${more} --data ${data}`, data);
  ending = start(join(dir, 'ending'), '--exit');
  staying = start(join(dir, 'staying'), '');
});

afterAll(async () => {
  for (const running of [ending, staying]) {
    if (running.child.exitCode === null && running.child.signalCode === null) {
      interrupt(running);
      await running.ended;
    }
  }
  rmSync(dir, { recursive: true, force: true });
});

describe('npm start -- --exit', () => {
  it('tells six moments and three fates, all of which the log has, and exits with 0', async () => {
    expect(await ending.ended, ending.text()).toBe(0);
    const text = ending.text();
    const titles = ['1/6 MEET', '2/6 MINE', '3/6 PAY', '4/6 CUT', '5/6 JOIN', '6/6 SO'];
    const places = titles.map((title) => text.indexOf(title));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(text).not.toMatch(/FAILED|undefined|NaN|\[object|\?\?/);
    expect(text).toMatch(/^ +Bob +KEPT +block \d+[A-D] /m);
    const [, returned] = /^ +(\w+) +RETURNED +to waiting, then mined again in \d+[A-D]/m.exec(text)!;
    const [, undone] = /^ +(\w+) +UNDONE +had \d+ confirmations?; \d+[A-D] had already spent/m.exec(text)!;
    expect(['Carol', 'Dave']).toContain(undone);
    expect(['Heidi', 'Frank']).toContain(returned);

    const events = logOf(ending.data);
    const [cut] = ofKind(events, 'partition');
    const [heal] = ofKind(events, 'heal');
    const deep = ofKind(events, 'reorg').filter(({ seq, depth }) => seq > cut!.seq && depth >= 2);
    expect(deep.length).toBeGreaterThan(0);
    const lost = ofKind(events, 'tx-lost').filter(({ seq }) => seq > heal!.seq);
    expect(lost.some(({ by }) => by !== undefined)).toBe(true);
    expect(ofKind(events, 'tx-returned').length).toBeGreaterThan(0);
    const pids = ofKind(events, 'start').map(({ pid }) => pid);
    expect(pids).toHaveLength(4);
    await expectGone(yardOf(ending.data), pids);
  });
});

describe('npm start, which stays', () => {
  let yard: YardFile;

  it('prints commands that work as they are printed', async () => {
    const text = await eventually(
      () => {
        if (staying.child.exitCode !== null) throw new Error(`the tour has ended: ${staying.text()}`);
        const [, after] = staying.text().split('In a second terminal:');
        return after?.includes('· data ') && after;
      },
      () => `the tour is over: ${staying.text()}`,
    );
    yard = yardOf(staying.data);
    const commands = [...text.matchAll(/^ +(npx forkyard .*?) {2,}\S/gm)].map(([, line]) => line!);
    expect(commands.map((line) => line.split(' ')[2])).toEqual(['watch', 'tree', 'tx', 'reorg', 'keys']);
    for (const line of commands) {
      const running = shell(line);
      if (line.includes(' watch')) {
        await eventually(
          () => /\d\d:\d\d:\d\d .*[A-D]/.test(running.text()),
          () => `watch shows something: ${running.text()}`,
        );
        interrupt(running);
        expect([0, 130, 'SIGINT']).toContain(await running.ended);
      } else {
        expect([line, await running.ended, running.text()]).toEqual([line, 0, expect.any(String)]);
      }
      if (line.includes(' tree')) expect(running.text()).toContain('◄');
      if (line.includes(' tx ')) expect(running.text()).toMatch(/confirmed on every node|depth \d/);
      if (line.includes(' reorg ')) expect(deepest(staying.data)).toBeGreaterThanOrEqual(3);
      if (line.includes(' keys')) expect(running.text()).toMatch(/alice.*lab1/);
    }
  });

  it('ends with Ctrl-C, and leaves nothing behind', async () => {
    const pids = yard.nodes.map(({ pid }) => pid!);
    expect(pids.every((pid) => isAlive(pid))).toBe(true);
    interrupt(staying);
    // npm itself dies of the signal when its script has ended.
    expect([0, 130, 'SIGINT']).toContain(await staying.ended);
    await expectGone(yard, pids);
    expect(staying.text()).not.toMatch(/ended by itself|bug|^\s+at /m);
  });
});
