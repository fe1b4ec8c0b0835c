import type { Geometry } from '../observe/cells.ts';
import { colourOf } from '../observe/colours.ts';
import type { Layout, MomentColumn } from '../observe/layout.ts';
import { alongAxis } from '../observe/time-geometry.ts';
import type { App } from './app.ts';

/** What only the tree by time has: the clock along its edge, and how long each block took to be everywhere. */

interface RulerProps {
  readonly layout: Layout;
  readonly geometry: Geometry;
  readonly from: number;
  readonly size: number;
}

/** Round times, silences that were shortened, and the present. Nothing where columns are heights. */
export function TimeRuler({ layout, geometry, from, size }: RulerProps) {
  const { time } = layout;
  if (time === undefined) return null;
  const { axis } = time;
  const { isUpright } = geometry;
  const [width, height] = geometry.size;
  const place = (at: number) => alongAxis(geometry, at);
  const isNear = (at: number) => place(at) > from - 100 && place(at) < from + size + 100;
  const line = (at: number) => (isUpright ? `M44 ${place(at)}H${width}` : `M${place(at)} 28V${height}`);
  // Where the view begins, back on the axis.
  const begin = isUpright ? place(0) - from - size : from - place(0);
  const ticks = axis.ticks(begin - 100, begin + size + 100).filter(({ at }) => isNear(at));
  return (
    <g class="time-ruler">
      {ticks.map(({ at, words }) => (
        <g key={words}>
          <path class="tick" d={line(at)} />
          <text class="ruler" x={isUpright ? 22 : place(at)} y={isUpright ? place(at) + 4 : 18}>
            {words}
          </text>
        </g>
      ))}
      {axis.breaks
        .filter(({ at }) => isNear(at))
        .map(({ at, words }) => (
          <g key={at}>
            <path class="silence" d={line(at - 16)} />
            <text class="fold-text" x={isUpright ? 96 : place(at - 24)} y={isUpright ? place(at - 24) : 42}>
              silence of {words}
            </text>
          </g>
        ))}
      <path class="present" d={line(axis.end)} />
    </g>
  );
}

interface MomentProps {
  readonly geometry: Geometry;
  readonly column: MomentColumn;
  readonly index: number;
}

/** Its height, at the block: no ruler tells it. */
export function MomentName({ app, geometry, column, index }: MomentProps & { app: App }) {
  const [x, y] = geometry.at(index, column.row);
  const r = geometry.face / 2;
  // Where time goes upward the line to the next block leaves above.
  const { isUpright } = geometry;
  return (
    <text
      class={`ruler height clickable${isUpright ? ' beside' : ''}`}
      x={isUpright ? x - r - 4 : x}
      y={isUpright ? y + r - 1 : y - r - 3}
      onClick={() => app.select({ kind: 'height', height: column.height })}
    >
      {column.height}
      <title>Who had what when</title>
    </text>
  );
}

/** From where a block was found to where the last node had it, with a mark for each node. */
export function Spread({ layout, geometry, column, index }: MomentProps & { layout: Layout }) {
  const heard = layout.time?.heardOf(column) ?? [];
  const last = heard.at(-1);
  if (last === undefined) return null;
  const [x, y] = geometry.at(index, column.row);
  const beside = geometry.face / 2 + 6;
  // Upward is later where the window is upright.
  const turn = geometry.isUpright
    ? `translate(${x - beside},${y}) rotate(-90)`
    : `translate(${x},${y + beside})`;
  return (
    <g class="spread" transform={turn}>
      <path d={`M0 -3V3M0 0H${last.after.toFixed(1)}`} />
      {heard.map(({ node, after }) => (
        <circle key={node} cx={after.toFixed(1)} r="3" style={{ fill: colourOf(node).fill }} />
      ))}
      <title>{`Heard by ${heard.map(({ node }) => node).join(', ')}`}</title>
    </g>
  );
}
