import { useState } from 'preact/hooks';
import { clockSpan } from '../../observe/words/words.ts';
import type { App } from '../state/app.ts';
import { CHECK_MS, formatSettings, parseSettings, type SimRun } from './run.ts';

/** What only a simulated yard has: its seed, its speed, and the hash that says that every machine sees the same. */

const SPEEDS = [1, 10, 100];

export function SimPanel({ app, sim }: { app: App; sim: SimRun }) {
  const { settings } = sim;
  const [fields, setFields] = useState({
    seed: settings.seed,
    nodes: String(settings.nodes),
    delay: String(settings.delayMs),
    pace: String(settings.paceMs),
  });
  const asked = `seed=${fields.seed}&nodes=${fields.nodes}&delay=${fields.delay}&pace=${fields.pace}`;
  const parsed = parseSettings(asked);
  const field = (name: keyof typeof fields, label: string) => (
    <label for={`sim-${name}`}>
      <span>{label}</span>
      <input
        id={`sim-${name}`}
        value={fields[name]}
        onInput={(event) => setFields({ ...fields, [name]: event.currentTarget.value.trim() })}
      />
    </label>
  );
  return (
    <section class="panel simulator" aria-label="Simulator">
      <h2>Simulated in this tab: the very nodes, on invented time</h2>
      <Speeds app={app} sim={sim} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!parsed.ok) return;
          location.hash = formatSettings(parsed.value);
          location.reload();
        }}
      >
        {field('seed', 'seed')}
        {field('nodes', 'nodes')}
        {field('delay', 'delay, ms')}
        {field('pace', 'a block every, ms')}
        <button type="submit" disabled={!parsed.ok}>
          New world
        </button>
      </form>
      <p class={parsed.ok ? 'because' : 'plan wrong'} data-check={sim.check}>
        {parsed.ok ? checkWords(sim) : parsed.error}
      </p>
    </section>
  );
}

function Speeds({ app, sim }: { app: App; sim: SimRun }) {
  return (
    <p class="speeds" role="group" aria-label="Speed">
      <button
        type="button"
        aria-label={sim.isRunning ? 'Stop time' : 'Let time pass'}
        onClick={() => {
          sim.isRunning = !sim.isRunning;
          app.changed();
        }}
      >
        {sim.isRunning ? '❚❚' : '▶'}
      </button>
      {SPEEDS.map((speed) => (
        <button
          key={speed}
          type="button"
          class={sim.speed === speed ? 'on' : ''}
          aria-pressed={sim.speed === speed}
          onClick={() => {
            sim.speed = speed;
            app.haste = speed;
            app.changed();
          }}
        >
          {speed}×
        </button>
      ))}
      <span class="sim-time">
        {clockSpan(sim.nowMs)}
        {sim.keepsUp ? '' : ', all this tab can'}
      </span>
    </p>
  );
}

function checkWords(sim: SimRun): string {
  if (sim.check === undefined)
    return `At ${clockSpan(CHECK_MS)} the hash of everything that happened stands here.`;
  const same = sim.wasTouched ? 'of what you made of it' : 'the same for this seed on every machine';
  return `First ${clockSpan(CHECK_MS)}: trace …${sim.check.slice(-12)}, ${same}.`;
}
