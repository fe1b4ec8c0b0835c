import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seeded } from '../../src/util/random.ts';
import { address, blob, GENESIS, type Rig, Rigs, rules, sleep, until } from '../host/network-rig.ts';

/** What a child process does: a network that echoes frames and accepts gossip, told on its standard output. */
const CHILD = `
import { createNetwork } from './network.mjs';
const [dir, genesisId, ...connect] = process.argv.slice(2);
const say = (...words) => console.log(words.join(' '));
const net = await createNetwork({
  dir, genesisId, connect, listen: ['/ip4/127.0.0.1/tcp/0'], maxGossip: 2 << 20, maxFrame: 4 << 20, asksForMuch: () => true, maxPeers: 8,
  note: (text) => say('note', text),
  events: {
    joined: (peer) => say('joined', peer),
    left: (peer) => say('left', peer),
    message: (peer, frame) => net.send(peer, frame),
    gossip: (peer, topic, bytes, verdict) => { verdict('accept'); say('gossip', topic, bytes.length); },
  },
});
say('ready', net.peerId, net.addresses[0]);
process.stdin.on('end', () => net.close().then(() => say('closed'))).resume();
`;

const dir = mkdtempSync(join(tmpdir(), 'forkyard-live-net-'));
const children: ChildProcess[] = [];
const rigs = new Rigs();

beforeAll(async () => {
  await build({
    entryPoints: ['src/host/net/network.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(dir, 'network.mjs'),
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  writeFileSync(join(dir, 'child.mjs'), CHILD);
});

afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await rigs.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(name: string, connect: readonly string[]) {
  mkdirSync(join(dir, name), { recursive: true });
  const child = spawn(process.execPath, [join(dir, 'child.mjs'), join(dir, name), GENESIS, ...connect]);
  children.push(child);
  const state = { child, out: '', exit: undefined as number | string | undefined };
  child.stdout.on('data', (d: Buffer) => (state.out += d.toString()));
  child.stderr.on('data', (d: Buffer) => (state.out += d.toString()));
  child.on('exit', (code, signal) => (state.exit = code ?? signal ?? 'gone'));
  return state;
}

describe('networks in processes of their own', () => {
  it('meet, talk, die without warning, come back as the same peer, and exit by themselves when closed', async () => {
    const a = await rigs.start('A');
    const first = start('B', [address(a)]);
    await until('B joined', () => a.joined.length === 1);
    const peer = a.joined[0]!;
    a.net.send(peer, new Uint8Array(300_000).fill(5));
    a.net.publish('block', new Uint8Array(500_000).fill(6));
    await until('echo and gossip', () => a.frames.length === 1 && first.out.includes('gossip block 500000'));
    expect(a.frames[0]!.bytes).toEqual(new Uint8Array(300_000).fill(5));

    first.child.kill('SIGKILL');
    await until('A sees that B is gone', () => a.left.length === 1);
    const second = start('B', [address(a)]);
    await until('B is back', () => a.joined.length === 2);
    expect(a.joined[1]).toBe(peer);

    second.child.stdin.end();
    await until('B exits', () => second.exit !== undefined);
    expect(second.exit).toBe(0);
    expect(second.out).toMatch(/^closed$/m);
    await until('A sees it', () => a.left.length === 2);
  });

  it('that stand still for a moment are not given up', async () => {
    const a = await rigs.start('A');
    const b = start('C', [address(a)]);
    await until('joined', () => a.joined.length === 1);
    b.child.kill('SIGSTOP');
    a.net.send(a.joined[0]!, new Uint8Array(3));
    await new Promise((done) => setTimeout(done, 2_500));
    expect(a.frames.length).toBe(0);
    b.child.kill('SIGCONT');
    await until('the echo', () => a.frames.length === 1);
    expect(a.left).toEqual([]);
    b.child.stdin.end();
    await until('it exits', () => b.exit !== undefined);
    expect(b.exit).toBe(0);
  });
});

describe('five networks that all dial each other', () => {
  it('are whole again after any series of cuts, delays, drops and switches, each pair with one session', async () => {
    const random = seeded('chaos');
    const all: Rig[] = [];
    for (const name of 'PQRST') all.push(await rigs.start(name));
    for (const a of all) for (const b of all) if (a !== b) void a.net.add(address(b));
    const one = () => all[random.below(all.length)]!;
    for (let i = 0; i < 60; i++) {
      const a = one();
      const refuse = all.filter((r) => r !== a && random.below(2) === 0).map((r) => r.net.peerId);
      const act = random.below(6);
      if (act < 3) a.net.setLinks(rules({ refuse, delayMs: [0, 20, 200][random.below(3)]! }));
      else if (act === 3) a.net.setActive(random.below(3) > 0);
      else if (act === 4) a.net.drop(one().net.peerId, 'chaos', random.below(2) * 300);
      else a.net.setLinks(rules({}));
      one().net.send(one().net.peerId, blob(i, 100_000));
      one().net.publish('tx', blob(i, 100));
      await sleep(random.below(150));
    }
    for (const r of all) {
      r.net.setLinks(rules({}));
      r.net.setActive(true);
    }
    await until('all connected', () => all.every((r) => r.net.peers().length === all.length - 1));
    for (const [i, r] of all.entries()) {
      expect(r.joined.length - r.left.length).toBe(all.length - 1);
      r.frames.length = 0;
      r.net.publish('block', blob(1_000 + i, 5_000));
      for (const other of all) if (other !== r) r.net.send(other.net.peerId, blob(i, 10));
    }
    await until('everybody hears everybody', () =>
      all.every(
        (r) =>
          r.frames.filter((f) => f.bytes.length === 10).length === all.length - 1 &&
          r.gossip.filter((g) => g.topic === 'block').length === all.length - 1,
      ),
    );
  });
});
