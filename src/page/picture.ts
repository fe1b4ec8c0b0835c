import { answersOf } from '../observe/agreement.ts';
import type { App } from './app.ts';

/** `s`: the tree as an SVG file with its caption, fit for a slide. */
export function savePicture(app: App): void {
  const source = document.querySelector<SVGSVGElement>('svg.tree-picture');
  if (source === null) return;
  const copy = source.cloneNode(true) as SVGSVGElement;
  const { height } = source.viewBox.baseVal;
  // Only what is in view is painted: the picture is that.
  const painted = source.getBBox();
  const left = Math.max(0, painted.x - 16);
  const width = Math.max(640, painted.x + painted.width + 16 - left);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height + 34));
  copy.setAttribute('viewBox', `${left} 0 ${width} ${height + 34}`);
  const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
  style.textContent = `${rules()} svg{font-family:system-ui,sans-serif}`;
  const back = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  back.setAttribute('x', String(left));
  back.setAttribute('width', '100%');
  back.setAttribute('height', '100%');
  back.setAttribute('style', 'fill:var(--paper)');
  copy.prepend(style, back);
  const caption = document.createElementNS('http://www.w3.org/2000/svg', 'text');
  caption.setAttribute('x', String(left + 16));
  caption.setAttribute('y', String(height + 20));
  caption.setAttribute('style', 'fill:var(--ink);font-size:13px');
  caption.textContent = captionOf(app);
  copy.append(caption);
  const text = new XMLSerializer().serializeToString(copy);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  link.download = `forkyard-${app.run.current?.seq ?? 0}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function captionOf(app: App): string {
  const { forest, current } = app.run;
  const ends = answersOf(forest, forest.tips).map((e) => `${e.nodes.join(' ')} on ${forest.nameOf(e.id)}`);
  const scene = app.scene;
  const reorg =
    scene === undefined
      ? ''
      : ` · reorg on ${[...scene.nodes].join(' ')}: ${scene.depth} out, ${scene.length} in`;
  return `forkyard ${app.facts.label}, event ${current?.seq ?? 0}: ${ends.join(', ')}${reorg}`;
}

/** The page's own rules for the picture: a file has no style sheet beside it. */
function rules(): string {
  const found: string[] = [];
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (/^(:root|\.tree-picture|@media \(prefers-color-scheme)/.test(rule.cssText))
        found.push(rule.cssText);
    }
  }
  return found.join('\n');
}
