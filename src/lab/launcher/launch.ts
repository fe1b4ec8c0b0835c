import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Params } from '../../consensus/params/params.ts';
import type { HostNews } from '../../events/events.ts';
import { makeDirectory } from '../../host/directories.ts';
import { PortError, type RpcServer, type RpcServerOptions, startRpcServer } from '../../host/http/server.ts';
import { sleep, until } from '../../yard/action.ts';
import { failed, Problem } from '../../yard/problem.ts';
import { YardClient } from '../client/client.ts';
import type { YardFile } from '../yard/check.ts';
import { claimYard } from '../yard/claim.ts';
import { damaged, readYard, writeYard } from '../yard/file.ts';
import { openYardLog } from '../yard/log.ts';
import {
  anywhere,
  elsewhere,
  FIRST_CONTROL_PORT,
  FIRST_P2P_PORT,
  FIRST_RPC_PORT,
  freePort,
  PORT_ATTEMPTS,
} from '../yard/ports.ts';
import { isAlive, runsNode } from '../yard/processes.ts';
import { controlRegistry } from './control.ts';
import { createYard, readParams, reopenYard, type YardWishes } from './create.ts';
import { checkLaunch } from './launch-check.ts';
import { Launcher } from './launcher.ts';
import { recordingArguments } from './node-arguments.ts';

export interface LaunchOptions {
  /** The yard's directory; made if it is not there. */
  readonly dir: string;
  readonly programPath: string;
  readonly wishes: YardWishes;
  /** One line for a person. */
  readonly say: (line: string) => void;
  /** Nobody mines until `launcher.startMining()`. */
  readonly hold?: boolean;
  /** Every node records its steps (node --record). */
  readonly record?: boolean;
  /** Ports away from the usual ones, for yards that programs start side by side. */
  readonly randomPorts?: boolean;
  /** Serves the yard's page. The lab cannot: the page's server is an application on top of it. */
  readonly page?: (launcher: Launcher) => Promise<ServedPage>;
  readonly signal?: AbortSignal;
}

interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

export interface RunningYard {
  readonly launcher: Launcher;
  readonly client: YardClient;
  /** Did the yard exist before? Then it went on where it was. */
  readonly reopened: boolean;
  readonly startMs: number;
  /** Settles when somebody asked for the end (`forkyard down`). */
  readonly downAsked: Promise<void>;
  /** Link of the page, with the token that lets it act. */
  readonly page: string | undefined;
  /** Stops all, polite first; the state stays for the next start. */
  close(): Promise<void>;
}

/** Starts a yard, new or where it left off: returns when every node is ready and linked with every other. */
export async function launch(options: LaunchOptions): Promise<RunningYard> {
  const began = performance.now();
  checkLaunch(options.dir, options.programPath, options.wishes);
  const dir = makeYardDirectory(options.dir);
  const claim = await claimYard(dir);
  const signal = options.signal ?? new AbortController().signal;
  let control: RpcServer | undefined;
  let launcher: Launcher | undefined;
  let page: ServedPage | undefined;
  try {
    const { yard, reopened } = await prepare(dir, options);
    let asked: () => void = () => undefined;
    const downAsked = new Promise<void>((done) => {
      asked = done;
    });
    const log = openYardLog(dir);
    control = await startControl(options.randomPorts === true ? anywhere() : FIRST_CONTROL_PORT, {
      cookieFile: join(dir, 'control.cookie'),
      registry: controlRegistry({ launcher: () => launcher, down: () => asked() }),
      events: log,
      bug: (method, error) =>
        options.say(`launcher bug in ${method}: ${(error as Error).stack ?? String(error)}`),
    });
    const server = control;
    const recorded = options.record === true ? { moreArguments: recordingArguments(dir) } : {};
    const own = new Launcher({ ...options, ...recorded, dir, params: readParams(dir), yard, log });
    launcher = own;
    own.setServers({ launcher: { pid: process.pid, port: server.port } });
    log.tell(yardNews(yard, own.params));
    await own.startAll(signal);
    page = await options.page?.(own);
    if (page !== undefined) own.setServers({ page: page.url });
    const served = page;
    if (options.hold !== true) await own.startMining();
    return {
      launcher: own,
      client: own.client,
      reopened,
      startMs: performance.now() - began,
      downAsked,
      page: served?.url,
      close: once(async () => {
        await own.close();
        await served?.close();
        await server.close();
        claim.release();
      }),
    };
  } catch (error) {
    const died = error instanceof Problem && error.exit === 3 ? await launcher?.causeOfDeath() : undefined;
    await launcher?.close();
    await page?.close();
    await control?.close();
    claim.release();
    throw died === undefined ? error : failed(died);
  }
}

