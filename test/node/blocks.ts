import { type Block, decodeBlock, makeBlock } from '../../src/bitcoin/block.ts';
import { encodeHeader, type Header, headerHash } from '../../src/bitcoin/header.ts';
import { merkleRoot } from '../../src/bitcoin/merkle.ts';
import { compactToTarget, meets } from '../../src/bitcoin/target.ts';
import { makeTx, type Tx } from '../../src/bitcoin/tx.ts';
import type { Params } from '../../src/consensus/params/params.ts';
import { concat } from '../../src/util/bytes.ts';
import { Net, type NetOptions } from './net.ts';

/** A chain mined by one node on its own: blocks 1 … n, honest in every way. */
export function honestChain(
  params: Params,
  blocks: number,
  o: NetOptions & { readonly miner?: string; readonly pauseMs?: number } = {},
): Block[] {
  const { miner = 'M', pauseMs, ...options } = o;
  const net = new Net({ params, ...options });
  const [node] = net.add(miner);
  net.mine(miner, blocks, pauseMs);
  const { chain } = node!.node.view;
  return Array.from({ length: blocks }, (_, i) => chain.block(chain.atHeight(i + 1)!)!);
}

/** The header with a nonce that meets its own bits. */
function remined(header: Header): Header {
  const { target } = compactToTarget(header.bits);
  for (let nonce = 0; ; nonce++) {
    const mined = { ...header, nonce };
    if (meets(headerHash(mined), target)) return mined;
  }
}

/** A header without proof of work. */
export function unmined(header: Header): Header {
  const { target } = compactToTarget(header.bits);
  for (let nonce = 0; ; nonce++) {
    const bad = { ...header, nonce };
    if (!meets(headerHash(bad), target)) return bad;
  }
}

/** The body of `block` under another header, which is mined anew. */
export function withHeader(block: Block, change: Partial<Header>): Block {
  const header = encodeHeader(remined({ ...block.header, ...change }));
  const decoded = decodeBlock(concat(header, block.bytes.subarray(80)));
  if (!decoded.ok) throw new Error(decoded.error.what);
  return decoded.value;
}

/** A chain of bare headers on a header, all of them mined. */
export function headerChain(from: Header, length: number, stepS = 1): Uint8Array[] {
  const headers: Uint8Array[] = [];
  let prev = from;
  for (let i = 0; i < length; i++) {
    const root = new Uint8Array(32).fill(i % 251);
    prev = remined({ ...prev, prev: headerHash(prev), merkleRoot: root, time: prev.time + stepS });
    headers.push(encodeHeader(prev));
  }
  return headers;
}

/** The block with other transactions behind its coinbase, whose merkle root and proof of work fit. */
export function withTxs(block: Block, txs: readonly Tx[], change: Partial<Header> = {}): Block {
  const root = merkleRoot(txs.map((tx) => tx.txid)).root;
  return makeBlock(remined({ ...block.header, ...change, merkleRoot: root }), txs);
}

/** The block with a coinbase that claims so many satoshis more than it may: found in connect, not before. */
export function claimingMore(block: Block, satoshis: number, change: Partial<Header> = {}): Block {
  const [coinbase, ...rest] = block.txs;
  const [first, ...others] = coinbase!.outputs;
  const greedy = makeTx({
    version: coinbase!.version,
    inputs: coinbase!.inputs,
    outputs: [{ ...first!, value: first!.value + satoshis }, ...others],
    lockTime: coinbase!.lockTime,
  });
  return withTxs(block, [greedy, ...rest], change);
}
