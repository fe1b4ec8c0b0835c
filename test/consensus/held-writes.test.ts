import { describe, expect, it } from 'vitest';
import { makeBlock } from '../../src/bitcoin/block.ts';
import { Chain } from '../../src/consensus/chain/chain.ts';
import { checkBlock, plainReading } from '../../src/consensus/validate/check.ts';
import { decodeValue } from '../../src/node/record/decode-value.ts';
import { encodeValue } from '../../src/node/record/encode-step.ts';
import { finish } from '../../src/util/steps.ts';
import { MemoryStore } from '../dsl/memory-store.ts';
import { LAB } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';

const LENGTH = 40;
const names = Array.from({ length: LENGTH }, (_, i) => String(i + 1));
const world = new World(LAB).draw(['G', ...names].join('-'));

/** A chain that knows all headers and no body. */
function headersOnly(heldBytes?: number): { chain: Chain; store: MemoryStore } {
  const store = new MemoryStore();
  const bounds = heldBytes === undefined ? {} : { bounds: { heldBytes } };
  const chain = new Chain({ params: LAB, store, index: [], verify: () => true, ...bounds });
  for (const name of names) {
    expect(chain.addHeader(world.get(name).block.header, world.wallS)).toMatchObject({ ok: true });
  }
  store.commit(chain.takeWrites().writes);
  return { chain, store };
}

function addBody(chain: Chain, name: string): void {
  const checked = checkBlock(world.bytes(name), LAB);
  if (!checked.ok) throw new Error(checked.error.rule);
  expect(chain.addBlock(checked.value, world.wallS).ok).toBe(true);
}

describe('bodies far behind the best header', () => {
  it('wait for the durable batch of the next tip, and can be read meanwhile', () => {
    const { chain, store } = headersOnly();
    for (const name of ['1', '2', '3']) {
      addBody(chain, name);
      expect(chain.takeWrites()).toEqual({ writes: [], durable: false });
      expect(chain.blockBytes(chain.entry(world.get(name).block.hash)!)).toEqual(world.bytes(name));
    }
    while (chain.connecting) chain.connectPiece(1_000_000);
    const { writes, durable } = chain.takeWrites();
    expect(durable).toBe(true);
    store.commit(writes);
    const reopened = new Chain({ params: LAB, store, index: store.rows(), verify: () => true });
    expect(world.nameOf(reopened.tip.id)).toBe('3');
    expect(reopened.block(reopened.tip)!.bytes).toEqual(world.bytes('3'));
  });

  it('are made when their row is written, if the block was put together here, and are in every account of it', () => {
    const { chain, store } = headersOnly();
    const { block } = world.get('1');
    const made = makeBlock(block.header, block.txs);
    const checked = finish(plainReading().check({ block: made }, LAB, 1_000_000));
    if (!checked.ok) throw new Error(checked.error.rule);
    expect(chain.addBlock(checked.value, world.wallS).ok).toBe(true);
    expect(made.encoded).toBe(false);
    const { writes } = chain.takeWrites(true);
    expect(made.encoded).toBe(false);
    expect(decodeValue(encodeValue(writes))).toMatchObject({
      value: expect.arrayContaining([expect.objectContaining({ value: world.bytes('1') })]),
    });
    store.commit(writes);
    expect(chain.blockBytes(chain.entry(block.hash)!)).toEqual(world.bytes('1'));
  });

  it('are given at once when they are asked for', () => {
    const { chain } = headersOnly();
    addBody(chain, '1');
    expect(chain.takeWrites(true).writes.length).toBeGreaterThan(0);
    expect(chain.takeWrites(true).writes).toEqual([]);
  });

  it('are given, not durably, when they have grown too much', () => {
    const most = world.bytes('1').length + 1;
    const { chain, store } = headersOnly(most);
    addBody(chain, '1');
    expect(chain.takeWrites().writes).toEqual([]);
    addBody(chain, '2');
    const { writes, durable } = chain.takeWrites();
    expect(durable).toBe(false);
    store.commit(writes);
    const reopened = new Chain({ params: LAB, store, index: store.rows(), verify: () => true });
    for (const name of ['1', '2'])
      expect(reopened.entry(world.get(name).block.hash)).toMatchObject({ hasBody: true });
    expect(world.nameOf(reopened.tip.id)).toBe('G');
    while (reopened.connecting) reopened.connectPiece(1_000_000);
    expect(world.nameOf(reopened.tip.id)).toBe('2');
  });

  it('near the best header they are durable at once', () => {
    const { chain } = headersOnly();
    addBody(chain, names.at(-1)!);
    const { writes, durable } = chain.takeWrites();
    expect(durable).toBe(true);
    expect(writes.length).toBeGreaterThan(0);
  });
});
