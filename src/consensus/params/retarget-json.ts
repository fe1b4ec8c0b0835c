import type { Field } from './fields.ts';
import type { Retarget } from './retarget.ts';

/** Retarget rules as JSON: a network's template counts in intervals, a resolved network in milliseconds. */

/** The rule before a pace is chosen. */
export type RetargetTemplate =
  | { readonly kind: 'none' }
  | { readonly kind: 'ema' | 'asert'; readonly halflifeIntervals: number }
  | { readonly kind: 'bitcoin'; readonly window: number };

export const RETARGET_KINDS = ['none', 'ema', 'asert', 'bitcoin'] as const;
export type RetargetKind = (typeof RETARGET_KINDS)[number];

/** A window of one block would have no time in it: Bitcoin's rule counts from a window's first block to its last. */
const LEAST_WINDOW = 2;
const MOST_WINDOW = 1_000_000;

/** Bitcoin Cash's half-life, two days of ten-minute intervals. */
const ASERT_INTERVALS = 288;
const EMA_INTERVALS = 30;
const BITCOIN_WINDOW = 2016;

/** What somebody gets who names a rule and nothing else. */
export function usualRetarget(kind: RetargetKind): RetargetTemplate {
  switch (kind) {
    case 'none':
      return { kind };
    case 'ema':
      return { kind, halflifeIntervals: EMA_INTERVALS };
    case 'asert':
      return { kind, halflifeIntervals: ASERT_INTERVALS };
    case 'bitcoin':
      return { kind, window: BITCOIN_WINDOW };
  }
}

export function readRetargetTemplate(field: Field): RetargetTemplate {
  const kind = field.at('kind').exactly(...RETARGET_KINDS);
  if (kind === 'ema' || kind === 'asert') {
    field.only('kind', 'halflifeIntervals');
    return { kind, halflifeIntervals: field.at('halflifeIntervals').integer(1, 1_000_000) };
  }
  return readTimeless(field, kind);
}

export function readRetarget(field: Field): Retarget {
  const kind = field.at('kind').exactly(...RETARGET_KINDS);
  if (kind === 'ema' || kind === 'asert') {
    field.only('kind', 'halflifeMs');
    return { kind, halflifeMs: field.at('halflifeMs').integer(1, 1e15) };
  }
  return readTimeless(field, kind);
}

/** The kinds that have no time of their own read the same in both. */
function readTimeless(field: Field, kind: 'none' | 'bitcoin'): Retarget & RetargetTemplate {
  if (kind === 'none') {
    field.only('kind');
    return { kind };
  }
  field.only('kind', 'window');
  return { kind, window: field.at('window').integer(LEAST_WINDOW, MOST_WINDOW) };
}

export function resolveRetarget(template: RetargetTemplate, spacingMs: number): Retarget {
  if (template.kind === 'none' || template.kind === 'bitcoin') return template;
  return { kind: template.kind, halflifeMs: Math.round(template.halflifeIntervals * spacingMs) };
}
