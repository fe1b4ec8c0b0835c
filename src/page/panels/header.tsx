import { agreementOf } from '../../observe/state/agreement.ts';
import { describeConditions } from '../../observe/words/conditions.ts';
import { byLetter, clockSpan, formatGroups } from '../../observe/words/words.ts';
import type { VerbName } from '../../yard/verbs.ts';
import type { App } from '../state/app.ts';

/** The yard's state in words, and everything one may do. */
export function Header({ app }: { app: App }) {
  const { forest, story, current } = app.run;
  const now = current?.t ?? 0;
  return (
    <header class="header">
      <h1>
        <span class="brand">forkyard</span>
        <span class="yard">
          {app.facts.label} · {app.letters.length} nodes
        </span>
      </h1>
      <Agreement app={app} />
      {forest.cut !== undefined && (
        <span class="badge cut" role="status">
          CUT {formatGroups(forest.cut)} {clockSpan(now - (story.cutAt ?? now))}
        </span>
      )}
      <Faults app={app} />
      <span class={app.silentSince === undefined ? 'state' : 'state silent'} role="status">
        {stateWords(app)}
      </span>
      <Actions app={app} />
    </header>
  );
}

/** Whatever is set wrong on purpose is always in sight; the cut has a badge of its own. */
function Faults({ app }: { app: App }) {
  const said = describeConditions(undefined, app.run.story.conditions);
  if (said.length === 0) return null;
  const words = said.join(' · ');
  return (
    <span class="badge cut faults" role="status" title={words}>
      FAULTS {words}
    </span>
  );
}

function stateWords(app: App): string {
  if (app.isExported) return 'a recorded run';
  if (app.silentSince !== undefined) return `silent ${app.silenceWords}, trying again`;
  if (app.extra !== undefined) return 'simulated in this tab';
  return app.actor === undefined ? 'view only: to act, open the link that forkyard up printed' : '';
}

function Agreement({ app }: { app: App }) {
  const { forest } = app.run;
  const { answers, depth } = agreementOf(forest, [...forest.tips.keys()].sort(byLetter));
  const [first] = answers;
  if (first === undefined) return <span class="badge">AGREE ?</span>;
  if (answers.length === 1) {
    return (
      <span class={app.silentSince === undefined ? 'badge yes' : 'badge'} role="status">
        {app.silentSince === undefined ? 'AGREE yes' : 'AGREE, last seen'}: {forest.nameOf(first.id)} on{' '}
        {first.nodes.join(' ')}
      </span>
    );
  }
  // A node that is merely behind will not have to undo anything.
  const words = depth === 0 ? 'some are behind' : `conflict ${depth} deep`;
  return (
    <span class="badge no" role="status">
      AGREE: NO, {answers.length} answers, {words}
    </span>
  );
}

interface Button {
  readonly verb: VerbName;
  readonly label: string;
  readonly key: string;
  readonly title: string;
}

const BUTTONS: readonly Button[] = [
  { verb: 'mine', label: 'Mine', key: 'm', title: 'Mine blocks on one node, with real work' },
  { verb: 'send', label: 'Pay', key: 'p', title: 'A signed payment' },
  { verb: 'double-spend', label: 'Double-spend', key: 'd', title: 'One coin, two payments, at two nodes' },
  { verb: 'reorg', label: 'Reorg', key: 'r', title: 'Undo blocks by competing work' },
];

export function Actions({ app }: { app: App }) {
  const isOff = !app.mayAct;
  const { oneWay, wireHeld, shapes } = app.run.story.conditions;
  const isShaped = oneWay.length > 0 || wireHeld || Object.keys(shapes).length > 0;
  const isCut = app.run.forest.cut !== undefined || isShaped;
  return (
    <div class="actions" role="toolbar" aria-label="Actions">
      <button
        type="button"
        disabled={isOff}
        onClick={() => app.perform(app.isHeld ? 'release' : 'hold')}
        title="Hold or release all miners (space)"
      >
        {app.isHeld ? 'Release' : 'Hold'}
      </button>
      {BUTTONS.map((b) => (
        <button
          key={b.verb}
          type="button"
          disabled={isOff}
          onClick={() => app.open(b.verb)}
          title={`${b.title} (${b.key})`}
        >
          {b.label}
        </button>
      ))}
      {isCut ? (
        <button
          type="button"
          class="main"
          disabled={isOff}
          onClick={() => app.perform('heal')}
          title="Open all links (h)"
        >
          Heal
        </button>
      ) : (
        <button
          type="button"
          disabled={isOff}
          onClick={() => app.open('partition')}
          title="Cut the network (c)"
        >
          Cut
        </button>
      )}
      <button
        type="button"
        class="quiet"
        onClick={() => app.select({ kind: 'help' })}
        title="What do I see? (?)"
      >
        ?
      </button>
    </div>
  );
}
