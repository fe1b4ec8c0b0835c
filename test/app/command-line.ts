import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import { runCli } from '../../src/app/cli/run.ts';

/** The command line in this process: an empty working directory for each test, and what was printed. */
export class CommandLine {
  readonly options = {
    programPath: join(import.meta.dirname, '..', '..', 'dist', 'forkyard.js'),
    version: '9.9.9',
  };
  /** The working directory. */
  dir = '';
  stdout = '';
  stderr = '';

  constructor() {
    beforeEach(() => {
      this.dir = mkdtempSync(join(tmpdir(), 'forkyard-cli-'));
      this.#forget();
      vi.spyOn(process, 'cwd').mockReturnValue(this.dir);
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
        this.stdout += String(text);
        return true;
      });
      vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
        this.stderr += String(text);
        return true;
      });
    });
    afterEach(() => {
      vi.restoreAllMocks();
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  #forget(): void {
    this.stdout = '';
    this.stderr = '';
  }

  /** Runs one line and gives its exit code; what was printed before it is forgotten. */
  async run(line: string): Promise<number> {
    this.#forget();
    return runCli(line === '' ? [] : line.split(' '), this.options);
  }
}
