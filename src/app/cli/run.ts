import { runLine } from './line.ts';
import { buildProgram, type ProgramOptions } from './program.ts';

/** The whole command line. Gives the exit code. */
export function runCli(args: readonly string[], options: ProgramOptions): Promise<number> {
  return runLine(args, () => buildProgram(options));
}
