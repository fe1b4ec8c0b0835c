import type { Answer } from '../../observe/state/agreement.ts';
import type { SeenPayment } from '../../observe/state/story.ts';
import type { Geometry } from '../../observe/tree/cells.ts';
import { colourOf } from '../../observe/tree/colours.ts';
import type { Layout } from '../../observe/tree/layout.ts';
import { endsOf, flagsOf, groundsOf, reorgChipOf } from '../../observe/tree/marks.ts';
import { formatGroups } from '../../observe/words/words.ts';
import type { App } from '../state/app.ts';

/** What stands over and under the blocks: flags, grounds of a cut, what is being mined, the chip of a reorg. */

interface Props {
  readonly app: App;
  readonly layout: Layout;
  readonly geometry: Geometry;
}

type Tips = ReadonlyMap<string, string>;

/** A flag a node, at its tip. Each keeps its element, so that it slides. */
export function Flags({ app, layout, geometry, tips }: Props & { tips: Tips }) {
  return (
    <g class="flags">
      {flagsOf(app.run.forest, layout, geometry, tips).map(({ node, block, at: [x, y] }) => {
        const { fill, ink } = colourOf(node);
        return (
          <g
            key={node}
            class="flag"
            data-flag={node}
            data-at={block.label}
            style={{ transform: `translate(${x}px,${y}px)` }}
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
  const found = groundsOf(forest, layout, geometry, tips);
  if (found === undefined || forest.cut === undefined) return null;
  const { grounds, seam, words, between } = found;
  const [[x0, y0], [x1, y1]] = seam;
  const text = 'no messages cross';
  return (
    <g class="grounds" data-cut={formatGroups(forest.cut)}>
      {grounds.map(({ group, texture, strips, name }) => (
        <g class="ground" key={group.join('')}>
          {strips.map(([x, y, w, h]) => (
            <rect
              key={`${x} ${y}`}
              x={x}
              y={y}
              width={w}
              height={h}
              style={{ fill: `url(#ground${texture})` }}
            />
          ))}
          <text class={geometry.isUpright ? 'ground-name' : 'ground-name at-end'} x={name[0]} y={name[1]}>
            ground of {group.join(' ')}
          </text>
        </g>
      ))}
      <line class="seam" x1={x0} y1={y0} x2={x1} y2={y1} />
      {between !== undefined && (
        <line class="seam" x1={between[0][0]} y1={between[0][1]} x2={between[1][0]} y2={between[1][1]} />
      )}
      {!geometry.isUpright && (
        <rect class="words-back" x={words[0] - 6} y={words[1] - 14} width={128} height={20} rx="4" />
      )}
      <text class="seam-words" x={words[0]} y={words[1]}>
        {text}
      </text>
    </g>
  );
}

/** Ghosts of what is being mined, work where branches compete, the chip of the last reorg, the selected payment. */
export function Marks(props: Props & { ends: readonly Answer[]; picked: SeenPayment | undefined }) {
  const { app, layout, geometry, ends, picked } = props;
  const r = geometry.face / 2 - 2;
  const mines = (node: string) => isMining(app, node);
  return (
    <g class="marks">
      {endsOf(app.run.forest, layout, geometry, ends, mines).map((end) => (
        <g key={end.id}>
          {end.next !== undefined && end.miners.length > 0 && (
            <g class={`next${layout.time === undefined ? '' : ' small'}`}>
              <path class="link folded" d={end.link} />
              <rect x={end.next[0] - r} y={end.next[1] - r} width={2 * r} height={2 * r} rx="5" />
              <text x={end.next[0]} y={end.next[1] + 4}>
                next
              </text>
              <title>
                {`${end.miners.join(' and ')} ${end.miners.length === 1 ? 'is' : 'are'} guessing for the next block`}
              </title>
            </g>
          )}
          {end.work !== '' && (
            <text class="work" x={end.words[0]} y={end.words[1]}>
              {end.work}
              <tspan class="margin" x={end.words[0]} dy="17">
                {end.margin}
              </tspan>
            </text>
          )}
        </g>
      ))}
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
  const { scene } = app;
  if (scene === undefined || app.beats.isWalking) return null;
  const chip = reorgChipOf(app.run.forest, layout, geometry, scene);
  if (chip === undefined) return null;
  const [x, y] = chip.at;
  return (
    <g class="chip" data-chip="reorg">
      <rect x={x} y={y} width={chip.text.length * 7 + 14} height="20" rx="10" />
      <text x={x + 8} y={y + 14}>
        {chip.text}
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
  const [x0, y0] = geometry.at(layout.columnOf(one), layout.rowOf(one));
  const [x1, y1] = geometry.at(layout.columnOf(other), layout.rowOf(other));
  return (
    <path class="rival" d={`M${x0} ${y0}L${x1} ${y1}`}>
      <title>One coin, two payments: at most one can stay</title>
    </path>
  );
}
