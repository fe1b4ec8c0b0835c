import { describe, expect, it } from 'vitest';
import { honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';

const params = labParams();

/** Whatever the length of the side that gives way, and wherever an answer ends in comparison with it. */
describe('header sync after a long partition', () => {
  const ours = honestChain(params, 30, { miner: 'A' });
  const theirs = honestChain(params, 45, { miner: 'B' });

  it.each([15, 18, 19, 20, 21, 22, 24, 29, 30])('%i blocks against 45, ten headers a message', (length) => {
    // A near side branch costs tokens; this one is longer than the whole burst.
    const limits = { maxHeadersPerMessage: 10, nearTipBlocks: 5, sideHeadersBurst: 8 };
    const net = new Net({ params, limits });
    const [a, b] = net.add('A', 'B');
    for (const { bytes } of ours.slice(0, length)) a!.ask({ kind: 'submit-block', bytes });
    for (const { bytes } of theirs) b!.ask({ kind: 'submit-block', bytes });
    net.run(200_000);
    expect([a!.tip.height, b!.tip.height]).toEqual([length, 45]);
    net.connect('A', 'B');
    net.untilAgreed(['A', 'B'], 5_000);
    expect(a!.tip.id).toBe(theirs[44]!.id);
    expect(a!.told('fault')).toEqual([]);
  });

  it('a side branch that ends within the budgetless stretch is still given up', () => {
    const limits = { maxHeadersPerMessage: 10, nearTipBlocks: 5, sideHeadersBurst: 8 };
    const net = new Net({ params, limits });
    const [a, b] = net.add('A', 'B');
    for (const { bytes } of ours) a!.ask({ kind: 'submit-block', bytes });
    for (const { bytes } of theirs.slice(0, 29)) b!.ask({ kind: 'submit-block', bytes });
    net.run(200_000);
    net.connect('A', 'B');
    net.run(2_000);
    expect(b!.tip.id).toBe(ours[29]!.id);
    expect([...a!.node.view.chain.entries()]).toHaveLength(31);
    expect(a!.node.view.peers[0]!.headersBuffered).toBe(0);
  });
});
