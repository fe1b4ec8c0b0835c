import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, forkyard, type Staying, stay } from './yard-helpers.ts';

/** What is printed as a next step is typed as it stands, from where it was printed; the yard lies elsewhere. */

let dir: string;
let up: Staying;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-try-'));
  up = stay(dir, 'up -n 3 --network lab --pace 600ms --data far/away --log');
});

afterAll(async () => {
  if (up.child.exitCode === null) up.child.kill('SIGINT');
  await up.ended;
  rmSync(dir, { recursive: true, force: true });
});

/** Every command in a text, as a person would copy it. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/forkyard ([a-z][^\n;]*?)(?= {2,}|[;,](?:\s|$)|\.(?:\s|$)|$)/gm)].map(
    ([, line]) => line!,
  );

async function type(line: string): Promise<string> {
  const ran = await forkyard(dir, line);
  expect([line, ran.code, ran.stderr]).toEqual([line, 0, '']);
  return ran.stdout;
}

describe('next steps', () => {
  it('of up', async () => {
    const text = await eventually(
      () => / forkyard reorg .*\n/.test(up.output()) && up.output(),
      () => up.output(),
    );
    const lines = commandsIn(text.slice(text.indexOf('Try,')));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['status', 'send', 'partition', 'reorg']);
    for (const line of lines) {
      expect(line).toContain(' --yard ./far/away');
      // It has its own cut, and refuses one that is open.
      if (line.startsWith('reorg')) await type('heal --yard far/away');
      if (line.startsWith('status')) continue;
      await type(line);
    }
  });

  it.each([
    ['partition AB/C --yard far/away', ['heal --yard ./far/away']],
    ['hold -N B --yard far/away', ['release --yard ./far/away']],
    ['freeze C --yard far/away', ['thaw --yard ./far/away C']],
    ['kill C --yard far/away', ['start --yard ./far/away C']],
    [
      'hold --links --yard far/away',
      ['release --yard ./far/away --links --step', 'release --yard ./far/away --links'],
    ],
    ['save it.yard --yard far/away', ['load ./it.yard --data DIR']],
    ['load it.yard --data other', ['up --yard ./other']],
  ])('of %s', async (line, steps) => {
    const found = commandsIn(await type(line));
    expect(found).toEqual(steps);
    for (const step of found) if (!step.startsWith('up ')) await type(step);
  });

  it('of a refusal', async () => {
    await type('kill B --yard far/away');
    const ran = await forkyard(dir, 'rpc --yard far/away -N B getblockcount');
    expect(ran.code).toBe(3);
    const [step] = commandsIn(ran.stderr.split('\n').slice(1).join('\n'));
    expect(step).toBe('start --yard ./far/away B');
    await type(step!);
  });
});
