import { escapeXml } from '../chart/plot.ts';
import { answersOf } from '../state/agreement.ts';
import { blockNames } from '../state/block-words.ts';
import { keptBlocks } from '../state/fold.ts';
import type { Forest, SeenBlock } from '../state/forest.ts';
import type { Lanes } from '../state/lanes.ts';
import type { Story } from '../state/story.ts';
import { fitted, textWidth, wrappedTo } from '../words/text-width.ts';
import { byLetter, formatGroups, short } from '../words/words.ts';
import type { Geometry } from './cells.ts';
import { colourOf } from './colours.ts';
import { geometryOf } from './geometry.ts';
import { type Column, type Layout, layoutOf, type MomentColumn } from './layout.ts';
import { endsOf, flagsOf, groundsOf, reorgChipOf } from './marks.ts';
import { lanesSvg } from './picture-lanes.ts';
import { alongAxis } from './time-geometry.ts';
import { layoutByTime, type TimeWishes } from './time-layout.ts';
import type { TimeRows } from './time-rows.ts';

/** The fork tree and one payment's lanes as one SVG with its caption: fit for a slide, a README, a printer. */

export interface PictureWishes {
  /** The yard's name. */
  readonly label: string;
  /** Columns to draw, from and to, of the layout with everything folded that may be; default: the newest. */
  readonly columns?: readonly [number, number];
  /** Only this many of the highest heights, none folded among the newest. */
  readonly last?: number;
  /** First heights of folds that stay open. */
  readonly opened?: ReadonlySet<number>;
  /** Blocks that no fold may hide. */
  readonly shown?: ReadonlySet<string>;
  /** Blocks at the time at which they were found, not a column a height. */
  readonly time?: Omit<TimeWishes, 'tips'> & { readonly rows: TimeRows };
  /** The moment, as the caption names it: `event 118 at 0:32`. */
  readonly moment: string;
  /** One payment's lanes, up to this log time. */
  readonly lanes?: { readonly lanes: Lanes; readonly until: number };
}

/** Columns that fit a slide. */
const COLUMNS = 18;
const LINE = 20;
/** Sizes of its text, as in the style below. */
const CAPTION_SIZE = 13;
const TEXT_SIZE = 12;
const LETTER_SIZE = 18;
/** Left and right of the text below the tree. */
const MARGIN = 16;
/** Light, whoever looks: it is for paper. The colours of Okabe and Ito carry no meaning that a letter does not. */
const STYLE = `
svg{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;font-size:12px}text{fill:#1b1f24}
.ruler{text-anchor:middle;fill:#5b6470}.link{fill:none;stroke:#1b1f24;stroke-width:2}.link.stale{stroke:#8a939e;stroke-width:1.5}
.fold{fill:none;stroke:#8a939e;stroke-width:2;stroke-dasharray:3 5}.soft{fill:#5b6470}.mid{text-anchor:middle}.end{text-anchor:end}
.face{stroke:#1b1f24;stroke-width:1.2}.face.stale{stroke:#8a939e;fill:#fff}.letter{font-size:18px;font-weight:700;text-anchor:middle}.letter.small{font-size:14px}.tick{stroke:#d3d8de}
.cloth{stroke:#1b1f24;stroke-width:.8}.pole{stroke:#1b1f24;stroke-width:2}.seam{stroke:#1b1f24;stroke-width:2;stroke-dasharray:2 6}
.next{fill:none;stroke:#8a939e;stroke-width:1.5;stroke-dasharray:4 4}.bold{font-weight:650}.chip{fill:#1b1f24}.chip-text{fill:#fff;font-weight:600}
.halo{paint-order:stroke;stroke:#fff;stroke-width:5px}.undone{fill:#b84a00}.caption{font-size:13px}.unknown{stroke:#8a939e;stroke-width:2;stroke-dasharray:1 6;stroke-linecap:round}
`.trim();

const PATTERNS =
  '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line y2="6" stroke="#8a939e" stroke-width="1.4" opacity=".55"/></pattern>' +
  '<pattern id="ground0" width="10" height="10" patternUnits="userSpaceOnUse"><circle cx="2" cy="2" r="1.1" fill="#00000022"/><circle cx="7" cy="7" r="1.1" fill="#00000022"/></pattern>' +
  '<pattern id="ground1" width="10" height="10" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><line y2="10" stroke="#00000018" stroke-width="3"/></pattern></defs>';

interface Scene {
  readonly forest: Forest;
  readonly story: Story;
  readonly layout: Layout;
  readonly geometry: Geometry;
}

