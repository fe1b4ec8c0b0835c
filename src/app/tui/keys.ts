/** What a terminal sends, as keys. */

export type Key =
  | { readonly kind: 'char'; readonly char: string }
  | {
      readonly kind:
        | 'up'
        | 'down'
        | 'left'
        | 'right'
        | 'home'
        | 'end'
        | 'page-up'
        | 'page-down'
        | 'enter'
        | 'tab'
        | 'back-tab'
        | 'backspace'
        | 'escape'
        | 'interrupt'
        | 'suspend'
        | 'redraw';
    };

const SEQUENCES: Readonly<Record<string, Exclude<Key['kind'], 'char'>>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  '[H': 'home',
  '[F': 'end',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
  '[5~': 'page-up',
  '[6~': 'page-down',
  '[Z': 'back-tab',
};

const CONTROL: Readonly<Record<string, Exclude<Key['kind'], 'char'>>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'interrupt',
  '\u0004': 'interrupt',
  '\u001a': 'suspend',
  '\u000c': 'redraw',
};

const ESCAPE = '\u001b';
/** A sequence that is longer than this is none. */
const LONGEST = 16;

/** Over a slow line a sequence may come in pieces, so an escape at the end waits for what follows. */
export class KeyReader {
  #pending = '';

  /** Is an escape waiting? Then `flush` after a moment: it was the key itself. */
  get isWaiting(): boolean {
    return this.#pending !== '';
  }

  feed(text: string): Key[] {
    const keys: Key[] = [];
    let rest = this.#pending + text;
    this.#pending = '';
    while (rest !== '') {
      if (rest[0] !== ESCAPE) {
        const char = String.fromCodePoint(rest.codePointAt(0)!);
        const kind = CONTROL[char];
        if (kind !== undefined) keys.push({ kind });
        else if (char >= ' ') keys.push({ kind: 'char', char });
        rest = rest.slice(char.length);
        continue;
      }
      const match = /^(?:O.|\[[0-9;?]*[ -/]*[@-~])/.exec(rest.slice(1));
      if (match !== null) {
        const kind = SEQUENCES[match[0]];
        // What is not known is dropped whole: its letters are not keys.
        if (kind !== undefined) keys.push({ kind });
        rest = rest.slice(1 + match[0].length);
        continue;
      }
      if (/^(?:O|\[[0-9;?]*[ -/]*)?$/.test(rest.slice(1)) && rest.length < LONGEST) {
        this.#pending = rest;
        break;
      }
      keys.push({ kind: 'escape' });
      rest = rest.slice(1);
    }
    return keys;
  }

  /** Nothing followed: the escape was a key. */
  flush(): Key[] {
    const had = this.#pending;
    this.#pending = '';
    if (had === '') return [];
    return [{ kind: 'escape' }];
  }
}
