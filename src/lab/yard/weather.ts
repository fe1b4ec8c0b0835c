/** Presets of pace and delay: how far apart blocks are, against how long they travel, makes the forks. */
export const WEATHER = {
  calm: { paceMs: 5_000, delayMs: 0 },
  windy: { paceMs: 3_000, delayMs: 150 },
  stormy: { paceMs: 2_000, delayMs: 400 },
} as const satisfies Readonly<Record<string, { readonly paceMs: number; readonly delayMs: number }>>;

export type Weather = keyof typeof WEATHER;
export const WEATHERS = Object.keys(WEATHER) as readonly Weather[];
