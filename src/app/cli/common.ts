import { resolve } from 'node:path';
import { type Command, Help, Option } from 'commander';
import { findYardAt, yardOption } from '../../lab/yard/file.ts';
import type { YardShape } from '../../observe/state/yard-links.ts';
import { parseDuration } from '../../observe/words/units.ts';
import type { Action } from '../../yard/action.ts';
import { letterOf, MAX_NODES } from '../../yard/names.ts';
import { Problem, spellVerbs } from '../../yard/problem.ts';
import type { Fields, Given, readFields as ReadFields, Verb } from '../../yard/verb.ts';
import type { VerbName } from '../../yard/verbs.ts';
import { Out } from './out.ts';
import { meant } from './typed.ts';

/** What every verb shares: the options that mean the same everywhere, and how an action is told. */

export interface Shared {
  readonly out: Out;
  readonly yard: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

interface RawOptions {
  readonly yard?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly ascii?: boolean;
  readonly timeout?: string;
  readonly dryRun?: boolean;
}

/** Set by `main`: aborted by the first Ctrl-C. */
export const interrupt = new AbortController();

/** The code with which the process ends, decided by the verb; thrown Problems decide for themselves. */
export const ending = { code: 0 };

/** Options that mean the same on every verb: they stand last in its help. */
const EVERYWHERE = new Set<string>();

function everywhere(flags: string, says: string): Option {
  const option = new Option(flags, says);
  EVERYWHERE.add(option.name());
  return option;
}

export function addShared(command: Command): Command {
  return command
    .addOption(everywhere('--yard <dir>', 'the yard to speak to (default: found upward from here)'))
    .addOption(everywhere('--json', 'one JSON object, or one line an event'))
    .addOption(everywhere('-q, --quiet', 'only the result'))
    .addOption(everywhere('--timeout <duration>', 'give up after, such as 60s'))
    .addOption(everywhere('--ascii', 'plain ASCII signs'));
}

/** Own options first. */
export function sortedOptions(this: Help, command: Command): Option[] {
  const options = Help.prototype.visibleOptions.call(this, command);
  const rank = (o: Option) => (o.name() === 'help' ? 2 : EVERYWHERE.has(o.name()) ? 1 : 0);
  return [0, 1, 2].flatMap((r) => options.filter((o) => rank(o) === r));
}

/** Actions can also be only described. */
export function addDryRun(command: Command): Command {
  return command.addOption(new Option('--dry-run', 'say what would be done, and do nothing'));
}

/** From now on every next step that is printed says `--yard` where it would mean another one without. */
export function meanYard(given: string): void {
  const dir = findYardAt(resolve(given));
  meant.yard = dir === undefined ? '' : yardOption(dir, process.cwd());
}

export function shared(command: Command): Shared {
  const raw = command.optsWithGlobals<RawOptions>();
  let timeoutMs: number | undefined;
  if (raw.timeout !== undefined) {
    const parsed = parseDuration(raw.timeout);
    if (!parsed.ok) throw new Problem(2, `--timeout: ${parsed.error}`);
    timeoutMs = parsed.value;
  }
  if (raw.yard !== undefined) meanYard(raw.yard);
  return {
    out: new Out({ json: raw.json === true, quiet: raw.quiet === true, ascii: raw.ascii === true }),
    yard: raw.yard,
    timeoutMs,
    dryRun: raw.dryRun === true,
    signal: interrupt.signal,
  };
}

const ACTION_TIMEOUT_MS = 60_000;

/** The sentence before, a line a step, the line of figures after. */
export async function perform<T>(
  s: Shared,
  action: Action<T>,
  timeoutMs = ACTION_TIMEOUT_MS,
): Promise<T | undefined> {
  if (s.dryRun) {
    s.out.line(action.plan);
    s.out.object({ plan: spellVerbs(action.plan, 'forkyard ') });
    return undefined;
  }
  s.out.step(s.out.style('dim', action.plan));
  const done = await action.run({
    step: (line) => {
      s.out.endLive();
      s.out.step(`  ${line}`);
    },
    timeoutMs: s.timeoutMs ?? timeoutMs,
    signal: s.signal,
  });
  s.out.endLive();
  s.out.line(done.line);
  s.out.object(done.data);
  if (done.no === true) ending.code = 1;
  return done.data;
}

/** A command's own options, without those that mean the same everywhere. */
export function given(options: object): Given {
  const own = Object.entries(options).filter(([name]) => !EVERYWHERE.has(name) && name !== 'dryRun');
  return Object.fromEntries(own);
}

/** Has every node that any yard may have. */
const LARGEST: YardShape = {
  letters: Array.from({ length: MAX_NODES }, (_, index) => letterOf(index)),
  topology: 'full',
};

/** What is wrong in any yard is said before one is looked for. */
export function checkWords<F extends Fields>(
  verb: Verb<F, unknown>,
  given: Given,
  spell: (field: string) => string,
  readFields: typeof ReadFields,
): void {
  try {
    readFields(verb, LARGEST, given, spell);
  } catch (error) {
    if (!(error instanceof Problem) || error.exit === 2) throw error;
  }
}

/** Opens the yard and performs one of its verbs with what was typed; `places`: the fields that are arguments. */
export async function performVerb(
  s: Shared,
  name: VerbName,
  given: Given,
  { timeoutMs, places = [] }: { readonly timeoutMs?: number; readonly places?: readonly string[] } = {},
): Promise<void> {
  const [{ YardClient }, { liveYard }, { verbNamed }, { actionOf, readFields }] = await Promise.all([
    import('../../lab/client/client.ts'),
    import('../../lab/live/yard.ts'),
    import('../../yard/verbs.ts'),
    import('../../yard/verb.ts'),
  ]);
  const verb = verbNamed(name);
  const spell = (field: string) => (places.includes(field) ? field : `--${field}`);
  checkWords(verb, given, spell, readFields);
  const yard = liveYard(YardClient.open(s.yard, process.cwd()));
  await perform(s, actionOf(verb, yard, given, spell), timeoutMs);
}

const firstExamples = new WeakMap<Command, string>();

/** What a command looks like when it is right, for whoever got it wrong: `mine -N A --blocks 3`. */
export function firstExample(command: Command): string | undefined {
  return firstExamples.get(command);
}

/** Text below a command's help. */
export function example(command: Command, ...lines: readonly string[]): Command {
  const [first] = lines;
  if (first !== undefined) firstExamples.set(command, first);
  const heading = lines.length === 1 ? 'Example' : 'Examples';
  return command.addHelpText('after', `\n${heading}:\n${lines.map((l) => `  $ forkyard ${l}`).join('\n')}`);
}
