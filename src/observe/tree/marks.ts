import type { Answer } from '../state/agreement.ts';
import type { Forest, SeenBlock } from '../state/forest.ts';
import type { ReorgScene } from '../state/story.ts';
import { byLetter, short } from '../words/words.ts';
import type { Geometry, Point } from './cells.ts';
import { type Layout, sharedBlock } from './layout.ts';

/** Where everything stands that is not a block: flags, the grounds of a cut, ghosts, words of work, the reorg's chip. */

type Tips = ReadonlyMap<string, string>;
type Box = readonly [x: number, y: number, width: number, height: number];

export interface FlagSpot {
  readonly node: string;
  readonly block: SeenBlock;
  readonly at: Point;
}

/** A flag a node, at its tip; several fan out. */
export function flagsOf(forest: Forest, layout: Layout, geometry: Geometry, tips: Tips): FlagSpot[] {
  const on = new Map<string, number>();
  return [...tips.keys()].sort(byLetter).flatMap((node) => {
    const block = forest.blocks.get(tips.get(node) ?? '');
    if (block === undefined) return [];
    const place = on.get(block.id) ?? 0;
    on.set(block.id, place + 1);
    const index = layout.columnOf(block);
    const [x, y] = geometry.at(index, layout.rowOf(block));
    const r = geometry.face / 2;
    const column = layout.columns[index];
    // Above a block that steps aside stands the one that it steps aside for.
    const isBeside = geometry.isUpright || (column?.kind === 'moment' && column.aside);
    const [dx, dy] = isBeside
      ? [r + 8 + (place % 3) * 23, -8 + Math.floor(place / 3) * 22]
      : [-r + 1 + (place % 6) * 23, -r - geometry.label - 12 - Math.floor(place / 6) * 22];
    return [{ node, block, at: [x + dx, y + dy] as const }];
  });
}

interface Ground {
  readonly group: readonly string[];
  /** 0 or 1: two textures, not two hues; the same as the group has among the nodes. */
  readonly texture: number;
  /** It follows the side's branch from row to row; the strip that holds a tip comes first and goes on to the edge. */
  readonly strips: readonly Box[];
  /** Where its name stands. */
  readonly name: Point;
}

export interface Grounds {
  /** In the order of their rows. */
  readonly grounds: readonly Ground[];
  readonly seam: readonly [Point, Point];
  /** Where `no messages cross` begins, and the line between two grounds that it stands on. */
  readonly words: Point;
  readonly between: readonly [Point, Point] | undefined;
}

/** From the height of a cut on, each side stands on ground of its own. */
export function groundsOf(
  forest: Forest,
  layout: Layout,
  geometry: Geometry,
  tips: Tips,
): Grounds | undefined {
  const groups = forest.cut;
  const shared = groups === undefined ? undefined : sharedBlock(forest, forest.tips);
  if (groups === undefined || shared === undefined) return undefined;
  const { height } = shared;
  const seam = geometry.seam(layout.columnOf(shared));
  const sides = groups.flatMap((group, i) => {
    const strips = stripsOf(forest, layout, geometry, group, tips, height);
    return strips.length === 0 ? [] : [{ group, texture: i % 2, strips }];
  });
  const row = (box: Box) => (geometry.isUpright ? box[0] : box[1]);
  sides.sort((a, b) => row(a.strips[0]!) - row(b.strips[0]!));
  const grounds = sides.map(({ group, texture, strips }): Ground => {
    const [x, y, w, h] = strips[0]!;
    return { group, texture, strips, name: geometry.isUpright ? [x + 8, 16] : [x + w - 12, y + h - 10] };
  });
  if (geometry.isUpright)
    return { grounds, seam, words: [seam[0][0] + 6, seam[0][1] - 6], between: undefined };
  const second = grounds[1]?.strips[0];
  if (second === undefined)
    return { grounds, seam, words: [seam[0][0] + 14, seam[1][1] - 12], between: undefined };
  const [x, y, w] = second;
  return {
    grounds,
    seam,
    words: [x + 64, y + 4],
    between: [
      [x, y],
      [x + w, y],
    ],
  };
}

