import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  bitsFor,
  deriveParams,
  type NetworkTemplate,
  type Params,
  paramsFromJson,
  paramsToJson,
  parseNetworks,
} from '../../consensus/params/params.ts';
import { type RetargetKind, usualRetarget } from '../../consensus/params/retarget-json.ts';
import type { Conditions } from '../../events/events.ts';
import { writeAtomically } from '../../host/files.ts';
import { CALM } from '../../observe/words/conditions.ts';
import { formatDuration } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { type Profile, REGIONS, type Region } from '../../util/profiles.ts';
import { MOST_FOR_FULL, type Topology } from '../../util/topology.ts';
import { didYouMean, letterOf, minerKeyName } from '../../yard/names.ts';
import { missing, misuse } from '../../yard/problem.ts';
import { isCalm } from '../client/conditions.ts';
import type { YardFile, YardNode } from '../yard/check.ts';
import { MAX_PACE_MS } from '../yard/check.ts';
import { damaged, writeYard } from '../yard/file.ts';
import { resumed, stoppedYard } from './resume.ts';

/**
 * `yard`: the target follows the hash power. `lab`: the same at a fixed target. `regtest`: byte for byte Bitcoin Core's.
 */
export type NetworkName = 'yard' | 'lab' | 'regtest';

/** What a person may ask of a yard; everything has a default. */
export interface YardWishes {
  readonly nodes?: number;
  readonly network?: string;
  /** Mean time between blocks over all miners. */
  readonly paceMs?: number;
  readonly delayMs?: number;
  /** One for all, or one a node; 0 = uncapped. */
  readonly hashrates?: readonly number[];
  /** Letters that mine; default all (none on regtest). */
  readonly miners?: readonly string[];
  readonly topology?: Topology;
  /** Nodes in one process; default 1. */
  readonly perProcess?: number;
  /** A user's own networks file instead of ours. */
  readonly genesisFile?: string;
  /** Another rule for the difficulty than the network's own, with its usual numbers. */
  readonly retarget?: RetargetKind;
  readonly label?: string;
  /** Delays of all links by where their ends stand; '' = none any more. */
  readonly profile?: Profile | '';
  /** One for all nodes, or one a node. */
  readonly regions?: readonly Region[];
}

const DEFAULT_NODES = 4;
const DEFAULT_RATE = 50_000;
/** What an uncapped miner is taken for when a new yard's first target is made: a fast kernel on one thread. */
const UNCAPPED_RATE = 3_000_000;

/** Pace that each network has by itself. */
const PACE_MS: Readonly<Record<string, number>> = { yard: 5_000, lab: 1_750 };

/** Node by index, as wished. */
function wishedNode(index: number, wishes: YardWishes, network: string): YardNode {
  const letter = letterOf(index);
  const rates = wishes.hashrates ?? [DEFAULT_RATE];
  const mines = wishes.miners === undefined ? network !== 'regtest' : wishes.miners.includes(letter);
  return {
    letter,
    dir: letter,
    rpcPort: 0,
    p2pPort: 0,
    peerId: '',
    address: '',
    hashrate: rates[rates.length === 1 ? 0 : index] ?? DEFAULT_RATE,
    miner: mines,
    payout: minerKeyName(letter),
  };
}

/** Refuses wishes that contradict each other or that no yard can have, by name. */
function checkWishes(wishes: YardWishes, count: number): void {
  if ((wishes.paceMs ?? 0) > MAX_PACE_MS)
    throw misuse(`a pace of ${formatDuration(wishes.paceMs!)} is longer than a day`);
  const rates = wishes.hashrates;
  if (rates !== undefined && rates.length !== 1 && rates.length !== count) {
    throw misuse(`${rates.length} hash rates for ${count} nodes`, 'Give one for all, or one for each node.');
  }
  const { regions = [], profile } = wishes;
  if (regions.length > 1 && regions.length !== count)
    throw misuse(
      `${regions.length} regions for ${count} nodes`,
      `Give one for each, of: ${REGIONS.join(', ')}.`,
    );
  if (wishes.delayMs !== undefined && wishes.delayMs > 0 && profile !== undefined && profile !== '')
    throw misuse(
      `profile ${profile} sets the delay of every link, so --delay ${formatDuration(wishes.delayMs)} would not be used`,
      'Ask for one of them; single links can be given their own: forkyard link A-C --delay 200ms',
    );
  const letters = Array.from({ length: count }, (_, i) => letterOf(i));
  const stranger = wishes.miners?.find((m) => !letters.includes(m));
  if (stranger !== undefined)
    throw misuse(`no node '${stranger}' to mine: there will be ${letters.join(', ')}`);
}

