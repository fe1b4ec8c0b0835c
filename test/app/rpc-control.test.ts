import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonInput } from '../../src/host/http/json.ts';
import { RpcHarness, regtest } from './rpc-harness.ts';

/** What the issue of this version promises; a method that goes missing is noticed here. */
const PROMISED =
  'help stop uptime getblockchaininfo getblockcount getbestblockhash getblockhash getblockheader getblock getchaintips ' +
  'getdifficulty gettxout gettxoutsetinfo scantxoutset getrawtransaction decoderawtransaction sendrawtransaction ' +
  'testmempoolaccept getrawmempool getmempoolinfo submitblock generatetoaddress getmininginfo getnetworkinfo getpeerinfo ' +
  'getconnectioncount addnode disconnectnode setnetworkactive invalidateblock reconsiderblock waitfornewblock ' +
  'waitforblockheight validateaddress setmining getminerinfo setlinks getlinks findtx findblock getnodeinfo getevents';

let node: RpcHarness;
beforeEach(() => {
  node = new RpcHarness(regtest(), 1_700_000_000);
});

describe('control', () => {
  it('has every method, each with its help', async () => {
    for (const name of PROMISED.split(' ')) {
      const text = (await node.call('help', name)) as string;
      expect(text).toMatch(new RegExp(`^${name}\\b`));
      expect(text).toContain('\nExample:\n> forkyard rpc ');
    }
    const all = (await node.call('help')) as string;
    for (const name of node.registry.names) expect(all).toMatch(new RegExp(`^${name}\\b`, 'm'));
    expect(await node.refusal('help', 'getblok')).toBe(
      "-32601 Method not found: 'getblok'; did you mean 'getblock'?",
    );
  });

  it('stop answers first', async () => {
    expect(await node.call('stop')).toBe('Forkyard node stopping');
    expect(node.stops).toEqual(['the stop method was called']);
    expect(await node.call('uptime')).toBeGreaterThanOrEqual(5);
  });

  it('validateaddress says what is wrong', async () => {
    expect(await node.object('validateaddress', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080')).toEqual({
      isvalid: true,
      address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
      scriptPubKey: '0014751e76e8199196d454941c45d1b3a323f1433bd6',
      isscript: false,
      iswitness: true,
      witness_version: 0,
      witness_program: '751e76e8199196d454941c45d1b3a323f1433bd6',
    });
    for (const bad of [
      '',
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      'bcrt1Qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    ]) {
      const answer = await node.object('validateaddress', bad);
      expect(answer).toEqual({ isvalid: false, error_locations: [], error: expect.stringMatching(/.{8}/) });
    }
  });

  it('getnodeinfo and getevents tell the node and its log', async () => {
    await node.call('generatetoaddress', 1, 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080');
    const info = await node.object('getnodeinfo');
    expect(info).toMatchObject({
      name: 'A',
      peerId: 'peer-A',
      network: 'regtest',
      tip: { height: 1, miner: 'A', work: '4' },
      pool: { size: 0 },
      peers: [],
      mining: { on: false, held: false },
      lastSeq: node.log.length,
    });
    const { events, last, oldest } = await node.object('getevents', 0, 2);
    expect(events).toHaveLength(2);
    expect([last, oldest]).toEqual([node.log.length, 1]);
    expect((await node.object('getevents', node.log.length))['events']).toEqual([]);
  });
});

describe('network', () => {
  it('addnode, disconnectnode, setnetworkactive', async () => {
    await node.call('addnode', '/ip4/127.0.0.1/tcp/9/p2p/x', 'add');
    await node.call('addnode', '/ip4/127.0.0.1/tcp/9/p2p/x', 'remove');
    expect(node.network.did).toEqual(['add /ip4/127.0.0.1/tcp/9/p2p/x', 'remove /ip4/127.0.0.1/tcp/9/p2p/x']);
    expect(await node.refusal('addnode', 'localhost:8333', 'add')).toMatch(
      /^-30 Error: cannot add 'localhost:8333'/,
    );
    expect(await node.refusal('addnode', '/ip4/1.2.3.4/tcp/9', 'join')).toMatch(
      /^-1 command must be add, remove, onetry or protect/,
    );
    expect(await node.refusal('disconnectnode', 'x')).toBe('-29 Node not found in connected nodes');
    expect(await node.refusal('disconnectnode')).toMatch(/^-8 Only one of address and nodeid/);
    node.network.connected.push({
      peer: 'peer-B',
      address: '/ip4/127.0.0.1/tcp/2',
      inbound: true,
      connectedAt: 1_700_000_000_000,
      bytesSent: 1,
      bytesReceived: 2,
      messagesReceived: 3,
      score: 0,
    });
    expect(await node.call('getconnectioncount')).toBe(1);
    const [peer] = (await node.call('getpeerinfo')) as { id: number }[];
    expect(peer).toMatchObject({
      id: 0,
      addr: '/ip4/127.0.0.1/tcp/2',
      inbound: true,
      conntime: 1_700_000_000,
      bytessent: 1,
      bytesrecv: 2,
      messagesrecv: 3,
      peerid: 'peer-B',
    });
    await node.call('disconnectnode', '', 0);
    expect(node.network.did.at(-1)).toBe('drop peer-B disconnectnode');
    expect(await node.call('setnetworkactive', false)).toBe(false);
    expect(await node.object('getnetworkinfo')).toMatchObject({
      version: 10203,
      subversion: '/Forkyard:1.2.3/',
      networkactive: false,
      connections: 1,
      connections_in: 1,
      relayfee: 0.00001,
    });
  });

  it('setlinks changes what is given and keeps the rest', async () => {
    expect(await node.object('setlinks', ['peer-B'], { default: 400, 'peer-C': 20 })).toEqual({
      refuse: ['peer-B'],
      delayMs: { default: 400, 'peer-C': 20 },
      deaf: [],
      mute: [],
      hold: false,
      shape: {},
      held: 0,
      heldByCut: {},
      connected: [],
    });
    await node.call('setlinks', { refuse: [] });
    expect(node.log.at(-1)).toMatchObject({ kind: 'links', refuse: [], delayMs: 400 });
    expect(node.network.links).toEqual({ refuse: [], delayMs: 400, delayTo: { 'peer-C': 20 } });
    expect(await node.refusal('setlinks', [3])).toMatch(/^-3 refuse must be an array/);
    expect(await node.refusal('setlinks', null, { default: -1 })).toMatch(
      /^-8 delayMs.default must be milliseconds/,
    );
    expect(await node.object('getlinks')).toMatchObject({ delayMs: { default: 400 } });
  });

  it('setlinks takes one-way cuts, shapes and hold, and refuses what no wire can do', async () => {
    await node.call('setlinks', {
      deaf: ['peer-B'],
      hold: true,
      shape: { 'peer-C': { delayMs: 200, jitterMs: 20, loss: 0.01, bitsPerSecond: 1e6 } },
    });
    expect(node.network.links).toMatchObject({ deaf: ['peer-B'], hold: true, delayMs: 0 });
    expect(node.log.at(-1)).toMatchObject({
      kind: 'links',
      deaf: ['peer-B'],
      hold: true,
      shapes: { 'peer-C': { delayMs: 200, loss: 0.01 } },
    });
    const before = node.network.links;
    for (const [shape, why] of [
      [{ delayMs: -1 }, /a delay of -1 ms/],
      [{ delayMs: 10, jitterMs: 11 }, /a jitter of 11 ms; it must be from 0 to the delay/],
      [{ loss: 0.9 }, /a loss of 0.9/],
      [{ bitsPerSecond: 1 }, /a rate of 1 bit/],
      [{ delay: 5 }, /shape.x.delay is not one of/],
      [{ delayMs: '5' }, /must be a number/],
      [[], /must be an object/],
    ] as const)
      expect(await node.refusal('setlinks', { shape: { x: shape as unknown as JsonInput } })).toMatch(why);
    expect(await node.refusal('setlinks', { deaf: [1] })).toMatch(/^-3 deaf must be an array/);
    expect(node.network.links).toBe(before);
    await node.call('setlinks', { deaf: [], hold: false, shape: {} });
    expect(node.network.links).toMatchObject({ deaf: [], hold: false, shapeTo: {} });
  });

  it('tells what is held, lets it in one by one, and measures links', async () => {
    const held = (peer: string, kind: string) => ({ peer, kind, about: 'ff', bytes: 9, heldMs: 12.4 });
    node.network.heldMessages.push(held('peer-B', 'tip'), held('peer-C', 'block'));
    expect(await node.object('getheld')).toMatchObject({
      total: 2,
      messages: [{ kind: 'tip', heldMs: 12 }, {}],
    });
    expect(await node.object('deliverheld', 'peer-C')).toMatchObject({ peer: 'peer-C', kind: 'block' });
    expect(await node.object('deliverheld')).toMatchObject({ peer: 'peer-B' });
    expect(await node.call('deliverheld')).toBeNull();
    expect(await node.object('probelinks', ['peer-B', 'peer-X'])).toEqual({
      'peer-B': { thereMs: 1.5, backMs: 2.5 },
      'peer-X': null,
    });
  });

  it('setclock sets the wall clock off, and getnodeinfo shows it', async () => {
    await node.call('setclock', -90_000);
    expect(node.clock.wall()).toBe(-90_000_000);
    expect(await node.object('getnodeinfo')).toMatchObject({ clockOffsetMs: -90_000, held: 0 });
    expect(await node.refusal('setclock', 1e12)).toMatch(/out of range/);
    await node.call('setclock', 0);
    expect(node.clock.wall()).toBe(0);
  });
});
