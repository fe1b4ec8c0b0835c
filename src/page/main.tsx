import { render } from 'preact';
import { AgreePanel } from './agree.tsx';
import { App, type Tab } from './app.ts';
import { Dialog, Progress } from './dialogs.tsx';
import { Drawer } from './drawer.tsx';
import { Actions, Header } from './header.tsx';
import { listenToKeys } from './keys.ts';
import { PaymentPanel } from './lanes.tsx';
import { Signs } from './legend.tsx';
import { NodesPanel } from './nodes-panel.tsx';
import { Scene } from './scene.tsx';
import { exported, fetchFacts, fetchNodes, listen, takeToken } from './source.ts';
import { Timeline } from './timeline.tsx';
import { Tree } from './tree.tsx';

const NODES_EVERY_MS = 1_500;
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
          {shows('tree') && <Tree app={app} isUpright={isPhone} />}
          <Scene app={app} />
          <Signs />
        </div>
        {!isPhone && !app.isStage && <Progress app={app} />}
        {!app.isStage && (
          <div class="side-column">
            {shows('nodes') && <NodesPanel app={app} />}
            {shows('agree') && <AgreePanel app={app} />}
          </div>
        )}
        {shows('payment') && !app.isStage && <PaymentPanel app={app} />}
        <Dialog app={app} />
        <Drawer app={app} />
      </main>
      <Timeline app={app} />
      {isPhone && (
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
      )}
      {isPhone && !app.isExported && <Actions app={app} />}
      {(isPhone || app.isStage) && <Progress app={app} />}
    </div>
  );
}

const root = document.getElementById('app')!;
const app = new App(() => render(<Page app={app} />, root));
upright.addEventListener('change', () => app.changed());
listenToKeys(app);

async function begin(): Promise<void> {
  app.token = takeToken();
  const file = await exported();
  if (file !== undefined) {
    app.isExported = true;
    app.facts = file.facts;
    app.take(file.events);
    opened();
    return;
  }
  app.facts = await fetchFacts();
  await listen({
    onEvents(events) {
      app.take(events);
      if (!app.isLoaded) opened();
    },
    onState(connected) {
      app.isConnected = connected;
      app.changed();
    },
  });
  await watchNodes();
}

function opened(): void {
  app.isLoaded = true;
  app.readAddress();
  window.addEventListener('hashchange', () => {
    app.token = takeToken() ?? app.token;
    app.readAddress();
  });
  app.changed();
}

async function watchNodes(): Promise<void> {
  try {
    if (app.isConnected && !document.hidden) app.nodes = await fetchNodes();
  } catch (error) {
    // The stream says that the yard is gone; this only asks again.
    if (!(error instanceof TypeError)) throw error;
    app.isConnected = false;
  }
  app.changed();
  setTimeout(() => void watchNodes(), NODES_EVERY_MS);
}

begin().catch((error: unknown) => {
  root.textContent = `The page could not start: ${error instanceof Error ? error.message : String(error)}`;
  throw error;
});