function makeYardDirectory(given: string): string {
  const dir = resolve(given);
  try {
    makeDirectory(dir);
  } catch (error) {
    throw failed(`cannot make ${dir}: ${(error as Error).message}`, 'Choose another place: --data DIR');
  }
  return dir;
}

/** Runs at the first call; each call gives the promise of that run. */
function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}

/** The launcher's own server, on the first port that is free when it listens. */
async function startControl(first: number, options: Omit<RpcServerOptions, 'port'>): Promise<RpcServer> {
  for (let attempt = 1; ; attempt++) {
    const from = attempt === 1 ? first : elsewhere(first);
    try {
      return await startRpcServer({ ...options, port: await freePort(from, new Set()) });
    } catch (error) {
      if (!(error instanceof PortError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** What figures need to know of a yard, and no node of it knows. */
function yardNews(
  { label, network, spacingMs, topology = 'full', nodes }: YardFile,
  params: Params,
): HostNews {
  const retarget = params.retarget.kind;
  return {
    kind: 'yard',
    label,
    network,
    spacingMs,
    retarget,
    topology,
    nodes: nodes.map((n) => n.letter),
  };
}

/** The yard's state, made or read, with nobody left over from a launcher that was killed, and with ports that are free. */
async function prepare(dir: string, options: LaunchOptions): Promise<{ yard: YardFile; reopened: boolean }> {
  const reopened = existsSync(join(dir, 'yard.json'));
  let yard: YardFile;
  if (reopened) {
    const old = readYard(dir);
    if (!old.ok) throw damaged(old.error);
    await stopLeftOvers(dir, old.value, options.say);
    yard = reopenYard(old.value, options.wishes);
  } else {
    yard = createYard(dir, options.programPath, options.wishes).yard;
  }
  const taken = new Set<number>();
  const random = options.randomPorts === true;
  const first = {
    rpc: random ? anywhere() : FIRST_RPC_PORT,
    p2p: random ? anywhere() : FIRST_P2P_PORT,
  };
  const nodes = [];
  for (const node of yard.nodes) {
    const rpcPort = await freePort(node.rpcPort || first.rpc, taken);
    const p2pPort = await freePort(node.p2pPort || first.p2p, taken);
    // An address with another port is nobody's, or somebody else's.
    nodes.push({ ...node, rpcPort, p2pPort, ...(p2pPort === node.p2pPort ? {} : { address: '' }) });
  }
  yard = { ...yard, nodes };
  writeYard(dir, yard);
  return { yard, reopened };
}

/**
 * Nodes end with their launcher, but one that is stuck or stopped may not have noticed yet. Only a process that answers
 * with the yard's own cookie and its letter is ours to end: a pid alone proves nothing.
 */
async function stopLeftOvers(dir: string, yard: YardFile, say: (line: string) => void): Promise<void> {
  const alive = yard.nodes.filter((n) => n.pid !== undefined && isAlive(n.pid));
  // One that its launcher had frozen cannot notice that it is alone; woken, it ends by itself. A frozen node answers
  // nothing, so its command line must show that this pid is still the node's.
  const frozen = alive.filter(
    (n) => yard.conditions?.frozen?.includes(n.letter) === true && runsNode(n.pid!, join(dir, n.dir)),
  );
  for (const node of frozen) wake(node.pid!);
  for (let i = 0; i < 100 && frozen.some((n) => isAlive(n.pid!)); i++) await sleep(50);
  const client = new YardClient(dir, { ...yard, conditions: undefined });
  await Promise.all(
    alive.map(async (node) => {
      const info = await client.info(node.letter);
      if (info === undefined || info.name !== node.letter) return;
      say(
        `node ${node.letter} was left over from a launcher that is gone (process ${info.pid}); stopping it`,
      );
      await client.call(node.letter, 'stop');
      await until(
        () => (isAlive(info.pid) ? undefined : true),
        { timeoutMs: 15_000 },
        () => `process ${info.pid} of node ${node.letter} has not ended`,
      );
    }),
  );
}

/** It may have ended since it was looked for. */
function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
