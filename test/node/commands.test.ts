import { describe, expect, it } from 'vitest';
import { wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { hashOfId } from '../../src/util/bytes.ts';
import { claimingMore, honestChain, withHeader, withTxs } from './blocks.ts';
import { grind, labParams, Net } from './net.ts';
import { genesisCoin, pay } from './pay.ts';

const params = labParams();
const chain = honestChain(params, 6);
const judy = wellKnownScript('judy');

function alone(blocks = 0) {
  const net = new Net({ params });
  const [node] = net.add('A');
  net.run(30_000);
  for (const { bytes } of chain.slice(0, blocks)) node!.command({ kind: 'submit-block', bytes });
  expect(node!.tip.height).toBe(blocks);
  return { net, node: node! };
}

describe('submit-block', () => {
  it('answers when the block is connected, and knows one that is here', () => {
    const { node } = alone();
    const submit = () => node.command({ kind: 'submit-block', bytes: chain[0]!.bytes });
    expect(submit()).toEqual({ kind: 'block', id: chain[0]!.id, isNew: true });
    expect(node.tip.id).toBe(chain[0]!.id);
    expect(submit()).toEqual({ kind: 'block', id: chain[0]!.id, isNew: false });
  });

  it('names the rule, from each rung', () => {
    const { node } = alone();
    const rule = (bytes: Uint8Array) => {
      const result = node.command({ kind: 'submit-block', bytes });
      return result.kind === 'refused' ? result.refusal.rule : result.kind;
    };
    const [block] = chain;
    const { bytes } = block!;
    expect(rule(bytes.subarray(0, 50))).toBe('bad-encoding');
    expect(rule(bytes.subarray(0, bytes.length - 1))).toBe('bad-encoding');
    expect(rule(chain[3]!.bytes)).toBe('prev-blk-not-found');
    expect(rule(withHeader(block!, { time: params.genesis.header.time }).bytes)).toBe('time-too-old');
    expect(rule(withHeader(block!, { time: node.node.view.wallS + 500 }).bytes)).toBe('time-too-new');
    expect(rule(withHeader(block!, { merkleRoot: new Uint8Array(32) }).bytes)).toBe('bad-txnmrklroot');
    const coin = genesisCoin(params, 'alice');
    const twice = [pay([coin], 'bob', 1_000_000), pay([coin], 'carol', 2_000_000)];
    const [coinbase] = block!.txs;
    expect(rule(withTxs(block!, [coinbase!, ...twice]).bytes)).toBe('bad-witness-merkle-match');
    const greedy = claimingMore(block!, 1);
    expect(rule(greedy.bytes)).toBe('bad-cb-amount');
    expect(rule(greedy.bytes)).toBe('duplicate-invalid');
    expect(node.tip.height).toBe(0);
  });

  it('is published once it is the tip', () => {
    const net = new Net({ params });
    net.add('A', 'B');
    net.connect('A', 'B');
    net.run(100);
    net.node('A').command({ kind: 'submit-block', bytes: chain[0]!.bytes });
    net.run(50);
    expect(net.node('B').verdicts).toEqual([{ peer: 'A', verdict: 'accept' }]);
    expect(net.agreed()).toBe(true);
  });
});

describe('send-tx and test-tx', () => {
  it('test leaves no trace; send is known the second time', () => {
    const { node } = alone();
    const tx = pay([genesisCoin(params, 'bob')], 'carol', 1_000_000, 5_000);
    const answer = { kind: 'tx', txid: tx.id, wtxid: tx.wid, fee: 5_000, vsize: tx.vsize, known: false };
    const writes = node.batches;
    expect(node.command({ kind: 'test-tx', bytes: tx.bytes })).toEqual(answer);
    expect(node.node.view.mempool.size).toBe(0);
    expect(node.batches).toBe(writes);
    expect(node.send(tx)).toEqual(answer);
    expect(node.send(tx)).toEqual({ ...answer, known: true });
    expect(node.command({ kind: 'test-tx', bytes: tx.bytes })).toMatchObject({
      refusal: { rule: 'txn-already-in-mempool' },
    });
  });

  it('refuses by name', () => {
    const { node } = alone();
    const send = (bytes: Uint8Array, maxFeeRate?: number) => {
      const result = node.command({
        kind: 'send-tx',
        bytes,
        ...(maxFeeRate === undefined ? {} : { maxFeeRate }),
      });
      return result.kind === 'refused' ? result.refusal.rule : result.kind;
    };
    expect(send(Uint8Array.of(1, 2, 3))).toBe('bad-encoding');
    expect(send(chain[0]!.txs[0]!.bytes)).toBe('coinbase');
    const tx = pay([genesisCoin(params, 'bob')], 'carol', 1_000_000, 50_000);
    expect(send(tx.bytes, 1_000)).toBe('max-fee-exceeded');
    const spoilt = tx.bytes.slice();
    spoilt[spoilt.length - 50]! ^= 1;
    expect(send(spoilt)).toBe('mempool-script-verify-flag-failed');
    expect(node.node.view.mempool.size).toBe(0);
  });

  it('what an RPC confirmed is written durably', () => {
    const { node } = alone();
    let durable: boolean | undefined;
    node.watch = (input, step) => {
      if (input.kind === 'command') durable = step.durable;
    };
    const tx = pay([genesisCoin(params, 'bob')], 'carol', 1_000_000, 5_000);
    node.send(tx);
    expect(durable).toBe(true);
    durable = undefined;
    node.send(tx);
    expect(durable).toBe(true);
  });
});

describe('invalidate, reconsider, precious', () => {
  it('lead away from a block and back again; the answer comes when the chain is at rest', () => {
    const { node } = alone(5);
    const hash = chain[2]!.hash;
    expect(node.command({ kind: 'invalidate', hash })).toEqual({ kind: 'done' });
    expect(node.tip.height).toBe(2);
    expect(node.told('reorg').at(-1)).toMatchObject({ depth: 3, length: 0, because: 'invalidated' });
    expect(node.command({ kind: 'reconsider', hash })).toEqual({ kind: 'done' });
    expect(node.tip.id).toBe(chain[4]!.id);
    const rival = withHeader(chain[4]!, { time: chain[4]!.header.time + 1 });
    node.command({ kind: 'submit-block', bytes: rival.bytes });
    expect(node.tip.id).toBe(chain[4]!.id);
    expect(node.command({ kind: 'precious', hash: rival.hash })).toEqual({ kind: 'done' });
    expect(node.tip.id).toBe(rival.id);
    expect(node.told('reorg').at(-1)).toMatchObject({ depth: 1, length: 1, because: 'precious' });
  });

  it('know what they do not know', () => {
    const { node } = alone(1);
    expect(node.command({ kind: 'invalidate', hash: new Uint8Array(32) })).toEqual({ kind: 'unknown-block' });
    expect(node.command({ kind: 'invalidate', hash: params.genesisHash })).toMatchObject({ kind: 'refused' });
  });
});

describe('mining', () => {
  it('a job for each tip at once, none while its own block connects, and it stops after so many blocks', () => {
    const { node } = alone();
    node.command({ kind: 'mine', payout: judy, tag: 'A', blocks: 2 });
    expect(node.node.view.mining).toMatchObject({ on: true, blocksLeft: 2, tag: 'A' });
    expect(node.job).toMatchObject({ height: 1, prev: params.genesisId });
    const { job } = node;
    node.solve();
    expect(node.job).toBeUndefined();
    // A second nonce for the same job would be a fork with itself.
    node.input({ kind: 'solved', job: job!.id, nonce: grind(job!) + 1, tries: 1, ms: 1 });
    expect(node.told('mined')).toHaveLength(1);
    node.command({ kind: 'reconsider', hash: params.genesisHash });
    expect(node.job).toMatchObject({ height: 2, prev: node.tip.id });
    expect(node.solve()).toBeDefined();
    expect(node.node.view.mining).toMatchObject({ on: false, mined: 2, job: undefined });
    expect(node.told('mining')).toEqual([
      { kind: 'mining', on: true, height: 1 },
      { kind: 'mining', on: false },
    ]);
    expect(node.job).toBeUndefined();
  });

  it('a nonce found for the job before the last one still makes its block', () => {
    const { net, node } = alone();
    node.command({ kind: 'mine', payout: judy, tag: 'A' });
    const { job } = node;
    net.run(6_000);
    expect(node.job!.id).toBeGreaterThan(job!.id);
    node.input({ kind: 'solved', job: job!.id, nonce: grind(job!), tries: 9, ms: 4 });
    expect(node.told('mined')).toMatchObject([{ height: 1, miner: 'A', tries: 9, ms: 4 }]);
    node.input({ kind: 'solved', job: 12_345, nonce: 0, tries: 1, ms: 1 });
    net.run(10);
    expect(node.tip.height).toBe(1);
  });

  it('takes a new payment within a second, and the time along', () => {
    const { net, node } = alone();
    node.command({ kind: 'mine', payout: judy, tag: 'A' });
    expect(node.node.view.mining.txs).toBe(0);
    node.send(pay([genesisCoin(params, 'bob')], 'carol', 1_000_000, 5_000));
    net.run(1_001);
    expect(node.node.view.mining).toMatchObject({ txs: 1, fees: 5_000 });
    const time = () => new DataView(node.job!.header.slice().buffer).getUint32(68, true);
    const before = time();
    net.run(10_000);
    expect(time() - before).toBeGreaterThanOrEqual(5);
  });

  it('used-up nonces: the same work with another extra nonce', () => {
    const { node } = alone();
    node.command({ kind: 'mine', payout: judy, tag: 'A' });
    const { job } = node;
    node.input({ kind: 'exhausted', job: job!.id });
    expect(node.job!.id).not.toBe(job!.id);
    expect(node.job!.prev).toBe(job!.prev);
    expect(node.job!.header).not.toEqual(job!.header);
    const last = node.job;
    node.input({ kind: 'exhausted', job: job!.id });
    expect(node.job).toBe(last);
  });

  it('a template for a caller who grinds himself, with chosen payments only', () => {
    const { node } = alone();
    const [one, two] = [
      pay([genesisCoin(params, 'bob')], 'carol', 1_000_000),
      pay([genesisCoin(params, 'dave')], 'erin', 1_000_000),
    ];
    node.send(one);
    node.send(two);
    const result = node.command({ kind: 'template', payout: judy, tag: '', txids: [two.txid] });
    if (result.kind !== 'template') throw new Error(result.kind);
    const { template } = result;
    expect(template.txids).toEqual([two.id]);
    const bytes = template.bytes.slice();
    new DataView(bytes.buffer).setUint32(76, grind(template), true);
    expect(node.command({ kind: 'submit-block', bytes })).toMatchObject({ kind: 'block', isNew: true });
    expect(node.node.view.mempool.size).toBe(1);
    expect(node.node.view.chain.entry(hashOfId(node.tip.id)!)?.txs).toBe(2);
  });

  it('without a clock nothing is mined; with it, at once', () => {
    const net = new Net({ params });
    const [node] = net.add('A');
    node!.command({ kind: 'mine', payout: judy, tag: 'A' });
    expect(node!.job).toBeDefined();
    node!.command({ kind: 'mine', payout: undefined, tag: '' });
    expect(node!.job).toBeUndefined();
    expect(node!.node.view.mining.on).toBe(false);
  });
});
