import type { Geometry } from '../../observe/tree/cells.ts';
import type { Layout } from '../../observe/tree/layout.ts';
import { alongAxis } from '../../observe/tree/time-geometry.ts';
import type { App } from '../state/app.ts';
import { ticksIn, type View } from './tree-time.tsx';

/** Heights, or the clock, along the edge of the tree; stays in sight however far one scrolls across. */

const BREADTH = { across: 28, upright: 40 };

interface RulerProps {
  readonly app: App;
  readonly layout: Layout;
  readonly geometry: Geometry;
  readonly view: View;
  /** Columns that are painted. */
  readonly first: number;
  readonly last: number;
}

export function Ruler({ app, layout, geometry, view, first, last }: RulerProps) {
  const { isUpright } = geometry;
  const [width, height] = geometry.size;
  const shift = isUpright ? `translate(${view.over},0)` : `translate(0,${view.over})`;
  const place = (at: number) => alongAxis(geometry, at);
  return (
    <g class="ruler-row" transform={shift}>
      {view.over > 0 && (
        <rect
          class="ruler-back"
          width={isUpright ? BREADTH.upright : width}
          height={isUpright ? height : BREADTH.across}
        />
      )}
      {ticksIn({ layout, geometry, view }).map(({ at, words }) => (
        <text key={words} class="ruler" x={isUpright ? 22 : place(at)} y={isUpright ? place(at) + 4 : 18}>
          {words}
        </text>
      ))}
      {layout.columns.slice(first, last + 1).map((column, i) => {
        const [x, y] = geometry.ruler(first + i);
        if (column.kind === 'moment') return null;
        if (column.kind === 'fold')
          return (
            <text key={`f${column.from}`} class="ruler" x={x} y={y}>
              ⋯
            </text>
          );
        return (
          <text
            key={column.height}
            class="ruler clickable"
            x={x}
            y={y}
            onClick={() => app.select({ kind: 'height', height: column.height })}
          >
            {column.height}
            <title>Who had what when</title>
          </text>
        );
      })}
    </g>
  );
}
