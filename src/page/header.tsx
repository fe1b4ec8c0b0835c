import type { App, Verb } from './app.ts';
import { answers } from './layout.ts';
import { clockSpan, formatGroups } from './words.ts';

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
      <span class="state">{stateWords(app)}</span>
      <Actions app={app} />
    </header>
  );
}

function stateWords(app: App): string {
  if (app.isExported) return 'a recorded run';
  if (!app.isConnected) return 'no connection: trying again';
  return app.token === undefined ? 'view only: to act, open the link that forkyard up printed' : '';
}

export function Agreement({ app }: { app: App }) {
  const { forest } = app.run;
  const ends = answers(forest, forest.tips);
  if (ends.length === 0) return <span class="badge">AGREE ?</span>;
  const best = ends[0]!;
  if (ends.length === 1) {
    return (
      <span class="badge yes" role="status">
        AGREE yes: {forest.nameOf(best.id)} on {best.nodes.join(' ')}
      </span>
    );
  }
  const depths = ends.slice(1).map((end) => {
    const fork = forest.forkPoint(best.id, end.id);
    const tip = forest.blocks.get(end.id);
    return fork === undefined || tip === undefined ? 0 : tip.height - fork.height;
  });
  const depth = Math.max(...depths);
  // A node that is merely behind will not have to undo anything.
  const words = depth === 0 ? 'some are behind' : `conflict ${depth} deep`;
  return (
    <span class="badge no" role="status">
      AGREE: NO, {ends.length} answers, {words}
    </span>
  );
}

interface Button {
  readonly verb: Verb;
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
  const isCut = app.run.forest.cut !== undefined;
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