/** Where the nodes stand and what that does to their links, on top of what holds anyway. */
function placed(
  { profile, regions }: YardWishes,
  count: number,
  before: Partial<Conditions> | undefined,
): Pick<YardFile, 'conditions'> {
  if (profile === undefined && regions === undefined) return {};
  const stands = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [letterOf(i), regions?.[regions.length === 1 ? 0 : i]]),
  );
  const conditions = {
    ...CALM,
    ...before,
    ...defined({ profile }),
    ...(regions === undefined ? {} : { regions: stands as Record<string, string> }),
  };
  return isCalm(conditions) ? { conditions: undefined } : { conditions };
}

/** Hashes a second of all miners together, as far as it is known. */
function totalRate(nodes: readonly YardNode[]): number {
  return nodes
    .filter((n) => n.miner)
    .reduce((sum, n) => sum + (n.hashrate === 0 ? UNCAPPED_RATE : n.hashrate), 0);
}

/** A new yard: its own genesis (but regtest's, which is Bitcoin Core's) and its state file. Nothing runs yet. */
export function createYard(dir: string, programPath: string, wishes: YardWishes): PlannedYard {
  const planned = planYard(programPath, wishes);
  writeAtomically(join(dir, 'genesis.json'), `${JSON.stringify(paramsToJson(planned.params), null, 2)}\n`);
  writeYard(dir, planned.yard);
  return planned;
}

interface PlannedYard {
  readonly yard: YardFile;
  readonly params: Params;
}

/** What a new yard would be, or the refusal of a wish. Nothing is written. */
export function planYard(programPath: string, wishes: YardWishes): PlannedYard {
  const network = wishes.network ?? 'yard';
  const count = wishes.nodes ?? DEFAULT_NODES;
  checkWishes(wishes, count);
  if (wishes.regions !== undefined && (wishes.profile ?? '') === '')
    throw misuse(
      'regions say where nodes stand on a map of delays, and no profile asks for one',
      'As in: forkyard up --profile world --regions europe',
    );
  const template = withRetarget(findTemplate(programPath, wishes, network), wishes.retarget);
  const nodes = Array.from({ length: count }, (_, i) => wishedNode(i, wishes, network));
  const isFixed = template.genesis.kind === 'fixed';
  if (isFixed && wishes.paceMs !== undefined) {
    throw misuse(
      "regtest has no pace: its target is Bitcoin Core's",
      'Use --network lab --pace 2s, or mine by hand.',
    );
  }
  const spacingMs = wishes.paceMs ?? PACE_MS[network] ?? 5_000;
  const rate = totalRate(nodes) || DEFAULT_RATE * count;
  const label = wishes.label ?? `${network.slice(0, 12)}-${Date.now().toString(36)}`;
  const params = deriveParams(template, {
    label,
    timeS: Math.floor(Date.now() / 1000),
    ...(isFixed ? {} : { spacingMs }),
    bits: bitsFor(rate, spacingMs, template.base.powLimitBits),
  });
  const yard: YardFile = {
    v: 1,
    label: isFixed ? network : label,
    network,
    spacingMs: isFixed ? 0 : spacingMs,
    delayMs: wishes.delayMs ?? 0,
    ...shapeOf(wishes, count, undefined),
    ...placed(wishes, count, undefined),
    nodes,
  };
  return { yard, params };
}

/** Who is linked with whom, and how many share a process; as it was, unless wished otherwise. */
function shapeOf(
  wishes: YardWishes,
  count: number,
  before: YardFile | undefined,
): Pick<YardFile, 'topology' | 'perProcess'> {
  const topology = wishes.topology ?? before?.topology ?? (count > MOST_FOR_FULL ? 'random' : undefined);
  const perProcess = wishes.perProcess ?? before?.perProcess;
  return {
    ...defined({ topology, perProcess }),
  };
}

