import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { limits } from '../../src/node/limits.ts';
import { idOf, keyOf } from '../../src/util/bytes.ts';
import { honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

/** Answers to a peer that does not read: the host says so, and the node keeps the requests instead of the answers. */

const params = labParams();
const chain = honestChain(params, 40);
const NO_STOP = new Uint8Array(32);

function rig() {
  const net = new Net({ params });
  const [node] = net.add('V');
  net.run(60_000);
  for (const { bytes } of chain) node!.ask({ kind: 'submit-block', bytes });
  net.run(10);
  const peers = ['E', 'F'].map((id) => new Puppet(net, id));
  for (const peer of peers) peer.meet('V');
  net.run(1_000);
  const [deaf, other] = peers;
  return { net, node: node!, deaf: deaf!, other: other! };
}

const ids = (from: number, to: number) => chain.slice(from, to).map(({ hash }) => hash);
const told = (peer: Puppet) => peer.all('block').map(({ bytes }) => idOf(keyOfHash(bytes)));
const keyOfHash = (bytes: Uint8Array) => chain.find((block) => keyOf(block.bytes) === keyOf(bytes))!.hash;

describe('a peer that does not read', () => {
  it('has its answers when it reads again, all of them and in order; others have theirs meanwhile', () => {
    const { net, node, deaf, other } = rig();
    node.input({ kind: 'flow', peer: 'E', open: false });
    deaf.send('V', { kind: 'getblocks', ids: ids(0, 16) });
    deaf.send('V', { kind: 'getblocks', ids: ids(16, 32) });
    deaf.send('V', { kind: 'getheaders', id: 7, locator: [params.genesisHash], stop: NO_STOP });
    other.send('V', { kind: 'getblocks', ids: ids(8, 12) });
    net.run(5_000);
    expect([deaf.all('block'), deaf.all('headers')]).toEqual([[], []]);
    expect(told(other)).toEqual(chain.slice(8, 12).map(({ id }) => id));
    node.input({ kind: 'flow', peer: 'E', open: true });
    net.run(1_000);
    expect(told(deaf)).toEqual(chain.slice(0, 32).map(({ id }) => id));
    expect(deaf.all('headers')).toEqual([
      { kind: 'headers', id: 7, headers: chain.map(({ header }) => encodeHeader(header)) },
    ]);
    expect(node.told('fault')).toEqual([]);
  });

  it('may ask again for what it waits for, which is sent once; beyond what may wait it loses points', () => {
    const { net, node, deaf } = rig();
    node.input({ kind: 'flow', peer: 'E', open: false });
    for (let i = 0; i < 100; i++) deaf.send('V', { kind: 'getblocks', ids: ids(0, 16) });
    net.run(1_000);
    expect(node.told('fault')).toEqual([]);
    for (let i = 0; i <= limits.servedRequestsPerPeer; i++)
      deaf.send('V', { kind: 'getheaders', id: i, locator: [params.genesisHash], stop: NO_STOP });
    net.run(1_000);
    expect(node.told('fault')).toMatchObject([{ peer: 'E', rule: 'too-many-requests' }]);
    node.input({ kind: 'flow', peer: 'E', open: true });
    net.run(1_000);
    expect(told(deaf)).toEqual(chain.slice(0, 16).map(({ id }) => id));
  });

  it('has one answer to all its pings, the last', () => {
    const { net, node, deaf } = rig();
    node.input({ kind: 'flow', peer: 'E', open: false });
    const nonces = Array.from({ length: 50 }, (_, i) => new Uint8Array(8).fill(i + 1));
    for (const nonce of nonces) deaf.send('V', { kind: 'ping', nonce });
    net.run(1_000);
    expect(deaf.all('pong')).toEqual([]);
    node.input({ kind: 'flow', peer: 'E', open: true });
    net.run(1_000);
    expect(deaf.all('pong')).toEqual([{ kind: 'pong', nonce: nonces.at(-1)! }]);
    deaf.send('V', { kind: 'ping', nonce: nonces[0]! });
    net.run(1_000);
    expect(deaf.all('pong')).toHaveLength(2);
  });

  it('costs no steps while it waits, and a new connection of it begins afresh', () => {
    const { net, node, deaf } = rig();
    node.input({ kind: 'flow', peer: 'E', open: false });
    deaf.send('V', { kind: 'getblocks', ids: ids(0, 4) });
    net.run(100);
    const before = node.node.view.steps;
    net.run(10_000);
    // A timer that is due at once again and again would make thousands.
    expect(node.node.view.steps - before).toBeLessThan(100);
    net.disconnect('E', 'V');
    deaf.meet('V');
    deaf.send('V', { kind: 'getblocks', ids: ids(4, 6) });
    net.run(1_000);
    expect(told(deaf)).toEqual(chain.slice(4, 6).map(({ id }) => id));
    node.input({ kind: 'flow', peer: 'nobody', open: false });
  });
});
