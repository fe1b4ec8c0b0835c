import type { Geometry } from '../../observe/tree/cells.ts';
import { colourOf } from '../../observe/tree/colours.ts';
import type { Layout, MomentColumn } from '../../observe/tree/layout.ts';
import type { Tick } from '../../observe/tree/time-axis.ts';
import { alongAxis } from '../../observe/tree/time-geometry.ts';
import type { App } from '../state/app.ts';

/** What only the tree by time has: the clock along its edge, and how long each block took to be everywhere. */

/** What is in view, in pixels of the picture: along its direction, and how far it is scrolled across. */
export interface View {
  readonly from: number;
  readonly size: number;
  readonly over: number;
}

interface Props {
  readonly layout: Layout;
  readonly geometry: Geometry;
  readonly view: View;
}

/** Beyond the edges of the view, so that no word is cut off. */
const EDGE = 100;

export function ticksIn({ layout, geometry, view }: Props): readonly Tick[] {
  const { time } = layout;
  if (time === undefined) return [];
  const zero = alongAxis(geometry, 0);
  const begin = geometry.isUpright ? zero - view.from - view.size : view.from - zero;
  return time.axis.ticks(begin - EDGE, begin + view.size + EDGE);
}

/** Round times, silences that were shortened, and the present. Nothing where columns are heights. */
export function TimeLines(props: Props) {
  const { layout, geometry, view } = props;
  const { time } = layout;
  if (time === undefined) return null;
  const { axis } = time;
  const { isUpright } = geometry;
  const [width, height] = geometry.size;
  const place = (at: number) => alongAxis(geometry, at);
  const isNear = (at: number) => place(at) > view.from - EDGE && place(at) < view.from + view.size + EDGE;
  const line = (at: number) => (isUpright ? `M44 ${place(at)}H${width}` : `M${place(at)} 28V${height}`);
  return (
    <g class="time-lines">
      {ticksIn(props).map(({ at, words }) => (
        <path key={words} class="tick" d={line(at)} />
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
