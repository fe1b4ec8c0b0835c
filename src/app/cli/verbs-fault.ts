import { Command } from 'commander';
import { must, Problem } from '../../lab/problem.ts';
import { parseProfile, parseRegion } from '../../lab/profiles.ts';
import type { ShapeWish } from '../../observe/words/conditions.ts';
import { parseBandwidth, parseDelay, parseLoss, parseOffset, parseRate } from '../../observe/words/units.ts';
import { addDryRun, addShared, example, perform, shared } from './common.ts';

/** `link`, `freeze`, `thaw`, `set`: faults of wires and of single nodes. */

/** Measuring slow links takes a few round trips, and there may be many. */
const LINK_TIMEOUT_MS = 180_000;

async function open(yard: string | undefined) {
  const { YardClient } = await import('../../lab/client/client.ts');
  return YardClient.open(yard, process.cwd());
}

export function faultVerbs(): Command[] {
  return [linkVerb(), freezeVerb('freeze'), freezeVerb('thaw'), setVerb()];
}

interface LinkOptions {
  readonly delay?: string;
  readonly jitter?: string;
  readonly loss?: string;
  readonly rate?: string;
  readonly clear?: boolean;
  readonly profile?: string;
  readonly regions?: string;
}

function shapeOf(o: LinkOptions): ShapeWish {
  return {
    ...(o.delay === undefined ? {} : { delayMs: must(parseDelay(o.delay), '--delay') }),
    ...(o.jitter === undefined ? {} : { jitterMs: must(parseDelay(o.jitter), '--jitter') }),
    ...(o.loss === undefined ? {} : { loss: must(parseLoss(o.loss), '--loss') }),
    ...(o.rate === undefined ? {} : { bitsPerSecond: must(parseBandwidth(o.rate), '--rate') }),
  };
}

function linkVerb(): Command {
  const link = addDryRun(addShared(new Command('link')))
    .description('delay, jitter, loss and rate of links: set them, or measure them against what was asked')
    .argument('[links]', 'A-C both ways, A>C one way, AB-CD all between (default: every link)')
    .option('--delay <duration>', 'one-way delay, such as 200ms')
    .option('--jitter <duration>', 'to either side of the delay; order is kept')
    .option('--loss <share>', 'of segments, such as 1%; each costs the wait for its retransmission')
    .option('--rate <rate>', 'bandwidth, such as 1Mbit/s; none = no bound')
    .option('--clear', 'take back what was asked of these links')
    .option('--profile <name>', 'lan, world (six regions) or none: the delays of all other links')
    .option('--regions <list>', 'where the nodes stand, in their order: europe,japan,... (or set C --region)')
    .action(async (links: string | undefined, options: LinkOptions, command: Command) => {
      const s = shared(command);
      const shape = shapeOf(options);
      const shapes = Object.keys(shape).length > 0;
      const wide = options.profile !== undefined || options.regions !== undefined;
      if (wide && (links !== undefined || shapes || options.clear === true))
        throw new Problem(
          2,
          '--profile and --regions are for all links, and alone',
          'First forkyard link --profile world, then forkyard link A-C --delay 200ms',
        );
      if (options.clear === true && shapes)
        throw new Problem(2, '--clear takes back; it cannot ask for something too');
      const wishes = {
        links,
        shape,
        clear: options.clear === true,
        ...(options.profile === undefined
          ? {}
          : { profile: must(parseProfile(options.profile), '--profile') }),
        ...(options.regions === undefined
          ? {}
          : { regions: options.regions.split(',').map((r) => must(parseRegion(r), '--regions')) }),
      };
      const client = await open(s.yard);
      const lab = await import('../../lab/actions/links.ts');
      await perform(s, lab.link(client, wishes), LINK_TIMEOUT_MS);
    });
  return example(
    link,
    'link',
    'link A-C --delay 200ms --jitter 20ms --loss 1% --rate 1Mbit/s',
    'link --profile world',
  );
}

function freezeVerb(name: 'freeze' | 'thaw'): Command {
  const verb = addDryRun(addShared(new Command(name)))
    .description(
      name === 'freeze'
        ? 'stop the process of a node where it stands, without ending it'
        : 'let a frozen process go on',
    )
    .argument('<node>', 'its letter')
    .action(async (node: string, _options: object, command: Command) => {
      const s = shared(command);
      const client = await open(s.yard);
      const lab = await import('../../lab/actions/node-faults.ts');
      await perform(s, lab[name](client, node));
    });
  return example(verb, `${name} C`);
}

function setVerb(): Command {
  const set = addDryRun(addShared(new Command('set')))
    .description('change one node while it runs; it keeps it when it is started again')
    .argument('<node>', 'its letter')
    .option('--hashrate <rate>', 'cap of its miner: 1MH/s, uncapped')
    .option('--clock <offset>', 'how far its clock is ahead: +90s, -2m, 0s')
    .option('--region <name>', 'where it stands under link --profile world')
    .action(
      async (
        node: string,
        options: { hashrate?: string; clock?: string; region?: string },
        command: Command,
      ) => {
        const s = shared(command);
        const wishes = {
          ...(options.hashrate === undefined
            ? {}
            : { hashrate: must(parseRate(options.hashrate), '--hashrate') }),
          ...(options.clock === undefined ? {} : { clockMs: must(parseOffset(options.clock), '--clock') }),
          ...(options.region === undefined ? {} : { region: must(parseRegion(options.region), '--region') }),
        };
        const client = await open(s.yard);
        const { setNode } = await import('../../lab/actions/node-faults.ts');
        await perform(s, setNode(client, node, wishes));
      },
    );
  return example(set, 'set C --hashrate 1MH/s', 'set C --clock +90s');
}