export function pictureSvg(forest: Forest, story: Story, wishes: PictureWishes): string {
  const shown = new Set(wishes.shown);
  for (const block of forest.blocks.values()) {
    if (wishes.last !== undefined && block.height > topOf(forest) - wishes.last) shown.add(block.id);
  }
  const { tips } = forest;
  const layout =
    wishes.time === undefined
      ? layoutOf(forest, { tips, opened: wishes.opened ?? new Set(), shown })
      : layoutByTime(forest, wishes.time.rows, { tips, ...wishes.time });
  const ends = answersOf(forest, forest.tips);
  const geometry = geometryOf(layout, false, ends.length);
  const scene: Scene = { forest, story, layout, geometry };
  const r = geometry.face / 2;
  const [first, last] = columnsOf(layout, wishes);
  const columns = layout.columns.slice(first, last + 1);
  const rows = columns.flatMap((column) => column.blocks.map((block) => layout.rowOf(block)));
  const firstX = geometry.at(first, 0)[0];
  const firstFold = columns[0]?.kind === 'fold' ? textWidth(foldWords(columns[0]), TEXT_SIZE) / 2 : 0;
  const left = Math.min(Math.max(0, firstX - r - 14), firstX - firstFold);
  const isNewest = last >= layout.columns.length - 1;
  const right = isNewest ? geometry.size[0] : geometry.at(last, 0)[0] + r + 14;
  // Flags of many nodes are in several rows, which grow upward.
  const flagTops = flagsOf(forest, layout, geometry, tips).map(({ at }) => at[1] - 12);
  const above = Math.max(0, -Math.min(0, ...(isNewest ? flagTops : [])));
  const lanes =
    wishes.lanes === undefined
      ? undefined
      : lanesSvg(forest, story, wishes.lanes.lanes, wishes.lanes.until, Math.max(760, right - left));
  const width = Math.max(760, right - left, lanes?.width ?? 0);
  const caption = captionOf(scene, wishes).flatMap((line) =>
    wrappedTo(line, width - 2 * MARGIN, CAPTION_SIZE).map((part) =>
      fitted(part, width - 2 * MARGIN, CAPTION_SIZE),
    ),
  );
  const treeHeight = geometry.at(0, Math.max(0, ...rows))[1] + 54 + above;
  const height = treeHeight + (lanes?.height ?? 0) + caption.length * LINE + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(caption.join(' '))}">`,
    `<title>${escapeXml(caption[0] ?? '')}</title><style>${STYLE}</style>${PATTERNS}`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<svg width="${right - left}" height="${treeHeight}" viewBox="${left} ${-above} ${right - left} ${treeHeight}">`,
    grounds(scene),
    clockSvg(layout, geometry, left, right),
    ...columns.map((column, i) => columnSvg(scene, column, first + i)),
    ...(isNewest ? [marks(scene)] : []),
    '</svg>',
    lanes === undefined ? '' : `<g transform="translate(0 ${treeHeight})">${lanes.svg}</g>`,
    ...caption.map(
      (line, i) =>
        `<text class="caption" x="${MARGIN}" y="${treeHeight + (lanes?.height ?? 0) + 16 + i * LINE}">${escapeXml(line)}</text>`,
    ),
    '</svg>\n',
  ].join('\n');
}

function topOf(forest: Forest): number {
  let top = 0;
  for (const id of forest.tips.values()) top = Math.max(top, forest.blocks.get(id)?.height ?? 0);
  return top;
}

function columnsOf(layout: Layout, wishes: PictureWishes): readonly [number, number] {
  const end = layout.columns.length - 1;
  if (wishes.columns !== undefined) return [Math.max(0, wishes.columns[0]), Math.min(end, wishes.columns[1])];
  if (wishes.last === undefined) return [Math.max(0, end - COLUMNS + 1), end];
  const from = layout.columns.findIndex(
    (c) => (c.kind === 'fold' ? c.to : c.height) > lastHeight(layout) - wishes.last!,
  );
  return [Math.max(0, from), end];
}

function lastHeight(layout: Layout): number {
  const column = layout.columns.at(-1);
  return column === undefined ? 0 : column.kind === 'fold' ? column.to : column.height;
}

function grounds({ forest, layout, geometry }: Scene): string {
  const found = groundsOf(forest, layout, geometry, forest.tips);
  if (found === undefined) return '';
  const { seam, words, between } = found;
  const line = (from: readonly [number, number], to: readonly [number, number]) =>
    `<line class="seam" x1="${from[0]}" y1="${from[1]}" x2="${to[0]}" y2="${to[1]}"/>`;
  return [
    ...found.grounds.map(
      ({ group, texture, strips, name }) =>
        strips
          .map(
            ([x, y, w, h]) =>
              `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="url(#ground${texture})"/>`,
          )
          .join('') +
        `<text class="soft end" x="${name[0]}" y="${name[1]}">ground of ${escapeXml(group.join(' '))}</text>`,
    ),
    line(...seam),
    between === undefined ? '' : line(...between),
    `<rect x="${words[0] - 6}" y="${words[1] - 14}" width="128" height="20" rx="4" fill="#fff"/>`,
    `<text class="bold" x="${words[0]}" y="${words[1]}">no messages cross</text>`,
  ].join('');
}

function columnSvg(scene: Scene, column: Column, index: number): string {
  const { geometry, layout, forest } = scene;
  const [x, y] = geometry.ruler(index);
  if (column.kind === 'fold') {
    const lines = column.blocks.map((block) => {
      const row = layout.rowOf(block);
      const [bx, by] = geometry.at(index, row);
      return `<path class="fold" d="${geometry.foldLine(index, row)}"/><text class="soft mid" x="${bx}" y="${by - 8}">${foldWords(column)}</text>`;
    });
    return `<text class="ruler" x="${x}" y="${y}">⋯</text>${lines.join('')}`;
  }
  const links = column.blocks.map((block) => {
    const parent = forest.blocks.get(block.prev);
    if (parent === undefined) return '';
    const from = layout.columnOf(parent);
    if (layout.columns[from]?.kind === 'fold' && layout.rowOf(parent) === layout.rowOf(block)) return '';
    const stale = layout.kept.has(block.id) ? '' : ' stale';
    return `<path class="link${stale}" d="${geometry.link(from, layout.rowOf(parent), index, layout.rowOf(block))}"/>`;
  });
  const blocks = column.blocks.map((block) => blockSvg(scene, block, index));
  const ruler =
    column.kind === 'moment'
      ? momentSvg(layout, column, geometry, index)
      : `<text class="ruler" x="${x}" y="${y}">${column.height}</text>`;
  return ruler + links.join('') + blocks.join('');
}

function foldWords({ from, to }: Extract<Column, { kind: 'fold' }>): string {
  return `${to - from + 1} blocks`;
}

function blockSvg({ forest, story, layout, geometry }: Scene, block: SeenBlock, index: number): string {
  const [x, y] = geometry.at(index, layout.rowOf(block));
  const side = geometry.face;
  const r = side / 2;
  const isSmall = layout.time !== undefined;
  const isKept = layout.kept.has(block.id);
  const { fill, ink } = colourOf(block.miner);
  const name = block.miner === '' ? (block.height === 0 ? '0' : '?') : block.miner;
  const letter = fitted(name, side - 4, isSmall ? LETTER_SIZE - 4 : LETTER_SIZE, true);
  const payments = block.txids.length - (block.height > 0 ? 1 : 0);
  const isShared = block.txids.some((id) => story.payments.get(id)?.rival !== undefined);
  const halo = isKept ? '' : ' halo';
  const style = isKept ? ` style="fill:${ink}"` : '';
  const isLast = (forest.children.get(block.id)?.length ?? 0) === 0;
  return [
    `<g transform="translate(${x} ${y})">`,
    `<rect class="face${isKept ? '' : ' stale'}" x="${-r}" y="${-r}" width="${side}" height="${side}" rx="5"${isKept ? ` fill="${fill}"` : ''}/>`,
    isKept ? '' : `<rect x="${-r}" y="${-r}" width="${side}" height="${side}" rx="5" fill="url(#hatch)"/>`,
    `<text class="letter${isSmall ? ' small' : ''}${halo}" x="${isSmall && payments > 0 ? -5 : 0}" y="${isSmall ? (payments > 0 ? 2 : 5) : 6}"${style}>${escapeXml(letter)}</text>`,
    payments > 0
      ? `<text class="end${halo}" x="${isSmall ? r - 1 : r - 4}" y="${isSmall ? r - 2 : r - 4}"${style}>${isShared ? '◐' : ''}${payments}</text>`
      : '',
    story.refused.has(block.id) ? `<text class="undone bold" x="${-r + 4}" y="${-r + 12}">✕</text>` : '',
    !isKept && isLast
      ? `<text class="soft mid" y="${r + 15 + geometry.label}" font-style="italic">stale</text>`
      : '',
    '</g>',
  ].join('');
}

function marks({ forest, story, layout, geometry }: Scene): string {
  const { tips } = forest;
  const ends = endsOf(forest, layout, geometry, answersOf(forest, tips), (node) => story.mining.has(node));
  const n = geometry.face - 4;
  const said = ends.map(
    ({ next, miners, link, work, margin, words: [x, y] }) =>
      (next === undefined || miners.length === 0
        ? ''
        : `<path class="fold" d="${link}"/><rect class="next" x="${next[0] - n / 2}" y="${next[1] - n / 2}" width="${n}" height="${n}" rx="5"/><text class="soft mid" x="${next[0]}" y="${next[1] + 4}">next</text>`) +
      (work === ''
        ? ''
        : `<text class="bold" x="${x}" y="${y}">${escapeXml(work)}</text><text class="soft" x="${x}" y="${y + 17}">${escapeXml(margin)}</text>`),
  );
  const flags = flagsOf(forest, layout, geometry, tips).map(({ node, at: [x, y] }) => {
    const { fill, ink } = colourOf(node);
    return `<g transform="translate(${x} ${y})"><line class="pole" y1="-10" y2="12"/><path class="cloth" d="M0 -10H20L16 -2L20 6H0Z" fill="${fill}"/><text class="mid bold" x="8.5" y="2.5" style="font-size:11px;fill:${ink}">${escapeXml(node)}</text></g>`;
  });
  const scene = story.scenes.at(-1);
  const chip = scene === undefined ? undefined : reorgChipOf(forest, layout, geometry, scene);
  const drawn =
    chip === undefined
      ? ''
      : `<rect class="chip" x="${chip.at[0]}" y="${chip.at[1]}" width="${chip.text.length * 7 + 14}" height="20" rx="10"/><text class="chip-text" x="${chip.at[0] + 8}" y="${chip.at[1] + 14}">${escapeXml(chip.text)}</text>`;
  return said.join('') + drawn + flags.join('');
}

/** What one sees, for whoever gets the picture without its page. */
function captionOf({ forest, story }: Scene, { label, moment }: PictureWishes): string[] {
  const ends = answersOf(forest, forest.tips);
  const who = ends.map((e) => `${e.nodes.join(' ')} on ${forest.nameOf(e.id)} (work ${short(e.work)})`);
  const cut = forest.cut === undefined ? '' : `, cut ${formatGroups(forest.cut)}`;
  const lines = [`forkyard ${label}, ${moment}${cut}: ${who.join('; ')}.`];
  const scene = story.scenes.at(-1);
  if (scene !== undefined) {
    const names = (refs: readonly { readonly id: string }[]) => blockNames(forest, refs);
    lines.push(
      `Last reorg: ${[...scene.nodes].sort(byLetter).join(' ')} left ${names(scene.out)} (${scene.depth} out) for ${names(scene.in)} (${scene.length} in), fork point ${forest.nameOf(scene.fork.id)}.`,
    );
  }
  const stale = forest.blocks.size - keptBlocks(forest, forest.tips).size;
  lines.push(
    `Each square is a block with its miner’s letter; ⚑ a node’s tip${stale > 0 ? '; hatched = stale, on nobody’s branch' : ''}.`,
  );
  return lines;
}

/** What the picture by time has beside that by height: the clock, heights at the blocks, and how long each took to spread. */

function clockSvg({ time }: Layout, geometry: Geometry, left: number, right: number): string {
  if (time === undefined) return '';
  const { axis } = time;
  const zero = alongAxis(geometry, 0);
  const bottom = geometry.size[1];
  const ticks = axis.ticks(left - zero, right - zero).map(({ at, words }) => {
    const x = alongAxis(geometry, at);
    return `<path class="tick" d="M${x} 28V${bottom}"/><text class="ruler" x="${x}" y="18">${words}</text>`;
  });
  const silences = axis.breaks.map(
    ({ at, words }) =>
      `<text class="soft mid" x="${alongAxis(geometry, at - 24)}" y="42">silence of ${words}</text>`,
  );
  return ticks.join('') + silences.join('');
}

function momentSvg({ time }: Layout, column: MomentColumn, geometry: Geometry, index: number): string {
  const [x, y] = geometry.at(index, column.row);
  const beside = y + geometry.face / 2 + 6;
  const height = `<text class="ruler" style="font-size:10px" x="${x}" y="${y - geometry.face / 2 - 3}">${column.height}</text>`;
  const heard = time?.heardOf(column) ?? [];
  const last = heard.at(-1);
  if (last === undefined) return height;
  const dots = heard.map(
    ({ node, after }) =>
      `<circle class="face" cx="${(x + after).toFixed(1)}" cy="${beside}" r="3" fill="${colourOf(node).fill}"/>`,
  );
  return `${height}<path class="link" d="M${x} ${beside - 3}v6M${x} ${beside}h${last.after.toFixed(1)}"/>${dots.join('')}`;
}
