import { Command } from 'commander';
import { Problem } from '../../lab/problem.ts';
import { formatMs, formatSpeed, parseCount } from '../../observe/units.ts';
import { addDryRun, addShared, ending, example, perform, shared } from './common.ts';
import { reorgVerb } from './verb-reorg.ts';

/** `mine`, `hold`, `release`, `partition`, `heal`: what happens to the chain and to the links. */

/** A block may take its time at a node's own rate; nobody wants to be told after a minute that mining is slow. */
const MINE_TIMEOUT_MS = 3_600_000;

async function open(yard: string | undefined) {
  const { YardClient } = await import('../../lab/client.ts');
  return YardClient.open(yard, process.cwd());
}

export function actVerbs(): Command[] {
  return [mineVerb(), holdVerb('hold'), holdVerb('release'), partitionVerb(), healVerb(), reorgVerb()];
}

function count(text: string, what: string, least: number, most: number): number {
  const parsed = parseCount(text, what, least, most);
  if (!parsed.ok) throw new Problem(2, parsed.error);
  return parsed.value;
}

function mineVerb(): Command {
  const mine = addDryRun(addShared(new Command('mine')))
    .description('mine on one node: some blocks, or until Ctrl-C with a live rate')
    .option('-N, --node <node>', 'which node (default A)', 'A')
    .option('--blocks <count>', 'stop after so many')
    .option('--uncapped', "faster than the node's share of the yard")
    .action(async (options: { node: string; blocks?: string; uncapped?: boolean }, command: Command) => {
      const s = shared(command);
      const blocks = options.blocks === undefined ? undefined : count(options.blocks, '--blocks', 1, 100_000);
      const client = await open(s.yard);
      const mining = await import('../../lab/mining.ts');
      const uncapped = options.uncapped === true;
      if (uncapped && !s.dryRun)
        s.out.error(
          s.out.style(
            'yellow',
            'Warning: uncapped, so figures of pace and share do not hold for these blocks.',
          ),
        );
      if (blocks !== undefined) {
        await perform(
          s,
          mining.mineBlocks(client, { node: options.node, blocks, uncapped }),
          MINE_TIMEOUT_MS,
        );
        return;
      }
      const action = mining.mineOn(client, options.node, uncapped, {
        onRate: ({ rate, found, seconds }) =>
          s.out.live(
            `  ${formatSpeed(rate)} · ${found} block${found === 1 ? '' : 's'} in ${formatMs(seconds * 1000)} · Ctrl-C ends`,
          ),
        onBlock: (block) => {
          s.out.endLive();
          s.out.step(`  ${mining.minedLine(block)}`);
          s.out.object(block);
        },
      });
      await perform(s, action, Number.MAX_SAFE_INTEGER);
      if (s.signal.aborted) ending.code = 130;
    });
  return example(mine, 'mine -N A --blocks 3', 'mine -N B');
}

function holdVerb(name: 'hold' | 'release'): Command {
  const on = name === 'hold';
  const verb = addDryRun(addShared(new Command(name)))
    .description(on ? 'let miners rest, or hold every message on the wire' : 'the opposite of hold')
    .option(
      '-N, --node <nodes...>',
      on ? 'only the miners of these (default all)' : 'only these (default all)',
    )
    .option('--links', on ? 'the wires instead of the miners' : 'the wires: all that is held arrives');
  if (!on) verb.option('--step', 'with --links: only the oldest message (to --node)');
  verb.action(async (options: { node?: string[]; links?: boolean; step?: boolean }, command: Command) => {
    const s = shared(command);
    const { node: nodes = [], links = false, step = false } = options;
    if (step && !links)
      throw new Problem(2, '--step is about messages on the wire', 'forkyard release --links --step');
    if (links && nodes.length > (step ? 1 : 0))
      throw new Problem(2, step ? '--step takes one node' : '--links holds and releases all wires at once');
    const client = await open(s.yard);
    if (!links) {
      const { hold } = await import('../../lab/faults.ts');
      await perform(s, hold(client, on, nodes));
      return;
    }
    const wire = await import('../../lab/wire.ts');
    if (step) await perform(s, wire.stepLinks(client, nodes[0]));
    else if (on) await perform(s, wire.holdLinks(client));
    else await perform(s, wire.releaseLinks(client));
  });
  return on
    ? example(verb, 'hold', 'hold -N C', 'hold --links')
    : example(verb, 'release', 'release -N C', 'release --links --step', 'release --links');
}

function partitionVerb(): Command {
  const partition = addDryRun(addShared(new Command('partition')))
    .alias('cut')
    .description('cut the network into groups that hear nothing of each other')
    .argument('<groups>', 'every node in exactly one: AB/CD; or one direction: "A>B"')
    .action(async (groups: string, _options: object, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      if (/[<>]/.test(groups)) {
        const { cutOneWay } = await import('../../lab/wire.ts');
        await perform(s, cutOneWay(client, groups));
        return;
      }
      const { partition } = await import('../../lab/faults.ts');
      await perform(s, partition(client, groups));
    });
  return example(partition, 'partition AB/CD', 'cut A/BC/D', 'partition "A>B"');
}

function healVerb(): Command {
  const heal = addDryRun(addShared(new Command('heal')))
    .description('open all links again and wait until all agree')
    .option('--no-wait', 'do not wait')
    .action(async (options: { wait: boolean }, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      const { heal } = await import('../../lab/faults.ts');
      await perform(s, heal(client, { wait: options.wait }));
    });
  return example(heal, 'heal');
}
