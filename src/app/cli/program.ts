import { Command } from 'commander';
import { addShared, example, shared } from './common.ts';
import { configure } from './configure.ts';
import { exportVerb } from './export.ts';
import { experimentVerb, statsVerb, swarmVerb } from './measure-verbs.ts';
import { scenarioVerbs } from './scenario-verbs.ts';
import { simulatorVerb } from './simulator.ts';
import { knownVerbs } from './typed.ts';
import { execVerb } from './verb-exec.ts';
import { nodesVerb } from './verb-node.ts';
import { strategyVerb } from './verb-strategy.ts';
import { actVerbs } from './verbs-act.ts';
import { faultVerbs } from './verbs-fault.ts';
import { lookVerbs } from './verbs-look.ts';
import { nodeVerbs } from './verbs-node.ts';
import { payVerbs } from './verbs-pay.ts';
import { saveVerbs } from './verbs-save.ts';
import { yardVerbs } from './verbs-yard.ts';

export interface ProgramOptions {
  /** What node processes are started from: bin/forkyard.js or the bundle. */
  readonly programPath: string;
  readonly version: string;
}

const FIRST: readonly (readonly [string, string])[] = [
  ['demo', 'the one-minute tour: a fork and a reorg, for real'],
  ['up', 'start a yard of several nodes'],
  ['status', 'do they agree?'],
  ['tree', 'the fork tree'],
  ['send', 'a signed payment: send alice bob 1.5'],
  ['partition', 'cut the network: partition AB/CD'],
  ['heal', 'join it again, and see who is reorganised'],
  ['reorg', 'undo blocks by competing work: reorg --depth 3'],
];

/** The command line: one verb = one word. Heavy modules load only in the verb that needs them. */
export function buildProgram(options: ProgramOptions): Command {
  const program = addShared(new Command('forkyard'))
    .description(
      'A small but real blockchain, and a yard of its nodes on your machine: cut it, heal it, watch it agree.',
    )
    .usage('VERB [options]')
    .version(options.version, '-V, --version')
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .argument('[verb]')
    .action(async (verb: string | undefined, _o: object, command: Command) => {
      if (verb !== undefined) return unknownVerb(command, verb);
      await greet(command);
    });
  const groups: readonly (readonly [string, readonly Command[]])[] = [
    ['The yard:', [...yardVerbs(options.programPath), ...saveVerbs()]],
    ['Look:', [...lookVerbs(), exportVerb(), simulatorVerb(), statsVerb()]],
    ['Act:', actVerbs()],
    ['Break:', [...faultVerbs(), strategyVerb(options.programPath)]],
    ['Pay:', payVerbs()],
    [
      'Lessons and tests:',
      [...scenarioVerbs(options.programPath), experimentVerb(), swarmVerb(options.programPath), execVerb()],
    ],
    ['One node:', nodeVerbs()],
  ];
  for (const [heading, verbs] of groups) {
    for (const verb of verbs) program.addCommand(verb.helpGroup(heading));
    for (const verb of verbs) for (const name of [verb.name(), ...verb.aliases()]) knownVerbs.add(name);
  }
  program.addCommand(nodesVerb(), { hidden: true });
  configure(program);
  return example(program, 'demo', 'up -n 5', 'status', 'reorg --depth 3');
}

async function unknownVerb(program: Command, verb: string): Promise<never> {
  const [{ nearest }, { Problem }] = await Promise.all([
    import('../../util/nearest.ts'),
    import('../../yard/problem.ts'),
  ]);
  const verbs = program.commands.flatMap((c) => [c.name(), ...c.aliases()]);
  const near = nearest(verb, verbs);
  throw new Problem(
    2,
    `no verb '${verb}'`,
    near === undefined ? 'All verbs: forkyard --help' : `Did you mean ${near}?`,
  );
}

/** `forkyard` alone: where to begin, and whether a yard runs here. */
async function greet(program: Command): Promise<void> {
  const { out, yard } = shared(program);
  const [{ findYard, readYard }, { ownerOf }] = await Promise.all([
    import('../../lab/yard/file.ts'),
    import('../../lab/yard/claim.ts'),
  ]);
  out.line(
    `${out.style('bold', 'forkyard')}: a small but real blockchain, several nodes of it on this machine.`,
  );
  out.line();
  out.table(FIRST.map(([verb, what]) => [`  ${verb}`, what]));
  out.line();
  const dir = yard ?? findYard(process.cwd());
  const read = dir === undefined ? undefined : readYard(dir);
  const file = read?.ok === true ? read.value : undefined;
  const runs = dir !== undefined && ownerOf(dir) !== undefined;
  if (file === undefined) out.line('No yard here. Next: forkyard up, or forkyard demo');
  else if (runs)
    out.line(`A yard runs here: ${file.label}, ${file.nodes.length} nodes (${dir}). Next: forkyard status`);
  else out.line(`A yard is here, and stopped: ${file.label} (${dir}). Next: forkyard up`);
  out.line('All verbs: forkyard --help');
  out.object({ yard: file === undefined ? null : { dir, label: file.label, runs } });
}
