import { Yard } from 'forkyard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Indexer, NaiveIndexer, type Rpc } from './indexers.ts';

let yard: Yard;
let rpc: Rpc;

beforeAll(async () => {
  yard = await Yard.launch({ nodes: 2 });
  const node = yard.node('A');
  rpc = (method, ...params) => node.rpc(method, ...params);
}, 60_000);

afterAll(() => yard.close());

describe('an indexer over a reorg', () => {
  it('must take back a payment whose coin was spent otherwise', async () => {
    await yard.fund('alice', 10);
    const [bob, carol] = [yard.address('bob'), yard.address('carol')];
    const payment = await yard.send('alice', 'bob', '1.5');
    await yard.mine(2);

    const naive = new NaiveIndexer(rpc);
    const careful = new Indexer(rpc);
    for (const indexer of [naive, careful]) {
      await indexer.sync();
      expect(indexer.balances.get(bob)).toBe(150_000_000);
    }

    // Both blocks are undone by a branch with more work, in which the coin goes to carol: a real reorg, on every node.
    const reorg = await yard.reorg({ depth: 2, lead: 1, tx: { [payment]: { conflict: carol } } });
    expect(reorg).toMatchObject({ depth: 2, because: 'work' });
    for (const indexer of [naive, careful]) await indexer.sync();

    // The naive one still shows the money, and knows nothing of carol's: it has read those heights already.
    expect(naive.balances.get(bob)).toBe(150_000_000);
    expect(naive.balances.get(carol)).toBeUndefined();

    expect(careful.balances.get(bob)).toBe(0);
    expect(careful.balances.get(carol)).toBeGreaterThan(0);
    expect(careful.balances).toEqual(await everythingAnew());
  }, 60_000);
});

/** What somebody finds who reads the chain now for the first time. */
async function everythingAnew(): Promise<Map<string, number>> {
  const fresh = new NaiveIndexer(rpc);
  await fresh.sync();
  // Whoever has taken something back has a zero where this one has nothing.
  return new Map([[yard.address('bob'), 0], ...fresh.balances]);
}
