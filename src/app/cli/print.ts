import type { NodeInfo } from '../../lab/client/client.ts';
import type { YardFile } from '../../lab/yard/check.ts';
import type { Forest } from '../../observe/state/forest.ts';
import { drawTree } from '../../observe/tree/draw.ts';
import { formatOffset, formatSpeed, formatWork } from '../../observe/words/units.ts';
import { short } from '../../observe/words/words.ts';
import { blockName, tailOf } from '../../yard/names.ts';

/** Figures as lines of text. */

/** The fork tree with every node's tip and its work. */
export function treeLines(forest: Forest, nodes: readonly string[], last: number, ascii: boolean): string[] {
  const drawing = drawTree(forest, { nodes, last, ascii });
  if (drawing.rows.length === 0) return ['no block yet: the tree is its genesis'];
  const width = Math.max(...drawing.rows.map((r) => r.text.length));
  let best = 0n;
  for (const { end } of drawing.rows) if (end.work > best) best = end.work;
  const rows = drawing.rows.map((row) => {
    const behind = best - row.end.work;
    const note = row.stale ? 'stale' : behind === 0n ? '' : `${short(behind)} behind`;
    const fork = row.fork === undefined ? '' : `, forks at ${row.fork.label}`;
    return `${row.text.padEnd(width)}  work ${short(row.end.work).padEnd(5)} ${note}${fork}`.trimEnd();
  });
  return drawing.ruler === '' ? rows : [drawing.ruler, ...rows];
}

function clockOf(info: NodeInfo): string[] {
  return info.clockOffsetMs === 0 ? [] : [`clock ${formatOffset(info.clockOffsetMs)}`];
}

/** The nodes as rows of a table. */
export function nodeRows(
  infos: ReadonlyMap<string, NodeInfo | undefined>,
  yard: YardFile,
): readonly (readonly string[])[] {
  const rows: string[][] = [['NODE', 'TIP', '', 'WORK', 'HASH', 'PEERS', 'POOL', 'BLOCKS', 'STATE']];
  for (const [letter, info] of infos) {
    const frozen = yard.conditions?.frozen?.includes(letter) === true;
    if (info === undefined) {
      rows.push([letter, '-', '', '-', '-', '-', '-', '-', frozen ? 'frozen' : 'down']);
      continue;
    }
    const { tip, mining } = info;
    rows.push([
      letter,
      blockName(tip),
      tailOf(tip.id),
      formatWork(tip.work),
      mining.on && !mining.held ? formatSpeed(mining.rate) : '-',
      `${info.peers.length}/${yard.nodes.length - 1}`,
      String(info.pool.size),
      String(info.mined),
      [mining.held ? 'held' : mining.on ? 'mining' : 'idle', ...clockOf(info)].join(' · '),
    ]);
  }
  return rows;
}
