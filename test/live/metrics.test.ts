import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basicAuth } from '../../src/host/http/cookie.ts';
import { type LiveNode, LiveRig } from './node-rig.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const rig = new LiveRig();
let node: LiveNode;

beforeAll(async () => {
  node = await rig.start('A', '--network', 'regtest');
  const ids = await node.call<string[]>('generatetoaddress', 3, ADDRESS);
  await node.call('invalidateblock', ids[2]!);
  await node.call('generatetoaddress', 1, ADDRESS);
});
afterAll(() => rig.close());

function get(path: string, init: RequestInit = {}): Promise<Response> {
  const authorization = basicAuth(readFileSync(join(node.datadir, '.cookie'), 'latin1').trim());
  return fetch(node.url + path, { ...init, headers: { authorization, ...init.headers } });
}

describe('GET /metrics', () => {
  it('tells the state and the counts of this node as Prometheus reads them', async () => {
    const response = await get('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await response.text()).split('\n');
    expect(lines.pop()).toBe('');
    for (const line of [
      'forkyard_height 3',
      'forkyard_blocks_mined_total 4',
      'forkyard_blocks_stale 1',
      'forkyard_reorgs_forced_total 1',
      'forkyard_reorg_depth_bucket{le="+Inf"} 0',
      'forkyard_work_decreases_total 0',
      'forkyard_peers{direction="in"} 0',
      'forkyard_mempool_transactions 0',
    ]) {
      expect(lines).toContain(line);
    }
    expect(
      lines.some((line) => /^forkyard_info\{node="A",network="regtest",version="[^"]+"\} 1$/.test(line)),
    ).toBe(true);
    // Every sample is a name, labels and a number, under one HELP and one TYPE line of that name.
    const sample = /^(forkyard_[a-z_]+?)(_bucket|_sum|_count)?(\{[^}]*\})? -?[\d.e+-]+$/;
    const helps = lines.filter((line) => line.startsWith('# HELP ')).map((line) => line.split(' ')[2]!);
    expect(new Set(helps).size).toBe(helps.length);
    for (const line of lines.filter((text) => !text.startsWith('#'))) {
      const name = sample.exec(line);
      expect(name, line).not.toBeNull();
      expect(
        helps.some((help) => help === name![1] || help === name![1]! + (name![2] ?? '')),
        line,
      ).toBe(true);
    }
  });

  it('keeps to the manners of the RPC port: a cookie, GET only', async () => {
    const bare = await fetch(`${node.url}/metrics`);
    expect(bare.status).toBe(401);
    expect(await bare.text()).not.toContain('forkyard_height');
    const post = await get('/metrics', { method: 'POST', body: '{}' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await get('/metrics/x')).status).toBe(404);
    expect((await get('/constructor')).status).toBe(404);
  });
});
