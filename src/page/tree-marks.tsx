import type { Answer } from '../observe/agreement.ts';
import { colourOf } from '../observe/colours.ts';
import { BLOCK, type Geometry } from '../observe/geometry.ts';
import { type Layout, sharedHeight } from '../observe/layout.ts';
import type { SeenPayment } from '../observe/story.ts';
import { byLetter, formatGroups, short } from '../observe/words.ts';
import type { App } from './app.ts';

/** What stands over and under the blocks: flags, grounds of a cut, what is being mined, the chip of a reorg. */

interface Props {
  readonly app: App;
  readonly layout: Layout;
  readonly geometry: Geometry;
}

type Tips = ReadonlyMap<string, string>;

/** A flag a node, at its tip; several fan out. Each keeps its element, so that it slides. */
export function Flags({ app, layout, geometry, tips }: Props & { tips: Tips }) {
  const { forest } = app.run;
  const on = new Map<string, number>();
  const nodes = [...tips.keys()].sort(byLetter);
  return (
    <g class="flags">
      {nodes.map((node) => {
        const block = forest.blocks.get(tips.get(node) ?? '');
        if (block === undefined) return null;
        const place = on.get(block.id) ?? 0;
        on.set(block.id, place + 1);
        const [x, y] = geometry.at(layout.columnOf(block.height), block.track);
        const [dx, dy] = geometry.isUpright
          ? [BLOCK / 2 + 8 + (place % 3) * 23, -8 + Math.floor(place / 3) * 22]
          : [-BLOCK / 2 + 1 + (place % 6) * 23, -BLOCK / 2 - 12 - Math.floor(place / 6) * 22];
        const { fill, ink } = colourOf(node);
        return (
          <g
            key={node}
            class="flag"
            data-flag={node}
            data-at={block.label}
            style={{ transform: `translate(${x + dx}px,${y + dy}px)` }}
            onClick={() => app.select({ kind: 'node', letter: node })}
          >
            <line x1="0" y1="-10" x2="0" y2="12" class="pole" />
            <path d="M0 -10H20L16 -2L20 6H0Z" style={{ fill }} class="cloth" />
            <text x="8.5" y="2.5" style={{ fill: ink }}>
              {node}
            </text>
            <title>{`Node ${node} is on ${block.label}`}</title>
          </g>
        );
      })}
    </g>
  );
}

/** From the height of a cut on, each side stands on ground of its own. */
export function Grounds({ app, layout, geometry, tips }: Props & { tips: Tips }) {
  const { forest } = app.run;
  const groups = forest.cut;
  const height = groups === undefined ? undefined : sharedHeight(forest, forest.tips);
  if (groups === undefined || height === undefined) return null;
  const column = layout.columnOf(height);
  const [[x0, y0], [x1, y1]] = geometry.seam(column);
  const grounds = groups.flatMap((group) => {
    const tracks = new Set<number>();
    for (const node of group) {
      const tip = tips.get(node);
      for (
        let block = forest.blocks.get(tip ?? '');
        block !== undefined && block.height > height;
        block = forest.blocks.get(block.prev)
      ) {
        tracks.add(block.track);
      }
    }
    const rows = [...tracks];
    return rows.length === 0 ? [] : [{ group, first: Math.min(...rows), last: Math.max(...rows) }];
  });
  grounds.sort((a, b) => a.first - b.first);
  const between =
    grounds[1] === undefined ? undefined : geometry.ground(column, grounds[1].first, grounds[1].last);
  return (
    <g class="grounds" data-cut={formatGroups(groups)}>
      {grounds.map(({ group, first, last }, i) => {
        const [x, y, w, h] = geometry.ground(column, first, last);
        return (
          <g key={group.join('')}>
            <rect class="ground" x={x} y={y} width={w} height={h} style={{ fill: `url(#ground${i % 2})` }} />
            <text
              class={geometry.isUpright ? 'ground-name' : 'ground-name at-end'}
              x={geometry.isUpright ? x + 8 : x + w - 12}
              y={geometry.isUpright ? 16 : y + h - 10}
            >
              ground of {group.join(' ')}
            </text>
          </g>
        );
      })}
      <line class="seam" x1={x0} y1={y0} x2={x1} y2={y1} />
      <SeamWords geometry={geometry} between={between} seam={[x0, y0, x1, y1]} />
    </g>
  );
}

function SeamWords(props: {
  geometry: Geometry;
  between: readonly [number, number, number, number] | undefined;
  seam: readonly [number, number, number, number];
}) {
  const { geometry, between, seam } = props;
  const text = 'no messages cross';
  if (geometry.isUpright) {
    return (
      <text class="seam-words" x={seam[0] + 6} y={seam[1] - 6}>
        {text}
      </text>
    );
  }
  const [x, y] = between === undefined ? [seam[0] + 14, seam[3] - 12] : [between[0] + 64, between[1] + 2];
  return (
    <g>
      {between !== undefined && (
        <line class="seam" x1={between[0]} y1={y - 3} x2={between[0] + between[2]} y2={y - 3} />
      )}
      <rect class="words-back" x={x - 6} y={y - 14} width={128} height={20} rx="4" />
      <text class="seam-words" x={x} y={y}>
        {text}
      </text>
    </g>
  );
}

