/** Figures and names as people read them; the same in every face. */

/** 4.0M, 312k, 87: two leading digits are enough to compare branches. `value` ≥ 0. */
export function short(value: bigint | number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  let scaled = BigInt(typeof value === 'number' ? Math.floor(value) : value) * 10n;
  let unit = 0;
  while (scaled >= 10_000n && unit < units.length - 1) {
    scaled = (scaled + 500n) / 1000n;
    unit++;
  }
  const whole = scaled / 10n;
  return unit === 0 || whole >= 100n ? `${whole}${units[unit]}` : `${whole}.${scaled % 10n}${units[unit]}`;
}

/** 1.25 million, 340 thousand, 87. */
export function inWords(value: number): string {
  if (value >= 1_000_000) return `${trimmed(value / 1_000_000)} million`;
  if (value >= 10_000) return `${Math.round(value / 1000)} thousand`;
  return `${Math.round(value)}`;
}

function trimmed(value: number): string {
  return value >= 10 ? `${Math.round(value)}` : `${Math.round(value * 100) / 100}`;
}

/** 402 ms, 1.8 s, 2 min 5 s. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

/** The last six digits: the leading ones are zeros by proof of work. */
export function tail(id: string): string {
  return `…${id.slice(-6)}`;
}

/** 'A B and C'. */
export function list(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

/** `AB|CD`, as groups are printed. */
export function formatGroups(groups: readonly (readonly string[])[]): string {
  return groups.map((g) => g.join('')).join('|');
}

/** Letters in the order of nodes: B before N27. */
export function byLetter(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Time as a clock counts it: `0:12`, `1:03:20`. */
export function clockSpan(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  const ss = String(s % 60).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${ss}` : `${m}:${ss}`;
}

/** Lines of at most so many characters, broken at blanks. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
