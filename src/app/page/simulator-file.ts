import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../node/package.ts';
import { readPageFiles } from './files.ts';
import { selfContained } from './self-contained.ts';

/** The simulator as one file: the page, the node and the networks' rules; no server, no install. */
export function simulatorFile(): string {
  const networks: unknown = JSON.parse(readFileSync(join(packageRoot(), 'genesis.json'), 'utf8'));
  const text = JSON.stringify(networks).replaceAll('<', '\\u003c');
  return selfContained(readPageFiles('simulator.js'), { title: 'simulated', id: 'networks', text });
}
