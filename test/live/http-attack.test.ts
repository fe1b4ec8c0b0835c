import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageLimits } from '../../src/app/page/limits.ts';
import { basicAuth } from '../../src/host/http/cookie.ts';
import { httpLimits } from '../../src/host/limits.ts';
import { seeded } from '../../src/util/random.ts';
import { eventsOf, ofKind } from './lab.ts';
import { type LiveNode, LiveRig, until } from './node-rig.ts';
import { IdleSockets, oddRequest, sendRaw } from './raw-http.ts';
import { eventually, type Staying, stay } from './yard-helpers.ts';

/** Strangers on this machine, without cookie or token, at the RPC server of a node and at the page of a yard. */

const rig = new LiveRig();
let node: LiveNode;
let yard: Staying;
let page: number;

beforeAll(async () => {
  node = await rig.start('node', '--network', 'regtest');
  yard = stay(rig.dir, 'up -n 1 --network lab');
  rig.onClose(async () => {
    if (yard.child.exitCode === null && yard.child.signalCode === null) yard.child.kill('SIGTERM');
    await yard.ended;
  });
  page = await eventually(
    () => {
      const port = /http:\/\/127\.0\.0\.1:(\d+)\/#k=/.exec(yard.output())?.[1];
      return port === undefined ? undefined : Number(port);
    },
    () => yard.output(),
  );
});
afterAll(() => rig.close());

const rpcPort = () => node.said['rpcPort'] as number;

interface Asked {
  readonly status: number;
  readonly ms: number;
}

/** One request on a connection of its own. */
function ask(
  port: number,
  o: { method: string; path: string; auth?: string; body?: string },
): Promise<Asked> {
  return new Promise((done, fail) => {
    const began = performance.now();
    const headers = o.auth === undefined ? {} : { authorization: o.auth };
    const sent = request(
      { host: '127.0.0.1', port, method: o.method, path: o.path, headers, agent: false },
      (answer) => {
        answer.resume();
        answer.on('end', () => done({ status: answer.statusCode!, ms: performance.now() - began }));
        answer.on('error', fail);
      },
    );
    sent.on('error', fail);
    sent.end(o.body);
  });
}

function call(): Promise<Asked> {
  const auth = basicAuth(readFileSync(node.auth.cookieFile, 'latin1').trim());
  const body = '{"jsonrpc":"2.0","id":1,"method":"getblockcount","params":[]}';
  return ask(rpcPort(), { method: 'POST', path: '/', auth, body });
}

const look = () => ask(page, { method: 'GET', path: '/' });

/** Ten times as many idle connections as the servers once had places. */
const IDLE = 1_280;

describe('connections that send nothing', () => {
  for (const recycle of [false, true]) {
    const kind = recycle ? 'opened again whenever they are closed' : 'held';
    it(`do not keep the user out, ${kind}`, async () => {
      const servers = [
        { port: rpcPort(), most: httpLimits.connections, one: call },
        { port: page, most: pageLimits.connections, one: look },
      ];
      for (const { port, most, one } of servers) {
        const idle = new IdleSockets(port, IDLE, recycle);
        try {
          await until('as many are closed as are too many', () => idle.closed >= IDLE - most);
          const times: number[] = [];
          for (let i = 0; i < 100; i++) {
            const { status, ms } = await one();
            expect(status).toBe(200);
            times.push(ms);
          }
          times.sort((a, b) => a - b);
          if (process.env['FORKYARD_FIGURES'] !== undefined)
            process.stderr.write(
              `${kind}, port ${port}: p50 ${times[50]!.toFixed(1)} ms, p99 ${times[98]!.toFixed(1)} ms\n`,
            );
          if (!recycle) await until('all are closed in the end', () => idle.closed === IDLE);
        } finally {
          await idle.close();
        }
      }
    });
  }
});

describe('requests that are none', () => {
  it('are refused with 4xx, without a trace on the terminal or a line in the log', async () => {
    const random = seeded('odd requests');
    const plain = ['GET //', 'POST //', 'GET //x:y@[/', 'OPTIONS *', 'GET http://'].map((line) =>
      new TextEncoder().encode(`${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`),
    );
    const requests = [...plain, ...Array.from({ length: 3_000 }, () => oddRequest(random))];
    const statuses = { rpc: new Map<number, number>(), page: new Map<number, number>() };
    const worker = async () => {
      for (let bytes = requests.pop(); bytes !== undefined; bytes = requests.pop()) {
        for (const [name, port] of [
          ['rpc', rpcPort()],
          ['page', page],
        ] as const) {
          for (const status of await sendRaw(port, bytes)) {
            statuses[name].set(status, (statuses[name].get(status) ?? 0) + 1);
          }
        }
      }
    };
    await Promise.all(Array.from({ length: 24 }, worker));
    const rpc = [...statuses.rpc.keys()].filter((status) => status !== 100);
    expect(rpc.filter((status) => status < 400 || status > 499)).toEqual([]);
    // Looking at the page needs no token, so a request that is whole after all is answered.
    const seen = [...statuses.page.keys()].filter((status) => status !== 100 && status !== 200);
    expect(seen.filter((status) => status < 400 || status > 499)).toEqual([]);
    expect(rpc).toEqual(expect.arrayContaining([400, 401, 403, 404, 405]));
    expect(seen).toEqual(expect.arrayContaining([400, 403, 404, 405]));

    expect((await call()).status).toBe(200);
    expect((await look()).status).toBe(200);
    expect(node.stderr).toBe('');
    expect(ofKind(await eventsOf(node), 'note').map(({ text }) => text)).not.toContainEqual(
      expect.stringContaining('bug'),
    );
    expect(yard.output()).not.toMatch(/bug|\n\s+at /);
  });
});
