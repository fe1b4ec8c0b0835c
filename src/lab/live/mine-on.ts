import type { JsonObject } from '../../host/http/json.ts';
import { formatMs } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { plural } from '../../util/plural.ts';
import { type Action, Interrupted, type RunContext, sleep } from '../../yard/action.ts';
import { type MinedBlock, MinedWatch } from '../../yard/mined.ts';
import type { MinePower } from '../../yard/port.ts';
import { failed } from '../../yard/problem.ts';
import { describePower } from '../../yard/verbs/mining.ts';
import type { NodeInfo, YardClient } from '../client/client.ts';

/** Mining on a live node: an order of blocks, or until Ctrl-C with a live line. */

/** How often the live line changes, and how long a block waits for its line. */
const TELL_MS = 250;

/** As `setmining` takes it. */
export function powerRequest({ uncapped, hashrate, threads, kernel }: MinePower): JsonObject {
  return {
    ...(uncapped ? { uncapped } : {}),
    ...defined({ hashrate, threads, kernel }),
  };
}

async function infoOf(client: YardClient, letter: string): Promise<NodeInfo> {
  const info = await client.info(letter);
  if (info === undefined) throw failed(`node ${letter} is down`, `Start it: forkyard start ${letter}`);
  return info;
}

/** Orders so many blocks; off first, so that the order ends after exactly so many. Gives the way back. */
export async function order(
  client: YardClient,
  letter: string,
  blocks: number,
  power: MinePower,
): Promise<() => Promise<void>> {
  const before = await infoOf(client, letter);
  try {
    await client.call(letter, 'setmining', [{ on: false }]);
    await client.call(letter, 'setmining', [{ held: false, blocks, ...powerRequest(power) }]);
  } catch (error) {
    await restore(client, letter, before);
    throw error;
  }
  return () => restore(client, letter, before);
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
