import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { honestChain, withHeader } from './blocks.ts';
import { labParams, Net, type NetOptions, type TestNode } from './net.ts';
import { Puppet } from './puppet.ts';

/** Blocks beside the chain, which cost an attacker on an easy network nothing: what of them a node keeps. */

const params = labParams();
const chain = honestChain(params, 40);

function victim(o: NetOptions, height = 30) {
  const net = new Net({ params, ...o });
  const [node] = net.add('V');
  net.run(60_000);
  for (const { bytes } of chain.slice(0, height)) node!.ask({ kind: 'submit-block', bytes });
  net.run(10);
  return { net, node: node! };
}

const besides = ({ node }: TestNode) =>
  [...node.view.chain.entries()].filter((entry) => !node.view.chain.isActive(entry));
const bodiesOf = (node: TestNode) => besides(node).filter(({ hasBody }) => hasBody);

/** The n-th block beside number 30, with the work of the tip. */
const rival = (n: number) => withHeader(chain[29]!, { time: chain[29]!.header.time + 1 + n });

describe('blocks beside the chain', () => {
  it('are rationed over all peers, since an identity costs nothing, and by the growth of the chain', () => {
    const { net, node } = victim({ limits: { sideHeadersTotal: 10, sideHeadersPerBlock: 2 } });
    let n = 0;
    const wave = (name: string) => {
      const evil = new Puppet(net, name);
      evil.meet('V');
      for (let i = 0; i < 6; i++) evil.publish('V', 'block', rival(n++).bytes);
      for (let i = 0; i < 6; i++) {
        const header = encodeHeader(rival(n++).header);
        evil.send('V', { kind: 'tip', header, height: 30, work: 1n, gossiped: false });
      }
      net.run(60_000);
      net.disconnect(name, 'V');
    };
    for (const name of ['A', 'B', 'C', 'D', 'E']) wave(name);
    expect(besides(node)).toHaveLength(10);
    // Time alone gives nothing back; each block of the chain does.
    net.run(3_600_000);
    wave('F');
    expect(besides(node)).toHaveLength(10);
    for (const { bytes } of chain.slice(30, 33)) node.ask({ kind: 'submit-block', bytes });
    net.run(10);
    wave('G');
    expect(besides(node)).toHaveLength(16);
    expect(node.told('fault').filter(({ banned }) => banned)).toEqual([]);
  });

  it('are bounded in bytes', () => {
    const size = rival(0).bytes.length;
    const { net, node } = victim({ limits: { sideBytesTotal: 5 * size, sideBytesPerBlock: size } });
    const evil = new Puppet(net, 'E');
    const rivals = Array.from({ length: 30 }, (_, i) => rival(i));
    const byId = new Map(rivals.map((block) => [block.hash.join(), block]));
    evil.react = (m) => {
      if (m.kind !== 'getblocks') return;
      for (const id of m.ids) evil.send('V', { kind: 'block', bytes: byId.get(id.join())!.bytes });
    };
    evil.meet('V');
    for (const [i, { bytes, header }] of rivals.entries()) {
      if (i % 2 === 0) evil.publish('V', 'block', bytes);
      else {
        const tip = { kind: 'tip', height: 30, work: 1n, gossiped: false } as const;
        evil.send('V', { ...tip, header: encodeHeader(header) });
      }
      net.run(100);
    }
    net.run(60_000);
    expect(bodiesOf(node)).toHaveLength(5);
    node.ask({ kind: 'submit-block', bytes: chain[30]!.bytes });
    net.run(10);
    evil.publish('V', 'block', rival(100).bytes);
    evil.publish('V', 'block', rival(101).bytes);
    net.run(1_000);
    expect(bodiesOf(node)).toHaveLength(6);
  });

  it('of a branch that wins are all fetched, though the rations are used up: a heal after a cut', () => {
    const limits = {
      sideHeadersTotal: 4,
      sideHeadersPerBlock: 1,
      sideBytesTotal: 2_000,
      sideBytesPerBlock: 1,
    };
    const net = new Net({ params, limits });
    net.add('V', 'H', 'W');
    net.run(60_000);
    for (const name of ['V', 'H', 'W'])
      for (const { bytes } of chain.slice(0, 30)) net.node(name).ask({ kind: 'submit-block', bytes });
    net.connect('H', 'W');
    const evil = new Puppet(net, 'E');
    evil.meet('V');
    for (let i = 0; i < 40; i++) evil.publish('V', 'block', rival(i).bytes);
    net.run(1_000);
    expect(besides(net.node('V'))).toHaveLength(4);
    // Hours apart, both sides mine; the flood goes on.
    net.mine('V', 50);
    net.mine('H', 60);
    const lost = net.node('V').tip;
    net.connect('V', 'H');
    net.untilAgreed();
    expect(net.node('V').tip.height).toBe(90);
    expect(net.node('V').node.view.chain.isActive(lost)).toBe(false);
    // And the other way: V is behind by a branch that begins below, and told block by block.
    net.disconnect('V', 'H');
    net.mine('V', 3);
    for (let i = 40; i < 80; i++) evil.publish('V', 'block', rival(i).bytes);
    net.mine('W', 5);
    net.connect('V', 'H');
    net.run(5_000);
    net.mine('W', 3);
    net.untilAgreed();
    expect(net.node('V').tip.height).toBe(98);
    for (const node of net.nodes.values()) expect(node.drops.filter(({ peer }) => peer !== 'E')).toEqual([]);
  });
});
