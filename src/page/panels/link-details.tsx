import { formatShape, linkName } from '../../observe/words/conditions.ts';
import type { App } from '../state/app.ts';
import { Command } from './command.tsx';

/** One link: what is asked of each direction, and everything that may be done to it. */
export function LinkDetails({ app, from, to }: { app: App; from: string; to: string }) {
  const isOff = !app.mayAct;
  const link = `${from}-${to}`;
  const { oneWay } = app.run.story.conditions;
  const isCutOneWay = (a: string, b: string) => oneWay.some(([x, y]) => x === a && y === b);
  return (
    <>
      <h2>
        Link {from}–{to}
      </h2>
      <Direction app={app} from={from} to={to} />
      <Direction app={app} from={to} to={from} />
      <p class="buttons">
        <button type="button" disabled={isOff} onClick={() => app.open('link', { links: link })}>
          Delay, loss, rate…
        </button>
        {[
          [from, to],
          [to, from],
        ].map(([a = '', b = '']) => (
          <button
            key={a}
            type="button"
            disabled={isOff || isCutOneWay(a, b)}
            onClick={() => app.open('partition', { groups: linkName(a, b) })}
          >
            Cut {a} → {b}
          </button>
        ))}
        <button type="button" disabled={isOff} onClick={() => app.perform('link', { links: link })}>
          Measure
        </button>
        <button
          type="button"
          disabled={isOff}
          onClick={() => app.perform('link', { links: link, clear: 'true' })}
        >
          As before
        </button>
      </p>
      <p class="because">
        What is asked here holds for what is sent from now on, until it is taken back. Heal leaves it.
      </p>
      <Command>{`forkyard link ${link} --delay 200ms --loss 1%`}</Command>
    </>
  );
}

function Direction({ app, from, to }: { app: App; from: string; to: string }) {
  return (
    <p>
      <b>
        {from} → {to}
      </b>{' '}
      {asked(app, from, to)}
      {state(app, from, to)}
    </p>
  );
}

/** What was asked of what `from` sends: for this link alone, by a profile, or for the whole yard. */
function asked(app: App, from: string, to: string): string {
  const { shapes, profile } = app.run.story.conditions;
  const own = shapes[linkName(from, to)];
  if (own !== undefined) return formatShape(own);
  if (profile !== '') return `as profile ${profile} says`;
  return formatShape({ delayMs: app.facts.delayMs, jitterMs: 0, loss: 0, bitsPerSecond: 0 });
}

function state(app: App, from: string, to: string): string {
  const { forest, story } = app.run;
  const { oneWay, wireHeld, frozen } = story.conditions;
  const sideOf = (node: string) => forest.cut?.findIndex((group) => group.includes(node));
  const silent = [from, to].find((node) => frozen.includes(node));
  const down = [from, to].find((node) => story.down.has(node));
  if (down !== undefined) return `; ${down} is down`;
  if (sideOf(from) !== sideOf(to)) return '; cut: no message crosses';
  if (oneWay.some(([a, b]) => a === from && b === to)) return '; cut in this direction';
  if (silent !== undefined) return `; ${silent} is frozen`;
  return wireHeld ? '; its messages are held' : '';
}
