import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isRuleName, RULES, ruleOf } from '../../src/consensus/params/rules.ts';
import { limits } from '../../src/node/limits.ts';
import { faultOfRule, MISBEHAVIOUR } from '../../src/node/peers/misbehaviour.ts';
import { Peer, Peers } from '../../src/node/peers/peers.ts';
import { Bucket } from '../../src/node/peers/token-bucket.ts';

const SECOND = 1_000_000;
const peer = (id: string) => new Peer(id, false, new Uint8Array(32), 0, limits);

describe('faults', () => {
  it('every fault has a place where it is found, and a price between 1 and all', () => {
    const folder = new URL('../../src/node/', import.meta.url);
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('misbehaviour.ts'))
      .map((file) => readFileSync(new URL(file, folder), 'utf8'))
      .join('\n');
    const byRule = new Set(Object.keys(RULES).filter(isRuleName).map(faultOfRule));
    for (const [name, points] of Object.entries(MISBEHAVIOUR)) {
      expect([name, code.includes("'" + name + "'") || [...byRule].some((fault) => fault === name)]).toEqual([
        name,
        true,
      ]);
      expect(points).toBeGreaterThan(0);
      expect(points).toBeLessThanOrEqual(limits.scoreFull);
    }
  });

  it('a rule that is nobody’s fault costs nobody anything', () => {
    for (const rule of Object.keys(RULES).filter(isRuleName)) {
      expect([rule, faultOfRule(rule) === undefined]).toEqual([rule, ruleOf(rule).fault === 'nobody']);
    }
  });

  it('a score falls to 0 and no further, and time gives it back', () => {
    const one = peer('x');
    expect(one.punish(40, 0, limits)).toBe(false);
    expect(one.punish(40, 0, limits)).toBe(false);
    expect(one.scoreNow(0, limits)).toBe(20);
    expect(one.scoreNow(60 * SECOND, limits)).toBe(25);
    expect(one.scoreNow(3_600 * SECOND, limits)).toBe(100);
    expect(one.punish(200, 60 * SECOND, limits)).toBe(true);
    expect(one.scoreNow(60 * SECOND, limits)).toBe(0);
  });
});

describe('peers', () => {
  it('are walked by id, whoever came first', () => {
    const peers = new Peers();
    for (const id of ['b', 'c', 'a']) peers.add(peer(id));
    expect(peers.all().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    peers.get('b')!.ready = true;
    peers.get('c')!.ready = true;
    peers.get('c')!.dropped = true;
    expect(peers.ready().map(({ id }) => id)).toEqual(['b']);
    peers.remove('a');
    expect(peers.size).toBe(2);
  });
});

describe('a token bucket', () => {
  it('gives its burst at once and then its rate', () => {
    const bucket = new Bucket(3, 2, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).toEqual([true, true, true, false]);
    expect(bucket.readyAt(1, 0)).toBe(SECOND / 2);
    expect(bucket.take(1, SECOND / 2 - 1)).toBe(false);
    expect(bucket.take(1, SECOND / 2)).toBe(true);
    expect(bucket.take(4, 100 * SECOND)).toBe(false);
    expect(bucket.take(3, 100 * SECOND)).toBe(true);
  });

  it('lets a debt be paid before the next', () => {
    const bucket = new Bucket(10, 10, 0);
    bucket.charge(30, 0);
    expect(bucket.has(0, 0)).toBe(false);
    expect(bucket.readyAt(0, 0)).toBe(2 * SECOND);
    expect(bucket.has(0, 2 * SECOND)).toBe(true);
  });

  it('does not run backwards', () => {
    const bucket = new Bucket(2, 1, 10 * SECOND);
    expect(bucket.take(2, 10 * SECOND)).toBe(true);
    expect(bucket.take(1, 5 * SECOND)).toBe(false);
    expect(bucket.take(1, 11 * SECOND)).toBe(true);
  });
});
