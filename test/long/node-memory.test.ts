import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { BENCH_TIME_S, benchParams, blockOn } from '../../scripts/bench/blocks.ts';
import { FEE, SCRIPT, spend } from '../../scripts/bench/spends.ts';
import type { Block } from '../../src/bitcoin/block.ts';
import { encodeHeader } from '../../src/bitcoin/header.ts';
import { makeTx, type Tx } from '../../src/bitcoin/tx.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { OPENING_PREFIXES } from '../../src/consensus/store/records.ts';
import { type DiskStore, openStore } from '../../src/host/store/store.ts';
import { FullNode } from '../../src/node/fullnode.ts';
import { limits } from '../../src/node/limits.ts';
import type { Effect, Input } from '../../src/node/types.ts';
import { decodeMessage, encodeMessage } from '../../src/node/wire/messages.ts';
import { keyOf } from '../../src/util/bytes.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

function heapMb(): number {
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

/** In each block of the reorg: a genesis coin split so pays a hundred fees out of each part. */
const PAYMENTS = 900;

/** A node on a real disk with one peer, which has this chain; no network and no clock in between. */
class Rig {
  readonly node: FullNode;
  readonly #store: DiskStore;
  #now = 0;
  #due = Number.POSITIVE_INFINITY;
  longestMs = 0;
  peakMb = 0;
  #branch: readonly Block[] = [];
  readonly #inbox: Input[] = [];

  constructor(store: DiskStore, node: FullNode) {
    this.#store = store;
    this.node = node;
  }

  static async open(dir: string, params: Params): Promise<Rig> {
    const store = await openStore(join(dir, 'db'));
    const index = await store.opening(OPENING_PREFIXES);
    // Signatures have tests of their own: here they would be most of the time.
    const node = new FullNode({ params, store, index, verify: () => true, seed: 1, name: 'N' });
    const rig = new Rig(store, node);
    await rig.step({ kind: 'clock', offset: (BENCH_TIME_S + 1_000_000) * 1_000_000 });
    await rig.step({ kind: 'joined', peer: 'P', inbound: true });
    const hello = { kind: 'hello', version: 1, genesis: params.genesisHash, name: 'P', height: 0 } as const;
    await rig.step({
      kind: 'message',
      peer: 'P',
      bytes: encodeMessage({ ...hello, work: 1n, tip: params.genesisHash }),
    });
    return rig;
  }

  /** The peer's chain from now on; runs until the node is there, looking at the heap every so many heights. */
  async follow(branch: readonly Block[], everyBlocks = 0): Promise<Map<number, number>> {
    this.#branch = branch;
    const last = branch.at(-1)!;
    const header = encodeHeader(last.header);
    const tip = { kind: 'tip', header, height: branch.length, work: 1n << 40n, gossiped: false } as const;
    const heaps = new Map<number, number>();
    let next = everyBlocks;
    await this.step({ kind: 'message', peer: 'P', bytes: encodeMessage(tip) });
    for (let idle = 0; this.node.view.chain.tip.id !== last.id; idle++) {
      if (idle > 1_000_000) throw new Error('the node does not get there');
      const input = this.#inbox.shift();
      if (input !== undefined) await this.step(input);
      if (this.#due <= this.#now + 100_000) {
        this.#now = Math.max(this.#now, this.#due);
        this.#due = Number.POSITIVE_INFINITY;
        this.node.signaturesAhead();
        await this.step({ kind: 'timer' });
      }
      const { height } = this.node.view.chain.tip;
      if (everyBlocks > 0 && height >= next) {
        heaps.set(height, heapMb());
        next += everyBlocks;
      }
    }
    return heaps;
  }

  async step(input: Input): Promise<void> {
    const before = performance.now();
    const { writes, durable, effects } = this.node.step(++this.#now, input);
    this.longestMs = Math.max(this.longestMs, performance.now() - before);
    await this.#store.commit(writes, durable);
    for (const effect of effects) this.#perform(effect);
    if (this.node.view.steps % 50 === 0)
      this.peakMb = Math.max(this.peakMb, process.memoryUsage().heapUsed / 1e6);
  }

  #perform(effect: Effect): void {
    if (effect.kind === 'wake') this.#due = Math.min(this.#due, effect.at);
    if (effect.kind !== 'send') return;
    const message = decodeMessage(effect.bytes, limits);
    if (!message.ok) throw new Error(message.error);
    const m = message.value;
    const say = (bytes: Uint8Array): number => this.#inbox.push({ kind: 'message', peer: 'P', bytes });
    if (m.kind === 'getheaders') {
      const known = new Set(m.locator.map(keyOf));
      const from = this.#branch.findLastIndex(({ hash }) => known.has(keyOf(hash))) + 1;
      const headers = this.#branch.slice(from, from + limits.maxHeadersPerMessage);
      say(encodeMessage({ kind: 'headers', id: m.id, headers: headers.map((b) => encodeHeader(b.header)) }));
    }
    if (m.kind === 'getblocks') {
      for (const id of m.ids) {
        const block = this.#branch.find(({ hash }) => keyOf(hash) === keyOf(id));
        if (block !== undefined) say(encodeMessage({ kind: 'block', bytes: block.bytes }));
      }
    }
    if (m.kind === 'ping') say(encodeMessage({ kind: 'pong', nonce: m.nonce }));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

async function inDir(params: Params, run: (rig: Rig) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'forkyard-memory-'));
  const rig = await Rig.open(dir, params);
  try {
    await run(rig);
  } finally {
    await rig.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function extend(params: Params, chain: Block[], txs: readonly Tx[], startS: number): void {
  const at = chain.at(-1);
  const parent =
    at === undefined
      ? { hash: params.genesisHash, height: 0, time: startS }
      : { hash: at.hash, height: chain.length, time: at.header.time };
  chain.push(blockOn(parent, txs, params));
}

describe('memory', () => {
  it('grows by less than 2 kB a block over 10,000 blocks of sync', async () => {
    const params = benchParams(1);
    const chain: Block[] = [];
    while (chain.length < 10_000) extend(params, chain, [], BENCH_TIME_S);
    await inDir(params, async (rig) => {
      const heaps = [...(await rig.follow(chain, 2_000)).values()];
      const growth = heaps.at(-1)! - heaps[0]!;
      console.log(`heap in MB every 2,000 blocks: ${heaps.map((mb) => mb.toFixed(1)).join(' ')}`);
      // What grows is what is kept of each block: its names, and its coin as long as the cache of coins has room.
      expect(growth).toBeLessThan(8 * 2);
    });
  });

  it('a reorg of depth 100 with blocks of 900 payments, a piece at a time', async () => {
    const params = benchParams(1);
    const [genesisTx] = params.genesis.txs;
    const start = spend({ txid: genesisTx!.txid, index: 0 }, genesisTx!.outputs[0]!.value);
    // One signature for all: nobody looks at it here.
    const { witness } = start.inputs[0]!;
    const paying = (txid: Uint8Array, index: number, values: readonly number[]): Tx =>
      makeTx({
        version: 2,
        inputs: [{ prevout: { txid, index }, script: new Uint8Array(), sequence: 0xffff_fffd, witness }],
        outputs: values.map((value) => ({ value, script: SCRIPT })),
        lockTime: 0,
      });
    const { value } = genesisTx!.outputs[0]!;
    const share = Math.floor((value - FEE) / PAYMENTS);
    const fan = paying(
      genesisTx!.txid,
      0,
      Array.from({ length: PAYMENTS }, () => share),
    );
    const branch = (length: number, startS: number): Block[] => {
      const chain: Block[] = [];
      // The fan pays a little more than its fee, which the coinbase leaves.
      extend(params, chain, [fan], startS);
      let coins = Array.from({ length: PAYMENTS }, (_, i) => ({ txid: fan.txid, index: i, value: share }));
      while (chain.length < length) {
        const txs = coins.map((coin) => paying(coin.txid, coin.index, [coin.value - FEE]));
        extend(params, chain, txs, startS);
        coins = txs.map((tx) => ({ txid: tx.txid, index: 0, value: tx.outputs[0]!.value }));
      }
      return chain;
    };
    const ours = branch(100, BENCH_TIME_S);
    const theirs = branch(101, BENCH_TIME_S + 1_000);
    expect(ours[5]!.id).not.toBe(theirs[5]!.id);
    await inDir(params, async (rig) => {
      await rig.follow(ours);
      const before = heapMb();
      rig.longestMs = 0;
      rig.peakMb = 0;
      await rig.follow(theirs);
      expect(rig.node.view.chain.tip.id).toBe(theirs.at(-1)!.id);
      console.log(
        `heap before ${before.toFixed(0)} MB, at most ${rig.peakMb.toFixed(0)} MB; longest step ${rig.longestMs.toFixed(0)} ms`,
      );
      // 200 parsed bodies of this size were 700 MB and more.
      expect(rig.peakMb - before).toBeLessThan(600);
    });
  });
});
