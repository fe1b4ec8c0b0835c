import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/util/assert.ts';
import { honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';

const params = labParams();
/** The last of these is some minutes after the first. */
const chain = honestChain(params, 40, { pauseMs: 10_000 });

const startS = params.genesis.header.time + 3_600;
const offset = (seconds: number) => (startS + seconds) * 1_000_000;

describe('the clock', () => {
  it('a node whose clock is behind waits, says so, and catches up when it is set right', () => {
    const net = new Net({ params });
    const [good, late] = net.add('G', 'L');
    net.run(400_000);
    for (const { bytes } of chain) good!.ask({ kind: 'submit-block', bytes });
    net.run(10);
    expect(good!.tip.height).toBe(40);
    // Nine hundred seconds behind: beyond the bound of two minutes for most of the chain.
    late!.input({ kind: 'clock', offset: offset(-900) });
    net.connect('G', 'L');
    net.run(10_000);
    expect(late!.tip.height).toBeLessThan(40);
    expect(late!.node.view.futureBlocks).toBeGreaterThan(0);
    expect(late!.node.view.futureBlocks).toBeLessThanOrEqual(8);
    expect(late!.told('fault')).toEqual([]);
    late!.input({ kind: 'clock', offset: offset(0) });
    net.untilAgreed();
    expect(late!.told('clock')).toHaveLength(2);
  });

  it('what lies behind a header that was too new is asked for at its time, not at the next probe', () => {
    const net = new Net({ params, gossip: false });
    const [good, late] = net.add('G', 'L');
    net.run(400_000);
    for (const { bytes } of chain) good!.ask({ kind: 'submit-block', bytes });
    const { time } = chain[10]!.header;
    // The bound is met by the tenth block, and for the eleventh one only in five seconds.
    late!.input({ kind: 'clock', offset: (time - 400 - 5 - params.futureBoundS) * 1_000_000 });
    net.connect('G', 'L');
    net.run(4_000);
    expect(late!.tip.height).toBe(10);
    expect(late!.node.view.futureBlocks).toBe(1);
    net.run(1_500);
    expect(late!.tip.height).toBe(11);
    // The twelfth, ten seconds later, was asked for when the eleventh got in, and waits in its turn.
    expect(late!.node.view.futureBlocks).toBe(1);
    net.run(10_000);
    expect(late!.tip.height).toBe(12);
  });

  it('hours behind nothing is kept, yet the right time brings it all at once', () => {
    const net = new Net({ params });
    const [good, late] = net.add('G', 'L');
    net.run(400_000);
    for (const { bytes } of chain) good!.ask({ kind: 'submit-block', bytes });
    late!.input({ kind: 'clock', offset: offset(-6 * 3_600) });
    net.connect('G', 'L');
    net.run(1_000);
    expect(late!.node.view.futureBlocks).toBe(0);
    expect(late!.tip.height).toBe(0);
    late!.input({ kind: 'clock', offset: offset(0) });
    // Long before any probe.
    expect(net.untilAgreed()).toBeLessThan(1_000);
  });

  it('small corrections are not news', () => {
    const net = new Net({ params });
    const [node] = net.add('A');
    node!.input({ kind: 'clock', offset: offset(0) + 5 });
    node!.input({ kind: 'clock', offset: offset(0) + 999_000 });
    expect(node!.told('clock')).toEqual([]);
    node!.input({ kind: 'clock', offset: offset(10) });
    expect(node!.told('clock')).toEqual([{ kind: 'clock', offsetMs: offset(10) / 1_000 }]);
  });

  it('monotonic time that goes back is a bug of the host, and says so', () => {
    const net = new Net({ params });
    const [node] = net.add('A');
    node!.node.step(1_000, { kind: 'timer' });
    expect(() => node!.node.step(999, { kind: 'timer' })).toThrow(InvariantError);
    expect(() => node!.node.step(1_000.5, { kind: 'timer' })).toThrow(InvariantError);
  });
});
