import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { answersOf } from '../../observe/state/agreement.ts';
import type { SeenBlock } from '../../observe/state/forest.ts';
import type { Geometry } from '../../observe/tree/cells.ts';
import { colourOf } from '../../observe/tree/colours.ts';
import { geometryOf } from '../../observe/tree/geometry.ts';
import { type Column, type Layout, layoutOf } from '../../observe/tree/layout.ts';
import { layoutByTime } from '../../observe/tree/time-layout.ts';
import { short } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import type { App } from '../state/app.ts';
import { Flags, Grounds, Marks } from './tree-marks.tsx';
import { Ruler } from './tree-ruler.tsx';
import { MomentName, Spread, TimeLines } from './tree-time.tsx';

/** The fork tree, painted: only what is in view is in the document. */

/** Columns beyond the edges of the view that are painted too. */
const MARGIN = 3;

export function Tree({ app, isUpright }: { app: App; isUpright: boolean }) {
  const { forest, story } = app.run;
  const tips = app.beats.overlay(forest.tips);
  const layout = useLayoutOf(app, tips);
  const ends = answersOf(forest, tips);
  const geometry = geometryOf(layout, isUpright, ends.length);
  const [width, height] = geometry.size;
  // From the last row of a lecture hall.
  const zoom = app.isStage ? 1.6 : 1;
  const { box, view, look } = useScroll(app, { layout, geometry, zoom }, ends[0]?.id);
  const inside = { from: view.from / zoom, size: view.size / zoom, over: view.over / zoom };
  const [first, last] = geometry.columnsIn(inside.from, inside.size, MARGIN);
  app.view = geometry.columnsIn(inside.from, inside.size, 0);
  const picked = story.payments.get(app.hovered ?? app.payment ?? '');
  return (
    <div
      class={`tree${app.run.isLive ? '' : ' past'}`}
      ref={box}
      onScroll={look}
      role="group"
      aria-label="The fork tree"
    >
      <svg
        class="tree-picture"
        width={width * zoom}
        height={height * zoom}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={treeWords(app)}
      >
        <Patterns />
        <Grounds app={app} layout={layout} geometry={geometry} tips={tips} />
        <TimeLines layout={layout} geometry={geometry} view={inside} />
        {layout.columns.slice(first, last + 1).map((column, i) => (
          <ColumnOf
            key={keyOf(column)}
            app={app}
            layout={layout}
            geometry={geometry}
            column={column}
            index={first + i}
          />
        ))}
        <Marks app={app} layout={layout} geometry={geometry} ends={ends} picked={picked} />
        <Flags app={app} layout={layout} geometry={geometry} tips={tips} />
        <Ruler app={app} layout={layout} geometry={geometry} view={inside} first={first} last={last} />
      </svg>
    </div>
  );
}

function keyOf(column: Column): string | number {
  if (column.kind === 'fold') return `f${column.from}`;
  return column.kind === 'moment' ? column.blocks[0].id : column.height;
}

/** Thousands of heights take milliseconds: a layout is kept until something that it shows has changed. */
function useLayoutOf(app: App, tips: ReadonlyMap<string, string>): Layout {
  const { forest } = app.run;
  const selected = app.selection?.kind === 'block' ? app.selection.id : '';
  const known = useRef<{ readonly key: string; readonly layout: Layout } | undefined>(undefined);
  const key = [app.isByTime, app.run.version, app.opened.size, selected, ...tips.values()].join(' ');
  if (known.current?.key !== key) {
    const shown = new Set(selected === '' ? [] : [selected]);
    const layout = app.isByTime
      ? layoutByTime(forest, app.run.timeRows, { tips, ...app.timeWishes })
      : layoutOf(forest, { tips, opened: app.opened, shown });
    known.current = { key, layout };
  }
  return known.current.layout;
}

interface Picture {
  readonly layout: Layout;
  readonly geometry: Geometry;
  readonly zoom: number;
}

