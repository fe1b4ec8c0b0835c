import type { Key as Keypress } from 'node:readline';

/** What a terminal sends, as keys. Node's `readline` reads the sequences; the rest here is what this view makes of them. */

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

/** By readline's name of a sequence. */
const SEQUENCES: Readonly<Record<string, Exclude<Key['kind'], 'char'>>> = {
  up: 'up',
  down: 'down',
  left: 'left',
  right: 'right',
  home: 'home',
  end: 'end',
  pageup: 'page-up',
  pagedown: 'page-down',
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
/** ECMA-48: a control sequence ends with one of these. */
const FINAL = /[@-~]$/;

/** A listener of readline's `keypress` events that gives `onKey` this view's keys. */
export function keypressListener(onKey: (key: Key) => void): (text: unknown, key: Keypress) => void {
  let isInUnknown = false;
  return (_, { sequence = '', name = '', ctrl, meta, shift }) => {
    // readline gives up at the first byte that it does not expect (reports of a mouse have one), and takes what follows
    // for letters. Letters are commands here, so the sequence is dropped whole.
    if (isInUnknown && !sequence.startsWith(ESCAPE)) {
      isInUnknown = !FINAL.test(sequence);
      return;
    }
    isInUnknown = false;
    let rest = sequence;
    // Escape and another key that came at once are one key with "meta" to readline; here they are two.
    while (rest.startsWith(ESCAPE) && !/^.[[O]/.test(rest)) {
      onKey({ kind: 'escape' });
      rest = rest.slice(1);
    }
    if (rest.startsWith(ESCAPE)) {
      if (name === 'tab' && shift === true) onKey({ kind: 'back-tab' });
      const kind = ctrl === true || meta === true || shift === true ? undefined : SEQUENCES[name];
      if (kind !== undefined) onKey({ kind });
      isInUnknown = !FINAL.test(rest);
    } else {
      const kind = CONTROL[rest];
      if (kind !== undefined) onKey({ kind });
      else if (rest >= ' ') onKey({ kind: 'char', char: rest });
    }
  };
}
