import { resolve } from 'node:path';
import { formatBytes } from '../../observe/words/units.ts';
import { quoted } from '../../util/printable.ts';
import type { Action, Done } from '../../yard/action.ts';
import { failed } from '../../yard/problem.ts';
import { YardClient } from '../client/client.ts';
import { stoppedYard } from '../launcher/resume.ts';
import { mayWrite, packStaged, type Saved, stage } from '../launcher/save-write.ts';
import type { YardFile } from '../yard/check.ts';
import { claimYard, ownerOf } from '../yard/claim.ts';
import { locateYard, pathFrom, yardOption } from '../yard/file.ts';
import { isVacant, unpack } from './read.ts';

/** `save` and `load`: the next person starts exactly where this one stands. */

/** A long chain is written and compressed; nobody is kept waiting but the one who asked. */
const SAVE_MS = 600_000;

export interface SaveWishes {
  readonly yard: string | undefined;
  readonly file: string;
  readonly force: boolean;
}

export function save(wishes: SaveWishes, cwd: string): Action<Saved> {
  const { dir, yard } = locateYard(wishes.yard, cwd);
  const target = resolve(cwd, wishes.file);
  mayWrite(target, wishes.force);
  const runs = ownerOf(dir) !== undefined;
  const still = runs ? '; its processes stand still for a moment meanwhile' : '';
  return {
    plan: `Save ${yard.label} (${yard.nodes.length} nodes: keys, chains, links, faults) as ${wishes.file}${still}`,
    async run(): Promise<Done<Saved>> {
      const saved = runs
        ? await new YardClient(dir, yard).control<Saved & Record<string, never>>(
            'save',
            { file: target },
            SAVE_MS,
          )
        : await saveStopped(dir, yard, target);
      const line =
        `${wishes.file}: ${saved.files} files, ${formatBytes(saved.packed)} (unpacked ${formatBytes(saved.bytes)}); ` +
        `secret keys are inside\nload it anywhere with: forkyard load ${quoted(pathFrom(cwd, target))} --data DIR`;
      return { line, data: saved };
    },
  };
}

async function saveStopped(dir: string, yard: YardFile, target: string): Promise<Saved> {
  const claim = await claimYard(dir);
  try {
    return await packStaged(dir, target, (to) => {
      stage(dir, to);
      return stoppedYard(yard);
    });
  } finally {
    claim.release();
  }
}

export interface Loaded {
  readonly dir: string;
  readonly label: string;
  readonly nodes: number;
  readonly savedAt: string;
}

export function load(wishes: { readonly file: string; readonly dir: string }, cwd: string): Action<Loaded> {
  const file = resolve(cwd, wishes.file);
  const dir = resolve(cwd, wishes.dir);
  if (!isVacant(dir))
    throw failed(
      `${wishes.dir} is not empty, and a load overwrites nothing`,
      'Choose another place: --data DIR',
    );
  return {
    plan: `Load ${wishes.file} into ${wishes.dir}; every file is checked before it is put there`,
    async run(): Promise<Done<Loaded>> {
      const unpacked = await unpack(file, dir);
      try {
        unpacked.placeIn(dir);
      } catch (error) {
        unpacked.discard();
        throw failed(`cannot write ${dir}: ${(error as Error).message}`, 'Choose another place: --data DIR');
      }
      const { yard, savedAt } = unpacked.manifest;
      const data = { dir, label: yard.label, nodes: yard.nodes.length, savedAt };
      const when = savedAt.slice(0, 16).replace('T', ' ');
      return {
        line:
          `${yard.label}, ${yard.nodes.length} nodes, saved ${when} UTC, lies in ${pathFrom(cwd, dir)}; ` +
          `it goes on where it was with: forkyard up${yardOption(dir, cwd)}`,
        data,
      };
    },
  };
}
