import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beyondAscii, tooWide } from '../app/printed-lines.ts';
import { eventually, forkyard, type Staying, stay } from './yard-helpers.ts';

/** Verbs against a running yard, on a terminal of 80 columns that has ASCII alone. */

let dir: string;
let up: Staying;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-terminal-'));
  up = stay(dir, 'up -n 4 --network lab --pace 600ms --delay 50ms --log --ascii', { COLUMNS: '80' });
  await eventually(() => / found 3/.test(up.output()), up.output);
});

afterAll(async () => {
  if (up.child.exitCode === null) up.child.kill('SIGINT');
  await up.ended;
  rmSync(dir, { recursive: true, force: true });
});

/** In this order: what one does the next shows. */
const LINES = [
  'status',
  'tree',
  'block 2',
  'keys',
  'balance',
  'send alice bob 1.5',
  'faucet erin',
  'mine -N A --blocks 2',
  'link',
  'link A-C --delay 40ms --jitter 5ms --loss 1% --rate 1Mbit/s',
  'status',
  'link A-C --clear',
  'link --profile world --dry-run',
  'set C --clock +90s',
  'set C --clock 0s',
  'hold',
  'release',
  'hold --links',
  'release --links --step',
  'release --links',
  'partition A>B',
  'heal',
  'freeze D',
  'status',
  'thaw D',
  'kill C',
  'status',
  'start C',
  'partition AB/CD',
  'double-spend alice carol@A dave@D --amount 150',
  'double-spend alice carol@A dave@D',
  'status',
  'tree',
  'balance',
  'heal',
  'reorg --depth 2 --dry-run',
  'reorg --depth 2',
  'stats',
  'stats --epoch all',
  'rpc',
  'save it.yard',
  'load it.yard --data other',
  'watch --log --timeout 1s',
  'tx 000000',
  'block zzz',
  'kill Z',
  'partition AB/C',
  'up --log',
];

describe('on a terminal of 80 columns, in ASCII', () => {
  it.each(LINES)('`%s`', async (line) => {
    const ran = await forkyard(dir, `${line} --ascii`, { COLUMNS: '80' });
    const printed = ran.stdout + ran.stderr;
    expect(printed).not.toContain('a bug of ours');
    expect(tooWide(printed)).toEqual([]);
    expect(beyondAscii(printed)).toEqual([]);
  });

  it('`up`, and the lines of its log', () => {
    expect(tooWide(up.output())).toEqual([]);
    expect(beyondAscii(up.output())).toEqual([]);
  });
});
