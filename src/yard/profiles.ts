import { PROFILES, type Profile, REGIONS, type Region } from '../util/profiles.ts';
import { err, ok, type Result } from '../util/result.ts';
import { didYouMean } from './names.ts';

/** How people write the profiles and regions of util/profiles.ts. */

/** `Europe`, `ASIA_PACIFIC`, `asia-pacific`. */
export function parseRegion(text: string): Result<Region, string> {
  const word = text.trim().toLowerCase().replace(/[_ ]/g, '-');
  const region = REGIONS.find((r) => r === word);
  return region === undefined ? err(`no region '${text}'. ${didYouMean(word, REGIONS)}`) : ok(region);
}

/** '' for `none`: the yard's own delay again. */
export function parseProfile(text: string): Result<Profile | '', string> {
  const word = text.trim().toLowerCase();
  if (word === 'none') return ok('');
  const profile = PROFILES.find((p) => p === word);
  return profile === undefined
    ? err(`no profile '${text}'. ${didYouMean(word, [...PROFILES, 'none'])}`)
    : ok(profile);
}
