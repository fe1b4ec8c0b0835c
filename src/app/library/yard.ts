import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { formatAmountFull, parseAmount } from '../../bitcoin/amount.ts';
import type { LogEvent } from '../../events/events.ts';
import { makeDirectory } from '../../host/directories.ts';
import type { Tip, YardClient } from '../../lab/client/client.ts';
import { atRest } from '../../lab/client/quiet.ts';
import type { NetworkName } from '../../lab/launcher/create.ts';
import { launch, type RunningYard } from '../../lab/launcher/launch.ts';
import { mayWrite } from '../../lab/launcher/save-write.ts';
import { balances } from '../../lab/live/coins.ts';
import { liveYard } from '../../lab/live/yard.ts';
import { isVacant, unpack } from '../../lab/save/read.ts';
import { findKey, findPayee, minerKey } from '../../lab/yard/keyring.ts';
import { removeTemporary, temporaryDir } from '../../lab/yard/temporary.ts';
import { parseDuration, parseRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import type { Profile } from '../../util/profiles.ts';
import type { RunContext } from '../../yard/action.ts';
import { minerKeyName } from '../../yard/names.ts';
import { failed, missing, misuse, must, Problem } from '../../yard/problem.ts';
import { actionOf } from '../../yard/verb.ts';
import { heal, partition } from '../../yard/verbs/cuts.ts';
import { send } from '../../yard/verbs/payments.ts';
import { start } from '../../yard/verbs/processes.ts';
import { withMinersHeld } from '../../yard/verbs/reorg.ts';
import { type ReorgEvent, type UndoWishes, undo } from '../../yard/verbs/undo.ts';
import { eventStream } from './event-stream.ts';
import { findProgram } from './program-path.ts';
import { YardNodeHandle } from './yard-node.ts';

export type { BlockRef, LogEvent } from '../../events/events.ts';
export { RpcFailure } from '../../host/http/client.ts';
export type { Tip } from '../../lab/client/client.ts';
export { Problem } from '../../yard/problem.ts';
export type { TxFate } from '../../yard/verbs/fates.ts';
export type { ReorgEvent } from '../../yard/verbs/undo.ts';
export type { YardNodeHandle } from './yard-node.ts';

export interface YardOptions {
  /** How many, 1 to 64. Default 3. */
  readonly nodes?: number;
  /** Default `regtest`: Bitcoin Core's parameters, instant blocks, nobody mines until told to. */
  readonly network?: NetworkName;
  /** Mean time between blocks over all miners, `2s`; not on regtest. */
  readonly pace?: string;
  /** One-way delay on every link, `50ms`. */
  readonly delay?: string;
  /** Delays of every link by where its ends stand, instead of one delay. */
  readonly profile?: Profile;
  /** Of each miner, `50kH/s`. */
  readonly hashrate?: string;
  /** Do the miners run from the start? Default no. */
  readonly mining?: boolean;
  readonly topology?: 'full' | 'line' | 'random';
  /** Several nodes in one process: less memory, but none of them can be killed or frozen alone. Default 1. */
  readonly perProcess?: number;
  /** Where the yard lives. Default: a temporary directory that goes away with the yard. */
  readonly dir?: string;
  /** Begin where a saved yard stood (`forkyard save`), instead of anew; `dir` must be empty then. */
  readonly load?: string;
  /** Patience of every wait below. Default `60s`. */
  readonly timeout?: string;
  /** A node that ended unasked and the like; default: one line on stderr. */
  readonly onWarning?: (line: string) => void;
}

/** Coins, `'1.5'` or 1.5. */
export type Amount = string | number;

const TIMEOUT_MS = 60_000;
/** Another program may take a port between our look and the node's start. */
const PORT_TRIES = 3;
const SNAPSHOTS = 'snapshots';

/**
 * Several real nodes for a test: real sockets, real proof of work, real reorgs. Ports are free ones, so that test files
 * run side by side; everything is gone after `close()`, and after a test that crashed.
 */
export class Yard implements AsyncDisposable {
  #running: RunningYard;
  readonly #options: YardOptions;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(running: RunningYard, options: YardOptions) {
    this.#running = running;
    this.#options = options;
    this.#timeoutMs = milliseconds(options.timeout, 'timeout') ?? TIMEOUT_MS;
  }

  /** Resolves when every node answers and is linked with every other. */
  static async launch(options: YardOptions = {}): Promise<Yard> {
    const dir = options.dir === undefined ? temporaryDir() : resolve(options.dir);
    try {
      if (options.load !== undefined) await loadInto(resolve(options.load), dir);
      return new Yard(await launchIn(dir, options), options);
    } catch (error) {
      removeTemporary(dir);
      throw error;
    }
  }

  get dir(): string {
    return this.#client.dir;
  }

  /** In the order of their letters. */
  get nodes(): readonly YardNodeHandle[] {
    return this.#client.letters.map((letter) => new YardNodeHandle(this.#client, letter));
  }

  /** By letter: `yard.node('B')`. */
  node(letter: string): YardNodeHandle {
    return new YardNodeHandle(this.#client, this.#client.node(letter).letter);
  }

  get #client(): YardClient {
    return this.#running.client;
  }

  get #yard() {
    return liveYard(this.#client);
  }

  get #context(): RunContext {
    return { step: () => undefined, timeoutMs: this.#timeoutMs, signal: this.#stop.signal };
  }

  /** Mines on one node (default A) for an address or a key's name (default: that node's own key), and waits for rest. */
  async mine(blocks: number, options: { on?: string; to?: string } = {}): Promise<string[]> {
    const { letter } = this.#client.node(options.on ?? 'A');
    const { params } = this.#running.launcher;
    const payee = options.to ?? minerKeyName(letter);
    const address = payee.startsWith(`${params.hrp}1`) ? payee : this.address(payee);
    const ids: string[] = [];
    // In pieces, so that no single call outlives its patience.
    while (ids.length < blocks) {
      const piece = Math.min(100, blocks - ids.length);
      const found = await this.#client.call<string[]>(letter, 'generatetoaddress', [piece, address], {
        timeoutMs: this.#timeoutMs,
        signal: this.#stop.signal,
      });
      ids.push(...found);
    }
    await this.settled();
    return ids;
  }

  /** The address of a key: `alice`, `miner-a`, or one that `forkyard keys` lists. */
  address(key: string): string {
    const { params } = this.#running.launcher;
    const letter = /^miner-(.+)$/.exec(key)?.[1]?.toUpperCase();
    if (letter !== undefined && this.#client.letters.includes(letter))
      return minerKey(this.dir, letter, params).address;
    return findKey(this.dir, key, params).address;
  }

  /** Pays an address or a key's name from a miner's reward and confirms it in a block (unless told not to). */
  async fund(to: string, amount: Amount, options: { confirm?: boolean } = {}): Promise<string> {
    const sat = satoshis(amount);
    const { params } = this.#running.launcher;
    findPayee(this.dir, to, params);
    const from = minerKeyName('A');
    const spendable = async () => {
      const [held] = await balances(this.#client, [from], 'A');
      return held?.byNode.get('A')?.spendable ?? 0;
    };
    // Room for the fee.
    while ((await spendable()) < sat + 100_000) await this.mine(params.maturity + 1);
    const txid = await this.send(from, to, amount);
    if (options.confirm !== false) await this.mine(1);
    return txid;
  }

  /** A signed payment between keys of the yard, given to one node (default A); resolves when all have it. */
  async send(from: string, to: string, amount: Amount, options: { on?: string } = {}): Promise<string> {
    const wishes = { from, to, amount: satoshis(amount), node: options.on ?? 'A' };
    const done = await actionOf(send, this.#yard, wishes).run(this.#context);
    return done.data.txid;
  }

  /** `AB/C`: no message crosses until `heal`. Every node must be in exactly one group. */
  async partition(groups: string): Promise<void> {
    await actionOf(partition, this.#yard, { groups }).run(this.#context);
  }

  /** Opens all links and waits until all agree; gives each node's reorg. Delays, loss and rates of links stay. */
  async heal(): Promise<readonly ReorgEvent[]> {
    const { log } = this.#running.launcher;
    const mark = log.last;
    await actionOf(heal, this.#yard, {}).run(this.#context);
    await this.settled();
    return log.since(mark).filter((e): e is ReorgEvent => e.kind === 'reorg');
  }

  /**
   * Undoes the newest blocks on every node by a branch with more work, and resolves once all agree to what node A told of
   * it. The nodes' miners rest meanwhile.
   */
  async reorg(wishes: UndoWishes): Promise<ReorgEvent> {
    if (this.#client.refresh().groups !== undefined)
      throw failed('the yard is cut; heal it first, or let the two sides make the reorg');
    const done = await withMinersHeld(this.#yard, async () => {
      const undone = await undo(this.#yard, wishes).run(this.#context);
      await this.settled();
      return undone;
    });
    return done.data.reorgs[0]!;
  }

  /**
   * Waits until tips are equal, payments are everywhere and nothing is on its way, so that a test never sleeps. While the
   * yard is cut each side settles by itself; the tip with most work is answered. Miners that run never let it rest.
   */
  async settled(): Promise<Tip> {
    const { tips } = await atRest(this.#client, { timeoutMs: this.#timeoutMs, signal: this.#stop.signal });
    return [...tips].sort((a, b) => (BigInt(`0x${a.work}`) > BigInt(`0x${b.work}`) ? -1 : 1))[0]!;
  }

  /** Everything that the nodes tell from now on (or after a sequence number), in the order of their one clock. */
  events(options: { after?: number } = {}): AsyncIterableIterator<LogEvent> {
    return eventStream(this.#running.launcher.log, options.after, this.#stop.signal);
  }

  /** Ends a node as a power cut would. */
  async kill(letter: string): Promise<void> {
    await this.#running.launcher.kill(this.#client.node(letter).letter, false);
  }

  /** Starts a node that is down, on its own data. */
  async start(letter: string): Promise<void> {
    await actionOf(start, this.#yard, { node: letter }).run(this.#context);
  }

  /** Keeps everything under a name: keys, chains, pools, links and faults. The nodes stand still for a moment only. */
  async snapshot(name: string): Promise<void> {
    const file = this.#snapshotFile(name);
    makeDirectory(dirname(file));
    await this.#running.launcher.save(file);
  }

  /** Everything as it was at the snapshot; ports stay, later blocks and payments are forgotten. Events number on. */
  async restore(name: string): Promise<void> {
    const file = this.#snapshotFile(name);
    if (!existsSync(file)) throw missing(`there is no snapshot '${name}'`);
    const { dir } = this;
    const unpacked = await unpack(file, join(dir, SNAPSHOTS, '.restored'));
    try {
      await this.#running.close();
      for (const entry of readdirSync(dir).filter(isState))
        rmSync(join(dir, entry), { recursive: true, force: true });
      unpacked.placeIn(dir);
    } finally {
      unpacked.discard();
    }
    this.#running = await launchIn(dir, this.#options);
  }

  /** The whole yard as one file that `Yard.launch({ load: file, … })` and `forkyard load` read. Secret keys are inside. */
  async save(file: string): Promise<void> {
    const target = resolve(file);
    mayWrite(target, true);
    await this.#running.launcher.save(target);
  }

  #snapshotFile(name: string): string {
    return join(this.dir, SNAPSHOTS, `${snapshotName(name)}.save`);
  }

  /** Stops all nodes and removes the directory, unless it was given. */
  close(): Promise<void> {
    this.#stop.abort();
    this.#closed ??= this.#running.close().then(() => removeTemporary(this.dir));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Whatever lies in a yard's directory but its snapshots. */
function isState(entry: string): boolean {
  return entry !== SNAPSHOTS;
}

function snapshotName(name: string): string {
  if (/^[\w.-]{1,64}$/.test(name) && !name.startsWith('.')) return name;
  throw misuse(`'${name}' cannot be a snapshot's name: letters, digits, _ and - only`);
}

async function loadInto(file: string, dir: string): Promise<void> {
  if (!isVacant(dir)) throw misuse(`${dir} is not empty, and a load overwrites nothing`);
  (await unpack(file, dir)).placeIn(dir);
}

async function launchIn(dir: string, options: YardOptions): Promise<RunningYard> {
  const paceMs = milliseconds(options.pace, 'pace');
  const delayMs = milliseconds(options.delay, 'delay');
  const rate = options.hashrate === undefined ? undefined : must(parseRate(options.hashrate), 'hashrate');
  const wishes = {
    // A yard that was loaded has both already.
    ...(options.load !== undefined && options.nodes === undefined ? {} : { nodes: options.nodes ?? 3 }),
    ...(options.load !== undefined && options.network === undefined
      ? {}
      : { network: options.network ?? 'regtest' }),
    ...defined({ paceMs, delayMs, profile: options.profile }),
    ...(rate === undefined ? {} : { hashrates: [rate] }),
    ...defined({ topology: options.topology, perProcess: options.perProcess }),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch({
        dir,
        programPath: findProgram(),
        wishes,
        randomPorts: true,
        hold: options.mining !== true,
        say: options.onWarning ?? ((line) => process.stderr.write(`forkyard: ${line}\n`)),
      });
    } catch (error) {
      const taken = error instanceof Problem && /port/.test(error.message);
      if (!taken || attempt === PORT_TRIES) throw error;
    }
  }
}

function milliseconds(text: string | undefined, what: string): number | undefined {
  return text === undefined ? undefined : Math.round(must(parseDuration(text), what));
}

function satoshis(amount: Amount): number {
  const text = typeof amount === 'number' ? amount.toFixed(8) : amount;
  return must(parseAmount(text), 'amount');
}

/** Satoshis as coins, exactly. */
export function coins(sat: number): string {
  return formatAmountFull(sat);
}
