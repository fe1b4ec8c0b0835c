import { savePicture } from './picture.ts';
import type { App } from './state/app.ts';

/** The terminal's keys. */
export function listenToKeys(app: App): void {
  document.addEventListener('keydown', (event) => {
    // While a dialog is open the keys are its own.
    if (event.ctrlKey || event.metaKey || event.altKey || app.dialog !== undefined) return;
    const target = event.target as HTMLElement;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
    // A focused button takes its own space and Enter.
    if (target.tagName === 'BUTTON' && (event.key === ' ' || event.key === 'Enter')) return;
    const run = ACTIONS[event.key];
    if (run === undefined) return;
    event.preventDefault();
    run(app, event);
  });
}

const ACTIONS: Readonly<Record<string, (app: App, event: KeyboardEvent) => void>> = {
  ' ': (app) => app.perform(app.isHeld ? 'release' : 'hold'),
  m: (app) => app.open('mine'),
  p: (app) => app.open('send'),
  d: (app) => app.open('double-spend'),
  c: (app) => app.open('partition'),
  h: (app) => app.perform('heal'),
  r: (app) => app.open('reorg'),
  k: (app) => app.open('kill'),
  l: (app) => app.open('link'),
  End: (app) => app.goLive(),
  s: (app) => savePicture(app),
  v: (app) => app.showByTime(!app.isByTime),
  f: (app) => {
    app.isStage = !app.isStage;
    app.changed();
  },
  '?': (app) => app.select(app.selection?.kind === 'help' ? undefined : { kind: 'help' }),
  ArrowLeft: (app, event) => app.stop(-1, event.shiftKey ? 'reorg' : undefined),
  ArrowRight: (app, event) => app.stop(1, event.shiftKey ? 'reorg' : undefined),
  '[': (app) => app.stop(-1),
  ']': (app) => app.stop(1),
  Escape: (app) => {
    if (app.isStage) app.isStage = false;
    else app.selection = undefined;
    app.changed();
  },
};
