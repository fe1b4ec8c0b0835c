import { WELL_KNOWN } from '../../consensus/params/genesis.ts';
import { parseNetworks } from '../../consensus/params/params.ts';
import type { LogEvent } from '../../events/events.ts';
import { mount, opened } from '../page.tsx';
import { simActor } from './actions.ts';
import { SimPanel } from './panel.tsx';
import { formatSettings, parseSettings, SimRun, USUAL_SETTINGS } from './run.ts';

/** The same page on a simulated yard: no server, nothing to install; the address holds what makes the world. */

const SLICE_EVERY_MS = 16;
const NODES_EVERY_MS = 300;

const { app, tellInstead } = mount();

function begin(): void {
  const asked = parseSettings(location.hash);
  const settings = asked.ok ? asked.value : USUAL_SETTINGS;
  const holder = document.getElementById('networks');
  const networks = parseNetworks(JSON.parse(holder?.textContent ?? 'null'));
  if (!networks.ok) throw new Error(networks.error);
  const template = networks.value.get('lab');
  if (template === undefined) throw new Error('the page has no network named lab');
  let waiting: LogEvent[] = [];
  const sim = new SimRun(template, settings, (event) => waiting.push(event));
  const { letters, spacingMs, delayMs, topology } = sim.yard;
  app.facts = {
    label: `seed ${settings.seed}`,
    network: 'lab',
    nodes: letters,
    people: WELL_KNOWN,
    spacingMs,
    delayMs,
    topology,
  };
  app.address = formatSettings(settings);
  app.extra = () => <SimPanel app={app} sim={sim} />;
  app.actor = simActor(sim);

  const flush = () => {
    const batch = waiting;
    waiting = [];
    app.take(batch);
  };
  let last = performance.now();
  let toldAt = 0;
  const tick = () => {
    const now = performance.now();
    sim.advance(now - last, () => performance.now());
    last = now;
    if (waiting.length > 0) flush();
    if (now - toldAt > NODES_EVERY_MS) {
      toldAt = now;
      app.nodes = sim.nodes();
      app.changed();
    }
    setTimeout(tick, SLICE_EVERY_MS);
  };
  flush();
  app.nodes = sim.nodes();
  opened(app);
  app.writeAddress();
  tick();
}

try {
  begin();
} catch (error) {
  tellInstead(`The simulator could not start: ${error instanceof Error ? error.message : String(error)}`);
  throw error;
}
