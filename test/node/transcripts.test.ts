import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { honestChain, withHeader } from './blocks.ts';
import { labParams, Net, type TestNode } from './net.ts';
import { genesisCoin, outputOf, pay } from './pay.ts';
import { Puppet } from './puppet.ts';
import { Transcript } from './transcript.ts';

/**
 * Whole conversations as text, test/transcripts/NAME.txt: every input of one node, then each write and effect. A change
 * shows as a difference to be read; `UPDATE_TRANSCRIPTS=1 npx vitest run --project unit test/node/transcripts` accepts it.
 */
const params = labParams('transcript');
const chain = honestChain(params, 4);
const names: string[] = [];

function record(node: TestNode, net: Net): Transcript {
  const transcript = new Transcript();
  node.watch = (input, step) => transcript.record(net.now, input, step);
  return transcript;
}

function check(transcript: Transcript, name: string): void {
  names.push(name);
  expect(transcript.text).toBe(transcript.expected(name));
}

describe('transcripts', () => {
  it('mine: hello, a payment, a block of our own, and its way out', () => {
    const net = new Net({ params });
    const [a] = net.add('A', 'B');
    const transcript = record(a!, net);
    transcript.say('B connects: hello both ways, nothing to ask for');
    net.connect('A', 'B');
    net.run(50);
    transcript.say('a local caller pays');
    a!.send(pay([genesisCoin(params, 'alice')], 'bob', 500_000_000));
    net.run(50);
    transcript.say('one block: stored and published in one step, connected in the next, announced to B');
    net.mine('A');
    transcript.say('B finds the next one: by gossip, judged before it is connected');
    net.mine('B');
    check(transcript, 'mine');
  });

  it('sync: a node that lacks four blocks meets one that has them, without gossip', () => {
    const net = new Net({ params, gossip: false });
    const [a, late] = net.add('A', 'L');
    for (const { bytes } of chain) a!.ask({ kind: 'submit-block', bytes });
    net.run(50);
    const transcript = record(late!, net);
    transcript.say('more work there: headers first, then bodies, then connecting');
    net.connect('L', 'A');
    net.run(100);
    transcript.say(
      'a new tip, announced as on its way by gossip: after a moment of grace the body is asked for',
    );
    net.mine('A', 1, 400);
    check(transcript, 'sync');
  });

  it('reorg: two blocks out, three in; a payment returns, another one is undone', () => {
    const net = new Net({ params });
    const [a, c] = net.add('A', 'C');
    const coin = genesisCoin(params, 'alice');
    a!.send(pay([coin], 'carol', 100_000_000));
    net.mine('A', 3);
    const transcript = record(c!, net);
    transcript.say('C alone: one coin that A spends too, and a payment of its own');
    const undone = pay([coin], 'dave', 100_000_000);
    c!.send(undone);
    c!.send(pay([outputOf(undone, 0, 'dave')], 'grace', 90_000_000));
    c!.send(pay([genesisCoin(params, 'erin')], 'frank', 100_000_000));
    net.mine('C', 2);
    transcript.say('C meets A, who has three blocks');
    net.connect('A', 'C');
    net.run(1_500);
    check(transcript, 'reorg');
  });

  it('refusals: whose fault is it, and what does it cost', () => {
    const net = new Net({ params });
    const [v] = net.add('V');
    const evil = new Puppet(net, 'E');
    evil.meet('V');
    const transcript = record(v!, net);
    transcript.say('an unknown parent: nobody’s fault, ask the sender');
    evil.publish('V', 'block', chain[2]!.bytes);
    net.run(50);
    transcript.say(
      'a body that is not the header’s: the sender’s fault, and the honest block is welcome after it',
    );
    const spoilt = chain[0]!.bytes.slice();
    spoilt[spoilt.length - 60]! ^= 1;
    evil.publish('V', 'block', spoilt);
    evil.publish('V', 'block', chain[0]!.bytes);
    net.run(50);
    transcript.say('a time too far ahead: it waits');
    const early = withHeader(chain[1]!, { time: v!.node.view.wallS + params.futureBoundS + 2 });
    evil.send('V', { kind: 'tip', header: encodeHeader(early.header), height: 2, work: 6n, gossiped: false });
    net.run(3_000);
    transcript.say('what nobody can read, three times');
    for (let i = 0; i < 3; i++) evil.raw('V', Uint8Array.of(200, i));
    net.run(50);
    check(transcript, 'refusals');
  });

  afterAll(() => {
    const stored = readdirSync(new URL('../transcripts/', import.meta.url)).sort();
    // A file without a test would be believed and never checked.
    expect(stored).toEqual(names.map((name) => name + '.txt').sort());
  });
});
