/** What a form of the page can send with each verb. Anything else comes from no form, and is refused before it is read. */

export type Fields = Readonly<Record<string, unknown>>;

/** `text`: what a person types; the verb's own parser has the last word. `flag`: true or false. */
type Kind = 'text' | 'flag';

const TEXTS = (...names: string[]): Readonly<Record<string, Kind>> =>
  Object.fromEntries(names.map((name) => [name, 'text']));

export const FIELDS = {
  hold: {},
  release: {},
  mine: TEXTS('node', 'blocks'),
  send: TEXTS('from', 'to', 'amount', 'node'),
  'double-spend': TEXTS('from', 'first', 'second', 'amount'),
  partition: TEXTS('groups'),
  link: { ...TEXTS('links', 'delay', 'jitter', 'loss', 'rate'), clear: 'flag' },
  'hold-links': {},
  'release-links': {},
  'step-links': TEXTS('node'),
  freeze: TEXTS('node'),
  thaw: TEXTS('node'),
  set: TEXTS('node', 'clock', 'hashrate'),
  heal: {},
  reorg: TEXTS('depth', 'lead', 'losers'),
  kill: { ...TEXTS('node'), clean: 'flag' },
  start: TEXTS('node'),
} as const satisfies Readonly<Record<string, Readonly<Record<string, Kind>>>>;

export type Verb = keyof typeof FIELDS;

/** Longer than anything a person types into a form. */
const MAX_TEXT = 200;
/** Of a name that is not ours, for the sentence that refuses it. */
const SHOWN = 30;

function isVerb(verb: string): verb is Verb {
  return Object.hasOwn(FIELDS, verb);
}

function shown(name: string): string {
  const text = name.replace(/[^\x20-\x7e]/g, '?');
  return `'${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}'`;
}

/** The sentence that refuses these fields; undefined: each is of its kind, and none is foreign. */
export function fieldsFault(verb: string, fields: Fields): string | undefined {
  if (!isVerb(verb)) return `no action ${shown(verb)}: there is ${Object.keys(FIELDS).join(', ')}`;
  const kinds: Readonly<Record<string, Kind>> = FIELDS[verb];
  for (const [name, value] of Object.entries(fields)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const names = Object.keys(kinds).join(', ');
      return `${verb} has no field ${shown(name)}: it has ${names === '' ? 'none' : names}`;
    }
    if (kind === 'flag' && ![true, false, 'true', 'false'].includes(value as never)) {
      return `${name} must be true or false`;
    }
    if (kind === 'text' && (typeof value !== 'string' || value.length > MAX_TEXT)) {
      return `${name} must be a text of at most ${MAX_TEXT} characters`;
    }
    if (typeof value === 'string' && /[\p{Cc}\u2028\u2029]/u.test(value)) {
      return `${name} holds a character that nobody can type`;
    }
  }
  return undefined;
}
