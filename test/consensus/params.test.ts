import { describe, expect, it } from 'vitest';
import { hash160 } from '../../src/bitcoin/hash.ts';
import { parseLock } from '../../src/bitcoin/lock.ts';
import { publicKey } from '../../src/bitcoin/secp.ts';
import { compactToTarget, difficultyOf } from '../../src/bitcoin/target.ts';
import { WELL_KNOWN, wellKnownSecret } from '../../src/consensus/params/genesis.ts';
import {
  bitsFor,
  deriveParams,
  genesisCoins,
  type Params,
  paramsFromJson,
  paramsToJson,
  parseNetworks,
  scheduleUpTo,
  subsidyAt,
} from '../../src/consensus/params/params.ts';
import { usualRetarget } from '../../src/consensus/params/retarget-json.ts';
import { toHex } from '../../src/util/bytes.ts';
import { GENESIS_TIME, LAB, NETWORKS_JSON, REGTEST, templates, YARD } from '../dsl/networks.ts';

/** JSON as text and back, so that a test changes its own copy. */
const copy = (json: unknown) => JSON.parse(JSON.stringify(json));

/** Sets a field by its path; undefined removes it. */
function changed(json: unknown, path: string, value: unknown): unknown {
  const root = copy(json);
  const names = path.split('.');
  let at = root;
  for (const name of names.slice(0, -1)) at = at[name];
  if (value === undefined) delete at[names.at(-1)!];
  else at[names.at(-1)!] = value;
  return root;
}

describe('regtest', () => {
  it("is Bitcoin Core's, byte for byte", () => {
    expect(REGTEST.genesisId).toBe('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206');
    expect(REGTEST.genesis.txs[0]!.id).toBe(
      '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
    );
    const { header } = REGTEST.genesis;
    expect([header.version, header.time, header.bits, header.nonce]).toEqual([1, 1296688602, 0x207fffff, 2]);
    expect(REGTEST.genesis.bytes).toHaveLength(285);
    expect(difficultyOf(header.bits)).toBe(4.6565423739069247e-10);
    expect(REGTEST).toMatchObject({
      hrp: 'bcrt',
      wifPrefix: 239,
      halvingInterval: 150,
      maturity: 100,
      futureBoundS: 7200,
      subsidy: 50e8,
      genesisSpendable: false,
      retarget: { kind: 'none' },
    });
  });

  it('is one and the same whatever a yard on it is called', () => {
    const derived = deriveParams(templates().get('regtest')!, { label: 'mine', timeS: 5 });
    expect(derived.genesisId).toBe(REGTEST.genesisId);
  });
});

