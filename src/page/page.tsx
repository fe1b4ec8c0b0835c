import { render } from 'preact';
import { answersOf } from '../observe/state/agreement.ts';
import { listenToKeys } from './keys.ts';
import { PaymentPanel } from './lanes.tsx';
import { AgreePanel } from './panels/agree.tsx';
import { Dialog, Progress } from './panels/dialogs.tsx';
import { Drawer } from './panels/drawer.tsx';
import { Actions, Header } from './panels/header.tsx';
import { Signs } from './panels/legend.tsx';
import { NodesPanel } from './panels/nodes-panel.tsx';
import { Scene } from './panels/scene.tsx';
import { App, type Tab } from './state/app.ts';
import { Timeline } from './tree/timeline.tsx';
import { Tree } from './tree/tree.tsx';

const upright = matchMedia('(max-width: 700px)');

const TABS: readonly (readonly [Tab, string])[] = [
  ['tree', 'Tree'],
  ['payment', 'Payment'],
  ['agree', 'Agree'],
  ['nodes', 'Nodes'],
];

function Page({ app }: { app: App }) {
  const isPhone = upright.matches;
  const shows = (tab: Tab) => !isPhone || app.tab === tab;
  const classes = [
    'page',
    app.isStage ? 'stage' : '',
    app.run.isLive ? '' : 'is-past',
    isPhone ? 'phone' : '',
  ];
  return (
    <div class={classes.join(' ')}>
      <Header app={app} />
      <main>
        <div class="picture">
          {shows('tree') && (
            <div class="tree-box">
              <Tree app={app} isUpright={isPhone} />
              {isPhone && <TreeView app={app} />}
            </div>
          )}
          {app.isStage && <Bet app={app} />}
          <Scene app={app} />
          <div class="under-tree">
            <Signs app={app} />
            {!isPhone && <TreeView app={app} />}
          </div>
        </div>
        {!isPhone && <Progress app={app} />}
        {!app.isStage && (
          <div class="side-column">
            {shows('nodes') && app.extra?.()}
            {shows('nodes') && <NodesPanel app={app} />}
            {shows('agree') && <AgreePanel app={app} />}
          </div>
        )}
        {shows('payment') && !app.isStage && <PaymentPanel app={app} />}
        <Dialog app={app} />
        <Drawer app={app} />
      </main>
      <Timeline app={app} />
      {isPhone && <Tabs app={app} />}
      {isPhone && !app.isExported && <Actions app={app} />}
      {isPhone && <Progress app={app} />}
    </div>
  );
}

function Tabs({ app }: { app: App }) {
  return (
    <nav class="tabs">
      {TABS.map(([tab, name]) => (
        <button
          key={tab}
          type="button"
          class={app.tab === tab ? 'on' : ''}
          onClick={() => {
            app.tab = tab;
            app.changed();
          }}
        >
          {name}
        </button>
      ))}
    </nav>
  );
}

/** How the tree is laid out: each height a column, or each block at its time. */
function TreeView({ app }: { app: App }) {
  return (
    <div class="tree-view" role="group" aria-label="The tree is laid out" title="Change it (v)">
      {[false, true].map((isByTime) => (
        <button
          key={String(isByTime)}
          type="button"
          class={app.isByTime === isByTime ? 'on' : ''}
          aria-pressed={app.isByTime === isByTime}
          onClick={() => app.showByTime(isByTime)}
        >
          {isByTime ? 'by time' : 'by height'}
        </button>
      ))}
    </div>
  );
}

/** For the room: while a cut is open, nobody can know. */
function Bet({ app }: { app: App }) {
  const { forest } = app.run;
  if (forest.cut === undefined || answersOf(forest, forest.tips).length < 2) return null;
  return (
    <p class="bet">
      <b>Which history will stand?</b> The one with more work. It is open: place your bets.
    </p>
  );
}

/** Puts the page into its document; what it shows comes later. `tellInstead` shows a sentence in its place. */
export function mount(): { readonly app: App; readonly tellInstead: (text: string) => void } {
  const root = document.getElementById('app')!;
  let isPainted = false;
  const app = new App(() => {
    // What stood there until now (`Loading …`, or why it cannot start yet) would stay under the page.
    if (!isPainted) root.replaceChildren();
    isPainted = true;
    render(<Page app={app} />, root);
  });
  upright.addEventListener('change', () => app.changed());
  listenToKeys(app);
  const tellInstead = (text: string) => {
    render(null, root);
    root.textContent = text;
    isPainted = false;
  };
  return { app, tellInstead };
}

/** The log as far as it goes is there: shows the event that the address names. */
export function opened(app: App): void {
  app.isLoaded = true;
  app.readAddress();
  app.changed();
}
