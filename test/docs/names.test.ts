import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { ROOT } from './snippets.ts';

/** The documents about the code name files, identifiers and sections: all of them exist. */

const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];

const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const NAMES = new Set(['src', 'test', 'scripts'].flatMap(filesUnder).map((path) => basename(path)));

/** Sources and pages that a page names in backticks, and folders of ours. What a build makes may not be there yet. */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([\w@.-]+(?:\/[\w@.-]+)*\/?)`/g)].map(([, path]) => path!);
  return quoted
    .filter((path) => /\.(?:ts|tsx|mjs|css|md)$|^(?:src|test|scripts|docs|\.ci)\//.test(path))
    .filter((path) => !path.startsWith('dist/'));
}

/** A path is meant from the root or from `src/`, a bare name from the folder that its sentence is about. */
const isThere = (path: string) =>
  path.includes('/') ? existsSync(join(ROOT, path)) || existsSync(join(ROOT, 'src', path)) : NAMES.has(path);

/** The first column of a table's row. */
function rowsOf(section: string): string[] {
  return [...section.matchAll(/^\| ([^|]*) \|/gm)].map(([, cell]) => cell!);
}

/** A heading as GitHub links to it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

describe('the pages about the code', () => {
  it.each(PAGES)('%s names files that exist', (page) => {
    expect(pathsIn(textOf(page)).filter((path) => !isThere(path))).toEqual([]);
  });

  it('a file that is gone is found', () => {
    const gone = ['src/node/gone.ts', 'host/net/gone.ts', 'gone.ts', 'test/gone'];
    expect(pathsIn(`\`a/b\`, \`${gone.join('`, `')}\` and \`dist/gone.mjs\``)).toEqual(gone);
    expect(gone.filter(isThere)).toEqual([]);
    expect(pathsIn(textOf('ARCHITECTURE.md')).length).toBeGreaterThan(150);
  });

  it.each(PAGES)('%s links to files and sections that exist', (page) => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, file, anchor]) => {
      const target = file === '' ? page : join(dirname(page), file!);
      if (!existsSync(join(ROOT, target))) return true;
      if (anchor === undefined) return false;
      const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      return !headings.includes(anchor);
    });
    expect(links.length).toBeGreaterThan(1);
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('the glossary has our words as the code has them', () => {
    const [, glossary = ''] = /^## Glossary\n([\s\S]*?)^## /m.exec(textOf('ARCHITECTURE.md')) ?? [];
    const rows = rowsOf(glossary);
    expect(rows.length).toBeGreaterThan(45);
    const words = rows.flatMap((cell) => [...cell.matchAll(/`([A-Za-z]\w+)`/g)].map(([, word]) => word!));
    const code = filesUnder('src').map((file) => readFileSync(file, 'utf8'));
    const unknown = words.filter((word) => !code.some((text) => new RegExp(`\\b${word}\\b`).test(text)));
    expect(words.length).toBeGreaterThan(30);
    expect(unknown).toEqual([]);
  });
});
