import { type Command, CommanderError } from 'commander';
import { printable, printableJson } from '../../util/printable.ts';
import { Interrupted } from '../../yard/action.ts';
import { failed, missing, misuse, Problem, spellVerbs } from '../../yard/problem.ts';
import { isAscii, jsonToAscii, toAscii } from './ascii.ts';
import { ending, interrupt } from './common.ts';
import { folded } from './fit.ts';
import { columnsOf } from './out.ts';
import { asTyped, meant } from './typed.ts';

/** Where a refusal becomes a sentence and an exit code. README has the table of codes; a test compares every verb with it. */

/** Runs one command line (without `node` and the program) on what `build` makes, and gives the exit code. */
export async function runLine(args: readonly string[], build: () => Command): Promise<number> {
  ending.code = 0;
  meant.yard = '';
  const uncatch = catchInterrupts();
  try {
    await build().parseAsync([...args], { from: 'user' });
    return ending.code;
  } catch (error) {
    return report(error, args);
  } finally {
    uncatch();
  }
}

/** The first Ctrl-C asks for an orderly end, the second one insists. */
function catchInterrupts(): () => void {
  const onInterrupt = () => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  };
  process.on('SIGINT', onInterrupt);
  // `forkyard watch | head` closes our output early, and so does a terminal that goes away: end in an orderly way too.
  const onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    interrupt.abort();
  };
  process.stdout.on('error', onPipe);
  return () => {
    process.off('SIGINT', onInterrupt);
    process.stdout.off('error', onPipe);
  };
}

/** One sentence on stderr, and a next step; the stack only for those who ask. */
function report(error: unknown, args: readonly string[]): number {
  const json = args.includes('--json');
  const ascii = isAscii(args.includes('--ascii'));
  if (error instanceof CommanderError) {
    // Commander has printed its sentence, or the help or version that was asked for.
    return error.exitCode === 0 || error.code === 'commander.help' ? 0 : 2;
  }
  if (error instanceof Interrupted) return 130;
  const problem = error instanceof Problem ? error : fileProblem(error);
  if (problem !== undefined) {
    if (interrupt.signal.aborted) return 130;
    say(`forkyard: ${problem.message}`, ascii);
    if (problem.hint !== undefined) say(problem.hint, ascii);
    if (json) {
      const hint = problem.hint === undefined ? null : spellVerbs(problem.hint, 'forkyard ');
      const text = JSON.stringify({
        error: spellVerbs(problem.message, 'forkyard '),
        hint,
        exit: problem.exit,
      });
      process.stdout.write(`${ascii ? jsonToAscii(text) : printableJson(text)}\n`);
    }
    return problem.exit;
  }
  if (process.env['FORKYARD_DEBUG'] === '1') {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  } else {
    process.stderr.write(
      `forkyard: a bug of ours: ${printable((error as Error).message ?? String(error))}\n` +
        'Please report it with the output of: FORKYARD_DEBUG=1 forkyard ' +
        `${args.map((a) => (/\s/.test(a) ? JSON.stringify(a) : a)).join(' ')}\n`,
    );
  }
  return 1;
}

/** What the file system refuses is no bug: a folder that may not be written, a full disk, a directory instead of a file. */
function fileProblem(error: unknown): Problem | undefined {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || typeof code !== 'string') return undefined;
  if (code === 'EISDIR') return misuse(`${path ?? 'what was named'} is a directory, not a file`);
  if (path === undefined && !['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE'].includes(code)) return undefined;
  return code === 'ENOENT' ? missing(`there is no file ${path}`) : failed(message);
}

function say(text: string, ascii: boolean): void {
  const typed = asTyped(printable(text));
  process.stderr.write(`${folded(ascii ? toAscii(typed) : typed, columnsOf(process.stderr))}\n`);
}
