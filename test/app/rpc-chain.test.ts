import { beforeEach, describe, expect, it } from 'vitest';
import { decodeBlock } from '../../src/bitcoin/block.ts';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';
import { fromHex, toHex } from '../../src/util/bytes.ts';
import { RpcHarness, regtest } from './rpc-harness.ts';

/** Bitcoin Core's own words about its regtest genesis block (getblock … 2, v29). */
const GENESIS = {
  hash: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
  confirmations: 1,
  height: 0,
  version: 1,
  versionHex: '00000001',
  merkleroot: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  time: 1296688602,
  mediantime: 1296688602,
  nonce: 2,
  bits: '207fffff',
  target: '7fffff0000000000000000000000000000000000000000000000000000000000',
  difficulty: 4.656542373906925e-10,
  chainwork: '0000000000000000000000000000000000000000000000000000000000000002',
  nTx: 1,
  strippedsize: 285,
  size: 285,
  weight: 1140,
};
const GENESIS_KEY =
  '04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f';
const GENESIS_TX = {
  txid: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  hash: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  version: 1,
  size: 204,
  vsize: 204,
  weight: 816,
  locktime: 0,
  vin: [
    {
      coinbase:
        '04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73',
      sequence: 4294967295,
    },
  ],
  vout: [
    {
      value: 50,
      n: 0,
      scriptPubKey: {
        asm: `${GENESIS_KEY} OP_CHECKSIG`,
        desc: `pk(${GENESIS_KEY})#vlz6ztea`,
        hex: `41${GENESIS_KEY}ac`,
        type: 'pubkey',
      },
    },
  ],
};
const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const OTHER = 'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6';
const NEVER = '00'.repeat(32);

let node: RpcHarness;
beforeEach(() => {
  node = new RpcHarness(regtest(), 1_700_000_000);
});

const mine = async (blocks: number, address = ADDRESS) =>
  (await node.call('generatetoaddress', blocks, address)) as string[];

describe('methods that look at the view alone', () => {
  it('never read the disk: they may run while a batch is being written', async () => {
    const ids = await mine(102);
    const genesis = (await node.object('getblock', ids[0]!, 2)) as { tx: JsonObject[] };
    const txid = genesis.tx[0]!['txid'] as string;
    const calls: Record<string, JsonInput[]> = {
      getblockhash: [1],
      getblockheader: [ids[0]!],
      getmempoolentry: [NEVER],
      gettxspendingprevout: [[{ txid, vout: 0 }]],
    };
    const methods = node.registry.names.filter((name) => node.registry.find(name).looks === 'view');
    expect(methods).toContain('getblockcount');
    expect(methods.length).toBeGreaterThan(15);
    for (const name of methods) {
      const before = node.diskReads;
      const said = await node.refusal(name, ...(calls[name] ?? []));
      expect([name, said]).toEqual([name, expect.stringMatching(/^answered|^-5 Transaction not in mempool/)]);
      expect([name, node.diskReads - before]).toEqual([name, 0]);
    }
    // The counter counts.
    const before = node.diskReads;
    await node.call('gettxoutsetinfo');
    expect(node.diskReads).toBeGreaterThan(before);
  });
});

