import type { ComponentChildren } from 'preact';
import { keptBlocks } from '../../observe/state/fold.ts';
import type { Forest, SeenBlock } from '../../observe/state/forest.ts';
import { byLetter, inWords, list, short, span } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import type { App } from '../state/app.ts';
import { Command } from './command.tsx';
import { FigureDetails } from './figure-details.tsx';
import { Legend } from './legend.tsx';
import { LinkDetails } from './link-details.tsx';
import { NodeDetails } from './node-details.tsx';

/** What was clicked, in plain words; below it the same as JSON and as a command. */
export function Drawer({ app }: { app: App }) {
  const { selection } = app;
  if (selection === undefined) return null;
  return (
    <aside class="drawer" aria-label="Details">
      <button type="button" class="close" aria-label="Close" onClick={() => app.select(undefined)}>
        ✕
      </button>
      {selection.kind === 'block' && <BlockDetails app={app} id={selection.id} />}
      {selection.kind === 'height' && <HeightDetails app={app} height={selection.height} />}
      {selection.kind === 'node' && <NodeDetails app={app} letter={selection.letter} />}
      {selection.kind === 'link' && <LinkDetails app={app} from={selection.from} to={selection.to} />}
      {selection.kind === 'figure' && <FigureDetails app={app} id={selection.id} span={selection.span} />}
      {selection.kind === 'help' && <Legend />}
    </aside>
  );
}

function BlockDetails({ app, id }: { app: App; id: string }) {
  const { forest, story } = app.run;
  const block = forest.blocks.get(id);
  if (block === undefined) return <p>This block is not in the picture at this moment.</p>;
  const on = [...forest.tips].filter(([, tip]) => forest.isOnBranch(id, tip)).map(([node]) => node);
  const rule = story.refused.get(id);
  return (
    <>
      <h2>Block {block.label}</h2>
      <p>{foundWords(block)}</p>
      <p>
        {placeWords(forest, id, on)} Work behind it: {short(block.work)} tries.
        {rule === undefined ? '' : ` Refused: ${rule}.`}
      </p>
      <Arrivals block={block} letters={app.letters} />
      <BlockPayments app={app} block={block} />
      <Command>{`forkyard block ${id.slice(-6)}`}</Command>
      <details>
        <summary>as JSON</summary>
        <pre>{JSON.stringify(blockJson(block), null, 1)}</pre>
      </details>
    </>
  );
}

function placeWords(forest: Forest, id: string, on: readonly string[]): string {
  if (on.length > 0) return `On the branch of ${list([...on].sort(byLetter))}.`;
  const down = [...forest.left].filter(([, tip]) => forest.isOnBranch(id, tip)).map(([node]) => node);
  if (down.length > 0) return `On the branch of ${list(down.sort(byLetter))}, not up now.`;
  if (keptBlocks(forest, forest.tips).has(id)) return 'Just found: its finder connects it in a moment.';
  return 'Stale: honest work, on nobody’s branch now.';
}

function foundWords(block: SeenBlock): string {
  const many = Math.max(0, block.txids.length - 1);
  const pays =
    block.txids.length === 0 ? '' : `; ${many === 0 ? 'no payment in it' : plural(many, 'payment')}`;
  if (block.height === 0) return 'The first block: every node starts from it.';
  if (block.mined === undefined) return `Found by ${block.miner === '' ? 'somebody' : block.miner}${pays}.`;
  return `Found by ${block.mined.node} after about ${inWords(block.mined.tries)} tries (${span(block.mined.ms)})${pays}.`;
}

function Arrivals({ block, letters }: { block: SeenBlock; letters: readonly string[] }) {
  const start = block.mined?.t ?? Math.min(...block.seenBy.values());
  if (block.height === 0) return null;
  return (
    <ul class="arrivals">
      {letters.map((node) => {
        const t = block.seenBy.get(node);
        const words =
          t === undefined
            ? 'does not have it'
            : node === block.mined?.node
              ? 'found it'
              : `had it ${span(Math.max(0, t - start))} later`;
        return (
          <li key={node}>
            <b>{node}</b> {words}
          </li>
        );
      })}
    </ul>
  );
}

function BlockPayments({ app, block }: { app: App; block: SeenBlock }) {
  const known = block.txids.filter((txid) => app.run.story.payments.has(txid));
  if (known.length === 0) return null;
  return (
    <p class="chips">
      {known.slice(0, 20).map((txid) => (
        <PaymentChip key={txid} app={app} txid={txid} />
      ))}
    </p>
  );
}

export function PaymentChip({
  app,
  txid,
  children,
}: {
  app: App;
  txid: string;
  children?: ComponentChildren;
}) {
  const payment = app.run.story.payments.get(txid);
  const hover = (over: boolean) => () => {
    app.hovered = over ? txid : undefined;
    app.changed();
  };
  const classes = ['pay-chip', app.payment === txid ? 'on' : '', payment?.wasUndone ? 'undone' : ''];
  if (payment?.rival !== undefined && payment.rival === app.hovered) classes.push('lit');
  return (
    <button
      type="button"
      class={classes.join(' ')}
      onMouseEnter={hover(true)}
      onMouseLeave={hover(false)}
      onFocus={hover(true)}
      onBlur={hover(false)}
      onClick={() => {
        app.payment = txid;
        app.tab = 'payment';
        app.changed();
      }}
    >
      {payment?.rival === undefined ? '' : '◐ '}
      {app.run.story.nameOf(txid)}
      {children}
    </button>
  );
}

/** Work and times as JSON can say them. */
function blockJson(block: SeenBlock): object {
  return { ...block, work: block.work.toString(16), seenBy: Object.fromEntries(block.seenBy) };
}

function HeightDetails({ app, height }: { app: App; height: number }) {
  const blocks = [...app.run.forest.blocks.values()].filter((b) => b.height === height);
  return (
    <>
      <h2>Height {height}: who had what when</h2>
      {blocks.length > 1 && <p>{plural(blocks.length, 'block')} compete for this height.</p>}
      {blocks.map((block) => (
        <div key={block.id}>
          <h3>
            <button
              type="button"
              class="link-button"
              onClick={() => app.select({ kind: 'block', id: block.id })}
            >
              {block.label}
            </button>
          </h3>
          <Arrivals block={block} letters={app.letters} />
        </div>
      ))}
    </>
  );
}
