import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { spawnNode } from '../../src/lab/launcher/node-child.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'forkyard-child-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A program in the place of the node's. */
function child(script: string) {
  const program = join(dir, 'program.cjs');
  writeFileSync(program, script);
  return spawnNode(program, [], dir);
}

it('an assertion of LevelDB becomes a sentence that says what to do', async () => {
  const node = child(
    "process.stderr.write('node: ../table/block.cc:77: Assertion failed: restart_offset_ <= size_\\n'); process.kill(process.pid, 'SIGABRT');",
  );
  await expect(node.ready).rejects.toThrow(/database was damaged while it ran.*forkyard doctor --deep/);
  expect((await node.exited).signal).toBe('SIGABRT');
  expect(node.lastWords()).not.toMatch(/Assertion/);
});

it('every other ending keeps its own words, those of an exhausted heap too', async () => {
  const node = child(
    "process.stderr.write('FATAL ERROR: Reached heap limit\\n'); process.kill(process.pid, 'SIGABRT');",
  );
  await expect(node.ready).rejects.toThrow('Reached heap limit');
});