describe('the chain, in Bitcoin Core’s words', () => {
  it('tells the genesis block as Core does', async () => {
    const { tx, ...rest } = await node.object('getblock', GENESIS.hash, 2);
    expect(rest).toEqual(GENESIS);
    expect(tx).toEqual([{ ...GENESIS_TX, hex: expect.stringMatching(/^01000000010000/) }]);
    const hex = (await node.call('getblock', GENESIS.hash, 0)) as string;
    expect(hex.length).toBe(570);
    expect(await node.call('getblockheader', GENESIS.hash, false)).toBe(hex.slice(0, 160));
    const { strippedsize: _1, size: _2, weight: _3, ...header } = GENESIS;
    expect(await node.object('getblockheader', GENESIS.hash)).toEqual(header);
    expect(await node.text('getblock', [GENESIS.hash, 2])).toContain('"value":50.00000000,');
  });

  it('getblockchaininfo at the start', async () => {
    expect(await node.object('getblockchaininfo')).toEqual({
      chain: 'regtest',
      blocks: 0,
      headers: 0,
      bestblockhash: GENESIS.hash,
      bits: '207fffff',
      target: GENESIS.target,
      difficulty: GENESIS.difficulty,
      time: GENESIS.time,
      mediantime: GENESIS.time,
      verificationprogress: 1,
      initialblockdownload: expect.any(Boolean),
      chainwork: GENESIS.chainwork,
      size_on_disk: 4096,
      pruned: false,
      warnings: [],
    });
  });

  it('links blocks both ways, and counts confirmations', async () => {
    const ids = await mine(3);
    expect(await node.call('getblockcount')).toBe(3);
    expect(await node.call('getbestblockhash')).toBe(ids[2]);
    expect(await node.call('getblockhash', 2)).toBe(ids[1]);
    expect(await node.object('getblock', ids[1]!)).toMatchObject({
      confirmations: 2,
      height: 2,
      previousblockhash: ids[0],
      nextblockhash: ids[2],
      nTx: 1,
      tx: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
    expect(await node.object('getblock', ids[2]!)).not.toHaveProperty('nextblockhash');
  });

  it('refuses what does not exist, in Core’s words', async () => {
    expect(await node.refusal('getblockhash', 1)).toBe('-8 Block height out of range');
    expect(await node.refusal('getblockhash', -1)).toBe('-8 Block height out of range');
    expect(await node.refusal('getblock', NEVER)).toBe('-5 Block not found');
    expect(await node.refusal('getblock', 'abc')).toBe(
      "-8 blockhash must be of length 64 (not 3, for 'abc')",
    );
    expect(await node.refusal('getblock', 'z'.repeat(64))).toBe(
      `-8 blockhash must be hexadecimal string (not '${'z'.repeat(64)}')`,
    );
    expect(await node.refusal('getblock', 3)).toContain('-3 Wrong type passed: position 1 (blockhash)');
  });

  it('shows a branch that lost: tips, confirmations -1, and both ways back', async () => {
    const [, second, third] = (await mine(3)) as [string, string, string];
    expect(await node.call('invalidateblock', second)).toBe(null);
    expect(await node.call('getblockcount')).toBe(1);
    expect(await node.object('getblock', third)).toMatchObject({ confirmations: -1, height: 3 });
    const other = await mine(1, OTHER);
    expect(await node.call('getchaintips')).toEqual([
      { height: 3, hash: third, branchlen: 2, status: 'invalid' },
      { height: 2, hash: other[0], branchlen: 0, status: 'active' },
    ]);
    await node.call('reconsiderblock', third);
    expect(await node.call('getbestblockhash')).toBe(third);
    expect(await node.call('getchaintips')).toEqual([
      { height: 3, hash: third, branchlen: 0, status: 'active' },
      { height: 2, hash: other[0], branchlen: 1, status: 'valid-fork' },
    ]);
    expect(await node.refusal('invalidateblock', GENESIS.hash)).toMatch(/^-8 /);
    expect(await node.refusal('invalidateblock', NEVER)).toBe('-5 Block not found');
  });

  it('preciousblock turns a tie', async () => {
    const [first] = (await mine(1)) as [string];
    await node.call('invalidateblock', first);
    const [rival] = (await mine(1, OTHER)) as [string];
    await node.call('reconsiderblock', first);
    const tip = (await node.call('getbestblockhash')) as string;
    const loser = tip === first ? rival : first;
    await node.call('preciousblock', loser);
    expect(await node.call('getbestblockhash')).toBe(loser);
  });

  it('getblocktree shows every branch with work', async () => {
    const [first, second] = (await mine(2)) as [string, string];
    await node.call('invalidateblock', second);
    const [rival] = (await mine(1, OTHER)) as [string];
    const tree = await node.object('getblocktree', 5);
    expect(tree['tip']).toBe(rival);
    const blocks = tree['blocks'] as JsonObject[];
    expect(blocks.map(({ id, height, work, active, status }) => [id, height, work, active, status])).toEqual([
      [GENESIS.hash, 0, '2', true, 'active'],
      [first, 1, '4', true, 'active'],
      [second, 2, '6', false, 'invalid'],
      [rival, 2, '6', true, 'active'],
    ]);
    expect(blocks[1]).toMatchObject({ prev: GENESIS.hash, miner: 'A', txs: 1 });
  });
});

describe('waiting', () => {
  it('answers when the tip comes, when the height is there, or when the time is over', async () => {
    const signal = new AbortController().signal;
    const next = node.text('waitfornewblock', [], signal);
    const third = node.text('waitforblockheight', [3, 0], signal);
    const [id] = (await mine(1)) as [string];
    expect(JSON.parse(await next)).toEqual({ hash: id, height: 1 });
    const ids = await mine(2);
    expect(JSON.parse(await third)).toEqual({ hash: ids[1], height: 3 });
    expect(await node.object('waitforblock', ids[1]!)).toEqual({ hash: ids[1], height: 3 });
    expect(await node.object('waitforblockheight', 99, 1)).toEqual({ hash: ids[1], height: 3 });
    expect(await node.object('waitfornewblock', 0, GENESIS.hash)).toEqual({ hash: ids[1], height: 3 });
  });

  it('ends when the caller hangs up', async () => {
    const hangUp = new AbortController();
    const waiting = node.text('waitfornewblock', [], hangUp.signal);
    hangUp.abort();
    expect(JSON.parse(await waiting)).toEqual({ hash: GENESIS.hash, height: 0 });
  });
});

describe('mining', () => {
  it('generatetoaddress makes real blocks, tagged and paid', async () => {
    const ids = await mine(2);
    const block = await node.object('getblock', ids[1]!, 2);
    const [coinbase] = block['tx'] as JsonObject[];
    expect((coinbase!['vout'] as JsonObject[])[0]).toMatchObject({
      value: 50,
      scriptPubKey: { address: ADDRESS },
    });
    expect(Number.parseInt(ids[1]!.slice(0, 2), 16)).toBeLessThan(0x80);
    expect(await node.refusal('generatetoaddress', 1, 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toMatch(
      /^-5 Invalid address: /,
    );
    expect(await node.call('generatetoaddress', 0, ADDRESS)).toEqual([]);
    expect(await node.call('generatetoaddress', 5, ADDRESS, 0)).toEqual([]);
    expect(await node.refusal('generatetoaddress', -1, ADDRESS)).toMatch(/^-8 nblocks out of range/);
  });

  it('submitblock answers as BIP22 says', async () => {
    const other = new RpcHarness(regtest(), 1_700_000_000);
    const [first, second] = (await other.call('generatetoaddress', 2, OTHER)) as [string, string];
    const hexOf = (id: string) => other.call('getblock', id, 0);
    expect(await node.call('submitblock', await hexOf(second))).toBe('prev-blk-not-found');
    expect(await node.call('submitblock', await hexOf(first))).toBe(null);
    expect(await node.call('submitblock', await hexOf(first))).toBe('duplicate');
    await mine(3);
    expect(await node.call('submitblock', await hexOf(second))).toBe('inconclusive');
    expect(await node.refusal('submitblock', '00')).toBe('-22 Block decode failed');
    expect(await node.refusal('submitblock', 'zz')).toBe('-22 Block decode failed');
    const bad = fromHex((await hexOf(second)) as string)!;
    bad[36] = bad[36]! ^ 1;
    expect(['high-hash', 'bad-txnmrklroot']).toContain(await node.call('submitblock', toHex(bad)));
  });

  it('getblocktemplate is enough to make a block elsewhere', async () => {
    const template = await node.object('getblocktemplate', { rules: ['segwit'] });
    expect(template).toMatchObject({
      previousblockhash: GENESIS.hash,
      transactions: [],
      coinbasevalue: 50_0000_0000,
      target: GENESIS.target,
      bits: '207fffff',
      height: 1,
      mintime: GENESIS.time + 1,
    });
    expect(template['default_witness_commitment']).toMatch(/^6a24aa21a9ed[0-9a-f]{64}$/);
  });

  it('getmininginfo and getnetworkhashps', async () => {
    await mine(2);
    expect(await node.object('getmininginfo')).toMatchObject({
      blocks: 2,
      bits: '207fffff',
      pooledtx: 0,
      chain: 'regtest',
      blockmintxfee: 0.00001,
      next: { height: 3, bits: '207fffff', target: GENESIS.target },
    });
    expect(await node.call('getnetworkhashps')).toBeGreaterThan(0);
    expect(await node.refusal('getnetworkhashps', 1, 77)).toBe('-8 Block does not exist at specified height');
  });

  it('setmining drives the miner and goes back to what was before an order', async () => {
    expect(await node.refusal('setmining', true)).toMatch(/^-8 mining needs a payout address/);
    const on = await node.object('setmining', true, 5_000, null, null, ADDRESS);
    expect(on).toMatchObject({ on: true, cap: 5_000, payout: ADDRESS, held: false });
    expect(node.jobs.at(-1)).toMatchObject({ height: 1, prev: GENESIS.hash });
    const order = await node.object('setmining', { uncapped: true, blocks: 1 });
    expect(order).toMatchObject({ on: true, cap: 0, blocks: 1 });
    const job = node.jobs.at(-1)!;
    for (let nonce = 0; (await node.call('getblockcount')) === 0; nonce++)
      node.step({ kind: 'solved', job: job.id, nonce, tries: nonce + 1, ms: 1 });
    expect(node.log.some((event) => event.kind === 'mining' && !event.on)).toBe(true);
    await expect
      .poll(() => node.object('getminerinfo'))
      .toMatchObject({ mined: 1, on: true, cap: 5_000, blocks: null });
    expect(node.jobs.at(-1)).toMatchObject({ height: 2 });
    expect(await node.object('setmining', false)).toMatchObject({ on: false });
    expect(node.jobs.at(-1)).toBeUndefined();
  });

  it('setmining changes threads and kernel: another miner goes on with the job', async () => {
    await node.object('setmining', true, 5_000, null, null, ADDRESS);
    const [first] = node.miners;
    expect(node.miners).toHaveLength(1);
    const refit = await node.object('setmining', { threads: 3, kernel: 'javascript' });
    expect(refit).toMatchObject({ threads: 3, kernelOption: 'javascript', on: true, cap: 5_000 });
    const second = node.miners[1]!;
    expect([first!.closed, second.closed]).toEqual([true, false]);
    expect(second.options).toEqual({ hashrate: 5_000, threads: 3, kernel: 'javascript' });
    expect(second.job).toEqual(first!.job);
    await node.object('setmining', { threads: 3 });
    expect(node.miners).toHaveLength(2);
    expect(await node.refusal('setmining', { kernel: 'fast' })).toMatch(/^-8 there is no kernel 'fast'/);
    expect(await node.refusal('setmining', { threads: 0 })).toMatch(/^-8 /);
    expect(await node.object('getminerinfo')).toMatchObject({ threads: 3, kernelOption: 'javascript' });
  });
});

it('decodes what it serves', async () => {
  const [id] = (await mine(1)) as [string];
  const block = decodeBlock(fromHex((await node.call('getblock', id, 0)) as string)!);
  expect(block.ok && block.value.id).toBe(id);
});
