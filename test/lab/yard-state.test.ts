import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compactToTarget, workOf } from '../../src/bitcoin/target.ts';
import { refusedBy } from '../../src/lab/client/links.ts';
import { createYard, readParams, reopenYard } from '../../src/lab/launcher/create.ts';
import { findYard, locateYard, readYard, writeYard } from '../../src/lab/yard/file.ts';
import { allKeys, findKey, findPayee, minerKey, newKey } from '../../src/lab/yard/keyring.ts';
import { freePort, isFree, listenFrom } from '../../src/lab/yard/ports.ts';
import { linkCount, wantedPairs } from '../../src/util/topology.ts';
import { letterOf } from '../../src/yard/names.ts';
import { Problem } from '../../src/yard/problem.ts';

let dir: string;
/** The genesis templates lie beside the folder of the program. */
const program = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-state-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function problem(work: () => unknown): Problem {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a yard on disk', () => {
  it('is made with its own genesis and read back as it was', () => {
    const { yard, params } = createYard(dir, program, {
      nodes: 3,
      network: 'lab',
      paceMs: 2_000,
      miners: ['A'],
    });
    const again = readYard(dir);
    expect(again.ok && again.value).toEqual(yard);
    expect(yard.nodes.map((n) => [n.letter, n.miner])).toEqual([
      ['A', true],
      ['B', false],
      ['C', false],
    ]);
    expect(readParams(dir).genesisId).toBe(params.genesisId);
    expect(params.spacingMs).toBe(2_000);
    // One miner of 50 kH/s and 2 s between blocks: 100,000 tries, as near as compact bits come.
    const { target } = compactToTarget(params.genesis.header.bits);
    expect(Number(workOf(target))).toBeGreaterThan(99_000);
    expect(Number(workOf(target))).toBeLessThan(101_000);
    expect(readdirSync(dir).sort()).toEqual(['genesis.json', 'yard.json']);
  });

  it('has another genesis than the next one, but regtest is the same everywhere', () => {
    const other = join(dir, 'other');
    mkdirSync(other);
    const a = createYard(dir, program, { network: 'lab', label: 'one' }).params;
    const b = createYard(other, program, { network: 'lab', label: 'two' }).params;
    expect(a.genesisId).not.toBe(b.genesisId);
    const regtest = createYard(dir, program, { network: 'regtest' });
    expect(regtest.params.genesisId).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206');
    expect(regtest.yard.nodes.every((n) => !n.miner)).toBe(true);
  });

  it('refuses wishes that make no sense, by name', () => {
    expect(problem(() => createYard(dir, program, { nodes: 3, hashrates: [1, 2] })).message).toBe(
      '2 hash rates for 3 nodes',
    );
    expect(problem(() => createYard(dir, program, { nodes: 2, miners: ['C'] })).message).toContain(
      "no node 'C'",
    );
    expect(problem(() => createYard(dir, program, { network: 'mainnet' })).message).toBe(
      "no network 'mainnet'",
    );
    expect(problem(() => createYard(dir, program, { network: 'regtest', paceMs: 1_000 })).exit).toBe(2);
  });

  it('goes on as it was, may grow, and keeps what its genesis fixed', () => {
    const { yard } = createYard(dir, program, { nodes: 2, network: 'lab', paceMs: 2_000 });
    const ran = {
      ...yard,
      launcher: { pid: 1, port: 2 },
      groups: [['A'], ['B']],
      nodes: yard.nodes.map((n) => ({ ...n, pid: 9 })),
    };
    const same = reopenYard(ran, {});
    expect(same).toEqual(yard);
    const grown = reopenYard(ran, { nodes: 3, hashrates: [7] });
    expect(grown.nodes.map((n) => [n.letter, n.hashrate])).toEqual([
      ['A', 7],
      ['B', 7],
      ['C', 7],
    ]);
    expect(problem(() => reopenYard(ran, { nodes: 1 })).message).toBe('the yard here has 2 nodes, not 1');
    expect(problem(() => reopenYard(ran, { paceMs: 3_000 })).message).toContain('pace 2s');
    expect(problem(() => reopenYard(ran, { network: 'yard' })).message).toContain('network lab');
    expect(problem(() => reopenYard(ran, { genesisFile: 'mine.json' })).message).toContain('comes too late');
  });

  it('is found upward, and its absence or damage is exit 3', () => {
    const home = join(dir, '.forkyard');
    mkdirSync(join(dir, 'deep', 'er'), { recursive: true });
    mkdirSync(home);
    expect(problem(() => locateYard(join(dir, 'deep'), dir)).exit).toBe(3);
    const { yard } = createYard(home, program, {});
    expect(findYard(join(dir, 'deep', 'er'))).toBe(home);
    expect(locateYard(undefined, home).dir).toBe(home);
    expect(locateYard(dir, '/').dir).toBe(home);
    writeFileSync(join(home, 'yard.json'), '{"v":1,"label":7}');
    expect(problem(() => locateYard(undefined, dir)).message).toContain('label is 7, not a text');
    writeFileSync(join(home, 'yard.json'), '{"v":2}');
    expect(problem(() => locateYard(undefined, dir)).message).toContain('v is 2');
    writeFileSync(join(home, 'yard.json'), '{');
    expect(problem(() => locateYard(undefined, dir)).exit).toBe(3);
    writeYard(home, { ...yard, nodes: [{ ...yard.nodes[0]!, rpcPort: 1.5 }] });
    expect(problem(() => locateYard(undefined, dir)).message).toContain('nodes[0].rpcPort is 1.5');
  });
});

