import { useRef, useState } from 'preact/hooks';
import { colourOf } from '../../observe/tree/colours.ts';
import { formatGroups } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import { cutPairs, wantedPairs } from '../../util/topology.ts';
import type { App } from '../state/app.ts';
import { isMining } from '../tree/tree-marks.tsx';

/** Nodes and links. A node dragged over the seam is cut off, or changes sides. */

const WIDTH = 280;
const PER_ROW = 6;
const ROW = 66;
/** In a longer row there is room for the tip's name alone. */
const WORDY_ROW = 4;
/** Room for the words that say what dropping a node there does. */
const EMPTY_SIDE = 58;
const RADIUS = 17;

interface Spot {
  readonly node: string;
  readonly x: number;
  readonly y: number;
}

/** Where the sides of a cut lie, one below the other, and the nodes on them. */
interface Ground {
  readonly groups: readonly (readonly string[])[];
  /** Of each side. */
  readonly heights: readonly number[];
  /** Of all of them. */
  readonly height: number;
  readonly spots: readonly Spot[];
}

function groundOf(groups: readonly (readonly string[])[]): Ground {
  const heights = groups.map((g) =>
    g.length === 0 ? EMPTY_SIDE : 104 + ROW * (Math.ceil(g.length / PER_ROW) - 1),
  );
  const spots = groups.flatMap((group, side) =>
    group.map((node, i): Spot => {
      const perRow = Math.max(1, Math.min(PER_ROW, group.length));
      const row = Math.floor(i / perRow);
      return {
        node,
        x: ((i % perRow) + 0.5) * (WIDTH / perRow),
        // In zigzag, so that the lines between them are seen.
        y: topOf(heights, side) + 30 + row * ROW + (i % 2) * 24,
      };
    }),
  );
  return { groups, heights, height: topOf(heights, groups.length) + 8, spots };
}

function topOf(heights: readonly number[], side: number): number {
  return heights.slice(0, side).reduce((sum, h) => sum + h, 0);
}

export function NodesPanel({ app }: { app: App }) {
  const svg = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<Spot | undefined>();
  // Known at once: a quick hand lets go before the next painting.
  const dragged = useRef<string | undefined>(undefined);
  const ground = groundOf(app.run.forest.cut ?? [app.letters, []]);
  const { groups, height, spots } = ground;
  const spotOf = (node: string) => (drag?.node === node ? drag : spots.find((s) => s.node === node))!;
  const spotAt = (node: string, event: PointerEvent): Spot => {
    const box = svg.current!.getBoundingClientRect();
    return {
      node,
      x: ((event.clientX - box.left) * WIDTH) / box.width,
      y: ((event.clientY - box.top) * height) / box.height,
    };
  };
  const hand: Hand = {
    take(node, event) {
      dragged.current = node;
      setDrag(spotAt(node, event));
    },
    move(node, event) {
      if (dragged.current === node) setDrag(spotAt(node, event));
    },
    release(node, event) {
      if (dragged.current !== node) return;
      hand.cancel();
      drop(app, ground, spotAt(node, event));
    },
    cancel() {
      dragged.current = undefined;
      setDrag(undefined);
    },
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
        <Sides app={app} ground={ground} />
        <Lines app={app} groups={groups} spotOf={spotOf} />
        <Seams app={app} ground={ground} />
        {spots.map(({ node }) => (
          <NodeMark key={node} app={app} spot={spotOf(node)} isWordy={hasRoomForWords(groups)} hand={hand} />
        ))}
      </svg>
      <p class="links-words">{linkWords(app)}</p>
      <Wires app={app} />
    </section>
  );
}

/** What a pointer does with a node. */
interface Hand {
  take(node: string, event: PointerEvent): void;
  move(node: string, event: PointerEvent): void;
  release(node: string, event: PointerEvent): void;
  cancel(): void;
}

