import { plural } from '../../util/plural.ts';
import { err, ok, type Result } from '../../util/result.ts';
import { short } from './words.ts';

/** Durations, rates and counts as people type and read them. Parsers answer with a sentence that names the value. */

const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };
const RATE_FACTOR: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/** `400ms`, `2s`, `1.5m`, `1h` → milliseconds. A bare number is refused: nobody knows what it meant. */
export function parseDuration(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)?$/.exec(text.trim());
  if (match === null) return err(`'${text}' is not a duration; write it as 400ms, 2s, 1.5m or 1h`);
  const unit = match[2];
  if (unit === undefined) return err(`'${text}' has no unit; write ${text}ms or ${text}s`);
  return ok(Number(match[1]) * MS_PER[unit]!);
}

const BITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/** A one-way delay or jitter: a duration from 0 on, at most a minute. */
export function parseDelay(text: string): Result<number, string> {
  if (/^\s*-/.test(text)) return err(`'${text}' is negative: no message arrives before it is sent`);
  if (text.trim() === '0') return ok(0);
  const ms = parseDuration(text);
  if (ms.ok && ms.value > 60_000) return err(`'${text}' is longer than a minute`);
  return ms;
}

/** `+90s`, `-2m`, `0s`: how far a clock is ahead. */
export function parseOffset(text: string): Result<number, string> {
  const match = /^([+-]?)(.+)$/.exec(text.trim());
  const ms = parseDuration(match?.[2] === '0' ? '0s' : (match?.[2] ?? ''));
  if (!ms.ok)
    return err(`'${text}' is not a clock offset; write it as +90s or -2m, 0s for a clock that is right`);
  if (ms.value > 100 * 86_400_000) return err(`'${text}' is more than 100 days`);
  return ok(match![1] === '-' ? -Math.round(ms.value) : Math.round(ms.value));
}

/** `1%`, `0.5 %` → share. */
export function parseShare(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (match === null) return err(`'${text}' is not a share; write it as 1%`);
  return ok(Number(match[1]) / 100);
}

/** Of segments: a share that a connection survives. */
export function parseLoss(text: string): Result<number, string> {
  const loss = parseShare(text);
  if (loss.ok && loss.value > 0.5) return err(`${text} is more than 50%, which no connection survives`);
  return loss;
}

/** `1Mbit/s`, `500kbit/s` → bits a second; `none` → 0. */
export function parseBandwidth(text: string): Result<number, string> {
  const word = text.trim();
  if (word === 'none') return ok(0);
  const match = /^(\d+(?:\.\d+)?)\s*([kKMG]?)(?:bit\/s|bps)$/.exec(word);
  if (match === null) return err(`'${text}' is not a rate; write it as 1Mbit/s, 500kbit/s or none`);
  const bits = Number(match[1]) * BITS[match[2] === 'K' ? 'k' : match[2]!]!;
  if (bits < 1_000 || bits > 1e10) return err(`rate '${text}' is not from 1kbit/s to 10Gbit/s`);
  return ok(Math.round(bits));
}

export function formatBandwidth(bitsPerSecond: number): string {
  const text = formatCount(bitsPerSecond);
  const unit = /[kMGT]$/.exec(text)?.[0] ?? '';
  return `${text.slice(0, text.length - unit.length)} ${unit}bit/s`;
}

/** `1 %`, `0.5 %`. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** `+90s`, `-2s`. */
export function formatOffset(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${formatDuration(Math.abs(ms))}`;
}

/** `50kH/s`, `1.2MH/s`, `50k`, `800H/s` → hashes a second (a whole number, at least 1); `uncapped` → 0. */
export function parseRate(text: string): Result<number, string> {
  const word = text.trim();
  if (word === 'uncapped' || word === 'max') return ok(0);
  const match = /^(\d+(?:\.\d+)?)\s*([kKMG]?)(?:H(?:\/s)?)?$/.exec(word);
  if (match === null) return err(`'${text}' is not a hash rate; write it as 50kH/s, 1.2MH/s or uncapped`);
  const rate = Math.round(Number(match[1]) * RATE_FACTOR[match[2] === 'K' ? 'k' : match[2]!]!);
  if (rate < 1)
    return err(`hash rate '${text}' is below 1 H/s; to have a node not mine, leave it out of --miners`);
  if (rate > 1e12) return err(`hash rate '${text}' is more than a worker can be told (1 TH/s)`);
  return ok(rate);
}

/** A whole number within bounds; `what` names it in the refusal. */
export function parseCount(text: string, what: string, least: number, most: number): Result<number, string> {
  if (!/^\d{1,12}$/.test(text)) return err(`${what} must be a whole number, not '${text}'`);
  const value = Number(text);
  if (value < least || value > most) return err(`${what} must be from ${least} to ${most}, not ${text}`);
  return ok(value);
}

/** 3 significant digits with k, M, G: 950, 1.2k, 50k, 1.1M. */
export function formatCount(n: number): string {
  if (n < 1_000) return n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toPrecision(2);
  let scale = 0;
  while (n >= 999.5 && scale < 4) {
    n /= 1_000;
    scale++;
  }
  const digits = n >= 9.95 ? n.toFixed(0) : n.toFixed(1).replace(/\.0$/, '');
  return digits + ['', 'k', 'M', 'G', 'T'][scale]!;
}

/** A cap, `50 kH/s`; 0 means none. */
export function formatRate(rate: number): string {
  return rate === 0 ? 'uncapped' : formatSpeed(rate);
}

/** A measured rate, `49.8 kH/s`. */
export function formatSpeed(rate: number): string {
  const text = formatCount(rate);
  const unit = /[kMGT]$/.exec(text)?.[0] ?? '';
  return `${text.slice(0, text.length - unit.length)} ${unit}H/s`;
}

/** `9 ms`, `0.9 s`, `12 s`, `3.5 min`. */
export function formatMs(ms: number): string {
  if (ms < 0) return `-${formatMs(-ms)}`;
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  return ms < 5_400_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

/** As typed: `400ms`, `2s`, `1.75s`. */
export function formatDuration(ms: number): string {
  return ms >= 1_000 ? `${Number((ms / 1000).toFixed(3))}s` : `${ms}ms`;
}

/** Total work (hex, no prefix) as expected hashes, as the tree prints it. */
export function formatWork(hex: string): string {
  return short(BigInt(`0x${hex === '' ? '0' : hex}`));
}

/** `812 bytes`, `1.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return plural(bytes, 'byte');
  const [unit, size] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  const n = bytes / (size as number);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${unit}`;
}