/** Ghosts of what is being mined, work where branches compete, the chip of the last reorg, the selected payment. */
export function Marks(props: Props & { ends: readonly Answer[]; picked: SeenPayment | undefined }) {
  const { app, layout, geometry, ends, picked } = props;
  const { forest } = app.run;
  const best = ends[0]?.work ?? 0n;
  return (
    <g class="marks">
      {ends.map((end) => {
        const tip = forest.blocks.get(end.id);
        if (tip === undefined) return null;
        const isTop = !(forest.children.get(tip.id) ?? []).some(
          (id) => forest.blocks.get(id)?.track === tip.track,
        );
        const [x, y] = geometry.at(layout.columnOf(tip.height) + 1, tip.track);
        const miners = end.nodes.filter((n) => isMining(app, n));
        const r = BLOCK / 2 - 2;
        const lead = ends.length > 1 && end.work === best && (ends[1]?.work ?? 0n) < best;
        const margin = lead
          ? `leads by ${short(best - ends[1]!.work)}`
          : end.work < best
            ? `${short(best - end.work)} behind`
            : '';
        const [wx, wy] = geometry.isUpright ? [x + r + 8, y + 2] : [x + r + 12, y - 4];
        return (
          <g key={end.id}>
            {isTop && miners.length > 0 && (
              <g class="next">
                <path
                  class="link folded"
                  d={geometry.link(
                    layout.columnOf(tip.height),
                    tip.track,
                    layout.columnOf(tip.height) + 1,
                    tip.track,
                  )}
                />
                <rect x={x - r} y={y - r} width={2 * r} height={2 * r} rx="5" />
                <text x={x} y={y + 4}>
                  next
                </text>
                <title>{`${miners.join(' and ')} ${miners.length === 1 ? 'is' : 'are'} guessing for the next block`}</title>
              </g>
            )}
            {ends.length > 1 && isTop && (
              <text class="work" x={wx} y={wy}>
                work {short(end.work)}
                <tspan class="margin" x={wx} dy="17">
                  {margin}
                </tspan>
              </text>
            )}
          </g>
        );
      })}
      <ReorgChip app={app} layout={layout} geometry={geometry} />
      {picked?.rival !== undefined && (
        <RivalLine app={app} layout={layout} geometry={geometry} a={picked.txid} b={picked.rival} />
      )}
    </g>
  );
}

export function isMining(app: App, node: string): boolean {
  const told = app.nodes.find((n) => n.letter === node);
  if (app.run.isLive && !app.isExported && told !== undefined) {
    return told.up && told.mining?.on === true && told.mining.held === false;
  }
  return app.run.story.mining.has(node);
}

/** Stays under the blocks that are out. */
function ReorgChip({ app, layout, geometry }: Props) {
  const scene = app.scene;
  const first = scene?.out.at(-1);
  const block = app.run.forest.blocks.get(first?.id ?? '');
  if (scene === undefined || block === undefined || app.beats.isWalking) return null;
  const column = layout.columnOf(block.height);
  if (layout.columns[column]?.kind !== 'height') return null;
  const [x, y] = geometry.at(column, block.track);
  const text = `${scene.depth} out · ${scene.length} in`;
  const [cx, cy] = geometry.isUpright ? [x - 22, y + BLOCK / 2 + 4] : [x - 22, y - BLOCK / 2 - 24];
  return (
    <g class="chip" data-chip="reorg">
      <rect x={cx} y={cy} width={text.length * 7 + 14} height="20" rx="10" />
      <text x={cx + 8} y={cy + 14}>
        {text}
      </text>
      <title>{`${[...scene.nodes].join(' ')} left ${scene.depth} blocks for ${scene.length} with more work`}</title>
    </g>
  );
}

/** One coin, two payments: a thin line joins the blocks that hold them. */
function RivalLine({ app, layout, geometry, a, b }: Props & { a: string; b: string }) {
  const find = (txid: string) => {
    for (const block of app.run.forest.blocks.values()) if (block.txids.includes(txid)) return block;
    return undefined;
  };
  const one = find(a);
  const other = find(b);
  if (one === undefined || other === undefined) return null;
  const [x0, y0] = geometry.at(layout.columnOf(one.height), one.track);
  const [x1, y1] = geometry.at(layout.columnOf(other.height), other.track);
  return (
    <path class="rival" d={`M${x0} ${y0}L${x1} ${y1}`}>
      <title>One coin, two payments: at most one can stay</title>
    </path>
  );
}
