/** `AB|CD`, as groups are printed. */
export function formatGroups(groups: readonly (readonly string[])[]): string {
  return groups.map((g) => g.join('')).join('|');
}

/** `0:12`, `1:03:20`. */
export function clockSpan(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  const ss = String(s % 60).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${ss}` : `${m}:${ss}`;
}
