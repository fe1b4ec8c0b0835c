import { pictureSvg } from '../observe/tree/picture.ts';
import { clockSpan } from '../observe/words/words.ts';
import { defined } from '../util/defined.ts';
import { shownPayment } from './lanes.tsx';
import type { App } from './state/app.ts';

/** `s`: what is in view as an SVG file with its caption, fit for a slide. */
export function savePicture(app: App): void {
  const { run } = app;
  const { current, first } = run;
  const payment = shownPayment(app);
  const text = pictureSvg(run.forest, run.story, {
    label: app.facts.label,
    moment: `event ${current?.seq ?? 0} at ${clockSpan((current?.t ?? 0) - (first?.t ?? 0))}`,
    opened: app.opened,
    ...(app.isByTime ? { time: { ...app.timeWishes, rows: run.timeRows } } : {}),
    shown: new Set(app.selection?.kind === 'block' ? [app.selection.id] : []),
    ...defined({ columns: app.view }),
    ...(payment === undefined
      ? {}
      : { lanes: { lanes: run.lanesOf(payment.txid, app.letters), until: current?.t ?? 0 } }),
  });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  link.download = `forkyard-${current?.seq ?? 0}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
