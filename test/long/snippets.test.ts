import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { isTyped, makeProject, typeSnippet } from '../docs/shell.ts';
import { DOCUMENTS, type How, snippetsOf } from '../docs/snippets.ts';

/** The commands of the documents that compute for minutes; all others: test/live/snippets.test.ts. */

let project: string;

beforeAll(() => {
  project = makeProject('long-snippets');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const isLong = ({ long }: How) => long === true;
const snippets = DOCUMENTS.flatMap(snippetsOf).filter((one) => one.language === 'sh' && isTyped(one, isLong));

describe('the documents', () => {
  it.each(snippets)('$place runs', (snippet) => typeSnippet(project, snippet, isLong));
});