/** On another side the node changes sides, or is cut off; on its own it is selected. */
function drop(app: App, { groups, heights }: Ground, spot: Spot): void {
  const side = Math.max(
    0,
    heights.findLastIndex((_, i) => spot.y >= topOf(heights, i)),
  );
  const from = groups.findIndex((g) => g.includes(spot.node));
  if (side === from) {
    app.select({ kind: 'node', letter: spot.node });
    return;
  }
  const moved = groups.map((g, i) => (i === side ? [...g, spot.node] : g.filter((n) => n !== spot.node)));
  const left = moved.filter((g) => g.length > 0);
  if (left.length < 2) void app.perform('heal');
  else void app.perform('partition', { groups: formatGroups(left).replaceAll('|', '/') });
}

function hasRoomForWords(groups: Ground['groups']): boolean {
  return groups.every((g) => g.length <= WORDY_ROW);
}

function Sides({ app, ground: { groups, heights } }: { app: App; ground: Ground }) {
  return (
    <>
      {groups.map((group, side) => (
        <rect
          // A side is its place.
          key={side}
          class={group.length === 0 ? 'side empty' : 'side'}
          x="2"
          y={topOf(heights, side) + 3}
          width={WIDTH - 4}
          height={heights[side]! - 6}
          rx="8"
          style={app.run.forest.cut === undefined ? {} : { fill: `url(#ground${side % 2})` }}
        />
      ))}
      {groups.map(
        (group, side) =>
          group.length === 0 && (
            <text key="hint" class="hint" x={WIDTH / 2} y={topOf(heights, side) + heights[side]! / 2 + 4}>
              {app.mayAct ? 'drag a node here = cut it off' : 'no cut'}
            </text>
          ),
      )}
    </>
  );
}

function Seams({ app, ground: { groups, heights } }: { app: App; ground: Ground }) {
  return (
    <>
      {groups.slice(1).map((_, i) => (
        <line
          key={i}
          class={app.run.forest.cut === undefined ? 'seam faint' : 'seam'}
          x1="0"
          x2={WIDTH}
          y1={topOf(heights, i + 1)}
          y2={topOf(heights, i + 1)}
        />
      ))}
    </>
  );
}

function Lines(props: { app: App; groups: Ground['groups']; spotOf: (node: string) => Spot }) {
  const { app, groups, spotOf } = props;
  const wanted = new Set(wantedPairs(app.letters, app.facts.topology).map((pair) => pair.join(' ')));
  return (
    <>
      {groups
        .flatMap((group) => pairs(group))
        .map(([a, b]) => (
          <LinkLine
            key={`${a} ${b}`}
            app={app}
            from={spotOf(a)}
            to={spotOf(b)}
            bow={spotOf(a).y === spotOf(b).y}
            isWanted={wanted.has(`${a} ${b}`) || wanted.has(`${b} ${a}`)}
          />
        ))}
    </>
  );
}

function NodeMark({ app, spot, isWordy, hand }: { app: App; spot: Spot; isWordy: boolean; hand: Hand }) {
  const { node, x, y } = spot;
  const { forest, story } = app.run;
  const { fill, ink } = colourOf(node);
  const tip = forest.tips.get(node);
  const isDown = story.down.has(node);
  const isFrozen = story.conditions.frozen.includes(node);
  const where = isDown ? 'down' : isFrozen ? 'frozen' : tip === undefined ? '…' : forest.nameOf(tip);
  const select = () => app.select({ kind: 'node', letter: node });
  return (
    <g
      class={isDown ? 'node down' : isFrozen ? 'node frozen' : 'node'}
      data-node={node}
      transform={`translate(${x},${y})`}
      tabIndex={0}
      role="button"
      aria-label={`Node ${node}, ${where}`}
      onKeyDown={(event) => {
        if (event.key === 'Enter') select();
      }}
      onPointerDown={(event) => {
        if (!app.mayAct) {
          select();
          return;
        }
        event.currentTarget.setPointerCapture(event.pointerId);
        hand.take(node, event);
      }}
      onPointerMove={(event) => hand.move(node, event)}
      onPointerUp={(event) => hand.release(node, event)}
      onPointerCancel={() => hand.cancel()}
    >
      <circle r={RADIUS} style={{ fill: isDown ? 'var(--paper)' : fill }} />
      <text class="letter" y="6" style={{ fill: isDown ? 'var(--ink)' : ink }}>
        {node}
      </text>
      <text class="where" y={RADIUS + 14}>
        {where}
        {isWordy && isMining(app, node) ? ', mines' : ''}
      </text>
    </g>
  );
}

