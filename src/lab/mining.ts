import type { LogEvent } from '../consensus/news.ts';
import { formatCount, formatMs, formatRate } from '../observe/units.ts';
import { type Action, Interrupted, type RunContext, sleep, until } from './action.ts';
import type { NodeInfo, YardClient } from './client.ts';
import { reachableFrom } from './links.ts';
import { blockName, tailOf } from './names.ts';
import { failed } from './problem.ts';

export interface MinedBlock {
  readonly id: string;
  readonly height: number;
  readonly miner: string;
  readonly tries: number;
  readonly ms: number;
  /** Other nodes that took it for their branch in time, and how long after it was found the last of them did. */
  readonly on: readonly string[];
  readonly afterMs: number;
  /** Other nodes that have it, on their branch or not. */
  readonly had: readonly string[];
}

/** How long to wait for other nodes to take a block before its line is printed. */
const SPREAD_MS = 3_000;

interface Spread {
  /** When each other node took it for its branch. */
  readonly on: Map<string, number>;
  readonly had: Set<string>;
}

/** Blocks of others whose spreading is remembered for a while, because a sighting may stand before the finder's line. */
const KEPT_SIGHTINGS = 1_000;

/** Collects what the merged log says of blocks that one node finds, and of the others that take them. */
export class MinedWatch {
  readonly blocks: Extract<LogEvent, { kind: 'mined' }>[] = [];
  readonly #node: string;
  readonly #spread = new Map<string, Spread>();

  constructor(node: string) {
    this.#node = node;
  }

  apply(event: LogEvent): void {
    if (event.node === this.#node) {
      if (event.kind === 'mined') this.blocks.push(event);
      return;
    }
    if (event.kind === 'block') this.#spreadOf(event.id).had.add(event.node);
    if (event.kind !== 'connected') return;
    const { on } = this.#spreadOf(event.id);
    if (!on.has(event.node)) on.set(event.node, event.t);
  }

  #spreadOf(id: string): Spread {
    let spread = this.#spread.get(id);
    if (spread === undefined) {
      spread = { on: new Map(), had: new Set() };
      this.#spread.set(id, spread);
      if (this.#spread.size > KEPT_SIGHTINGS) this.#spread.delete(this.#spread.keys().next().value!);
    }
    return spread;
  }

  at(index: number): MinedBlock | undefined {
    const event = this.blocks[index];
    if (event === undefined) return undefined;
    const { id, height, miner, tries, ms, t } = event;
    const { on, had } = this.#spreadOf(id);
    const afterMs = Math.max(0, ...[...on.values()].map((at) => at - t));
    return { id, height, miner, tries, ms, on: sorted(on.keys()), afterMs, had: sorted(had) };
  }
}

function sorted(letters: Iterable<string>): string[] {
  return [...letters].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** `8A …4f1c2e 0.9 s 1.1M tries · on B C D after 9 ms`. */
export function minedLine(block: MinedBlock): string {
  const { on, had } = block;
  let spread = `on ${on.join(' ')} after ${formatMs(block.afterMs)}`;
  if (on.length === 0) {
    spread =
      had.length === 0 ? 'on no other node yet' : `${had.join(' ')} had another block of that height first`;
  }
  const tries = `${formatCount(block.tries)} ${block.tries === 1 ? 'try' : 'tries'}`;
  return `${blockName(block)} ${tailOf(block.id)} ${formatMs(block.ms)} ${tries} · ${spread}`;
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
            if (Date.now() - watch.blocks[told]!.t < 250) break;
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
      const line = `${node.letter} found ${watch.blocks.length} block${watch.blocks.length === 1 ? '' : 's'} in ${formatMs(seconds * 1000)}; its miner is as before`;
      return { line, data: { blocks: watch.blocks.length, seconds } };
    },
  };
}
