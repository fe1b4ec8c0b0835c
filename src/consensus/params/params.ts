import { COIN, formatAmountFull } from '../../bitcoin/amount.ts';
import { type Block, decodeBlock } from '../../bitcoin/block.ts';
import { MAX_MONEY } from '../../bitcoin/codec.ts';
import { parseLock } from '../../bitcoin/lock.ts';
import { merkleRoot } from '../../bitcoin/merkle.ts';
import { compactToTarget, targetToCompact } from '../../bitcoin/target.ts';
import { isCoinbase, type TxOut } from '../../bitcoin/tx.ts';
import { equal, toHex } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import type { Result } from '../../util/result.ts';
import { type Field, readFields } from './fields.ts';
import { buildGenesis, WELL_KNOWN, type WellKnown, wellKnownScript } from './genesis.ts';
import type { Retarget } from './retarget.ts';
import {
  type RetargetTemplate,
  readRetarget,
  readRetargetTemplate,
  resolveRetarget,
} from './retarget-json.ts';

/** One network's rules, resolved: what every node of a yard agrees on. All of it is in the yard's genesis JSON. */
export interface Params {
  /** The network's kind: 'yard', 'lab', 'regtest', or whatever a user's own file says. */
  readonly name: string;
  /** This very network's name: a yard's own, otherwise the same as `name`. */
  readonly label: string;
  /** Bech32 prefix of its addresses. */
  readonly hrp: string;
  readonly wifPrefix: number;
  readonly genesis: Block;
  readonly genesisHash: Uint8Array;
  readonly genesisId: string;
  /** No target is above it. */
  readonly powLimit: bigint;
  readonly powLimitBits: number;
  /** Intended mean time between blocks. */
  readonly spacingMs: number;
  readonly retarget: Retarget;
  /** Satoshi in the first era. */
  readonly subsidy: number;
  /** Blocks in an era; in each the subsidy is half of the one before. */
  readonly halvingInterval: number;
  /** A coinbase coin of height h can be spent in block h + maturity. */
  readonly maturity: number;
  /** Seconds that a header's time may be ahead of the clock. */
  readonly futureBoundS: number;
  /** The genesis outputs are coins, without maturity. Not so on regtest, as in Core. */
  readonly genesisSpendable: boolean;
  /** From which heights versions 2, 3 and 4 are demanded; undefined: version 4 from the first block. */
  readonly softForks?: SoftForks;
  /** For header chains alone: bodies are not taken, so nothing is mined, sent or connected. */
  readonly headersOnly?: true;
}

/** Heights at which Bitcoin's chain outlawed old block versions. */
interface SoftForks {
  readonly bip34: number;
  readonly bip66: number;
  readonly bip65: number;
}

/** A network before it has a genesis of its own. */
export interface NetworkTemplate {
  readonly name: string;
  readonly base: Omit<Params, 'name' | 'label' | 'genesis' | 'genesisHash' | 'genesisId' | 'retarget'>;
  readonly retarget: RetargetTemplate;
  readonly genesis:
    | { readonly kind: 'fixed'; readonly block: Block }
    | {
        readonly kind: 'made';
        readonly version: number;
        readonly bits: number;
        readonly message: string;
        readonly people: readonly WellKnown[];
        /** Coins for each, and what each coin is worth: several, so that two payments at once do not collide. */
        readonly coins: number;
        readonly amount: number;
      };
}

export type NetworkTemplates = ReadonlyMap<string, NetworkTemplate>;

/** Core: GetBlockSubsidy. Division by a power of two is exact in a double, so there is no shift on money. */
export function subsidyAt(height: number, params: Pick<Params, 'subsidy' | 'halvingInterval'>): number {
  const halvings = Math.floor(height / params.halvingInterval);
  return halvings >= 64 ? 0 : Math.floor(params.subsidy / 2 ** halvings);
}

/** Sum of the subsidies of blocks 1…height. */
export function scheduleUpTo(height: number, params: Pick<Params, 'subsidy' | 'halvingInterval'>): number {
  let sum = 0;
  // The first era is one block short: the genesis block claims nothing.
  for (let era = 0, from = 1; era < 64 && from <= height; era++) {
    const end = (era + 1) * params.halvingInterval;
    sum += (Math.min(height + 1, end) - from) * Math.floor(params.subsidy / 2 ** era);
    from = end;
  }
  return sum;
}

/** What the genesis block gives away, in satoshi; 0 where its outputs are no coins. */
export function genesisCoins(params: Pick<Params, 'genesis' | 'genesisSpendable'>): number {
  if (!params.genesisSpendable) return 0;
  let sum = 0;
  for (const output of params.genesis.txs[0]!.outputs) sum += output.value;
  return sum;
}

/** Invariant 3: all coins that exist at `height`, burned ones aside, are at most genesis plus schedule. */
export function withinSchedule(existing: number, height: number, params: Params): boolean {
  return existing <= genesisCoins(params) + scheduleUpTo(height, params);
}