describe('a derived network', () => {
  it('has its own genesis by label, time and target, and the same one every time', () => {
    const template = templates().get('lab')!;
    const make = (label: string, timeS: number, bits: number) =>
      deriveParams(template, { label, timeS, bits }).genesisId;
    const ids = [
      make('a', 1, 0x207fffff),
      make('b', 1, 0x207fffff),
      make('a', 2, 0x207fffff),
      make('a', 1, 0x1f00ffff),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(make('a', 1, 0x207fffff)).toBe(ids[0]);
    expect(LAB.genesis.header).toMatchObject({ time: GENESIS_TIME, nonce: 0 });
  });

  it('gives ten well-known people five coins of 20 each, locked by their keys', () => {
    expect(genesisCoins(LAB)).toBe(1000e8);
    const { outputs } = LAB.genesis.txs[0]!;
    expect(outputs).toHaveLength(50);
    for (const [i, name] of WELL_KNOWN.entries()) {
      const key = publicKey(wellKnownSecret(name));
      for (let k = 0; k < 5; k++) {
        expect(outputs[5 * i + k]!.value).toBe(20e8);
        expect(parseLock(outputs[5 * i + k]!.script)).toEqual({ kind: 'p2wpkh', hash: hash160(key) });
      }
    }
    // SHA-256 of 'forkyard well-known key: alice', from sha256sum.
    expect(toHex(wellKnownSecret('alice'))).toBe(
      '56503400e3a23239293fc53b35c6993dab93a92b132dc7c0da519cf03e777b47',
    );
  });

  it('scales the half-life with the pace', () => {
    expect(YARD.retarget).toEqual({ kind: 'ema', halflifeMs: 300_000 });
  });

  it('takes its first target from hash rate and pace', () => {
    const { target } = compactToTarget(bitsFor(50_000, 2_000));
    expect(Number((1n << 256n) / target)).toBeCloseTo(100_000, -2);
    expect(bitsFor(0, 1000)).toBe(0x207fffff);
    expect(bitsFor(1, 1000)).toBe(0x207fffff);
  });
});

describe('the schedule', () => {
  it('halves, to nothing in the end', () => {
    expect([0, 149, 150, 299, 300].map((height) => subsidyAt(height, REGTEST))).toEqual([
      50e8, 50e8, 25e8, 25e8, 12.5e8,
    ]);
    expect(subsidyAt(150 * 32, REGTEST)).toBe(1);
    expect(subsidyAt(150 * 33, REGTEST)).toBe(0);
    expect(subsidyAt(150 * 64, REGTEST)).toBe(0);
    expect(subsidyAt(1e9, REGTEST)).toBe(0);
  });

  it('sums up to what the single subsidies give', () => {
    let sum = 0;
    for (let height = 1; height <= 1000; height++) {
      sum += subsidyAt(height, REGTEST);
      expect(scheduleUpTo(height, REGTEST)).toBe(sum);
    }
    expect(scheduleUpTo(0, REGTEST)).toBe(0);
    // Bitcoin's own: the known total, less the genesis block's 50.
    expect(scheduleUpTo(1e8, { subsidy: 50e8, halvingInterval: 210_000 })).toBe(20999999.9769e8 - 50e8);
  });
});

describe('a genesis file', () => {
  it.each([LAB, YARD, REGTEST])('goes to JSON and back: $name', (params: Params) => {
    expect(paramsFromJson(copy(paramsToJson(params)))).toEqual({ ok: true, value: params });
  });

  it.each([
    ['format', 'something', 'genesis file.format must be "forkyard-genesis", not "something"'],
    ['version', 2, 'genesis file.version must be 1, not 2'],
    ['network', 'Yard!', 'genesis file.network must be a name of a-z, 0-9 and -, not "Yard!"'],
    ['label', undefined, 'genesis file.label must be a name of a-z, 0-9 and -, not nothing'],
    ['hrp', 'BC', 'genesis file.hrp must be 1 to 16 small letters, not "BC"'],
    ['wifPrefix', 256, 'genesis file.wifPrefix must be a whole number from 0 to 255, not 256'],
    ['powLimit', '207fffffff', 'genesis file.powLimit must be compact bits as 8 hex digits'],
    ['powLimit', '20800001', 'genesis file.powLimit must be compact bits of a positive target'],
    ['powLimit', '1d00ffff', 'genesis file.genesis.block must be a block whose bits are within powLimit'],
    ['spacingMs', 0, 'genesis file.spacingMs must be a whole number from 1 to 86400000, not 0'],
    ['spacingMs', 1.5, 'genesis file.spacingMs must be a whole number'],
    [
      'retarget',
      { kind: 'lwma' },
      'retarget.kind must be "none" or "ema" or "asert" or "bitcoin", not "lwma"',
    ],
    [
      'retarget',
      { kind: 'bitcoin' },
      'genesis file.retarget.window must be a whole number from 2 to 1000000',
    ],
    ['retarget', { kind: 'bitcoin', window: 1 }, 'genesis file.retarget.window must be a whole number'],
    ['retarget', { kind: 'asert' }, 'genesis file.retarget.halflifeMs must be a whole number'],
    ['retarget', { kind: 'asert', window: 9, halflifeMs: 1 }, 'genesis file.retarget.window is not a known'],
    ['headersOnly', 'yes', 'genesis file.headersOnly must be true or false, not "yes"'],
    ['softForks', { bip34: 5 }, 'genesis file.softForks.bip66 must be a whole number from 5 to'],
    [
      'softForks',
      { bip34: 5, bip66: 4, bip65: 9 },
      'genesis file.softForks.bip66 must be a whole number from 5',
    ],
    ['softForks', { bip16: 5 }, 'genesis file.softForks.bip16 is not a known field'],
    ['retarget', { kind: 'ema' }, 'genesis file.retarget.halflifeMs must be a whole number'],
    ['retarget', { kind: 'none', halflifeMs: 5 }, 'genesis file.retarget.halflifeMs is not a known field'],
    ['subsidy', 50, 'genesis file.subsidy must be an amount as text'],
    ['subsidy', '-1', 'genesis file.subsidy must be an amount (-1 is negative)'],
    [
      'halvingInterval',
      1_000_000,
      'genesis file.halvingInterval must be so small that at most 21000000 coins ever exist',
    ],
    ['maturity', '10', 'genesis file.maturity must be a whole number from 1 to 1000000, not "10"'],
    ['futureBoundS', -1, 'genesis file.futureBoundS must be a whole number'],
    ['genesisSpendable', 'yes', 'genesis file.genesisSpendable must be true or false, not "yes"'],
    ['genesis.id', '00', "genesis file.genesis.id must be the block's own id"],
    ['genesis.block', 'zz', 'genesis file.genesis.block must be hex, not "zz"'],
    ['genesis.block', '00', 'genesis file.genesis.block must be a block (unexpected end at byte'],
    ['extra', 1, 'genesis file.extra is not a known field'],
  ])('is refused by its field: %s = %j', (path, value, message) => {
    const read = paramsFromJson(changed(paramsToJson(LAB), path, value));
    expect(read.ok).toBe(false);
    if (!read.ok) expect(read.error).toContain(message);
  });

  it.each(['asert', 'bitcoin'] as const)('goes to JSON and back with retarget %s', (kind) => {
    const template = { ...templates().get('lab')!, retarget: usualRetarget(kind) };
    const params = deriveParams(template, { label: 'x', timeS: 1, spacingMs: 600_000 });
    expect(params.retarget).toEqual(
      kind === 'asert' ? { kind, halflifeMs: 172_800_000 } : { kind, window: 2016 },
    );
    expect(paramsFromJson(copy(paramsToJson(params)))).toEqual({ ok: true, value: params });
  });

  it('is refused when its coinbase is not the one that the header commits to', () => {
    const json = paramsToJson(LAB) as { genesis: { block: string } };
    const at = json.genesis.block.length - 20; // within the last output's script
    const digit = json.genesis.block[at] === '0' ? '1' : '0';
    const block = json.genesis.block.slice(0, at) + digit + json.genesis.block.slice(at + 1);
    const read = paramsFromJson(changed(json, 'genesis.block', block));
    expect(read).toMatchObject({ ok: false, error: expect.stringContaining('merkle root') });
  });

  it.each([null, 1, 'x', [], {}])('is refused whole: %j', (json) => {
    expect(paramsFromJson(json)).toMatchObject({ ok: false });
    expect(parseNetworks(json)).toMatchObject({ ok: false });
  });
});

describe('a networks file', () => {
  it.each([
    [
      'networks.yard.retarget.halflifeIntervals',
      0,
      'networks file.networks.yard.retarget.halflifeIntervals must be',
    ],
    [
      'networks.yard.genesis.people',
      ['alice', 'mallory'],
      'networks file.networks.yard.genesis.people[1] must be "alice" or',
    ],
    ['networks.yard.genesis.bits', '2100ffff', 'networks file.networks.yard.genesis.bits must be'],
    [
      'networks.yard.genesis.amount',
      '20.123456789',
      'networks file.networks.yard.genesis.amount must be an amount (',
    ],
    ['networks.lab.genesis.coins', 1e9, 'networks file.networks.lab.genesis.coins must be'],
    [
      'networks.regtest.genesis.id',
      '00',
      "networks file.networks.regtest.genesis.id must be the block's own id",
    ],
    ['networks.lab.subsidyy', '1', 'networks file.networks.lab.subsidyy is not a known field'],
  ])('is refused by its field: %s = %j', (path, value, message) => {
    const read = parseNetworks(changed(NETWORKS_JSON, path, value));
    expect(read.ok).toBe(false);
    if (!read.ok) expect(read.error).toContain(message);
  });
});
