import { formatCount, formatMs, formatRate, parseRate } from '../../observe/words/units.ts';
import { plural } from '../../util/plural.ts';
import type { Action, RunContext } from '../action.ts';
import * as fields from '../fields.ts';
import { MAX_MINED, MAX_THREADS } from '../limits.ts';
import { type MinedBlock, MinedWatch, minedLine } from '../mined.ts';
import { blockName, listLetters, tailOf } from '../names.ts';
import type { MinePower, Yard } from '../port.ts';
import { misuse } from '../problem.ts';
import { stateOf } from '../states.ts';
import { verb } from '../verb.ts';

/** `mine`, `hold` and `release`. */

/** How long to wait for other nodes to take a block before its line is printed. */
const SPREAD_MS = 3_000;

/** `at 50 kH/s on 2 threads with kernel simd4`. */
export function describePower(power: MinePower, nodeRate: number): string {
  const rate = power.hashrate ?? nodeRate;
  const words = power.uncapped
    ? 'as fast as it can (not its share of the yard: figures of pace do not hold)'
    : rate === 0
      ? 'as fast as it can'
      : `at ${formatRate(rate)}`;
  const threads = power.threads === undefined ? '' : ` on ${plural(power.threads, 'thread')}`;
  return words + threads + (power.kernel === undefined ? '' : ` with kernel ${power.kernel}`);
}

export interface Mined {
  readonly blocks: readonly MinedBlock[];
}

export const mine = verb({
  name: 'mine',
  says: 'mine blocks on one node, with real work; its miner is then as it was',
  fields: {
    node: fields.node('which node'),
    blocks: fields.optional(fields.count('how many', 1, MAX_MINED), 1),
    uncapped: fields.flag("faster than the node's share of the yard"),
    hashrate: fields.optional(fields.quantity('at this rate, such as 200kH/s', parseRate)),
    threads: fields.optional(fields.count('on so many worker threads', 1, MAX_THREADS)),
    kernel: fields.optional(fields.text('with this hash kernel; auto: the fastest that works')),
  },
  action(yard, { node, blocks: wanted, uncapped, hashrate, threads, kernel }): Action<Mined> {
    if (uncapped && hashrate !== undefined && hashrate > 0)
      throw misuse('a hash rate is a cap, uncapped is none: give one of them');
    const rate = hashrate === 0 ? undefined : hashrate;
    const power: MinePower = { uncapped: uncapped || hashrate === 0, hashrate: rate, threads, kernel };
    const many = plural(wanted, 'block');
    return {
      plan: `Mine ${many} on ${node} ${describePower(power, yard.node(node).hashrate)}`,
      async run(context) {
        const began = yard.clock.now();
        const tell = (block: MinedBlock) => context.step(minedLine(block));
        const blocks = await grind(yard, node, wanted, power, context, tell);
        const ms = yard.clock.now() - began;
        const tries = blocks.reduce((sum, b) => sum + b.tries, 0);
        const last = blocks.at(-1)!;
        const line = `${node} mined ${many} in ${formatMs(ms)}, ${formatCount(tries)} tries · now ${blockName(last)} ${tailOf(last.id)}`;
        return { line, data: { blocks } };
      },
    };
  },
});

/** The blocks as they come: each is told when others have it, or after a while without. */
export async function grind(
  yard: Yard,
  letter: string,
  wanted: number,
  power: MinePower,
  context: RunContext,
  onBlock: (block: MinedBlock) => void = () => undefined,
): Promise<MinedBlock[]> {
  await stateOf(yard, letter);
  const others = (await yard.links.reachableFrom(letter)).length - 1;
  const watch = new MinedWatch(letter);
  const leave = await yard.events.listen((event) => watch.apply(event));
  let restore: (() => unknown) | undefined;
  try {
    restore = await yard.node(letter).mine(wanted, power);
    const blocks: MinedBlock[] = [];
    for (let i = 0; i < wanted; i++) {
      await yard.clock.until(
        () => watch.at(i),
        context,
        () =>
          `${letter} has found ${i} of ${wanted} blocks${others > 0 ? '; other miners may be faster: `hold` lets them rest' : ''}`,
      );
      const known = yard.clock.now();
      const block = await yard.clock.until(
        () => {
          const block = watch.at(i)!;
          return block.on.length >= others || yard.clock.now() - known >= SPREAD_MS ? block : undefined;
        },
        { timeoutMs: 2 * SPREAD_MS, signal: context.signal },
        () => 'its block does not spread',
      );
      blocks.push(block);
      onBlock(block);
    }
    return blocks;
  } finally {
    leave();
    await restore?.();
  }
}

function holding(on: boolean) {
  return (
    yard: Yard,
    { nodes }: { readonly nodes: readonly string[] },
  ): Action<{ readonly nodes: readonly string[] }> => ({
    plan: on
      ? `Hold the miners of ${listLetters(nodes)}: no new blocks until \`release\``
      : `Release the miners of ${listLetters(nodes)}`,
    async run() {
      await yard.hold(on, nodes);
      const states = [...(await yard.states(nodes)).values()];
      const mining = states.filter((s) => s?.mining.on === true && s.mining.held === on);
      const rest = mining.length === 0 ? ` (none of them mines: \`mine -N ${nodes[0]}\`)` : '';
      const line = `${on ? 'held' : 'released'}: ${plural(mining.length, 'miner')}${rest}`;
      return { line, data: { nodes } };
    },
  });
}

const WHOSE = { nodes: fields.nodes('only the miners of these, such as AB (default: all)') };

export const hold = verb({ name: 'hold', says: 'let miners rest', fields: WHOSE, action: holding(true) });

export const release = verb({
  name: 'release',
  says: 'let held miners mine again',
  fields: WHOSE,
  action: holding(false),
});
