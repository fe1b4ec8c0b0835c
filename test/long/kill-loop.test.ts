import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const PROGRAM = join(resolve(import.meta.dirname, '..', '..'), 'dist', 'kill-loop.js');

function killLoop(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [PROGRAM, ...args], { maxBuffer: 1e7 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

describe('nodes that mine, pay and reorganise, killed at drawn instants', () => {
  it('keep every block and payment that they announced, with and without power cuts', async () => {
    const { code, output } = await killLoop('--kills', '120', '--seed', 'check');
    expect(output).toMatch(/^\d+ kills .*, [1-9]\d* as power cuts, .* 0 losses$/m);
    expect(code, output).toBe(0);
  });

  it('are found out where the disk acknowledges flushes that it does not perform', async () => {
    const { code, output } = await killLoop('--kills', '120', '--seed', 'check', '--lying-disk');
    expect(output).toMatch(/^LOST: /m);
    expect(code).toBe(1);
  });
});