function linkWords(app: App): string {
  const { delayMs, spacingMs } = app.facts;
  const parts = [];
  if (app.run.forest.cut !== undefined) {
    const { nodes, topology } = app.facts;
    const { length } = cutPairs(nodes, topology, app.run.forest.cut);
    parts.push(`${plural(length, 'link')} cut: no messages cross`);
  }
  if (delayMs > 0) parts.push(`${delayMs} ms one way`);
  if (spacingMs > 0) parts.push(`a block every ${spacingMs / 1000} s on average`);
  return parts.join(' · ');
}

function pairs(group: readonly string[]): [string, string][] {
  return group.flatMap((a, i) => group.slice(i + 1).map((b): [string, string] => [a, b]));
}

interface LineProps {
  readonly app: App;
  readonly from: Spot;
  readonly to: Spot;
  /** Lines of one row would lie on each other: these bow. */
  readonly bow: boolean;
  /** Does the topology have this link? */
  readonly isWanted: boolean;
}

function LinkLine({ app, from, to, bow, isWanted }: LineProps) {
  const { story } = app.run;
  // What a node says of itself now; of the past, and in a file, what the topology asks for.
  const told = app.run.isLive ? app.nodes.find((n) => n.letter === from.node) : undefined;
  const isDown = story.down.has(from.node) || story.down.has(to.node);
  const isLinked = !isDown && (told?.peers?.includes(to.node) ?? isWanted);
  if (!isLinked) return null;
  const lift = bow ? Math.min(20, Math.abs(from.x - to.x) / 8) : 0;
  const d = `M${from.x} ${from.y}Q${(from.x + to.x) / 2} ${(from.y + to.y) / 2 - lift} ${to.x} ${to.y}`;
  const { oneWay, shapes } = story.conditions;
  const cut = oneWay.find(([a, b]) => isBetween(a, b, from.node, to.node));
  const isShaped = Object.keys(shapes).some((name) => {
    const [a = '', b = ''] = name.split('>');
    return isBetween(a, b, from.node, to.node);
  });
  const name = `${from.node}–${to.node}`;
  const classes = ['wire', isShaped ? 'shaped' : '', cut === undefined ? '' : 'one-way'];
  const select = () => app.select({ kind: 'link', from: from.node, to: to.node });
  return (
    <g
      class="link"
      data-link={`${from.node}-${to.node}`}
      role="button"
      tabIndex={0}
      aria-label={`Link ${name}`}
      onClick={select}
      onKeyDown={(event) => {
        if (event.key === 'Enter') select();
      }}
    >
      <path class="wire-hit" d={d} />
      <path class={classes.join(' ')} d={d} />
      {cut !== undefined && (
        <text class="cut-mark" x={(from.x + to.x) / 2} y={(from.y + to.y) / 2 - lift / 2 + 4}>
          ✕{cut[1]}
        </text>
      )}
      <title>{`Link ${name}: click for delay, loss, one-way cut`}</title>
    </g>
  );
}

function isBetween(a: string, b: string, x: string, y: string): boolean {
  return (a === x && b === y) || (a === y && b === x);
}

/** Holding all wires, and letting one message in after the other. */
function Wires({ app }: { app: App }) {
  if (app.isExported) return null;
  const { wireHeld } = app.run.story.conditions;
  const isOff = !app.mayAct;
  return (
    <p class="buttons">
      <button
        type="button"
        disabled={isOff}
        onClick={() => app.open('link')}
        title="Delay, jitter, loss, rate (l)"
      >
        Links…
      </button>
      {wireHeld && (
        <button type="button" disabled={isOff} onClick={() => void app.perform('step-links')}>
          Let one message in
        </button>
      )}
      <button
        type="button"
        disabled={isOff}
        onClick={() => void app.perform(wireHeld ? 'release-links' : 'hold-links')}
        title="Messages wait on the wire, in order"
      >
        {wireHeld ? 'Release wires' : 'Hold wires'}
      </button>
    </p>
  );
}
