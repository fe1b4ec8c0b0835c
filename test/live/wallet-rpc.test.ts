import { Yard } from 'forkyard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The two methods by which wallets and payment servers follow payments, over a real reorg. */

interface Listed {
  readonly txid: string;
  readonly category: string;
  readonly amount: number;
  readonly address: string;
  readonly confirmations: number;
}
interface Since {
  readonly transactions: readonly Listed[];
  readonly removed: readonly Listed[];
  readonly lastblock: string;
}

const STRANGER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let yard: Yard;
const since = (...params: (string | number)[]) => yard.node('B').rpc<Since>('listsinceblock', ...params);
const look = (txid: string) => yard.node('B').rpc<Record<string, unknown>>('gettransaction', txid);
const entriesOf = (list: readonly Listed[], txid: string) => list.filter((entry) => entry.txid === txid);

beforeAll(async () => {
  yard = await Yard.launch({ nodes: 2 });
  await yard.fund('alice', 4);
});

afterAll(() => yard.close());

describe('listsinceblock and gettransaction', () => {
  let paid: string;
  let undone: string;

  it('tell payments of watched addresses as Core’s wallet does', async () => {
    const before = (await since()).lastblock;
    paid = await yard.send('alice', 'bob', '1.5');
    const waiting = await since(before);
    const told = entriesOf(waiting.transactions, paid);
    expect(told).toMatchObject([
      { category: 'send', amount: -1.5, address: yard.address('bob'), confirmations: 0, trusted: false },
      { category: 'receive', amount: 1.5, address: yard.address('bob'), confirmations: 0 },
    ]);
    expect(waiting.removed).toEqual([]);
    await yard.mine(3);
    expect(entriesOf((await since(before)).transactions, paid)).toMatchObject([
      { confirmations: 3, blockindex: 1 },
      { confirmations: 3 },
    ]);
    const got = await look(paid);
    // Between two watched addresses only the fee is gone.
    expect(got).toMatchObject({ confirmations: 3, amount: 0, walletconflicts: [], txid: paid });
    expect(got['fee']).toBeLessThan(0);
    const deep = await since(before, 3);
    expect(deep.lastblock).toBe(await yard.node('B').rpc('getblockhash', (await yard.settled()).height - 2));
  });

  it('tell what a reorg removed, and count below zero what lost its coin', async () => {
    undone = (await yard.settled()).id;
    const reorg = await yard.reorg({
      depth: 3,
      lead: 2,
      tx: { [paid]: { conflict: yard.address('carol') } },
    });
    expect(reorg.depth).toBe(3);
    const list = await since(undone);
    const bob = yard.address('bob');
    expect(entriesOf(list.removed, paid)).toMatchObject([
      { category: 'send', address: bob, confirmations: -5 },
      { category: 'receive', address: bob, confirmations: -5 },
    ]);
    expect(entriesOf(list.transactions, paid).every((entry) => entry.confirmations === -5)).toBe(true);
    const conflict = list.transactions.find((e) => e.address === yard.address('carol'))!;
    expect(await look(paid)).toMatchObject({ confirmations: -5, walletconflicts: [conflict.txid] });
    expect(await yard.node('B').rpc<Since>('listsinceblock', undone, 1, true, false)).not.toHaveProperty(
      'removed',
    );
  });

  it('tell nothing of others until they are asked to watch them', async () => {
    const { height } = await yard.settled();
    const [block] = await yard.node('A').rpc<string[]>('generatetoaddress', 1, STRANGER);
    await yard.settled();
    const [txid] = (await yard.node('B').rpc<{ tx: string[] }>('getblock', block!)).tx;
    await expect(look(txid!)).rejects.toMatchObject({ code: -5, message: /non-wallet transaction/ });
    const wrong = [{ desc: 'addr(nonsense)' }, { desc: `addr(${STRANGER})`, timestamp: 'now' }];
    expect(await yard.node('B').rpc('importdescriptors', wrong)).toMatchObject([
      { success: false, error: { code: -5 } },
      { success: true },
    ]);
    expect(await look(txid!)).toMatchObject({
      generated: true,
      blockheight: height + 1,
      details: [{ category: 'immature', address: STRANGER }],
    });
    await yard.kill('B');
    await yard.start('B');
    expect(await look(txid!)).toMatchObject({ confirmations: 1 });
    await expect(since('11'.repeat(32))).rejects.toMatchObject({ code: -5, message: /Block not found/ });
  });
});
