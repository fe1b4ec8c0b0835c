import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadStream, WriteStream } from 'node:tty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTui } from '../../src/app/tui/tui.ts';
import { YardClient } from '../../src/lab/client/client.ts';
import { readForest } from '../../src/lab/client/find.ts';
import { eventually, type Staying, stay } from './yard-helpers.ts';

/** The view over a real yard, at a terminal that this test plays: it reads the cells and presses the keys. */

let dir: string;
let up: Staying;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-tui-'));
  up = stay(dir, 'up -n 4 --network lab --pace 1s --delay 50ms');
  await eventually(() => up.output().includes('Try, in a second terminal'), up.output);
});

afterAll(async () => {
  if (up.child.exitCode === null && up.child.signalCode === null) {
    up.child.kill('SIGTERM');
    await up.ended;
  }
  rmSync(dir, { recursive: true, force: true });
});

/** Cells, cursor and modes, as far as the view uses them. */
class Screen extends EventEmitter {
  columns = 80;
  rows = 24;
  readonly writableNeedDrain = false;
  isAlternate = false;
  hasCursor = true;
  bytes = 0;
  #cells: string[][] = [];
  #at = { x: 0, y: 0 };

  readonly write = (text: string): boolean => {
    this.bytes += text.length;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is told with.
    for (const [part, command] of text.matchAll(/\u001b\[([0-9;?]*[A-Za-z])|[^\u001b]/g)) {
      if (command === undefined) this.#put(part);
      else this.#obey(command);
    }
    return true;
  };

  #put(char: string): void {
    const row = (this.#cells[this.#at.y] ??= []);
    row[this.#at.x++] = char;
  }

  #obey(command: string): void {
    const position = /^(\d+);(\d+)H$/.exec(command);
    if (position !== null) this.#at = { y: Number(position[1]) - 1, x: Number(position[2]) - 1 };
    else if (command === '2J') this.#cells = [];
    else if (command === '?1049h' || command === '?1049l') this.isAlternate = command.endsWith('h');
    else if (command === '?25h' || command === '?25l') this.hasCursor = command.endsWith('h');
    else if (!/m$|^\?7[hl]$/.test(command))
      throw new Error(`the view wrote what no terminal of ours knows: ${command}`);
  }

  text(): string {
    return Array.from({ length: this.rows }, (_, y) =>
      Array.from({ length: this.columns }, (_, x) => this.#cells[y]?.[x] ?? ' ').join(''),
    ).join('\n');
  }
}

class Keyboard extends EventEmitter {
  isRaw = false;
  setRawMode(on: boolean): this {
    this.isRaw = on;
    return this;
  }
  resume(): this {
    return this;
  }
  pause(): this {
    return this;
  }
  press(...keys: string[]): void {
    for (const key of keys) this.emit('data', Buffer.from(key));
  }
}

async function view(stop = new AbortController()) {
  const client = YardClient.open(dir, dir);
  // Before the tree is read: an event between the two is in both, and does no harm.
  const mark = await client.mark();
  const forest = await readForest(client, 50);
  const [screen, keyboard] = [new Screen(), new Keyboard()];
  const ended = runTui({
    client,
    forest,
    past: [],
    owner: false,
    ascii: false,
    stdin: keyboard as unknown as ReadStream,
    stdout: screen as unknown as WriteStream,
    writeNow: screen.write,
    signal: stop.signal,
    follow: (onEvent, onState) => {
      const follower = client.follow(onEvent, mark, onState);
      return () => follower.close();
    },
  });
  return { screen, keyboard, ended };
}

describe('the view over a real yard', () => {
  it('cuts, mines on, heals and shows the reorg; then gives the terminal back', async () => {
    const { screen, keyboard, ended } = await view();
    const sees = (pattern: RegExp) => eventually(() => pattern.test(screen.text()), screen.text.bind(screen));
    await sees(/AGREE {2}(yes|NO)/);
    expect([screen.isAlternate, screen.hasCursor, keyboard.isRaw]).toEqual([true, false, true]);
    await sees(/▸ A +\d+[A-D] +…[0-9a-f]{6} .* mining/);

    keyboard.press('c', 'AB/CD', '\r');
    await sees(/CUT AB\|CD 0:0\d/);
    await sees(/NO: 2 answers, conflict depth [1-9]/);
    await sees(/\]◄AB +work/);
    // A tie would be left as it is: one side gets ahead, by mining on it.
    keyboard.press('m', '3', '\r');
    await sees(/leads by \d/);

    keyboard.press('h');
    await sees(/╭─ REORG on ([A-D] )+· \d+ out .* after heal/);
    await sees(/AGREE {2}yes: \d+[A-D]'* on A B C D/);
    keyboard.press('\r');
    await sees(/╭─ before and after/);
    keyboard.press('\u001b[Z', '\u001b[D', '\r');
    await sees(/Height \d+, found by [A-D] at/);

    screen.columns = 140;
    screen.rows = 40;
    screen.emit('resize');
    await sees(/┬─ do they agree\? ─/);
    keyboard.press('q');
    expect(await ended).toBe('quit');
    expect([screen.isAlternate, screen.hasCursor, keyboard.isRaw]).toEqual([false, true, false]);
    expect([screen.listenerCount('resize'), keyboard.listenerCount('data')]).toEqual([0, 0]);
  });

  it('pays and shows the payment node by node; a refusal is one line; Ctrl-C leaves', async () => {
    const { screen, keyboard, ended } = await view();
    const sees = (pattern: RegExp) => eventually(() => pattern.test(screen.text()), screen.text.bind(screen));
    await sees(/▸ A .* mining/);
    keyboard.press('p', 'erin frank 2.5', '\r');
    await sees(/payment …[0-9a-f]{6} {2}erin → frank 2\.5 ─/);
    await sees(/A [1-9] confirmations? +B/);
    keyboard.press('p', 'nobody frank 1', '\r');
    await sees(/✕ .*nobody/);
    // Only what changes is written: twenty frames in two seconds, and far fewer bytes than twenty whole screens.
    const before = screen.bytes;
    await new Promise((done) => setTimeout(done, 2_000));
    expect(screen.bytes - before).toBeLessThan(10 * 1_920);
    keyboard.press('\u0003');
    expect(await ended).toBe('interrupt');
    expect(screen.isAlternate).toBe(false);
  });

  it('ends from outside, and the terminal is whole', async () => {
    const stop = new AbortController();
    const { screen, ended } = await view(stop);
    await eventually(() => screen.isAlternate, screen.text.bind(screen));
    stop.abort();
    expect(await ended).toBe('ended');
    expect([screen.isAlternate, screen.hasCursor]).toEqual([false, true]);
  });
});
