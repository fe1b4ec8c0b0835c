import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Params, paramsToJson } from '../../consensus/params/params.ts';
import { StoreDamage } from '../../consensus/store/damage.ts';
import { OPENING_PREFIXES } from '../../consensus/store/records.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import { makeDirectory } from '../../host/directories.ts';
import { type OffsetClock, offsetClock, systemClock } from '../../host/driver/clock.ts';
import { type DrivenNode, NodeDriver } from '../../host/driver/driver.ts';
import { Recorder } from '../../host/driver/recorder.ts';
import { writeAtomically } from '../../host/files.ts';
import { type RpcServer, startRpcServer } from '../../host/http/server.ts';
import { hostLimits } from '../../host/limits.ts';
import { type EventLog, openEventLog } from '../../host/log/event-log.ts';
import type { MinerOptions } from '../../host/miner/kernels/types.ts';
import { fastPairs } from '../../host/miner/kernels/wasm-pairs.ts';
import { createMiner } from '../../host/miner/miner.ts';
import type { Crew } from '../../host/miner/thread-pool.ts';
import { removeEmptyIdentity } from '../../host/net/identity.ts';
import { createNetwork } from '../../host/net/network.ts';
import type { Network } from '../../host/net/types.ts';
import { checkCoins } from '../../host/store/coin-check.ts';
import { type DiskStore, openStore, StoreError } from '../../host/store/store.ts';
import { createVerify, type HostVerify } from '../../host/verify/verify.ts';
import { FullNode } from '../../node/fullnode.ts';
import { limits } from '../../node/limits.ts';
import type { NodeView } from '../../node/view.ts';
import { asksForBlocks } from '../../node/wire/messages.ts';
import { idOf } from '../../util/bytes.ts';
import { nodeMethods } from '../rpc/methods.ts';
import { MiningControl } from '../rpc/mining-control.ts';
import { nodeContext } from './context.ts';
import { createGrind } from './grind.ts';
import { metricsPage } from './metrics.ts';
import type { NodeProcessOptions } from './options.ts';
import { describeProblem, NodeProblem } from './problem.ts';

export interface RunningNode {
  readonly view: NodeView;
  readonly network: Network;
  readonly rpc: RpcServer;
  readonly log: EventLog;
  /** Everything in order; what is under way is finished first. */
  close(why: string): Promise<void>;
}

export interface RunningSettings {
  readonly options: NodeProcessOptions;
  readonly params: Params;
  readonly payout: Uint8Array | undefined;
  /** The `stop` method, or something that ended on its own. */
  readonly requestStop: (why: string) => void;
  /** Shared by the nodes of one process; made here where there is none. Its maker closes it. */
  readonly signatures?: HostVerify;
  /** The threads that the slow miners of one process share. */
  readonly crew?: Crew;
  /** A failed commit: the disk is the truth now, and the process must end. */
  readonly fatal: (error: unknown) => void;
}

/**
 * Opens a data directory and starts everything on it. What has been opened is closed again when a later part fails, so that
 * the next attempt finds no lock.
 */
