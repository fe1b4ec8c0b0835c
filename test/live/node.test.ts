import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bitsFor, deriveParams, paramsToJson, parseNetworks } from '../../src/consensus/params/params.ts';
import { META_KEY } from '../../src/consensus/store/records.ts';
import type { LogEvent } from '../../src/events/events.ts';
import { followEvents } from '../../src/host/http/client.ts';
import type { JsonObject } from '../../src/host/http/json.ts';
import { openStore } from '../../src/host/store/store.ts';
import { LiveRig, until } from './node-rig.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const rig = new LiveRig();
afterAll(() => rig.close());

/** A network of its own whose blocks take about so many tries. */
function labGenesis(label: string, tries: number): string {
  const networks = parseNetworks(
    JSON.parse(readFileSync(new URL('../../genesis.json', import.meta.url), 'utf8')),
  );
  if (!networks.ok) throw new Error(networks.error);
  const params = deriveParams(networks.value.get('lab')!, {
    label,
    timeS: Math.floor(Date.now() / 1000) - 60,
    bits: bitsFor(tries, 1000),
  });
  const file = join(rig.dir, `${label}.json`);
  writeFileSync(file, JSON.stringify(paramsToJson(params)));
  return file;
}

describe('one node', () => {
  it('says when it is ready, stops politely, and goes on where it was', async () => {
    const first = await rig.start('one');
    expect(first.said).toMatchObject({ ready: true, name: 'one', height: 0, pid: first.child.pid });
    expect(first.address).toContain(`/p2p/${first.peerId}`);
    expect(statSync(join(first.datadir, '.cookie')).mode & 0o777).toBe(0o600);
    const ids = await first.call<string[]>('generatetoaddress', 5, ADDRESS);
    const hash = (await first.call<JsonObject>('gettxoutsetinfo'))['hash_serialized_3'];
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    expect(first.stderr).toBe('');
    expect(existsSync(join(first.datadir, '.cookie'))).toBe(false);

    const again = await rig.start('one');
    expect(again.said).toMatchObject({ height: 5, tip: ids[4], peerId: first.peerId });
    expect((await again.call<JsonObject>('gettxoutsetinfo'))['hash_serialized_3']).toBe(hash);
    expect(await again.call('stop')).toBe('Forkyard node stopping');
    expect(await again.exited).toEqual({ code: 0, signal: null });
    const log = readFileSync(join(again.datadir, 'events.jsonl'), 'utf8').trimEnd().split('\n');
    const kinds = log.map((line) => (JSON.parse(line) as JsonObject)['kind']);
    expect(kinds.filter((kind) => kind === 'start' || kind === 'stop')).toEqual([
      'start',
      'stop',
      'start',
      'stop',
    ]);
    expect(kinds.filter((kind) => kind === 'tip')).toHaveLength(5);
    const seqs = log.map((line) => (JSON.parse(line) as JsonObject)['seq']);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  });

  it('ends with its launcher’s pipe where that was asked for', async () => {
    const node = await rig.start('piped', '--exit-with-stdin');
    node.child.stdin!.end();
    expect(await node.exited).toEqual({ code: 0, signal: null });
  });

  it('streams its events, resumable', async () => {
    const node = await rig.start('stream');
    await node.call('generatetoaddress', 2, ADDRESS);
    const seen: LogEvent[] = [];
    const enough = new AbortController();
    const following = followEvents(node.url, node.auth, { after: 0, signal: enough.signal }, (event) => {
      seen.push(event);
      if (seen.filter(({ kind }) => kind === 'tip').length === 3) enough.abort();
    });
    await until('the stored events are here', () => seen.filter(({ kind }) => kind === 'tip').length >= 2);
    const [id] = await node.call<string[]>('generatetoaddress', 1, ADDRESS);
    await following;
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i + 1));
    expect(seen.at(-1)).toMatchObject({ v: 1, node: 'stream', kind: 'tip', id, height: 3, miner: 'stream' });
    const { events } = await node.call<{ events: JsonObject[] }>('getevents', 0);
    expect(events.slice(0, seen.length)).toEqual(seen);
    await node.stop();
  });

  it('mines continuously under a cap, holds, releases, and fills an order', async () => {
    const genesis = labGenesis('lab-mining', 2_000);
    const node = await rig.start('miner', '--genesis', genesis);
    const { unspents } = await node.call<{ unspents: JsonObject[] }>('scantxoutset', 'start', [
      `raw(${await payout(node.call.bind(node))})`,
    ]);
    const paid = (await node.call<JsonObject>('gettxout', unspents[0]!['txid'] as string, 0))[
      'scriptPubKey'
    ] as JsonObject;
    expect(paid['address']).toMatch(/^lab1/);
    await node.call('setmining', { on: true, hashrate: 20_000, payout: paid['address']! });
    await until('three blocks', async () => (await node.call<number>('getblockcount')) >= 3);
    expect((await node.call<JsonObject>('getminerinfo'))['cap']).toBe(20_000);
    await node.call('setmining', { held: true });
    const order = await node.call<JsonObject>('setmining', {
      on: false,
      held: false,
      blocks: 2,
      uncapped: true,
    });
    expect(order).toMatchObject({ on: true, cap: 0 });
    await until('the order is done', async () => {
      const info = await node.call<JsonObject>('getminerinfo');
      return info['blocks'] === null && info['cap'] === 20_000;
    });
    await node.call('setmining', { on: false });
    expect(await node.call('getminerinfo')).toMatchObject({ on: false });
    await node.stop();
  });

  it('generatetoaddress grinds a hard target on other threads while the node answers', async () => {
    const genesis = labGenesis('lab-hard', 400_000);
    const node = await rig.start('hard', '--genesis', genesis);
    const script = await payout(node.call.bind(node));
    const { unspents } = await node.call<{ unspents: JsonObject[] }>('scantxoutset', 'start', [
      `raw(${script})`,
    ]);
    const coin = await node.call<JsonObject>(
      'gettxout',
      unspents[0]!['txid'] as string,
      unspents[0]!['vout'] as number,
    );
    const { address } = coin['scriptPubKey'] as { address: string };
    const mined = node.call<string[]>('generatetoaddress', 2, address);
    expect(await node.call('getblockcount')).toBeLessThanOrEqual(2);
    const ids = await mined;
    expect(await node.call('getbestblockhash')).toBe(ids[1]);
    await node.stop();
  });
});

