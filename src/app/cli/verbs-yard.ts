import { resolve } from 'node:path';
import { Command } from 'commander';
import { RETARGET_KINDS } from '../../consensus/params/retarget-json.ts';
import type { YardWishes } from '../../lab/launcher/create.ts';
import { WEATHER, WEATHERS } from '../../lab/yard/weather.ts';
import { splitLetters } from '../../observe/words/parse.ts';
import { parseCount, parseDuration, parseRate } from '../../observe/words/units.ts';
import { defined } from '../../util/defined.ts';
import { TOPOLOGIES } from '../../util/topology.ts';
import { must, Problem } from '../../yard/problem.ts';
import { parseProfile, parseRegion } from '../../yard/profiles.ts';
import { addDryRun, addShared, ending, example, perform, performVerb, shared } from './common.ts';
import { folded } from './fit.ts';

/** `up`, `down`, `demo`, `kill`, `start`: what lives and for how long. */

interface UpOptions {
  readonly nodes?: string;
  readonly miners?: string;
  readonly hashrate?: string;
  readonly pace?: string;
  readonly delay?: string;
  readonly weather?: string;
  readonly network?: string;
  readonly data?: string;
  readonly topology?: string;
  readonly perProcess?: string;
  readonly genesis?: string;
  readonly retarget?: string;
  readonly profile?: string;
  readonly regions?: string;
  readonly log?: boolean;
  readonly record?: boolean;
}

export function wishesOf(o: UpOptions): YardWishes {
  const name = WEATHERS.find((w) => w === o.weather);
  if (o.weather !== undefined && name === undefined) {
    throw new Problem(2, `--weather: '${o.weather}' is not calm, windy or stormy`);
  }
  const weather = name === undefined ? undefined : WEATHER[name];
  const topology = TOPOLOGIES.find((one) => one === o.topology);
  if (o.topology !== undefined && topology === undefined) {
    throw new Problem(2, `--topology: '${o.topology}' is not one of ${TOPOLOGIES.join(', ')}`);
  }
  const retarget = RETARGET_KINDS.find((kind) => kind === o.retarget);
  if (o.retarget !== undefined && retarget === undefined) {
    throw new Problem(2, `--retarget: '${o.retarget}' is not one of ${RETARGET_KINDS.join(', ')}`);
  }
  const paceMs = o.pace === undefined ? weather?.paceMs : must(parseDuration(o.pace), '--pace');
  if (paceMs !== undefined && paceMs < 100) throw new Problem(2, `--pace: ${o.pace} is faster than 100ms`);
  // A profile has delays of its own.
  const presetMs = o.profile === undefined ? weather?.delayMs : undefined;
  const delayMs = o.delay === undefined ? presetMs : must(parseDuration(o.delay), '--delay');
  if (delayMs !== undefined && delayMs > 60_000)
    throw new Problem(2, `--delay: ${o.delay} is longer than 60s`);
  return {
    ...(o.nodes === undefined
      ? {}
      : { nodes: must(parseCount(o.nodes, 'the number of nodes', 1, 64), '--nodes') }),
    ...(o.miners === undefined
      ? {}
      : { miners: o.miners === 'none' ? [] : must(splitLetters(o.miners), '--miners') }),
    ...(o.hashrate === undefined
      ? {}
      : { hashrates: o.hashrate.split(',').map((r) => must(parseRate(r), '--hashrate')) }),
    ...(paceMs === undefined ? {} : { paceMs: Math.round(paceMs) }),
    ...(delayMs === undefined ? {} : { delayMs: Math.round(delayMs) }),
    ...defined({ network: o.network, topology }),
    ...(o.perProcess === undefined
      ? {}
      : { perProcess: must(parseCount(o.perProcess, 'nodes in one process', 1, 64), '--per-process') }),
    ...defined({ retarget }),
    ...(o.profile === undefined ? {} : { profile: must(parseProfile(o.profile), '--profile') }),
    ...(o.regions === undefined
      ? {}
      : { regions: o.regions.split(',').map((r) => must(parseRegion(r), '--regions')) }),
    ...(o.genesis === undefined ? {} : { genesisFile: resolve(o.genesis) }),
  };
}

export function yardVerbs(programPath: string): Command[] {
  return [demoVerb(programPath), upVerb(programPath), downVerb(), killVerb(), startVerb()];
}

