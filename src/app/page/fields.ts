import { VERBS, verbNamed } from '../../yard/verbs.ts';

/** What a form of the page can send with each verb. Anything else comes from no form, and is refused before it is read. */

export type Fields = Readonly<Record<string, unknown>>;

/** Longer than anything a person types into a form. */
const MAX_TEXT = 200;
/** Of a name that is not ours, for the sentence that refuses it. */
const SHOWN = 30;

function shown(name: string): string {
  const text = name.replace(/[^\x20-\x7e]/g, '?');
  return `'${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}'`;
}

/** The sentence that refuses these fields; undefined: each is of its kind, and none is foreign. */
export function fieldsFault(verb: string, fields: Fields): string | undefined {
  const kinds = verbNamed(verb)?.fields;
  if (kinds === undefined) return `no action ${shown(verb)}: there is ${Object.keys(VERBS).join(', ')}`;
  for (const [name, value] of Object.entries(fields)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name]!.kind : undefined;
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