/** The bits at which so many hashes a second find one block per `spacingMs` in the mean, at most `powLimitBits`. */
export function bitsFor(hashesPerSecond: number, spacingMs: number, powLimitBits = 0x207fffff): number {
  const limit = compactToTarget(powLimitBits).target;
  const tries = Math.max(1, Math.round((hashesPerSecond * spacingMs) / 1000));
  const target = (1n << 256n) / BigInt(tries) - 1n;
  return targetToCompact(target > limit ? limit : target);
}

export interface DeriveOptions {
  /** The yard's own name: at most 24 characters of a-z, 0-9 and '-'. */
  readonly label: string;
  /** Seconds since 1970. */
  readonly timeS: number;
  readonly spacingMs?: number;
  /** First target; see `bitsFor`. */
  readonly bits?: number;
  /** Instead of the template's people. */
  readonly allocations?: readonly TxOut[];
}

/** A yard's own network. A template whose genesis is fixed keeps it, its name and its bits: there is only one regtest. */
export function deriveParams(template: NetworkTemplate, options: DeriveOptions): Params {
  const spacingMs = options.spacingMs ?? template.base.spacingMs;
  const { genesis } = template;
  if (genesis.kind === 'fixed') return resolve(template, template.name, spacingMs, genesis.block);
  const outputs: TxOut[] = [...(options.allocations ?? [])];
  if (options.allocations === undefined) {
    for (const name of genesis.people) {
      const script = wellKnownScript(name);
      for (let i = 0; i < genesis.coins; i++) outputs.push({ value: genesis.amount, script });
    }
  }
  const block = buildGenesis({
    version: genesis.version,
    timeS: options.timeS,
    bits: options.bits ?? genesis.bits,
    message: `${genesis.message} ${options.label}`,
    outputs,
  });
  return resolve(template, options.label, spacingMs, block);
}

/** Bitcoin Core's regtest, byte for byte. */
export function regtestParams(templates: NetworkTemplates): Params {
  const template = templates.get('regtest');
  if (template === undefined) throw new Error('these networks have no regtest');
  return deriveParams(template, { label: 'regtest', timeS: 0 });
}

function resolve(template: NetworkTemplate, label: string, spacingMs: number, genesis: Block): Params {
  return {
    ...template.base,
    name: template.name,
    label,
    spacingMs,
    retarget: resolveRetarget(template.retarget, spacingMs),
    genesis,
    genesisHash: genesis.hash,
    genesisId: genesis.id,
  };
}

const DAY_MS = 86_400_000;
const NAME = /^[a-z][a-z0-9-]{0,23}$/;
const RULE_FIELDS = [
  'hrp',
  'wifPrefix',
  'powLimit',
  'spacingMs',
  'retarget',
  'subsidy',
  'halvingInterval',
  'maturity',
  'futureBoundS',
  'genesisSpendable',
  'genesis',
  'softForks',
  'headersOnly',
] as const;

function readBase(field: Field): NetworkTemplate['base'] {
  const powLimitBits = field.at('powLimit').bits();
  return {
    hrp: field.at('hrp').text(/^[a-z]{1,16}$/, '1 to 16 small letters'),
    wifPrefix: field.at('wifPrefix').integer(0, 255),
    powLimitBits,
    powLimit: compactToTarget(powLimitBits).target,
    spacingMs: field.at('spacingMs').integer(1, DAY_MS),
    subsidy: field.at('subsidy').amount(),
    halvingInterval: field.at('halvingInterval').integer(1, 1_000_000_000),
    maturity: field.at('maturity').integer(1, 1_000_000),
    futureBoundS: field.at('futureBoundS').integer(1, 604_800),
    genesisSpendable: field.at('genesisSpendable').flag(),
    ...readSoftForks(field.at('softForks')),
    ...(field.at('headersOnly').value !== undefined && field.at('headersOnly').flag()
      ? { headersOnly: true }
      : {}),
  };
}

function readSoftForks(field: Field): Pick<Params, 'softForks'> {
  if (field.value === undefined) return {};
  field.only('bip34', 'bip66', 'bip65');
  const height = (name: string, from: number) => field.at(name).integer(from, 1_000_000_000);
  const bip34 = height('bip34', 0);
  const bip66 = height('bip66', bip34);
  return { softForks: { bip34, bip66, bip65: height('bip65', bip66) } };
}

/** Every sum in a valid chain stays in range only if all coins that can ever exist do. */
function checkSupply(field: Field, base: NetworkTemplate['base'], allocated: number): void {
  const supply = allocated + scheduleUpTo(Number.MAX_SAFE_INTEGER, base);
  if (supply > MAX_MONEY) {
    field
      .at('halvingInterval')
      .fail(`so small that at most 21000000 coins ever exist (about ${Math.round(supply / COIN)} would)`);
  }
}

