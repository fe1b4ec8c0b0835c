import { useRef, useState } from 'preact/hooks';
import { colourOf } from '../observe/colours.ts';
import { formatGroups } from '../observe/words.ts';
import type { App } from './app.ts';
import { isMining } from './tree-marks.tsx';

/** Nodes and links. A node dragged over the seam is cut off, or changes sides. */

const WIDTH = 280;
const SIDE_HEIGHT = 104;
const RADIUS = 17;

interface Spot {
  readonly node: string;
  readonly x: number;
  readonly y: number;
}

export function NodesPanel({ app }: { app: App }) {
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<Spot | undefined>();
  // Known at once: a quick hand lets go before the next painting.
  const dragged = useRef<string | undefined>(undefined);
  const { forest, story } = app.run;
  const groups: readonly (readonly string[])[] = forest.cut ?? [app.letters, []];
  const height = groups.length * SIDE_HEIGHT + 8;
  const spots = groups.flatMap((group, side) =>
    group.map((node, i): Spot => {
      const perRow = Math.max(1, Math.min(6, group.length));
      const row = Math.floor(i / perRow);
      return {
        node,
        x: ((i % perRow) + 0.5) * (WIDTH / perRow),
        // In zigzag, so that the lines between them are seen.
        y: side * SIDE_HEIGHT + 30 + row * 40 + (i % 2) * 24,
      };
    }),
  );
  const spotOf = (node: string) => (drag?.node === node ? drag : spots.find((s) => s.node === node))!;

  const pointOf = (event: PointerEvent): { x: number; y: number } => {
    const box = svg.current!.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * WIDTH) / box.width,
      y: ((event.clientY - box.top) * height) / box.height,
    };
  };
  const drop = (spot: Spot) => {
    dragged.current = undefined;
    setDrag(undefined);
    const side = Math.max(0, Math.min(groups.length - 1, Math.floor(spot.y / SIDE_HEIGHT)));
    const from = groups.findIndex((g) => g.includes(spot.node));
    if (side === from) {
      app.select({ kind: 'node', letter: spot.node });
      return;
    }
    const moved = groups.map((g, i) => (i === side ? [...g, spot.node] : g.filter((n) => n !== spot.node)));
    const left = moved.filter((g) => g.length > 0);
    if (left.length < 2) app.perform('heal');
    else app.perform('partition', { groups: formatGroups(left).replaceAll('|', '/') });
  };
  return (
    <section class="panel nodes" aria-label="Nodes and links">
      <h2>Nodes and links</h2>
      <svg
        ref={svg}
        viewBox={`0 0 ${WIDTH} ${height}`}
        class="network"
        data-groups={formatGroups(groups)}
        role="group"
        aria-label="The network"
      >
        {groups.map((group, side) => (
          <rect
            // A side is its place.
            key={side}
            class={group.length === 0 ? 'side empty' : 'side'}
            x="2"
            y={side * SIDE_HEIGHT + 3}
            width={WIDTH - 4}
            height={SIDE_HEIGHT - 6}
            rx="8"
            style={forest.cut === undefined ? {} : { fill: `url(#ground${side % 2})` }}
          />
        ))}
        {groups.map(
          (group, side) =>
            group.length === 0 && (
              <text key="hint" class="hint" x={WIDTH / 2} y={side * SIDE_HEIGHT + SIDE_HEIGHT / 2 + 4}>
                {app.mayAct ? 'drag a node here = cut it off' : 'no cut'}
              </text>
            ),
        )}
        {groups
          .flatMap((group) => pairs(group))
          .map(([a, b]) => (
            <LinkLine key={`${a}${b}`} app={app} from={spotOf(a)} to={spotOf(b)} />
          ))}
        {groups.slice(1).map((_, i) => (
          <line
            key={i}
            class={forest.cut === undefined ? 'seam faint' : 'seam'}
            x1="0"
            x2={WIDTH}
            y1={(i + 1) * SIDE_HEIGHT}
            y2={(i + 1) * SIDE_HEIGHT}
          />
        ))}
        {spots.map(({ node }) => {
          const { x, y } = spotOf(node);
          const { fill, ink } = colourOf(node);
          const tip = forest.tips.get(node);
          const isDown = story.down.has(node);
          const where = isDown ? 'down' : tip === undefined ? '…' : forest.nameOf(tip);
          return (
            <g
              key={node}
              class={isDown ? 'node down' : 'node'}
              data-node={node}
              transform={`translate(${x},${y})`}
              tabIndex={0}
              role="button"
              aria-label={`Node ${node}, ${where}`}
              onKeyDown={(event) => {
                if (event.key === 'Enter') app.select({ kind: 'node', letter: node });
              }}
              onPointerDown={(event) => {
                if (!app.mayAct) {
                  app.select({ kind: 'node', letter: node });
                  return;
                }
                event.currentTarget.setPointerCapture(event.pointerId);
                dragged.current = node;
                setDrag({ node, ...pointOf(event) });
              }}
              onPointerMove={(event) => {
                if (dragged.current === node) setDrag({ node, ...pointOf(event) });
              }}
              onPointerUp={(event) => {
                if (dragged.current === node) drop({ node, ...pointOf(event) });
              }}
              onPointerCancel={() => {
                dragged.current = undefined;
                setDrag(undefined);
              }}
            >
              <circle r={RADIUS} style={{ fill: isDown ? 'var(--paper)' : fill }} />
              <text class="letter" y="6" style={{ fill: isDown ? 'var(--ink)' : ink }}>
                {node}
              </text>
              <text class="where" y={RADIUS + 14}>
                {where}
                {isMining(app, node) ? ', mines' : ''}
              </text>
            </g>
          );
        })}
      </svg>
      <p class="links-words">{linkWords(app)}</p>
    </section>
  );
}

function linkWords(app: App): string {
  const { delayMs, spacingMs } = app.facts;
  const parts = [];
  if (app.run.forest.cut !== undefined) {
    const now = app.run.forest.cut;
    parts.push(`${crossings(now)} links cut: no messages cross`);
  }
  if (delayMs > 0) parts.push(`${delayMs} ms one way`);
  if (spacingMs > 0) parts.push(`a block every ${spacingMs / 1000} s on average`);
  return parts.join(' · ');
}

function crossings(groups: readonly (readonly string[])[]): number {
  const all = groups.flat().length;
  return (all * (all - 1)) / 2 - groups.reduce((sum, g) => sum + (g.length * (g.length - 1)) / 2, 0);
}

function pairs(group: readonly string[]): [string, string][] {
  return group.flatMap((a, i) => group.slice(i + 1).map((b): [string, string] => [a, b]));
}

function LinkLine({ app, from, to }: { app: App; from: Spot; to: Spot }) {
  const told = app.nodes.find((n) => n.letter === from.node);
  const isDown = app.run.story.down.has(from.node) || app.run.story.down.has(to.node);
  const isLinked = !isDown && (told?.peers === undefined || told.peers.includes(to.node));
  if (!isLinked) return null;
  // Lines of one row would lie on each other: these bow.
  const bow =
    from.y === to.y ? (from.y % SIDE_HEIGHT < 40 ? 1 : -1) * Math.min(20, Math.abs(from.x - to.x) / 8) : 0;
  const d = `M${from.x} ${from.y}Q${(from.x + to.x) / 2} ${(from.y + to.y) / 2 - bow} ${to.x} ${to.y}`;
  return <path class="wire" d={d} />;
}
