import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAddress } from '../../bitcoin/address.ts';
import { lockScript } from '../../bitcoin/lock.ts';
import type { Params } from '../../consensus/params/params.ts';
import { deriveParams, paramsFromJson, parseNetworks } from '../../consensus/params/params.ts';
import { kernelNameProblem } from '../../host/miner/kernels/select.ts';
import { nearest } from '../../util/nearest.ts';
import type { Result } from '../../util/result.ts';
import { err, ok } from '../../util/result.ts';
import { packageRoot } from './package.ts';

/** What `forkyard node` is told. Numbers are parsed already; the rest is checked here. */
export interface NodeProcessOptions {
  /** A network with a fixed genesis (regtest), unless `genesisFile` is given. */
  readonly network?: string;
  /** A yard's resolved parameters, or a networks file that has `network`. */
  readonly genesisFile?: string;
  readonly datadir: string;
  /** What the node calls itself: a letter in a yard. */
  readonly name: string;
  /** 0 takes a free one. */
  readonly rpcPort: number;
  readonly listen: readonly string[];
  readonly connect: readonly string[];
  /** Hashes a second; 0 = no cap. */
  readonly hashrate: number;
  readonly threads: number;
  readonly kernel: string;
  /** One-way delay of all that this node sends. */
  readonly delayMs: number;
  /** false: blocks and payments travel by the sync protocol alone. */
  readonly gossip: boolean;
  readonly mine: boolean;
  /** Address that mining pays. */
  readonly payout?: string;
  /** Where to record every step, so that it can be done again (`forkyard replay`). */
  readonly record?: string;
  /** One JSON line when ready, instead of sentences. */
  readonly json: boolean;
  /** Stop politely when stdin ends: no node outlives a launcher that was killed. */
  readonly exitWithStdin: boolean;
  /** This program's version, for getnetworkinfo. */
  readonly version: string;
}

export const NODE_DEFAULTS = {
  name: 'node',
  rpcPort: 18443,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  threads: 1,
  kernel: 'auto',
} as const;

/** Parameters of the network that the options name. */
export function loadParams(
  options: Pick<NodeProcessOptions, 'network' | 'genesisFile'>,
): Result<Params, string> {
  if (options.genesisFile === undefined) {
    return fromNetworks(join(packageRoot(), 'genesis.json'), options.network ?? 'regtest', undefined);
  }
  const file = options.genesisFile;
  const json = readJson(file);
  if (!json.ok) return json;
  if ((json.value as { format?: unknown } | null)?.format === 'forkyard-networks')
    return fromNetworks(file, options.network ?? 'regtest', json.value);
  const params = paramsFromJson(json.value);
  if (!params.ok) return err(`${file}: ${params.error}`);
  const { name, label } = params.value;
  if (options.network !== undefined && options.network !== name)
    return err(`${file} is of the network '${name}' (${label}), not '${options.network}'`);
  return params;
}

function fromNetworks(file: string, name: string, parsed: unknown): Result<Params, string> {
  let json = parsed;
  if (json === undefined) {
    const read = readJson(file);
    if (!read.ok) return read;
    json = read.value;
  }
  const networks = parseNetworks(json);
  if (!networks.ok) return err(`${file}: ${networks.error}`);
  const template = networks.value.get(name);
  if (template === undefined) {
    const names = [...networks.value.keys()];
    const near = nearest(name, names);
    const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
    return err(`there is no network '${name}'${hint}; ${file} has ${names.join(', ')}`);
  }
  if (template.genesis.kind !== 'fixed')
    return err(
      `every '${name}' network has a genesis of its own: give the genesis.json of the yard to join with --genesis, or make one with 'forkyard up --network ${name}'`,
    );
  return ok(deriveParams(template, { label: name, timeS: 0 }));
}

function readJson(file: string): Result<unknown, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return err(code === 'ENOENT' ? `there is no file ${file}` : `cannot read ${file}: ${message}`);
  }
  try {
    return ok(JSON.parse(text));
  } catch (error) {
    return err(`${file} is not JSON: ${(error as Error).message}`);
  }
}

/** Refuses options that make no sense, the first one by name. */
export function checkOptions(options: NodeProcessOptions): Result<void, string> {
  const { name, rpcPort, hashrate, threads, delayMs } = options;
  // It becomes the tag in the node's coinbases.
  if (!/^[!-.0-~]{1,32}$/.test(name))
    return err(
      `--name must be 1 to 32 ASCII characters without spaces and slashes (not '${name.slice(0, 40)}')`,
    );
  if (!Number.isInteger(rpcPort) || rpcPort < 0 || rpcPort > 65_535)
    return err(`--rpcport must be a port from 0 to 65535 (not ${rpcPort})`);
  if (!Number.isFinite(hashrate) || hashrate < 0)
    return err(`--hashrate must be 0 or more (not ${hashrate})`);
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    return err(`--threads must be from 1 to 256 (not ${threads})`);
  const kernelProblem = kernelNameProblem(options.kernel);
  if (kernelProblem !== undefined) return err(`--kernel: ${kernelProblem}`);
  if (!(delayMs >= 0 && delayMs <= 60_000)) return err(`--delay must be from 0 to 60 s (not ${delayMs} ms)`);
  if (options.datadir === '') return err('--datadir must name a directory');
  if (options.mine && options.payout === undefined) return err('--mine needs --payout ADDRESS');
  return ok(undefined);
}

/** The script behind `--payout`. */
export function payoutScript(
  options: NodeProcessOptions,
  params: Params,
): Result<Uint8Array | undefined, string> {
  if (options.payout === undefined) return ok(undefined);
  const lock = decodeAddress(options.payout, params.hrp);
  return lock.ok ? ok(lockScript(lock.value)) : err(`--payout ${options.payout}: ${lock.error}`);
}