/** A genesis given as bytes: one coinbase under an honest merkle root, and a target within the limit. */
function readGenesis(field: Field, base: NetworkTemplate['base']): Block {
  field.only('id', 'block');
  const decoded = decodeBlock(field.at('block').bytes());
  if (!decoded.ok)
    return field.at('block').fail(`a block (${decoded.error.what} at byte ${decoded.error.at})`);
  const block = decoded.value;
  const [coinbase] = block.txs;
  if (coinbase === undefined || block.txs.length !== 1 || !isCoinbase(coinbase)) {
    return field.at('block').fail('a block of one coinbase');
  }
  if (!equal(merkleRoot([coinbase.txid]).root, block.header.merkleRoot)) {
    field.at('block').fail('a block whose merkle root is that of its coinbase');
  }
  const { target, negative, overflow } = compactToTarget(block.header.bits);
  if (negative || overflow || target === 0n || target > base.powLimit) {
    field.at('block').fail('a block whose bits are within powLimit');
  }
  if (base.genesisSpendable && !coinbase.outputs.every((output) => parseLock(output.script) !== undefined)) {
    field.at('block').fail('a block whose outputs are P2WPKH, P2TR or data');
  }
  if (field.at('id').value !== block.id) field.at('id').fail(`the block's own id, ${block.id}`);
  return block;
}

/** The networks as data: what genesis.json holds, parsed. A wrong field is refused by its path and value. */
export function parseNetworks(json: unknown): Result<NetworkTemplates, string> {
  return readFields(json, 'networks file', (root) => {
    root.only('format', 'version', 'networks');
    root.at('format').exactly('forkyard-networks');
    root.at('version').exactly(1);
    const networks = root.at('networks');
    const templates = new Map<string, NetworkTemplate>();
    for (const name of networks.names()) templates.set(name, readTemplate(networks.at(name), name));
    return templates;
  });
}

function readTemplate(field: Field, name: string): NetworkTemplate {
  if (!NAME.test(name)) field.fail('named with a-z, 0-9 and -');
  field.only(...RULE_FIELDS);
  const base = readBase(field);
  const retarget = readRetargetTemplate(field.at('retarget'));
  const made = field.at('genesis');
  if (made.names().includes('block')) {
    const block = readGenesis(made, base);
    checkSupply(field, base, genesisCoins({ genesis: block, genesisSpendable: base.genesisSpendable }));
    return { name, base, retarget, genesis: { kind: 'fixed', block } };
  }
  made.only('version', 'bits', 'message', 'people', 'coins', 'amount');
  const genesis = {
    kind: 'made' as const,
    version: made.at('version').integer(4, 0x7fff_ffff),
    bits: made.at('bits').bits(),
    message: made.at('message').text(/^[ -~]{1,40}$/, '1 to 40 printable characters'),
    people: made
      .at('people')
      .items()
      .map((item) => item.exactly(...WELL_KNOWN)),
    coins: made.at('coins').integer(1, 1000),
    amount: made.at('amount').amount(),
  };
  if (compactToTarget(genesis.bits).target > base.powLimit) made.at('bits').fail('within powLimit');
  checkSupply(field, base, genesis.people.length * genesis.coins * genesis.amount);
  return { name, base, retarget, genesis };
}

/** A resolved network as JSON text's value: what a yard keeps, and what `--join` copies. */
export function paramsToJson(params: Params): object {
  return {
    format: 'forkyard-genesis',
    version: 1,
    network: params.name,
    label: params.label,
    hrp: params.hrp,
    wifPrefix: params.wifPrefix,
    powLimit: params.powLimitBits.toString(16).padStart(8, '0'),
    spacingMs: params.spacingMs,
    retarget: params.retarget,
    subsidy: formatAmountFull(params.subsidy),
    halvingInterval: params.halvingInterval,
    maturity: params.maturity,
    futureBoundS: params.futureBoundS,
    genesisSpendable: params.genesisSpendable,
    ...defined({ softForks: params.softForks }),
    ...(params.headersOnly === true ? { headersOnly: true } : {}),
    genesis: { id: params.genesisId, block: toHex(params.genesis.bytes) },
  };
}

/** The way back from `paramsToJson`, for bytes that anybody may have edited. */
export function paramsFromJson(json: unknown): Result<Params, string> {
  return readFields(json, 'genesis file', (root) => {
    root.only('format', 'version', 'network', 'label', ...RULE_FIELDS);
    root.at('format').exactly('forkyard-genesis');
    root.at('version').exactly(1);
    const base = readBase(root);
    const genesis = readGenesis(root.at('genesis'), base);
    checkSupply(root, base, genesisCoins({ genesis, genesisSpendable: base.genesisSpendable }));
    return {
      ...base,
      name: root.at('network').text(NAME, 'a name of a-z, 0-9 and -'),
      label: root.at('label').text(NAME, 'a name of a-z, 0-9 and -'),
      retarget: readRetarget(root.at('retarget')),
      genesis,
      genesisHash: genesis.hash,
      genesisId: genesis.id,
    };
  });
}
