import type { JsonObject } from '../../host/http/json.ts';
import { formatCount, formatMs, formatRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { plural } from '../../util/plural.ts';
import { type Action, Interrupted, type RunContext, sleep, until } from '../action.ts';
import type { NodeInfo, YardClient } from '../client/client.ts';
import { reachableFrom } from '../client/links.ts';
import { failed } from '../problem.ts';
import { type MinedBlock, MinedWatch, minedLine } from './mined.ts';

/** How long to wait for other nodes to take a block before its line is printed. */
const SPREAD_MS = 3_000;
/** ... where blocks are told while the mining goes on. */
const TELL_MS = 250;

/** With what a node mines on somebody's order; what is absent stays as the node has it. */
export interface MinePower {
  readonly uncapped: boolean;
  /** Hashes a second over all threads. */
  readonly hashrate?: number | undefined;
  readonly threads?: number | undefined;
  readonly kernel?: string | undefined;
}

export interface MineWishes {
  readonly node: string;
  readonly blocks: number;
  readonly power: MinePower;
}

/** `at 50 kH/s on 2 threads with kernel simd4`. */
export function describePower(power: MinePower, nodeRate: number): string {
  const words = power.uncapped
    ? 'as fast as it can (not its share of the yard: figures of pace do not hold)'
    : `at ${formatRate(power.hashrate ?? nodeRate)}`;
  const threads = power.threads === undefined ? '' : ` on ${plural(power.threads, 'thread')}`;
  return words + threads + (power.kernel === undefined ? '' : ` with kernel ${power.kernel}`);
}

/** As `setmining` takes it. */
export function powerRequest({ uncapped, hashrate, threads, kernel }: MinePower): JsonObject {
  return {
    ...(uncapped ? { uncapped } : {}),
    ...defined({ hashrate, threads, kernel }),
  };
}

/** Mines so many blocks on one node, with real work, then leaves its miner as it was. */
export function mineBlocks(client: YardClient, wishes: MineWishes): Action<{ blocks: MinedBlock[] }> {
  const { letter, hashrate } = client.node(wishes.node);
  const many = plural(wishes.blocks, 'block');
  return {
    plan: `Mine ${many} on ${letter} ${describePower(wishes.power, hashrate)}`,
    async run(context) {
      const began = Date.now();
      const blocks = await grind(client, letter, wishes.blocks, wishes.power, context, (b) =>
        context.step(minedLine(b)),
      );
      const ms = Date.now() - began;
      const tries = blocks.reduce((sum, b) => sum + b.tries, 0);
      return { line: `${many} in ${formatMs(ms)}, ${formatCount(tries)} tries`, data: { blocks } };
    },
  };
}

/** The blocks as they come: each is told when others have it, or after a while without. */
export async function grind(
  client: YardClient,
  letter: string,
  count: number,
  power: MinePower,
  context: RunContext,
  onBlock: (block: MinedBlock) => void,
): Promise<MinedBlock[]> {
  const before = await infoOf(client, letter);
  const others = (await reachableFrom(client, letter)).length - 1;
  const watch = new MinedWatch(letter);
  const follower = client.follow((event) => watch.apply(event), await client.mark());
  try {
    // Off first: an order of blocks ends in the state before it, and must end exactly there, not in a block too many.
    await client.call(letter, 'setmining', [{ on: false }]);
    // A held node grinds when told to: that is what holding and mining by hand are for.
    await client.call(letter, 'setmining', [{ held: false, blocks: count, ...powerRequest(power) }]);
    const blocks: MinedBlock[] = [];
    for (let i = 0; i < count; i++) {
      await until(
        () => watch.at(i),
        { ...context, everyMs: 20 },
        () =>
          `${letter} has found ${i} of ${count} blocks${others > 0 ? '; other miners may be faster: forkyard hold lets them rest' : ''}`,
      );
      const known = Date.now();
      while ((watch.at(i)?.on.length ?? 0) < others && Date.now() - known < SPREAD_MS)
        await sleep(20, context.signal);
      const block = watch.at(i)!;
      blocks.push(block);
      onBlock(block);
    }
    return blocks;
  } finally {
    follower.close();
    await restore(client, letter, before);
  }
}

async function infoOf(client: YardClient, letter: string): Promise<NodeInfo> {
  const info = await client.info(letter);
  if (info === undefined) throw failed(`node ${letter} is down`, `Start it: forkyard start ${letter}`);
  return info;
}

/** The miner as it was, whatever happened in between. */
async function restore(client: YardClient, letter: string, before: NodeInfo): Promise<void> {
  const now = await client.info(letter);
  if (now === undefined) return;
  const { on, held, cap, threads, kernelOption: kernel } = before.mining;
  const power = cap === 0 ? { uncapped: true } : { hashrate: cap };
  await client.call(letter, 'setmining', [{ on, held, threads, kernel, ...power }]);
}

/** What a miner shows while it mines until Ctrl-C. */
export interface LiveMining {
  /** H/s, in sum and of each worker. */
  readonly rate: number;
  readonly rates: readonly number[];
  readonly found: number;
  /** Found, and another block is in its place now. */
  readonly stale: number;
  /** Expected hashes of the block at work; 0: not known yet. */
  readonly difficulty: number;
  readonly seconds: number;
}

export interface MineReport {
  readonly onLive: (live: LiveMining) => void;
  readonly onBlock: (block: MinedBlock) => void;
}

export interface MinedOn {
  readonly blocks: number;
  readonly stale: number;
  readonly seconds: number;
}

/** What is done at every look (each 20 ms) beside telling: nothing, or the next order. True: that was all. */
type Look = (found: number, info: () => Promise<NodeInfo>) => Promise<boolean>;

/** Mines until interrupted; the miner is then as it was. */
export function mineOn(
  client: YardClient,
  wished: string,
  power: MinePower,
  report: MineReport,
): Action<MinedOn> {
  const { letter, hashrate } = client.node(wished);
  return {
    plan: `Mine on ${letter} ${describePower(power, hashrate)} until Ctrl-C`,
    run: (context) =>
      mineWhile(client, letter, context, report, async () => {
        await client.call(letter, 'setmining', [{ on: true, held: false, ...powerRequest(power) }]);
        return () => Promise.resolve(false);
      }),
  };
}

/** Tells what one node finds while `begin`'s answer looks after its orders; the miner is then as it was. */
export async function mineWhile(
  client: YardClient,
  letter: string,
  context: RunContext,
  report: MineReport,
  begin: () => Promise<Look>,
) {
  const before = await infoOf(client, letter);
  const watch = new MinedWatch(letter);
  const follower = client.follow((event) => watch.apply(event), await client.mark());
  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  let told = 0;
  let difficulty = 0;
  let liveAt = began;
  const tell = (all: boolean): void => {
    for (let block = watch.at(told); block !== undefined; block = watch.at(told)) {
      if (!all && Date.now() - watch.blocks[told]!.t < TELL_MS) break;
      report.onBlock(block);
      told++;
    }
  };
  try {
    const look = await begin();
    while (!context.signal.aborted && Date.now() - began < context.timeoutMs) {
      if (await look(watch.blocks.length, () => infoOf(client, letter))) break;
      tell(false);
      if (Date.now() >= liveAt) {
        const { rate, rates, difficulty: now } = (await infoOf(client, letter)).mining;
        difficulty = now ?? difficulty;
        const { stale, blocks } = watch;
        report.onLive({ rate, rates, found: blocks.length, stale, difficulty, seconds: seconds() });
        liveAt = Date.now() + TELL_MS;
      }
      await sleep(20, context.signal);
    }
    await sleep(TELL_MS, context.signal);
  } catch (error) {
    // Ctrl-C is how this one ends.
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    tell(true);
    follower.close();
    await restore(client, letter, before);
  }
  const { length: blocks } = watch.blocks;
  const stale = watch.stale === 0 ? '' : `, ${watch.stale} of them stale`;
  const many = plural(blocks, 'block');
  const line = `${letter} found ${many} in ${formatMs(seconds() * 1000)}${stale}; its miner is as before`;
  return { line, data: { blocks, stale: watch.stale, seconds: seconds() } };
}
