import { act, fetchFacts, fetchNodes, NoAnswer } from './ask.ts';
import { listen } from './listen.ts';
import { mount, opened } from './page.tsx';
import { exported, takeToken } from './state/source.ts';

/** The page of a running yard, or of the file that it is in itself. */

const NODES_EVERY_MS = 1_500;
const BEGIN_AGAIN_MS = 2_000;

const { app, tellInstead } = mount();

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
  await follow();
  await watchNodes();
}

/** A yard that is stopping, or not there yet, may be there in a moment. */
async function follow(): Promise<void> {
  for (;;) {
    try {
      app.facts = await fetchFacts();
      await listen(app.facts.label, {
        onEvents(events) {
          app.take(events);
          if (!app.isLoaded) open();
        },
        onSilence(since) {
          app.silentSince = since;
          app.changed();
        },
      });
      return;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      tellInstead(`The page cannot start yet: ${error.message}. It tries again.`);
      await new Promise((done) => setTimeout(done, BEGIN_AGAIN_MS));
    }
  }
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
    if (!document.hidden) app.nodes = await fetchNodes();
  } catch (error) {
    // The stream says whether the yard is gone; this only asks again.
    if (!(error instanceof NoAnswer)) throw error;
  }
  app.changed();
  setTimeout(() => void watchNodes(), NODES_EVERY_MS);
}

begin().catch((error: unknown) => {
  tellInstead(`The page could not start: ${error instanceof Error ? error.message : String(error)}`);
  throw error;
});