/** A network by name, from the file that ships beside the program or the user's own. */
export function findTemplate(
  programPath: string,
  wishes: Pick<YardWishes, 'genesisFile'>,
  network: string,
): NetworkTemplate {
  const path = wishes.genesisFile ?? join(dirname(programPath), '..', 'genesis.json');
  const templates = parseNetworks(readJson(resolve(path)));
  if (!templates.ok) throw misuse(`${path}: ${templates.error}`);
  const template = templates.value.get(network);
  if (template !== undefined) return template;
  const yards = [...templates.value.values()].filter(({ base }) => base.headersOnly !== true);
  throw misuse(
    `no network '${network}'`,
    didYouMean(
      network,
      yards.map(({ name }) => name),
    ),
  );
}

function withRetarget(template: NetworkTemplate, kind: RetargetKind | undefined): NetworkTemplate {
  if (template.base.headersOnly === true)
    throw misuse(
      `${template.name} is for header chains: nothing is mined or sent on it, so there is no yard of it`,
      `One node takes headers: forkyard node --network ${template.name} --datadir DIR, and its RPC has submitheader.`,
    );
  if (kind === undefined) return template;
  if (template.genesis.kind === 'fixed')
    throw misuse(
      `${template.name} has its own retarget rule, ${template.retarget.kind}, and a fixed genesis`,
      `Use --network lab --retarget ${kind}.`,
    );
  return { ...template, retarget: usualRetarget(kind) };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw missing(`there is no file ${path}`);
    throw misuse(`cannot read ${path}: ${(error as Error).message}`);
  }
}

/** The yard's own network parameters. */
export function readParams(dir: string): Params {
  const path = join(dir, 'genesis.json');
  if (!existsSync(path))
    throw damaged(`${path} is missing: without it nobody knows which network this yard is`);
  const params = paramsFromJson(readJson(path));
  if (!params.ok) throw damaged(`${path}: ${params.error}`);
  return params.value;
}

/**
 * A yard that exists goes on as it was: same genesis, keys, nodes. Rates, miners and delay may change and nodes may be
 * added; what is in the genesis may not, and asking for it is refused by name.
 */
export function reopenYard(yard: YardFile, wishes: YardWishes): YardFile {
  const other = 'Another yard: forkyard up --data DIR. Or remove this one and start anew.';
  if (wishes.network !== undefined && wishes.network !== yard.network) {
    throw misuse(`the yard here is of network ${yard.network}, not ${wishes.network}`, other);
  }
  if (wishes.paceMs !== undefined && wishes.paceMs !== yard.spacingMs) {
    const pace = yard.spacingMs === 0 ? 'none' : formatDuration(yard.spacingMs);
    throw misuse(`the yard here has pace ${pace}, which is part of its genesis`, other);
  }
  if (wishes.retarget !== undefined) {
    throw misuse('the yard here has its retarget rule, which is part of its genesis', other);
  }
  if (wishes.genesisFile !== undefined) {
    throw misuse(
      'the yard here has its genesis, made when the yard was: a networks file comes too late',
      other,
    );
  }
  const count = wishes.nodes ?? yard.nodes.length;
  if (count < yard.nodes.length) {
    throw misuse(`the yard here has ${yard.nodes.length} nodes, not ${count}`, other);
  }
  checkWishes(wishes, count);
  const nodes = Array.from({ length: count }, (_, i) => {
    const old = yard.nodes[i];
    const wished = wishedNode(i, wishes, yard.network);
    if (old === undefined) return wished;
    return {
      ...old,
      ...(wishes.hashrates === undefined ? {} : { hashrate: wished.hashrate }),
      ...(wishes.miners === undefined ? {} : { miner: wished.miner }),
    };
  });
  if (yard.resume?.groups !== undefined && count > yard.nodes.length)
    throw misuse(
      'the yard here was saved while it was cut, and a new node would be on no side',
      'Start it without -n, then: forkyard heal',
    );
  const { launcher: _gone, ...rest } = stoppedYard(yard);
  return {
    ...rest,
    ...resumed(yard),
    ...placed(wishes, count, resumed(yard).conditions ?? rest.conditions),
    ...defined({ delayMs: wishes.delayMs }),
    ...shapeOf(wishes, count, yard),
    nodes: nodes.map(({ pid: _, ...node }) => node),
  };
}
