import { Command } from 'commander';
import { addDryRun, addShared, checkWords, example, given, perform, performVerb, shared } from './common.ts';

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

function linkVerb(): Command {
  const link = addDryRun(addShared(new Command('link')))
    .description(
      'delay, jitter, loss, rate and drop of links: set them, or measure them against what was asked',
    )
    .argument('[links]', 'A-C both ways, A>C one way, AB-CD all between (default: every link)')
    .option('--delay <duration>', 'one-way delay, such as 200ms')
    .option('--jitter <duration>', 'to either side of the delay; order is kept')
    .option('--loss <share>', 'of segments, such as 1%; each costs the wait for its retransmission')
    .option('--rate <rate>', 'bandwidth, such as 1Mbit/s; none = no bound')
    .option('--drop <share>', 'of messages, such as 10%; they are lost for good')
    .option('--clear', 'take back what was asked of these links')
    .option('--profile <name>', 'lan, world (six regions) or none: the delays of all other links')
    .option('--regions <list>', 'where the nodes stand, in their order: europe,japan,... (or set C --region)')
    .action(async (links: string | undefined, options: object, command: Command) => {
      const s = shared(command);
      const [{ linkAndMeasure }, { link }, { readFields }] = await Promise.all([
        import('../../lab/live/measure.ts'),
        import('../../yard/verbs/wires.ts'),
        import('../../yard/verb.ts'),
      ]);
      const fields = { links, ...given(options) };
      const spell = (field: string) => (field === 'links' ? field : `--${field}`);
      checkWords(link, fields, spell, readFields);
      await perform(s, linkAndMeasure(await open(s.yard), fields, spell), LINK_TIMEOUT_MS);
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
      await performVerb(shared(command), name, { node }, { places: ['node'] });
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
    .action(async (node: string, options: object, command: Command) => {
      await performVerb(shared(command), 'set', { node, ...given(options) }, { places: ['node'] });
    });
  return example(set, 'set C --hashrate 1MH/s', 'set C --clock +90s');
}
