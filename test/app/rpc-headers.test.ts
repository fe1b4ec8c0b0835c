import { describe, expect, it } from 'vitest';
import { deriveParams, paramsFromJson, paramsToJson } from '../../src/consensus/params/params.ts';
import { toHex } from '../../src/util/bytes.ts';
import { HEADER_170, MAIN_HEADERS } from '../dsl/main-headers.ts';
import { REGTEST, templates } from '../dsl/networks.ts';
import { World } from '../dsl/world.ts';
import { RpcHarness } from './rpc-harness.ts';

const MAIN = deriveParams(templates().get('main-headers')!, { label: 'main-headers', timeS: 0 });
const NOW = 1_700_000_000;

describe('main-headers', () => {
  it("has Bitcoin's genesis, and comes back from its own JSON", () => {
    expect(MAIN.genesisId).toBe('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f');
    const { time, bits, nonce } = MAIN.genesis.header;
    expect([time, bits, nonce]).toEqual([1231006505, 0x1d00ffff, 2083236893]);
    const back = paramsFromJson(JSON.parse(JSON.stringify(paramsToJson(MAIN))));
    expect(back.ok && back.value).toEqual(MAIN);
  });

  it("takes the first ten headers of Bitcoin's chain, in order, and shows them", async () => {
    const rpc = new RpcHarness(MAIN, NOW);
    expect(await rpc.refusal('submitheader', MAIN_HEADERS[1]![0])).toBe(
      `-25 Must submit previous header (${MAIN_HEADERS[0]![1]}) first`,
    );
    for (const [hex] of MAIN_HEADERS) expect(await rpc.call('submitheader', hex)).toBeNull();
    // Again is no error, and nothing new.
    expect(await rpc.call('submitheader', MAIN_HEADERS[4]![0])).toBeNull();
    expect(await rpc.object('getblockheader', MAIN_HEADERS[9]![1])).toMatchObject({
      height: 10,
      time: 1231473952,
      mediantime: 1231471428,
      nonce: 1709518110,
      difficulty: 1,
      chainwork: '0000000000000000000000000000000000000000000000000000000b000b000b',
      previousblockhash: MAIN_HEADERS[8]![1],
      confirmations: -1,
    });
    expect(await rpc.call('getblockheader', MAIN_HEADERS[9]![1], false)).toBe(MAIN_HEADERS[9]![0]);
    expect(await rpc.object('getblockchaininfo')).toMatchObject({
      chain: 'main-headers',
      blocks: 0,
      headers: 10,
    });
    expect(await rpc.call('getchaintips')).toEqual([
      { height: 10, hash: MAIN_HEADERS[9]![1], branchlen: 10, status: 'headers-only' },
      { height: 0, hash: MAIN.genesisId, branchlen: 0, status: 'active' },
    ]);
    const told = rpc.log.filter((event) => event.kind === 'header');
    expect(told.map((event) => event.kind === 'header' && event.height)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  it('refuses a header by the rule that it breaks', async () => {
    const rpc = new RpcHarness(MAIN, NOW);
    const [first] = MAIN_HEADERS[0]!;
    const edited = (at: number, hex: string) => first.slice(0, at) + hex + first.slice(at + hex.length);
    // Another nonce, other bits, another merkle root: none of it was worked for.
    expect(await rpc.refusal('submitheader', edited(152, '02'))).toContain('-25 high-hash');
    expect(await rpc.refusal('submitheader', edited(144, 'ffff7f20'))).toContain('-25 high-hash');
    expect(await rpc.refusal('submitheader', edited(72, '00'))).toContain('-25 high-hash');
    expect(await rpc.refusal('submitheader', HEADER_170)).toMatch(/^-25 Must submit previous header/);
    expect(await rpc.refusal('submitheader', first.slice(2))).toBe('-22 Block header decode failed');
    expect(await rpc.refusal('submitheader', first + '00')).toBe('-22 Block header decode failed');
    expect(await rpc.refusal('submitheader', 'zz')).toBe('-22 Block header decode failed');
    const early = new RpcHarness(MAIN, 1_231_000_000);
    expect(await early.refusal('submitheader', first)).toContain('-25 time-too-new');
    expect(await rpc.object('getblockchaininfo')).toMatchObject({ headers: 0 });
  });

  it('says why nothing is mined or sent on it', async () => {
    const rpc = new RpcHarness(MAIN, NOW);
    const why = 'main-headers is for header chains: nothing is mined or sent on it';
    const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
    expect(await rpc.refusal('generatetoaddress', 1, address)).toContain(why);
    expect(await rpc.refusal('setmining', { on: true, payout: address } as never)).toContain(why);
    expect(await rpc.refusal('getblocktemplate', { rules: ['segwit'] })).toContain(why);
    expect(await rpc.call('submitblock', toHex(MAIN.genesis.bytes))).toBe('headers-only');
    const payment = new World(REGTEST).draw('G-1').get('1').block.txs[0]!;
    expect(await rpc.refusal('sendrawtransaction', toHex(payment.bytes))).toBe(`-26 headers-only, ${why}`);
  });

  it('asks for versions as Bitcoin did: any, then 2, 3 and 4 from their heights on', async () => {
    expect(MAIN.softForks).toEqual({ bip34: 227931, bip66: 363725, bip65: 388381 });
    const params = { ...REGTEST, softForks: { bip34: 2, bip66: 3, bip65: 4 } };
    // Least version that is taken at heights 1 to 5.
    for (const [i, least] of [-5, 2, 3, 4, 4].entries()) {
      const world = new World(params).draw(['G', '1', '2', '3', '4'].slice(0, i + 1).join('-'));
      const rpc = new RpcHarness(params, world.wallS);
      for (const name of world.names) await rpc.call('submitheader', toHex(world.bytes(name).slice(0, 80)));
      const parent = world.get(i === 0 ? 'G' : String(i));
      const hex = (name: string, version: number) =>
        toHex(world.add(name, parent, { version }).block.bytes.slice(0, 80));
      expect(await rpc.call('submitheader', hex('good', least))).toBeNull();
      if (least > 0)
        expect(await rpc.refusal('submitheader', hex('old', least - 1))).toContain('-25 bad-version');
    }
  });
});

describe('submitheader on a network with bodies', () => {
  it('keeps the header, and its block becomes the tip when the body comes', async () => {
    const world = new World(REGTEST).draw('G-1-2');
    const rpc = new RpcHarness(REGTEST, world.wallS);
    for (const name of ['1', '2'])
      expect(await rpc.call('submitheader', toHex(world.bytes(name).slice(0, 80)))).toBeNull();
    expect(await rpc.object('getblockchaininfo')).toMatchObject({ blocks: 0, headers: 2 });
    for (const name of ['1', '2']) expect(await rpc.call('submitblock', toHex(world.bytes(name)))).toBeNull();
    expect(await rpc.object('getblockchaininfo')).toMatchObject({ blocks: 2, bestblockhash: world.id('2') });
  });
});
