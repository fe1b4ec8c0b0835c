import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { limits } from '../../src/node/limits.ts';
import type { Step } from '../../src/node/types.ts';
import { honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';
import { Puppet } from './puppet.ts';

const params = labParams();
const long = honestChain(params, 400);

/** A node that has the long chain, and a late one that is linked with it. */
function lateJoiner(crash?: number): Net {
  const late = crash === undefined ? {} : { crash: { L: { batch: crash, when: 'after commit' as const } } };
  const net = new Net({ params, ...late });
  const [full] = net.add('A');
  for (const { bytes } of long) full!.ask({ kind: 'submit-block', bytes });
  net.until('A is at rest', () => !full!.node.view.chain.connecting);
  net.add('L');
  return net;
}

describe('initial sync', () => {
  it('makes many blocks the tip by one durable batch, and tells the one it has them from nothing', () => {
    const net = lateJoiner();
    const late = net.node('L');
    const steps: Step[] = [];
    late.watch = (_input, step) => steps.push(step);
    const start = net.now;
    net.connect('L', 'A');
    net.untilAgreed();
    expect(late.tip.height).toBe(400);
    expect(late.told('connected')).toHaveLength(400);
    const gathered = Math.ceil((net.now - start) / limits.syncGather);
    expect(late.told('tip').length).toBeLessThanOrEqual(gathered + 1);
    const batches = steps.filter(({ writes }) => writes.length > 0);
    expect(batches.length).toBeLessThan(50);
    expect(batches.every(({ durable }) => durable)).toBe(true);
    // Hello, headers and bodies asked for; no announcement of what A has.
    const asked = 400 / limits.maxBlocksPerRequest;
    expect(late.node.view.peers[0]!.framesOut).toBeLessThan(asked + 10);
  });

  it('stops at any batch, opens again, and gets the rest', () => {
    for (let batch = 2; batch <= 12; batch++) {
      const net = lateJoiner(batch);
      net.connect('L', 'A');
      net.until('it has stopped once', () => net.node('L').crashes === 1);
      net.connect('L', 'A');
      net.untilAgreed();
      expect(net.node('L').tip.height).toBe(400);
    }
  });

  it('keeps a body that a caller was told is here, though it is far behind', () => {
    const net = new Net({ params });
    const [late] = net.add('L');
    const peer = new Puppet(net, 'S');
    peer.react = (message) => {
      if (message.kind !== 'getheaders') return;
      peer.send('L', { kind: 'headers', id: message.id, headers: long.map((b) => encodeHeader(b.header)) });
    };
    peer.meet('L', { height: 400, work: 10n ** 9n, tip: long.at(-1)!.hash });
    net.until('the headers are here', () => late!.node.view.chain.bestHeader.height === 400);
    const [, second] = long;
    // Its parent has no body, so nothing connects, and no other batch carries it.
    const result = late!.command({ kind: 'submit-block', bytes: second!.bytes });
    expect(result).toMatchObject({ kind: 'block', id: second!.id });
    late!.restart();
    expect(late!.tip.height).toBe(0);
    expect(late!.node.view.chain.entry(second!.hash)).toMatchObject({ hasBody: true });
  });
});
