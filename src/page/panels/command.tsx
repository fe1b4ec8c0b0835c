import { useState } from 'preact/hooks';

/** How long the button says what became of it. */
const SAID_MS = 2_000;

/** The same on the command line, to take along. */
export function Command({ children }: { children: string }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    setSaid((await copied(children)) ? 'copied' : 'not copied: select the line');
    setTimeout(() => setSaid(''), SAID_MS);
  };
  return (
    <p class="cli">
      <code>{children}</code>
      <button type="button" onClick={() => void copy()}>
        {said === '' ? 'copy as CLI' : said}
      </button>
    </p>
  );
}

/** Over plain http from another machine a page has no clipboard, and a browser may refuse it anywhere. */
async function copied(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard !== undefined) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  document.body.append(field);
  try {
    field.select();
    return document.execCommand('copy');
  } finally {
    field.remove();
  }
}
