import { blockNames } from '../../observe/state/block-words.ts';
import { byLetter, list } from '../../observe/words/words.ts';
import type { App } from '../state/app.ts';
import { PaymentChip } from './drawer.tsx';

/** The last reorganisation in words; stays until it is closed or the next one comes. */
export function Scene({ app }: { app: App }) {
  const { scene } = app;
  if (scene === undefined) return null;
  const { forest } = app.run;
  const nodes = [...scene.nodes].sort(byLetter);
  return (
    <section class="scene" role="status" data-scene={scene.seq}>
      <b class="title">REORG on {list(nodes)}</b>
      <span class="chip-text">
        {scene.depth} out · {scene.length} in
      </span>
      <span>
        fork point {forest.nameOf(scene.fork.id)} · out {blockNames(forest, scene.out)} · in{' '}
        {blockNames(forest, scene.in)}
      </span>
      {[...scene.undone].slice(0, 6).map(([txid, { by, block }]) => (
        <span key={txid} class="fate undone">
          <PaymentChip app={app} txid={txid} /> <b>✕ undone</b>
          {by === undefined ? '' : `: its coin is spent by ${app.run.story.nameOf(by)}`}
          {block === undefined ? '' : ` in ${forest.nameOf(block)}`}
        </span>
      ))}
      {[...scene.returned].slice(0, 6).map((txid) => (
        <span key={txid} class="fate returned">
          <PaymentChip app={app} txid={txid} /> <b>returned</b>: waiting again
        </span>
      ))}
      <button
        type="button"
        class="close"
        aria-label="Close"
        onClick={() => {
          app.closedScene = scene.seq;
          app.changed();
        }}
      >
        ✕
      </button>
    </section>
  );
}