function upVerb(programPath: string): Command {
  const up = addShared(new Command('up'))
    .description('start a yard: several real nodes on this machine, linked and mining')
    .option('-n, --nodes <count>', 'how many nodes (default 4)')
    .option('--miners <letters>', 'who mines, such as A,B; or none (default: all; none on regtest)')
    .option('--hashrate <rates>', 'cap of each miner: one for all, or one a node (default 50kH/s)')
    .option('--pace <duration>', 'mean time between blocks (default 5s; lab 1.75s)')
    .option('--delay <duration>', 'one-way delay on every link (default none)')
    .option('--weather <name>', 'calm, windy or stormy: presets of pace and delay')
    .option('--profile <name>', 'lan, world (six regions) or none: the delays of all links')
    .option(
      '--regions <list>',
      'with --profile world: where the nodes stand, in their order: europe,japan,...',
    )
    .option('--network <name>', 'yard, lab or regtest (default yard)')
    .option('--topology <name>', 'full (all with all), line, or random (default above 8 nodes)')
    .option('--per-process <count>', 'so many nodes share a process: less memory (default 1)')
    .option(
      '--retarget <rule>',
      'what sets the difficulty: none, ema, asert or bitcoin (default: as the network has it)',
    )
    .option('--genesis <file>', 'a networks file of your own')
    .option('--data <dir>', 'where the yard lives (default ./.forkyard)')
    .option('--record', 'every node records its steps, for forkyard replay (up to 512 MB each)')
    .option('--log', 'one line an event instead of the full-screen view')
    .action(async (options: UpOptions, command: Command) => {
      const { runUp } = await import('./up.ts');
      ending.code = await runUp(shared(command), {
        programPath,
        data: options.data,
        wishes: wishesOf(options),
        log: options.log === true,
        record: options.record === true,
      });
    });
  return example(
    up,
    'up -n 5 --pace 2s --delay 400ms',
    'up --weather stormy',
    'up -n 6 --profile world --pace 3s',
    'up -n 20 --per-process 10',
    'up -n 2 --network regtest --data /tmp/app-test',
  );
}

function downVerb(): Command {
  const down = addDryRun(addShared(new Command('down')))
    .description('stop the yard that runs here; its state stays')
    .action(async (_options: object, command: Command) => {
      const s = shared(command);
      const [{ YardClient }, { down }] = await Promise.all([
        import('../../lab/client/client.ts'),
        import('../../lab/launcher/down.ts'),
      ]);
      await perform(s, down(YardClient.open(s.yard, process.cwd())));
    });
  return example(down, 'down');
}

function demoVerb(programPath: string): Command {
  const demo = addShared(new Command('demo'))
    .description('the one-minute tour: a fork and a reorg, for real')
    .option('--exit', 'end after the tour, with 0 if everything that it told did happen')
    .option('--data <dir>', 'where the yard lives (default ./.forkyard)')
    .action(async (options: { exit?: boolean; data?: string }, command: Command) => {
      const { runTour } = await import('../../lab/tour/tour.ts');
      const { startPage } = await import('../page/server.ts');
      const s = shared(command);
      ending.code = await runTour({
        programPath,
        cwd: process.cwd(),
        ...(options.data === undefined ? {} : { dir: resolve(options.data) }),
        exit: options.exit === true,
        write: (text) => {
          process.stdout.write(folded(s.out.plain(text), s.out.columns));
        },
        ascii: s.out.ascii,
        stdin: process.stdin.isTTY === true ? process.stdin : undefined,
        signal: s.signal,
        page: (launcher) =>
          startPage({
            launcher,
            bug: (what, error) => process.stderr.write(`page bug in ${what}: ${String(error)}\n`),
          }),
      });
    });
  return example(demo, 'demo', 'demo --exit');
}

function killVerb(): Command {
  const kill = addDryRun(addShared(new Command('kill')))
    .description('end one node as a power cut would (-9)')
    .argument('<node>', 'its letter')
    .option('--clean', 'politely instead')
    .action(async (node: string, options: { clean?: boolean }, command: Command) => {
      const { clean } = options;
      await performVerb(shared(command), 'kill', { node, clean }, { places: ['node'] });
    });
  return example(kill, 'kill C', 'kill C --clean');
}

function startVerb(): Command {
  const start = addDryRun(addShared(new Command('start')))
    .description('start a node that is down, on its own data')
    .argument('<node>', 'its letter')
    .action(async (node: string, _options: object, command: Command) => {
      await performVerb(shared(command), 'start', { node }, { places: ['node'] });
    });
  return example(start, 'start C');
}