/** The lock of the first output of the genesis block. */
async function payout(
  call: (method: string, ...params: (string | number)[]) => Promise<unknown>,
): Promise<string> {
  const genesis = (await call('getblock', (await call('getblockhash', 0)) as string, 2)) as {
    tx: JsonObject[];
  };
  const [output] = genesis.tx[0]!['vout'] as JsonObject[];
  return (output!['scriptPubKey'] as JsonObject)['hex'] as string;
}

describe('two nodes', () => {
  it('sync, cut, fork, heal and reorganise', async () => {
    const a = await rig.start('A');
    await a.call('generatetoaddress', 30, ADDRESS);
    const b = await rig.start('B', '--connect', a.address);
    const height = (node: typeof a) => node.call<number>('getblockcount');
    await until('B has caught up', async () => (await height(b)) === 30);
    const [next] = await b.call<string[]>('generatetoaddress', 1, ADDRESS);
    await until('A has the new block', async () => (await a.call('getbestblockhash')) === next);
    const [peer] = await a.call<JsonObject[]>('getpeerinfo');
    expect(peer).toMatchObject({ name: 'B', inbound: true, peerid: b.peerId });

    await a.call('setlinks', { refuse: [b.peerId] });
    await until('the link is cut', async () => (await b.call('getconnectioncount')) === 0);
    const [lost] = await a.call<string[]>('generatetoaddress', 1, ADDRESS);
    const [, kept] = await b.call<string[]>('generatetoaddress', 2, ADDRESS);
    expect(await a.call('getbestblockhash')).toBe(lost);
    await a.call('setlinks', { refuse: [] });
    await until(
      'both have the branch with more work',
      async () => (await a.call('getbestblockhash')) === kept,
    );
    expect(await a.call('getchaintips')).toEqual([
      expect.objectContaining({ hash: kept, status: 'active' }),
      expect.objectContaining({ hash: lost, branchlen: 1, status: 'valid-fork' }),
    ]);
    const { events } = await a.call<{ events: JsonObject[] }>('getevents', 0, 10_000);
    expect(events.filter(({ kind }) => kind === 'reorg')).toEqual([
      expect.objectContaining({ depth: 1, length: 2, fork: expect.objectContaining({ height: 31 }) }),
    ]);
    expect((await a.call<JsonObject>('gettxoutsetinfo'))['hash_serialized_3']).toBe(
      (await b.call<JsonObject>('gettxoutsetinfo'))['hash_serialized_3'],
    );
    await b.call('setnetworkactive', false);
    await until('nobody is connected', async () => (await a.call('getconnectioncount')) === 0);
    await b.call('setnetworkactive', true);
    await until('connected again', async () => (await a.call('getconnectioncount')) === 1);
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe('kill -9', () => {
  it('loses nothing that was told, and opens on a consistent chain', async () => {
    let told = '';
    for (let round = 0; round < 4; round++) {
      const node = await rig.start('killed');
      if (told !== '') expect(await node.call<JsonObject>('getblock', told)).toMatchObject({ hash: told });
      const tip = await node.call<string>('getbestblockhash');
      expect((await node.call<JsonObject>('gettxoutsetinfo'))['bestblock']).toBe(tip);
      const mining = node.call<string[]>('generatetoaddress', 500, ADDRESS).catch((error: unknown) => error);
      await until('some blocks', async () => (await node.call<number>('getblockcount')) >= (round + 1) * 10);
      told = await node.call<string>('getbestblockhash');
      expect(await node.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      await mining;
    }
  });
});

describe('what keeps it from starting is said in a sentence', () => {
  let taken: string;
  beforeAll(async () => {
    const node = await rig.start('owned');
    await node.call('generatetoaddress', 1, ADDRESS);
    await node.stop();
    taken = 'owned';
  });

  async function failure(name: string, ...args: string[]): Promise<{ code: number | null; words: string }> {
    const node = rig.launch(name, ...args);
    const { code } = await node.exited;
    expect(node.stderr).not.toMatch(/^\s+at /m);
    expect(node.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    return { code, words: node.stderr };
  }

  it('a directory that another process holds', async () => {
    const holder = await rig.start(taken);
    const { code, words } = await failure(taken);
    expect(code).toBe(1);
    expect(words).toContain(holder.datadir);
    expect(words).toMatch(/another (process|node)|in use/);
    expect(await holder.call('getblockcount')).toBe(1);
    await holder.stop();
  });

  it('a directory of another network', async () => {
    const { code, words } = await failure(taken, '--genesis', labGenesis('lab-other', 100));
    expect(code).toBe(1);
    expect(words).toContain('another network');
  });

  it('a directory of a newer version', async () => {
    const node = await rig.start('newer');
    await node.stop();
    const store = await openStore(join(node.datadir, 'db'));
    const meta = store.get(META_KEY)!.slice();
    meta[0] = 99;
    await store.commit([{ key: META_KEY, value: meta }], true);
    await store.close();
    const { code, words } = await failure('newer');
    expect(code).toBe(1);
    expect(words).toContain(`${node.datadir}: the data directory has format 99, written by a newer version`);
    expect(words).toContain('Update this program');
  });

  it('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const rpc = await failure('port', '--rpcport', String(port));
    expect(rpc).toMatchObject({ code: 1, words: expect.stringContaining(`port ${port}`) });
    const listen = await failure('port', '--listen', `/ip4/127.0.0.1/tcp/${port}`);
    expect(listen).toMatchObject({ code: 1, words: expect.stringContaining(String(port)) });
    server.close();
  });

  it('a genesis file that is wrong, by field', async () => {
    const file = join(rig.dir, 'wrong.json');
    const good = JSON.parse(readFileSync(labGenesis('lab-good', 100), 'utf8')) as JsonObject;
    writeFileSync(file, JSON.stringify({ ...good, maturity: -3 }));
    const { code, words } = await failure('genesis', '--genesis', file);
    expect(code).toBe(2);
    expect(words).toMatch(/maturity.*-3/);
    writeFileSync(file, '{');
    expect((await failure('genesis', '--genesis', file)).words).toContain('is not JSON');
    expect((await failure('genesis', '--genesis', join(rig.dir, 'none.json'))).words).toContain(
      'there is no file',
    );
  });

  it('options that make no sense', async () => {
    const cases: [string[], RegExp][] = [
      [['--network', 'regtst'], /no network 'regtst' \(did you mean 'regtest'\?\)/],
      [['--network', 'yard'], /genesis of its own.*forkyard up --network yard/],
      [['--mine'], /--mine needs --payout/],
      [['--payout', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'], /--payout/],
      [['--name', 'a/b'], /--name/],
      [['--kernel', 'quantum'], /kernel/],
      [['--connect', 'localhost:1234'], /localhost:1234/],
      [['--datadir', `${process.execPath}/x`], /a file is in the way/],
    ];
    for (const [args, expected] of cases) {
      const { code, words } = await failure('options', ...args);
      expect([args, code]).toEqual([args, expect.toSatisfy((c: number) => c === 1 || c === 2)]);
      expect(words).toMatch(expected);
    }
  });

  it('a damaged directory', async () => {
    const db = join(rig.dir, taken, 'db');
    for (const name of readdirSync(db))
      if (/^(MANIFEST|CURRENT)/.test(name)) writeFileSync(join(db, name), 'garbage\n');
    appendFileSync(join(db, 'CURRENT'), 'more');
    const { code, words } = await failure(taken);
    expect(code).toBe(1);
    expect(words).toMatch(/damaged|corrupt/);
  });
});
