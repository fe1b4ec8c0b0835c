import { existsSync } from 'node:fs';
import { type ReorgEvent, RpcFailure, Yard } from 'forkyard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The library as another project's test uses it: through the package's own entry, built. */

describe('a yard in a test', () => {
  let yard: Yard;

  beforeAll(async () => {
    yard = await Yard.launch({ nodes: 3 });
  });

  afterAll(async () => {
    const { dir } = yard;
    await yard.close();
    expect(existsSync(dir)).toBe(false);
  });

  const height = (letter: string) => yard.node(letter).rpc<number>('getblockcount');

  it('is regtest, quiet, and mines 101 blocks that all nodes have', async () => {
    expect(yard.nodes.map((node) => node.letter)).toEqual(['A', 'B', 'C']);
    const began = performance.now();
    const ids = await yard.mine(101);
    expect(new Set(ids).size).toBe(101);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(await Promise.all(['A', 'B', 'C'].map(height))).toEqual([101, 101, 101]);
  });

  it('answers like Bitcoin Core, with credentials for any client', async () => {
    const b = yard.node('B');
    const { user, password } = b.credentials;
    const answer = await fetch(b.url, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'getbestblockhash', params: [] }),
    });
    expect(((await answer.json()) as { result: string }).result).toBe(
      await yard.node('A').rpc('getbestblockhash'),
    );
    const refused = yard.node('A').rpc('getblockhash', 100_000);
    await expect(refused).rejects.toBeInstanceOf(RpcFailure);
    await expect(refused).rejects.toMatchObject({ code: -8 });
  });

  it('funds an address, and the payment is on every node', async () => {
    const txid = await yard.fund(yard.address('alice'), '1.5');
    for (const node of yard.nodes) {
      const places = await node.rpc<{ state: string; confirmations: number }[]>('findtx', txid);
      expect(places).toMatchObject([{ state: 'block', confirmations: 1 }]);
    }
  });

  it('cuts and heals: the side with less work is reorganised, and heal says so', async () => {
    await yard.partition('AB/C');
    await yard.mine(2, { on: 'C' });
    await yard.mine(3, { on: 'A' });
    expect((await height('A')) - (await height('C'))).toBe(1);
    const reorgs = await yard.heal();
    expect(reorgs).toMatchObject([{ node: 'C', depth: 2, length: 3, because: 'work' }]);
    expect(new Set(await Promise.all(['A', 'B', 'C'].map(height))).size).toBe(1);
  });

  it('a reorg keeps, delays, drops and conflicts payments as asked, by work, on every node', async () => {
    await yard.fund('alice', 4);
    await yard.fund('bob', 4);
    await yard.fund('carol', 4);
    await yard.fund('dave', 4);
    const [kept, later, dropped, lost] = [
      await yard.send('alice', 'erin', 1),
      await yard.send('bob', 'erin', 1),
      await yard.send('carol', 'erin', 1),
      await yard.send('dave', 'erin', 1),
    ];
    await yard.mine(1);
    const seen: ReorgEvent[] = [];
    const events = yard.events();
    const watching = (async () => {
      for await (const event of events) {
        if (event.kind === 'reorg') seen.push(event);
        if (seen.length === 3) break;
      }
    })();
    const before = await height('A');
    const reorg = await yard.reorg({
      depth: 2,
      lead: 2,
      tx: { [later]: { later: 2 }, [dropped]: 'drop', [lost]: { conflict: yard.address('frank') } },
    });
    await watching;
    expect(reorg).toEqual(seen.find((event) => event.node === 'A'));
    expect(seen.map((event) => event.node).sort()).toEqual(['A', 'B', 'C']);
    expect(reorg).toMatchObject({ kind: 'reorg', depth: 2, length: 3, because: 'work' });
    expect(await height('A')).toBe(before + 2);
    expect(reorg.fork.height).toBe(before - 2);
    for (const node of yard.nodes) {
      const where = async (txid: string) =>
        (await node.rpc<{ state: string; block?: { height: number } }[]>('findtx', txid))[0];
      expect(await where(kept)).toMatchObject({ state: 'block', block: { height: before } });
      expect(await where(later)).toMatchObject({ state: 'block', block: { height: before + 2 } });
      expect(await where(dropped)).toMatchObject({ state: 'pool' });
      expect((await where(lost))?.state).not.toBe('block');
      expect((await where(lost))?.state).not.toBe('pool');
    }
  });

  it('goes back to a snapshot', async () => {
    const before = await yard.node('A').rpc('getbestblockhash');
    await yard.snapshot('here');
    await yard.mine(2);
    expect(await yard.node('A').rpc('getbestblockhash')).not.toBe(before);
    await yard.restore('here');
    expect((await yard.settled()).id).toBe(before);
  });

  it('comes back after a kill', async () => {
    const tip = (await yard.settled()).id;
    await yard.kill('B');
    await expect(yard.node('B').rpc('getblockcount')).rejects.toBeInstanceOf(RpcFailure);
    await yard.mine(1);
    await yard.start('B');
    expect(await yard.node('B').rpc('getbestblockhash')).not.toBe(tip);
    expect((await yard.settled()).id).toBe(await yard.node('B').rpc('getbestblockhash'));
  });

  it('refuses in a sentence what cannot be', async () => {
    await expect(yard.partition('AB')).rejects.toThrow(/C is in no group/);
    await expect(yard.reorg({ depth: 0 })).rejects.toThrow(/depth must be a whole number/);
    await expect(yard.reorg({ depth: 1, tx: { ['0'.repeat(64)]: 'drop' } })).rejects.toThrow(
      /is in none of the 1 blocks/,
    );
    await expect(yard.restore('nothing')).rejects.toThrow(/no snapshot 'nothing'/);
  });

  it('a second yard beside it is a world of its own', async () => {
    await using other = await Yard.launch({ nodes: 1 });
    await other.mine(1);
    expect(await other.node('A').rpc('getblockcount')).toBe(1);
    expect(other.node('A').url).not.toBe(yard.node('A').url);
  });
});
