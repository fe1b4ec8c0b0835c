import { mount, opened } from './page.tsx';
import { act, exported, fetchFacts, fetchNodes, listen, takeToken } from './source.ts';

/** The page of a running yard, or of the file that it is in itself. */

const NODES_EVERY_MS = 1_500;

const { app, root } = mount();

async function begin(): Promise<void> {
  useToken();
  const file = await exported();
  if (file !== undefined) {
    app.isExported = true;
    app.facts = file.facts;
    app.take(file.events);
    open();
    return;
  }
  app.facts = await fetchFacts();
  await listen({
    onEvents(events) {
      app.take(events);
      if (!app.isLoaded) open();
    },
    onState(connected) {
      app.isConnected = connected;
      app.changed();
    },
  });
  await watchNodes();
}

function open(): void {
  opened(app);
  window.addEventListener('hashchange', () => {
    useToken();
    app.readAddress();
  });
}

/** The token that came with the address, if one did: only with it may the page act. */
function useToken(): void {
  const token = takeToken();
  if (token !== undefined) app.actor = (request, onTold) => act(token, request, onTold);
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
