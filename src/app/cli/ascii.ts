/**
 * What each sign beyond ASCII becomes where only ASCII is wanted; none of them carries meaning alone. A dot between two
 * factors is a product, a dot between blanks parts two facts.
 */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/(?<=\S)·(?=\S)/g, '*'],
  [/[·−–—─┄‒]/g, '-'],
  [/[└┬├┼┴┤╭╮╰╯┌┐┘]/g, '+'],
  [/→/g, '->'],
  [/…/g, '..'],
  [/✓/g, 'ok'],
  [/[×✗✕╳]/g, 'x'],
  [/[│▏]/g, '|'],
  [/◄/g, '<'],
  [/▸/g, '>'],
  [/█/g, '#'],
  [/░/g, '.'],
  [/[’‘]/g, "'"],
  [/[“”]/g, '"'],
  [/±/g, '+-'],
  [/≈/g, '~'],
  [/≤/g, '<='],
  [/≥/g, '>='],
  [/÷/g, '/'],
  [/²/g, '^2'],
  [/√(?=\()/g, 'sqrt'],
  [/√/g, 'sqrt '],
  ...(
    [
      ['α', 'alpha'],
      ['β', 'beta'],
      ['γ', 'gamma'],
      ['δ', 'delta'],
      ['θ', 'theta'],
      ['λ', 'lambda'],
      ['ρ', 'rho'],
      ['τ', 'tau'],
    ] as const
  ).flatMap(([sign, name]): [RegExp, string][] => [
    [new RegExp(`${sign}(?=\\w)`, 'g'), `${name} `],
    [new RegExp(sign, 'g'), name],
  ]),
  // Somebody's own path or name may have any other.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that ASCII has is left alone
  [/[^\x00-\x7f]/gu, '?'],
];

export function toAscii(text: string): string {
  return SIGNS.reduce((t, [from, to]) => t.replace(from, to), text);
}

/** JSON says the same without any sign beyond ASCII. */
export function jsonToAscii(json: string): string {
  return json.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    /[^\x00-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A terminal that shows nothing else, or a person who wants nothing else. */
export function isAscii(wished: boolean): boolean {
  return wished || process.env['TERM'] === 'dumb';
}
