import { createHash } from 'node:crypto';
import type { PageFiles } from './files.ts';

/** What the page finds in its own document instead of asking a server. */
export interface Inside {
  readonly title: string;
  /** Id of the element, and what it holds; no `<`. */
  readonly id: string;
  readonly text: string;
}

/** The page as one file: script, style and data in it, nothing to load from anywhere, and a policy that says so. */
export function selfContained(files: PageFiles, { title, id, text }: Inside): string {
  const script = files.script.replaceAll('</script', '<\\/script');
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(files.style)}'; img-src data:`;
  const replaced: readonly (readonly [string, string])[] = [
    [
      '<meta charset="utf-8">',
      `<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    ],
    ['<title>forkyard</title>', `<title>forkyard ${escaped(title)}</title>`],
    ['<link rel="stylesheet" href="/style.css">', `<style>${files.style}</style>`],
    [
      '<script type="module" src="/page.js"></script>',
      `<script type="application/json" id="${id}">${text}</script>\n<script type="module">${script}</script>`,
    ],
  ];
  let html = files.html;
  for (const [from, to] of replaced) {
    if (!html.includes(from)) throw new Error(`the page's index.html has no ${from}`);
    html = html.replace(from, () => to);
  }
  return html;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