/** The part of the picture that is in view. It follows the newest end until a person scrolls away from it. */
function useScroll(app: App, picture: Picture, newest: string | undefined) {
  const { isUpright } = picture.geometry;
  const { forest } = app.run;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ from: 0, size: 1_200, over: 0 });
  const follows = useRef(true);
  const look = () => {
    const at = box.current;
    if (at === null) return;
    const from = isUpright ? at.scrollTop : at.scrollLeft;
    const size = isUpright ? at.clientHeight : at.clientWidth;
    const over = isUpright ? at.scrollLeft : at.scrollTop;
    follows.current = isUpright ? from < 40 : from + size > at.scrollWidth - 80;
    if (Math.abs(from - view.from) > 20 || size !== view.size || over !== view.over)
      setView({ from, size, over });
  };
  useLayoutEffect(() => {
    const at = box.current;
    if (at === null || !follows.current) return;
    if (isUpright) at.scrollTop = 0;
    else {
      at.scrollLeft = at.scrollWidth;
      keepInSight(at, picture, forest.blocks.get(newest ?? ''));
    }
    look();
  });
  // What the reorganisation left behind must be seen, if one would have to scroll back for it.
  useEffect(() => {
    const fork = forest.blocks.get(app.scene?.fork.id ?? '');
    if (box.current !== null && fork !== undefined) showFork(box.current, picture, fork);
  }, [app.scene?.seq]);
  // Another picture begins at its newest end, like the first one.
  const wasByTime = useRef(app.isByTime);
  if (wasByTime.current !== app.isByTime) {
    wasByTime.current = app.isByTime;
    follows.current = true;
  }
  useEffect(() => {
    const observer = new ResizeObserver(look);
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, [isUpright]);
  return { box, view, look };
}

/** The row of this block, where a tall tree would hide it. */
function keepInSight(
  at: HTMLElement,
  { layout, geometry, zoom }: Picture,
  block: SeenBlock | undefined,
): void {
  if (block === undefined) return;
  const y = geometry.at(0, layout.rowOf(block))[1] * zoom;
  if (y < at.scrollTop + 60 || y > at.scrollTop + at.clientHeight - 60)
    at.scrollTop = y - at.clientHeight / 2;
}

function showFork(at: HTMLElement, picture: Picture, fork: SeenBlock): void {
  const { layout, geometry, zoom } = picture;
  const [x, y] = geometry.at(layout.columnOf(fork), layout.rowOf(fork));
  if (geometry.isUpright) at.scrollTop = Math.max(0, y * zoom - at.clientHeight + 60);
  else {
    if (x * zoom < at.scrollLeft + 40) at.scrollLeft = x * zoom - 40;
    keepInSight(at, picture, fork);
  }
}

function treeWords(app: App): string {
  const ends = answersOf(app.run.forest, app.run.forest.tips);
  return `Fork tree: ${ends.map((e) => `${e.nodes.join(' ')} on ${app.run.forest.nameOf(e.id)}`).join(', ')}`;
}

function Patterns() {
  return (
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line x1="0" y1="0" x2="0" y2="6" class="hatch-line" />
      </pattern>
      <pattern id="ground0" width="10" height="10" patternUnits="userSpaceOnUse">
        <circle cx="2" cy="2" r="1.1" class="ground-ink" />
        <circle cx="7" cy="7" r="1.1" class="ground-ink" />
      </pattern>
      <pattern
        id="ground1"
        width="10"
        height="10"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(-45)"
      >
        <line x1="0" y1="0" x2="0" y2="10" class="ground-line" />
      </pattern>
    </defs>
  );
}

interface CellProps {
  readonly app: App;
  readonly layout: Layout;
  readonly geometry: Geometry;
}

function ColumnOf({ app, layout, geometry, column, index }: CellProps & { column: Column; index: number }) {
  if (column.kind === 'fold') {
    const many = column.to - column.from + 1;
    const open = () => {
      app.opened.add(column.from);
      app.changed();
    };
    return (
      <g class="fold" onClick={open}>
        {column.blocks.map((block) => {
          const [x, y] = geometry.at(index, layout.rowOf(block));
          const [lx, ly] = geometry.foldLabel(x, y);
          return (
            <g key={block.id}>
              <path class="link folded" d={geometry.foldLine(index, layout.rowOf(block))} />
              <text class="fold-text" x={lx} y={ly}>
                {many} blocks
              </text>
            </g>
          );
        })}
        <title>{`Heights ${column.from} to ${column.to}: nothing forks here. Click to unfold.`}</title>
      </g>
    );
  }
  return (
    <g>
      {column.kind === 'moment' && <MomentName app={app} geometry={geometry} column={column} index={index} />}
      {column.blocks.map((block) => (
        <Link
          key={`l${block.id}`}
          layout={layout}
          geometry={geometry}
          app={app}
          block={block}
          index={index}
        />
      ))}
      {column.blocks.map((block) => (
        <Block key={block.id} app={app} layout={layout} geometry={geometry} block={block} index={index} />
      ))}
      {column.kind === 'moment' && (
        <Spread layout={layout} geometry={geometry} column={column} index={index} />
      )}
    </g>
  );
}

