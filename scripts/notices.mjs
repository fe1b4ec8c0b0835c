// The licences of the packages whose code is inside the bundles of dist.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/** The package that a bundled file belongs to, as a path below the checkout; undefined: a file of ours. */
function packageOf(file) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}

function noticeOf(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const texts = readdirSync(join(root, path))
    .filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(root, path, file), 'utf8').trim());
  return [`${name} ${version}: ${license}`, ...texts].join('\n\n');
}

/** One text for all packages that these bundled files come from, each package once, in the order of their paths. */
export function noticesOf(files) {
  const packages = [...new Set(files.map(packageOf))].filter((path) => path !== undefined).sort();
  return `${packages.map(noticeOf).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