describe('keys', () => {
  it('has the ten people, and keeps own ones in files for their owner only', () => {
    const { params } = createYard(dir, program, { network: 'lab' });
    expect(allKeys(dir, params)).toHaveLength(10);
    const zoe = newKey(dir, 'zoe', params);
    const miner = minerKey(dir, 'A', params);
    expect(minerKey(dir, 'A', params).address).toBe(miner.address);
    expect(
      allKeys(dir, params)
        .map((k) => k.name)
        .slice(10),
    ).toEqual(['zoe', 'miner-a']);
    expect(statSync(join(dir, 'keys', 'zoe.json')).mode & 0o777).toBe(0o600);
    expect(findKey(dir, 'zoe', params).wif).toBe(zoe.wif);
    expect(readFileSync(join(dir, 'keys', 'zoe.json'), 'utf8')).toContain(zoe.wif);
  });

  it('refuses taken and impossible names, and guesses', () => {
    const { params } = createYard(dir, program, { network: 'lab' });
    newKey(dir, 'zoe', params);
    expect(problem(() => newKey(dir, 'zoe', params)).message).toContain("a key 'zoe' already");
    expect(problem(() => newKey(dir, 'alice', params)).message).toContain('well-known');
    for (const bad of ['', 'Zoë', '../x', 'a b', '-x'])
      expect(problem(() => newKey(dir, bad, params)).exit).toBe(2);
    expect(problem(() => findKey(dir, 'alise', params)).hint).toContain('Did you mean alice?');
  });

  it('pays names and addresses, and tells what is wrong with an address', () => {
    const { params } = createYard(dir, program, { network: 'lab' });
    const alice = findKey(dir, 'alice', params);
    expect(findPayee(dir, alice.address, params).script).toEqual(alice.script);
    expect(findPayee(dir, 'alice', params).script).toEqual(alice.script);
    const broken = alice.address.slice(0, -1) + (alice.address.endsWith('q') ? 'p' : 'q');
    expect(problem(() => findPayee(dir, broken, params)).message).toContain('checksum');
    const foreign = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    expect(problem(() => findPayee(dir, foreign, params)).message).toContain('bcrt');
  });
});

describe('links and ports', () => {
  it('wants each pair once, the later one dialling', () => {
    expect(wantedPairs(['A', 'B', 'C'], 'full')).toEqual([
      ['A', 'B'],
      ['A', 'C'],
      ['B', 'C'],
    ]);
    expect(wantedPairs(['A', 'B', 'C'], 'line')).toEqual([
      ['A', 'B'],
      ['B', 'C'],
    ]);
    expect(wantedPairs(['A', 'B', 'C'], 'full', [['A', 'C'], ['B']])).toEqual([['A', 'C']]);
  });

  it('a random net is always the same, connected, bounded, and grows without changing', () => {
    const letters = Array.from({ length: 50 }, (_, i) => letterOf(i));
    const pairs = wantedPairs(letters, 'random');
    expect(wantedPairs(letters, 'random')).toEqual(pairs);
    expect(wantedPairs(letters.slice(0, 20), 'random')).toEqual(
      pairs.filter((pair) => pair.every((letter) => letters.indexOf(letter) < 20)),
    );
    expect(new Set(pairs.map((pair) => pair.join('-'))).size).toBe(pairs.length);
    const each = letters.map((letter) => linkCount(pairs, letter));
    expect(Math.max(...each)).toBeLessThanOrEqual(8);
    expect(pairs.length).toBeGreaterThan(2 * 49);
    // Any row of neighbours hangs together: a cut into two halves leaves each of them connected.
    for (const [i, letter] of letters.slice(1).entries()) expect(pairs).toContainEqual([letters[i], letter]);
  });

  it('refuses exactly the peers across the cut', () => {
    const { yard } = createYard(dir, program, { network: 'lab', nodes: 4 });
    const named = { ...yard, nodes: yard.nodes.map((n) => ({ ...n, peerId: `peer-${n.letter}` })) };
    expect(refusedBy(named, 'A')).toEqual([]);
    const cut = {
      ...named,
      groups: [
        ['A', 'B'],
        ['C', 'D'],
      ],
    };
    expect(refusedBy(cut, 'A')).toEqual(['peer-C', 'peer-D']);
    expect(refusedBy(cut, 'D')).toEqual(['peer-A', 'peer-B']);
  });

  it('a server looks again when another program takes its port at the last moment', async () => {
    const rival = createServer();
    const server = createServer();
    let looks = 0;
    const find = async (from: number, taken: Set<number>): Promise<number> => {
      const port = await freePort(from, taken);
      looks++;
      if (looks === 1) await new Promise<void>((done) => rival.listen(port, '127.0.0.1', done));
      return port;
    };
    try {
      const port = await listenFrom(server, 24_000, find);
      expect(looks).toBe(2);
      expect((server.address() as { port: number }).port).toBe(port);
      expect((rival.address() as { port: number }).port).not.toBe(port);
    } finally {
      rival.close();
      server.close();
    }
  });

  it('steps over ports that are in use or promised', async () => {
    const server = createServer();
    const port = await new Promise<number>((done) =>
      server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)),
    );
    try {
      expect(await isFree(port)).toBe(false);
      const taken = new Set<number>();
      const first = await freePort(port, taken);
      expect(first).toBeGreaterThan(port);
      expect(await freePort(first, taken)).toBeGreaterThan(first);
    } finally {
      server.close();
    }
  });
});