function Link({ app, layout, geometry, block, index }: CellProps & { block: SeenBlock; index: number }) {
  const parent = app.run.forest.blocks.get(block.prev);
  if (parent === undefined) return null;
  const from = layout.columnOf(parent);
  // A fold draws its own line up to its neighbours.
  if (layout.columns[from]?.kind === 'fold' && layout.rowOf(parent) === layout.rowOf(block)) return null;
  const stale = layout.kept.has(block.id) ? '' : ' stale';
  return (
    <path class={`link${stale}`} d={geometry.link(from, layout.rowOf(parent), index, layout.rowOf(block))} />
  );
}

function Block({ app, layout, geometry, block, index }: CellProps & { block: SeenBlock; index: number }) {
  const { story, forest } = app.run;
  const [x, y] = geometry.at(index, layout.rowOf(block));
  const isKept = layout.kept.has(block.id);
  const isSelected = app.selection?.kind === 'block' && app.selection.id === block.id;
  const rule = story.refused.get(block.id);
  const rival = story.payments.get(app.hovered ?? '')?.rival;
  const holds = block.txids.some((id) => id === app.payment || id === app.hovered || id === rival);
  const payments = paymentsIn(block);
  const classes = ['block', isKept ? 'kept' : 'stale', isSelected ? 'selected' : ''];
  if (layout.time !== undefined) classes.push('small');
  if (holds) classes.push('holds');
  if (app.justChanged.has(block.id)) classes.push('changed');
  const isLast = (forest.children.get(block.id)?.length ?? 0) === 0;
  const r = geometry.face / 2;
  const select = () => app.select({ kind: 'block', id: block.id });
  const stale = isKept ? '' : ', stale';
  return (
    <g
      class={classes.join(' ')}
      data-block={block.label}
      data-state={isKept ? 'kept' : 'stale'}
      transform={`translate(${x},${y})`}
      onClick={select}
      onKeyDown={(e) => {
        if (e.key === 'Enter') select();
      }}
      tabIndex={0}
      role="button"
      aria-label={`Block ${block.label}${stale}`}
    >
      <Face app={app} layout={layout} geometry={geometry} block={block} />
      {!isKept && isLast && (
        <text
          class="word"
          x={geometry.isUpright ? r + 22 : 0}
          y={geometry.isUpright ? 4 : r + 15 + geometry.label}
        >
          stale
        </text>
      )}
      <title>
        {`${block.label}${stale} · work ${short(block.work)}${payments > 0 ? ` · ${plural(payments, 'payment')}` : ''}${rule === undefined ? '' : ` · refused: ${rule}`}`}
      </title>
    </g>
  );
}

function paymentsIn(block: SeenBlock): number {
  return block.txids.length - (block.height > 0 ? 1 : 0);
}

/** The square of a block: its miner, its payments, and whether it is stale or was refused. */
function Face({ app, layout, geometry, block }: CellProps & { block: SeenBlock }) {
  const { story } = app.run;
  const isKept = layout.kept.has(block.id);
  const isSmall = layout.time !== undefined;
  const { fill, ink } = colourOf(block.miner);
  const isShared = block.txids.some((id) => story.payments.get(id)?.rival !== undefined);
  const payments = paymentsIn(block);
  const side = geometry.face;
  const r = side / 2;
  const inked = { fill: isKept ? ink : 'var(--ink)' };
  const corner = isSmall ? r - 2 : r - 4;
  return (
    <g class="grow">
      <rect
        class="face"
        x={-r}
        y={-r}
        width={side}
        height={side}
        rx="5"
        style={{ fill: isKept ? fill : 'var(--paper)' }}
      />
      {!isKept && <rect class="hatch" x={-r} y={-r} width={side} height={side} rx="5" />}
      <text
        class="letter"
        x={isSmall && payments > 0 ? -5 : 0}
        y={isSmall ? (payments > 0 ? 2 : 5) : 6}
        style={inked}
      >
        {block.miner === '' ? (block.height === 0 ? '0' : '?') : block.miner}
      </text>
      {payments > 0 && (
        <text class="pays" x={corner} y={corner} style={inked}>
          {isShared ? '◐' : ''}
          {payments}
        </text>
      )}
      {story.refused.has(block.id) && (
        <text class="bad" x={-r + 8} y={-r + 12}>
          ✕
        </text>
      )}
    </g>
  );
}
