import type { Geometry } from './cells.ts';
import { colourOf } from './colours.ts';
import type { Layout, MomentColumn } from './layout.ts';
import { alongAxis } from './time-geometry.ts';

/** What the picture by time has beside that by height: the clock, heights at the blocks, and how long each took to spread. */

export function clockSvg({ time }: Layout, geometry: Geometry, left: number, right: number): string {
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

export function momentSvg({ time }: Layout, column: MomentColumn, geometry: Geometry, index: number): string {
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
