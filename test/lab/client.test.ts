import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/events/events.ts';
import { RPC, RpcError } from '../../src/host/http/errors.ts';
import { RpcRegistry } from '../../src/host/http/methods.ts';
import { type RpcServer, startRpcServer } from '../../src/host/http/server.ts';
import { YardClient } from '../../src/lab/client/client.ts';
import { type Follower, follow } from '../../src/lab/client/follow.ts';
import { awaitLinks, reachableFrom } from '../../src/lab/client/links.ts';
import { createYard } from '../../src/lab/launcher/create.ts';
import { writeYard } from '../../src/lab/yard/file.ts';
import { Problem } from '../../src/yard/problem.ts';
import { agreedTip, describeTips } from '../../src/yard/states.ts';

/** Stand-ins for nodes: real servers with real cookies that answer what a test wants them to say of themselves. */

const program = join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js');
const signal = new AbortController().signal;

interface Fake {
  id: string;
  peers: string[];
  server: RpcServer;
}

let dir: string;
let client: YardClient;
let fakes: Map<string, Fake>;

function bug(method: string, error: unknown): void {
  throw new Error(`${method}: ${String(error)}`);
}

async function fakeNode(letter: string): Promise<Fake> {
  mkdirSync(join(dir, letter));
  const fake = { id: 'aa'.repeat(32), peers: [] as string[] } as Fake;
  const method = { category: '', summary: '', args: [], example: '' };
  fake.server = await startRpcServer({
    port: 0,
    cookieFile: join(dir, letter, '.cookie'),
    registry: new RpcRegistry([
      {
        ...method,
        name: 'getnodeinfo',
        run: () => ({
          name: letter,
          peerId: `peer-${letter}`,
          tip: { id: fake.id, height: 9, miner: letter, work: '10', since: 0 },
          peers: fake.peers.map((p) => ({ peer: `peer-${p}`, name: p, inbound: false })),
        }),
      },
      {
        ...method,
        name: 'refuse',
        run: () => {
          throw new RpcError(RPC.VERIFY_REJECTED, 'bad-txns-in-belowout');
        },
      },
    ]),
    bug,
  });
  return fake;
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-client-'));
  const { yard } = createYard(dir, program, { network: 'lab', nodes: 3 });
  fakes = new Map();
  for (const letter of ['A', 'B', 'C']) fakes.set(letter, await fakeNode(letter));
  const nodes = yard.nodes.map((n) => ({ ...n, rpcPort: fakes.get(n.letter)!.server.port }));
  writeYard(dir, { ...yard, nodes });
  client = new YardClient(dir, { ...yard, nodes });
});

afterEach(async () => {
  for (const fake of fakes.values()) await fake.server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (error instanceof Problem) return error;
  throw new Error(`no Problem, but ${String(error)}`);
}

describe('a client of a yard', () => {
  it("turns a node's refusal into exit 1 and its absence into exit 3", async () => {
    const refused = await problemOf(client.call('A', 'refuse'));
    expect([refused.exit, refused.message]).toEqual([1, 'A refused refuse: bad-txns-in-belowout']);
    await fakes.get('B')!.server.close();
    const down = await problemOf(client.call('B', 'getnodeinfo'));
    expect([down.exit, down.hint]).toEqual([3, 'Start it: forkyard start B']);
    expect(await client.info('B')).toBeUndefined();
    expect(await client.up()).toEqual(['A', 'C']);
    const stranger = await problemOf(client.call('X', 'getnodeinfo'));
    expect(stranger.exit).toBe(3);
  });

  it('waits until all have one tip, and says who does not', async () => {
    fakes.get('C')!.id = 'bb'.repeat(32);
    const infos = await client.infos();
    expect(agreedTip(infos)).toBeUndefined();
    expect(describeTips(infos)).toBe('A on 9A …aaaaaa, B on 9B …aaaaaa, C on 9C …bbbbbb');
    const late = await problemOf(client.settled({ timeoutMs: 60, signal }));
    expect([late.exit, late.message]).toEqual([1, expect.stringContaining('they still disagree: A on')]);
    setTimeout(() => {
      fakes.get('C')!.id = 'aa'.repeat(32);
    }, 50);
    expect((await client.settled({ timeoutMs: 20_000, signal })).id).toBe('aa'.repeat(32));
  });

  it('knows which links stand, which are missing, and which cross a cut', async () => {
    const links = (pairs: string[]) => {
      for (const [letter, fake] of fakes) {
        fake.peers = pairs.filter((p) => p.includes(letter)).map((p) => p.replace(letter, ''));
      }
    };
    const within = { timeoutMs: 60, signal };
    links(['AB', 'BC']);
    expect((await problemOf(awaitLinks(client, 'full', undefined, within))).message).toContain(
      'A-C is not linked',
    );
    await awaitLinks(client, 'line', undefined, within);
    expect((await reachableFrom(client, 'A')).sort()).toEqual(['A', 'B', 'C']);
    const cut = [['A', 'B'], ['C']];
    expect((await problemOf(awaitLinks(client, 'full', cut, within))).message).toContain(
      'B-C is still linked',
    );
    links(['AB']);
    await awaitLinks(client, 'full', cut, within);
    expect(await reachableFrom(client, 'C')).toEqual(['C']);
    // One end that still hears the other is enough for a message to cross.
    fakes.get('C')!.peers = ['B'];
    expect((await problemOf(awaitLinks(client, 'full', cut, within))).message).toContain(
      'B-C is still linked',
    );
  });
});

describe('following a stream', () => {
  it('goes on after a break where it was, without gap or repeat', async () => {
    const all: LogEvent[] = [];
    const listeners = new Set<(e: LogEvent) => void>();
    const events = {
      since: (after: number, max: number) => all.filter((e) => e.seq > after).slice(0, max),
      subscribe: (f: (e: LogEvent) => void) => {
        listeners.add(f);
        return () => listeners.delete(f);
      },
    };
    const tell = (text: string) => {
      const event: LogEvent = { v: 1, seq: all.length + 1, t: 0, node: 'A', kind: 'note', text };
      all.push(event);
      for (const f of [...listeners]) f(event);
    };
    const cookieFile = join(dir, 'stream.cookie');
    const serve = (port: number) =>
      startRpcServer({ port, cookieFile, registry: new RpcRegistry([]), events, bug });
    let server = await serve(0);
    const { port, url } = server;
    const seen: number[] = [];
    const states: boolean[] = [];
    let follower: Follower | undefined;
    const until = async (count: number) => {
      while (seen.length < count) await new Promise((done) => setTimeout(done, 5));
    };
    try {
      tell('before');
      tell('asked for');
      follower = follow({
        url,
        auth: { cookieFile },
        after: 1,
        onEvent: (e) => seen.push(e.seq),
        onState: (up) => states.push(up),
      });
      await until(1);
      tell('live');
      await until(2);
      await server.close();
      tell('while it was away');
      server = await serve(port);
      await until(3);
      tell('live again');
      await until(4);
      expect(seen).toEqual([2, 3, 4, 5]);
      expect(states).toEqual([true, false, true]);
    } finally {
      follower?.close();
      await server.close();
    }
  });
});
