import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interrupt, isTyped, makeProject, shown, type Typed, type, typeSnippet } from '../docs/shell.ts';
import { BESIDE_A_YARD, DOCUMENTS, type How, ROOT, type Snippet, snippetsOf } from '../docs/snippets.ts';

/** Every command and program in the documents, as it is printed there, in the order in which a reader meets them. */

const isShort = ({ long }: How) => long !== true;
const isRun = (one: Snippet) => one.language === 'ts' || (one.language === 'sh' && isTyped(one, isShort));

describe.each(DOCUMENTS.filter((document) => snippetsOf(document).some(isRun)))('%s', (document) => {
  const snippets = snippetsOf(document).filter(isRun);
  let project: string;
  let yard: Typed | undefined;

  beforeAll(async () => {
    project = makeProject('snippets');
    if (!BESIDE_A_YARD.has(document)) return;
    // As the tour leaves it.
    yard = type(project, 'forkyard up -n 4 --network lab --pace 1s --log');
    await shown(yard, /[A-D] found \d+[A-D]/);
  });

  afterAll(async () => {
    if (yard !== undefined) await interrupt(yard);
    rmSync(project, { recursive: true, force: true });
  });

  async function txid(): Promise<string> {
    const sent = type(project, 'forkyard send alice bob 0.1 --json');
    expect(await sent.ended, sent.output()).toBe(0);
    return /"txid":\s*"([0-9a-f]{64})"/.exec(sent.output())![1]!.slice(-6);
  }

  const shell = snippets.filter(({ language }) => language === 'sh');
  it.runIf(shell.length > 0).each(shell)('$place runs', async (snippet) => {
    await typeSnippet(project, snippet, isShort, txid);
  });

  const programs = snippets.filter(({ language }) => language === 'ts');
  it.runIf(programs.length > 0).each(programs)('$place is a program that runs', async ({ text }) => {
    symlinkSync(join(ROOT, 'node_modules', '@types'), join(project, 'node_modules', '@types'));
    writeFileSync(join(project, 'example.ts'), text);
    const options = { strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', target: 'es2023' };
    const compilerOptions = { ...options, types: ['node'] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
    execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', project]);
    writeFileSync(join(project, 'example.mjs'), transformSync(text, { loader: 'ts' }).code);
    const ran = type(project, 'node example.mjs');
    expect([await ran.ended, ran.output()]).toEqual([0, expect.stringMatching(/^[^:]+$/)]);
  });
});
