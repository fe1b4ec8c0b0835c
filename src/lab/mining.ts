import type { LogEvent } from '../consensus/news.ts';
import { type Action, Interrupted, type RunContext, sleep, until } from './action.ts';
import type { NodeInfo, YardClient } from './client.ts';
import { reachableFrom } from './links.ts';
import { blockName, tailOf } from './names.ts';
import { failed } from './problem.ts';
import { formatCount, formatMs, formatRate } from './units.ts';

export interface MinedBlock {
  readonly id: string;
  readonly height: number;
  readonly miner: string;
  readonly tries: number;
  readonly ms: number;
  /** Other nodes that took it as their tip in time, and how long after it was found the last of them did. */
  readonly on: readonly string[];
  readonly afterMs: number;
}

/** How long to wait for other nodes to take a block before its line is printed. */
const SPREAD_MS = 3_000;

/** Collects what the merged log says of blocks that one node finds, and of the others that take them. */
export class MinedWatch {
  readonly blocks: { event: Extract<LogEvent, { kind: 'mined' }>; seen: Map<string, number> }[] = [];
  readonly #node: string;
  /** Sightings may stand in the log before the finder's own line. */
  readonly #early = new Map<string, Map<string, number>>();

  constructor(node: string) {
    this.#node = node;
  }

  apply(event: LogEvent): void {
    if (event.kind === 'mined' && event.node === this.#node) {
      this.blocks.push({ event, seen: this.#early.get(event.id) ?? new Map() });
    }
    if (event.kind === 'connected' && event.node !== this.#node) {
      const known = this.blocks.find((b) => b.event.id === event.id);
      const seen = known?.seen ?? this.#early.get(event.id) ?? new Map<string, number>();
      if (!seen.has(event.node)) seen.set(event.node, event.t);
      if (known !== undefined) return;
      this.#early.set(event.id, seen);
      if (this.#early.size > 1_000) this.#early.delete(this.#early.keys().next().value!);
    }
  }

  at(index: number): MinedBlock | undefined {
    const found = this.blocks[index];
    if (found === undefined) return undefined;
    const { id, height, miner, tries, ms, t } = found.event;
    const afterMs = Math.max(0, ...[...found.seen.values()].map((at) => at - t));
    return { id, height, miner, tries, ms, on: [...found.seen.keys()].sort(), afterMs };
  }
}

/** `8A …4f1c2e 0.9 s 1.1M tries · on B C D after 9 ms`. */
export function minedLine(block: MinedBlock): string {
  const spread =
    block.on.length === 0
      ? 'on no other node yet'
      : `on ${block.on.join(' ')} after ${formatMs(block.afterMs)}`;
  return `${blockName(block)} ${tailOf(block.id)} ${formatMs(block.ms)} ${formatCount(block.tries)} ${block.tries === 1 ? 'try' : 'tries'} · ${spread}`;
}

export interface MineWishes {
  readonly node: string;
  readonly blocks: number;
  readonly uncapped: boolean;
}

/** Mines so many blocks on one node, with real work, then leaves its miner as it was. */
export function mineBlocks(client: YardClient, wishes: MineWishes): Action<{ blocks: MinedBlock[] }> {
  const { letter, hashrate } = client.node(wishes.node);
  const many = `${wishes.blocks} block${wishes.blocks === 1 ? '' : 's'}`;
  const power = wishes.uncapped
    ? 'as fast as it can (not its share of the yard: figures of pace do not hold)'
    : `at ${formatRate(hashrate)}`;
  return {
    plan: `Mine ${many} on ${letter} ${power}`,
    async run(context) {
      const began = Date.now();
      const blocks = await grind(client, letter, wishes.blocks, { uncapped: wishes.uncapped }, context, (b) =>
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
  power: { readonly uncapped: boolean },
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
    const more = power.uncapped ? { uncapped: true } : {};
    await client.call(letter, 'setmining', [{ held: false, blocks: count, ...more }]);
    const blocks: MinedBlock[] = [];
    for (let i = 0; i < count; i++) {
      await until(
        () => watch.at(i),
        { ...context, everyMs: 20 },
        () => `${letter} has found ${i} of ${count} blocks`,
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
  const { on, held, cap } = before.mining;
  await client.call(letter, 'setmining', [
    cap === 0 ? { on, held, uncapped: true } : { on, held, hashrate: cap },
  ]);
}

export interface LiveRate {
  readonly rate: number;
  readonly found: number;
  readonly seconds: number;
}

/** Mines until interrupted; `onRate` gets the live figures, `onBlock` each block. The miner is then as it was. */
export function mineOn(
  client: YardClient,
  letter: string,
  uncapped: boolean,
  report: { onRate: (live: LiveRate) => void; onBlock: (block: MinedBlock) => void },
): Action<{ blocks: number; seconds: number }> {
  const node = client.node(letter);
  return {
    plan: `Mine on ${node.letter} at ${uncapped ? 'full speed' : formatRate(node.hashrate)} until Ctrl-C`,
    async run(context) {
      const before = await infoOf(client, node.letter);
      const watch = new MinedWatch(node.letter);
      const follower = client.follow((event) => watch.apply(event), await client.mark());
      const began = Date.now();
      let told = 0;
      try {
        await client.call(node.letter, 'setmining', [
          { on: true, held: false, ...(uncapped ? { uncapped: true } : {}) },
        ]);
        while (!context.signal.aborted && Date.now() - began < context.timeoutMs) {
          const info = await infoOf(client, node.letter);
          for (let block = watch.at(told); block !== undefined; block = watch.at(told)) {
            if (Date.now() - watch.blocks[told]!.event.t < 250) break;
            report.onBlock(block);
            told++;
          }
          const seconds = (Date.now() - began) / 1000;
          report.onRate({ rate: info.mining.rate, found: watch.blocks.length, seconds });
          await sleep(250, context.signal);
        }
      } catch (error) {
        // Ctrl-C is how this one ends.
        if (!(error instanceof Interrupted)) throw error;
      } finally {
        follower.close();
        await restore(client, node.letter, before);
      }
      const seconds = (Date.now() - began) / 1000;
      const line = `${node.letter} found ${watch.blocks.length} blocks in ${formatMs(seconds * 1000)}; its miner is as before`;
      return { line, data: { blocks: watch.blocks.length, seconds } };
    },
  };
}
