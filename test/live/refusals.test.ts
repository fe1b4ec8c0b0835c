import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LiveRig } from './node-rig.ts';
import { forkyard } from './yard-helpers.ts';

const rig = new LiveRig();
afterAll(() => rig.close());

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

function post(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
  return new Promise((done, fail) => {
    const call = request(url, { method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += String(bytes)));
      response.once('end', () => done({ status: response.statusCode, body: text }));
    });
    call.once('error', fail);
    call.end(body);
  });
}

describe('a node process refuses', () => {
  it('callers without its cookie, foreign hosts, and bodies without end; and goes on', async () => {
    const node = await rig.start('guarded');
    const cookie = readFileSync(join(node.datadir, '.cookie'), 'latin1').trim();
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const count = JSON.stringify({ id: 1, method: 'getblockcount', params: [] });
    expect((await post(node.url, basic(cookie), count)).body).toContain('"result":0');
    for (const headers of [{}, basic(`${cookie}0`), basic(cookie.replace(/.$/, 'x')), basic('a:b')])
      expect(await post(node.url, headers, count)).toMatchObject({ status: 401 });
    for (const host of ['evil.example', 'evil.example:18443', '10.0.0.1'])
      expect(await post(node.url, { ...basic(cookie), host }, count)).toMatchObject({ status: 403 });
    const endless = await post(node.url, basic(cookie), `["${'x'.repeat(20_000_000)}"]`).then(
      ({ status }) => String(status),
      // It hangs up on what it does not read.
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(['413', 'ECONNRESET', 'EPIPE']).toContain(endless);
    expect(await node.call('getblockcount')).toBe(0);
    expect(await node.stop()).toEqual({ code: 0, signal: null });
    expect(node.stderr).toBe('');
  });

  it('places that cannot be its own, each with a sentence', async () => {
    writeFileSync(join(rig.dir, 'file'), '');
    mkdirSync(join(rig.dir, 'strange'));
    writeFileSync(join(rig.dir, 'strange', 'identity'), 'no key');
    const cases: readonly (readonly [string, number, RegExp])[] = [
      ['--datadir file', 1, /file cannot be a directory: a file is in the way/],
      ['--datadir strange', 1, /identity does not hold a peer identity .*; remove it to get a new one/],
      ['--datadir ', 2, /--datadir must name a directory/],
      ['--datadir open --listen /ip4/8.8.8.8/tcp/0', 1, /is not an address of this machine alone/],
      ['--datadir port --rpcport 99999', 2, /a port must be from 0 to 65535/],
    ];
    for (const [args, code, words] of cases) {
      const port = args.includes('--rpcport') ? '' : ' --rpcport 0';
      const ran = await forkyard(rig.dir, `node${port} ${args}`);
      expect([args, ran.code, ran.stdout]).toEqual([args, code, '']);
      expect(ran.stderr).toMatch(words);
      expect(ran.stderr).not.toMatch(/^\s+at /m);
    }
  });
});