export async function startNode(settings: RunningSettings): Promise<RunningNode> {
  const closers: Closers = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await start(settings, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type Closers = (() => Promise<void> | void)[];

async function start(
  settings: RunningSettings,
  closers: Closers,
  closeAll: () => Promise<void>,
): Promise<RunningNode> {
  const { options, fatal } = settings;
  makeDirectory(options.datadir);
  // Whoever ends the process may run several nodes, and knows no directory.
  const end = (error: unknown): void =>
    fatal(new NodeProblem(describeProblem(error, options.datadir), { cause: error }));
  let busyCores = (): number => 0;
  const state = await openState(settings, () => busyCores(), closers);
  const { store, host, log, note } = state;
  const clock = offsetClock(systemClock());
  const driver = new NodeDriver({ node: state.driven, store, log, clock, warm: host.warm, onFatal: end });
  // Ends the step at work, then closes miner, network and store.
  closers.push(() => driver.close());
  const network = await openNetwork(settings, driver, note);
  const miner: MakeMiner = (more) =>
    createMiner({ note, ...more }, settings.crew === undefined ? {} : { crew: settings.crew });
  const mining = openMining(settings, driver, log, miner);
  busyCores = () => mining.busyCores;
  const rpc = await serve(settings, { driver, network, mining, clock, miner, end, ...state }, closers);
  announce(settings, { driver, network, rpc, log }, closers);
  mining.tellPower();
  if (options.mine) await mining.set({ on: true });
  let closing: Promise<void> | undefined;
  return {
    view: driver.view,
    network,
    rpc,
    log,
    close: (why) => {
      closing ??= (async () => {
        log.append({ kind: 'stop', why });
        await closeAll();
      })();
      return closing;
    },
  };
}

interface State {
  readonly store: DiskStore;
  readonly host: HostVerify;
  /** The node, or the recorder in front of it. */
  readonly driven: DrivenNode;
  readonly log: EventLog;
  /** Writes a sentence into the log. */
  readonly note: (text: string) => void;
}

/** The node as its directory has it: database, signature checks, state machine and event log. */
async function openState(
  settings: RunningSettings,
  busyCores: () => number,
  closers: Closers,
): Promise<State> {
  const { options, params, signatures } = settings;
  const { datadir, name } = options;
  const { store, notes } = await openNodeStore(datadir, params);
  closers.push(() => store.close());
  // One core is the node's own; those that grind at full speed have no time for signatures.
  const host = signatures ?? createVerify({ helpers: () => availableParallelism() - 1 - busyCores() });
  if (signatures === undefined) closers.push(() => host.close());
  // Only what should differ between nodes hangs on it: probe times, extra nonces.
  const seed = randomInt(2 ** 32);
  let note: (text: string) => void = () => undefined;
  const recorder =
    options.record === undefined
      ? undefined
      : newRecorder(settings, options.record, seed, (text) => note(text));
  if (recorder !== undefined) closers.push(() => recorder.close());
  const opening = await store.opening(OPENING_PREFIXES);
  const node = new FullNode({
    params,
    store: recorder?.store(store) ?? store,
    index: recorder?.index(opening) ?? opening,
    verify: recorder?.verify(host.verify) ?? host.verify,
    seed,
    name,
    pairs: fastPairs((text) => note(text)),
  });
  const log = openEventLog({ dir: datadir, node: name, problem: complain });
  closers.push(() => log.close());
  note = (text) => {
    log.append({ kind: 'note', text });
  };
  host.onNote(note);
  const loss = lossSentence(store, node.view.chain.tip);
  for (const sentence of loss === undefined ? notes : [...notes, loss]) {
    complain(sentence);
    note(sentence);
  }
  if (recorder !== undefined)
    note(
      `records every step in ${recorder.file}, up to ${hostLimits.recordingBytes / 1e6} MB; again: forkyard replay FILE`,
    );
  return { store, host, driven: recorder?.node(node) ?? node, log, note };
}

function complain(sentence: string): void {
  process.stderr.write(`forkyard node: ${sentence}\n`);
}

function newRecorder(
  { options, params }: RunningSettings,
  file: string,
  seed: number,
  note: (text: string) => void,
): Recorder {
  return new Recorder({
    file,
    head: {
      software: options.version,
      params: JSON.stringify(paramsToJson(params)),
      seed,
      name: options.name,
      startedAt: Date.now(),
    },
    ended: (why) => note(`${why}; the node goes on without`),
  });
}

async function openNetwork(
  { options, params }: RunningSettings,
  driver: NodeDriver,
  note: (text: string) => void,
): Promise<Network> {
  const { datadir } = options;
  const renewed = driver.view.chain.tip.height === 0 ? removeEmptyIdentity(datadir) : undefined;
  if (renewed !== undefined) {
    note(renewed);
    complain(renewed);
  }
  const network = await createNetwork({
    dir: datadir,
    genesisId: params.genesisId,
    listen: options.listen,
    connect: options.connect,
    maxGossip: limits.maxGossipBytes,
    maxFrame: limits.maxFrameBytes,
    asksForMuch: asksForBlocks,
    maxPeers: limits.maxPeers,
    gossip: options.gossip,
    events: driver.networkEvents,
    note,
  });
  driver.attachNetwork(network);
  network.setLinks({ refuse: [], delayMs: options.delayMs, delayTo: {} });
  return network;
}

type MakeMiner = (more: Omit<MinerOptions, 'note'>) => ReturnType<typeof createMiner>;

function openMining(
  { options, payout, fatal }: RunningSettings,
  driver: NodeDriver,
  log: EventLog,
  miner: MakeMiner,
): MiningControl {
  const { hashrate, name, threads, kernel } = options;
  const mining = new MiningControl({
    hashrate,
    payout,
    tag: name,
    threads,
    kernel,
    createMiner: (more) => miner({ solved: driver.solved, exhausted: driver.exhausted, ...more }),
    command: (command) => driver.command(command),
    view: () => driver.view,
    tell: (news) => {
      log.append(news);
    },
  });
  driver.attachMiner(mining);
  driver.onNews((news) => {
    if (news.kind === 'mining' && !news.on) mining.stopped().catch(fatal);
  });
  return mining;
}

interface Served extends State {
  readonly driver: NodeDriver;
  readonly network: Network;
  readonly mining: MiningControl;
  readonly clock: OffsetClock;
  readonly miner: MakeMiner;
  readonly end: (error: unknown) => void;
}

/** Lets the driver run, and answers calls, `/metrics` and readers of the log. */
async function serve(
  { options, requestStop }: RunningSettings,
  { driver, store, network, mining, log, note, clock, host, miner, end }: Served,
  closers: Closers,
): Promise<RpcServer> {
  const { datadir, threads, kernel } = options;
  const context = nodeContext({
    driver,
    store,
    network,
    mining,
    log,
    clock,
    grind: createGrind((more) => miner({ hashrate: 0, threads, kernel, ...more })),
    signatures: () => host.backends,
    datadir,
    version: options.version,
    requestStop,
  });
  // From here on: before it there is nothing to count.
  const metrics = metricsPage(context);
  closers.push(log.subscribe((event) => metrics.apply(event)));
  driver.start();
  const rpc = await startRpcServer({
    port: options.rpcPort,
    cookieFile: join(datadir, '.cookie'),
    registry: nodeMethods(context),
    events: log,
    pages: { '/metrics': metrics },
    bug: (method, error) => {
      // The caller gets his answer first.
      if (error instanceof StoreDamage || error instanceof StoreError) setImmediate(() => end(error));
      else note(`a bug of ours in ${method}: ${error instanceof Error ? error.message : String(error)}`);
    },
  });
  closers.push(() => rpc.close());
  return rpc;
}

/** Says where the node is: in `node.json` for programs, in the log for its readers. */
function announce(
  { options, params }: RunningSettings,
  { driver, network, rpc, log }: Pick<Served, 'driver' | 'network' | 'log'> & { readonly rpc: RpcServer },
  closers: Closers,
): void {
  const { tip } = driver.view.chain;
  const { pid } = process;
  const { peerId, addresses } = network;
  const nodeFile = join(options.datadir, 'node.json');
  writeAtomically(
    nodeFile,
    `${JSON.stringify({ pid, name: options.name, rpcPort: rpc.port, peerId, addresses }, null, 2)}\n`,
  );
  closers.push(() => rmSync(nodeFile, { force: true }));
  log.append({
    kind: 'start',
    genesis: params.genesisId,
    network: params.name,
    id: tip.id,
    height: tip.height,
    work: tip.work.toString(16),
    pid,
    peer: peerId,
  });
  const { refuse, delayMs, delayTo } = network.links;
  log.append({ kind: 'links', refuse, delayMs, delayTo });
}

/** What a launcher reads when a node is ready. */
export function readyLine(options: NodeProcessOptions, node: RunningNode): string {
  const { tip } = node.view.chain;
  return JSON.stringify({
    ready: true,
    name: options.name,
    peerId: node.network.peerId,
    addresses: node.network.addresses,
    rpcPort: node.rpc.port,
    pid: process.pid,
    tip: tip.id,
    height: tip.height,
  });
}

interface NodeStore {
  readonly store: DiskStore;
  /** What was done to it at opening, a sentence each. */
  readonly notes: readonly string[];
}

/** Opens a node's database and compares coins with their sums. Throws as `openStore` and `checkCoins` do. */
async function openNodeStore(datadir: string, params: Params): Promise<NodeStore> {
  const notes: string[] = [];
  const store = await openStore(join(datadir, 'db'), { params, note: (sentence) => notes.push(sentence) });
  try {
    await checkCoins(store);
    return { store, notes };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What a database has lost, as far as it is known, once its tip is. */
function lossSentence({ loss }: DiskStore, tip: BlockEntry): string | undefined {
  if (loss === undefined) return undefined;
  const before = loss.tip === undefined ? '' : `, and its tip was ${idOf(loss.tip)}`;
  const count = loss.batches === 1 ? 'last durable batch' : `last ${loss.batches} durable batches`;
  return (
    `the database has lost its ${count}: the end of its write log is damaged or gone${before}. ` +
    `The node starts from height ${tip.height}, tip ${tip.id}, and fetches the rest from its peers`
  );
}