/** One strip for each stretch of a branch on one row; the tips' own strips first. */
function stripsOf(
  forest: Forest,
  layout: Layout,
  geometry: Geometry,
  group: readonly string[],
  tips: Tips,
  height: number,
): Box[] {
  const tipStrips = new Map<string, Box>();
  const others = new Map<string, Box>();
  for (const node of group) {
    let end = forest.blocks.get(tips.get(node) ?? '');
    for (let isTip = true; end !== undefined && end.height > height; isTip = false) {
      let first = end;
      let before = forest.blocks.get(first.prev);
      while (before !== undefined && before.height > height && layout.rowOf(before) === layout.rowOf(end)) {
        first = before;
        before = forest.blocks.get(first.prev);
      }
      const from = layout.columnOf(before ?? first);
      const key = `${layout.rowOf(end)} ${from}`;
      if (isTip) tipStrips.set(key, geometry.ground(from, layout.rowOf(end)));
      else if (!tipStrips.has(key))
        others.set(key, geometry.ground(from, layout.rowOf(end), layout.columnOf(end)));
      end = before;
    }
  }
  return [...tipStrips.values(), ...others.values()];
}

export interface EndMark {
  readonly id: string;
  /** The cell behind the tip, if it is free: for the block that is being guessed at. */
  readonly next: Point | undefined;
  readonly link: string;
  readonly miners: readonly string[];
  /** Where branches compete: `work 4.0M`, `leads by 0.4M`. */
  readonly work: string;
  readonly margin: string;
  readonly words: Point;
}

/** What stands behind each tip. */
export function endsOf(
  forest: Forest,
  layout: Layout,
  geometry: Geometry,
  ends: readonly Answer[],
  isMining: (node: string) => boolean,
): EndMark[] {
  const best = ends[0]?.work ?? 0n;
  return ends.flatMap((end) => {
    const tip = forest.blocks.get(end.id);
    if (tip === undefined) return [];
    const goesOn = (forest.children.get(tip.id) ?? []).some((id) => {
      const child = forest.blocks.get(id);
      return child !== undefined && layout.rowOf(child) === layout.rowOf(tip);
    });
    const column = layout.columnOf(tip);
    const ahead = geometry.next(column, layout.rowOf(tip));
    const [x, y] = ahead.at;
    const r = geometry.face / 2 - 2;
    const second = ends[1]?.work ?? best;
    const leads = end.work === best && second < best;
    const competes = ends.length > 1 && !goesOn;
    const behind = end.work < best ? `${short(best - end.work)} behind` : '';
    return [
      {
        id: end.id,
        next: goesOn ? undefined : ([x, y] as const),
        link: ahead.link,
        miners: end.nodes.filter(isMining),
        work: competes ? `work ${short(end.work)}` : '',
        margin: leads ? `leads by ${short(best - second)}` : behind,
        words: geometry.isUpright ? ([x - r, y - r - 24] as const) : ([x + r + 12, y - 4] as const),
      },
    ];
  });
}

/** `2 out · 3 in`, beside the lowest block that is out; undefined when that is folded away or forgotten. */
export function reorgChipOf(
  forest: Forest,
  layout: Layout,
  geometry: Geometry,
  scene: ReorgScene,
): { readonly text: string; readonly at: Point } | undefined {
  const block = forest.blocks.get(scene.out.at(-1)?.id ?? '');
  if (block === undefined) return undefined;
  const column = layout.columnOf(block);
  if (layout.columns[column]?.kind === 'fold') return undefined;
  const [x, y] = geometry.at(column, layout.rowOf(block));
  const r = geometry.face / 2;
  const dy = geometry.isUpright ? r + 4 : -r - geometry.label - 24;
  return { text: `${scene.depth} out · ${scene.length} in`, at: [x - r, y + dy] };
}
