import { describe, expect, it } from 'vitest';
import { RULES } from '../../src/consensus/params/rules.ts';
import { newForest } from '../../src/observe/state/forest.ts';
import { laneWords, newLanes } from '../../src/observe/state/lanes.ts';
import { narrate } from '../../src/observe/state/narrate.ts';
import { refusalWords } from '../../src/observe/words/refusals.ts';
import { event } from '../page/events.ts';

const refused = (rule: string) =>
  event(5, 'D', { kind: 'tx-refused', txid: 'ab'.repeat(32), rule, detail: 'why', from: 'self' });

describe('a payment refused because a waiting one spends the same coin', () => {
  it('is told so on the page, in the terminal and in the log of events', () => {
    const forest = newForest();
    const lanes = newLanes('ab'.repeat(32), ['D']);
    const told = refused('insufficient fee');
    lanes.apply(told, forest);
    const words = laneWords(lanes.byNode.get('D')!.at(-1)!.state, forest, { nameOf: (id) => id });
    expect(words).toBe(
      'refused: a waiting payment spends the same coin, and this one pays too little to replace it',
    );
    expect(narrate(told, forest)).toContain('a waiting payment spends the same coin');
  });

  it('has its words for rules that exist, and any other rule keeps its name', () => {
    const renamed = Object.keys(RULES).filter((rule) => refusalWords(rule) !== rule);
    expect(renamed.sort()).toEqual([
      'bad-txns-spends-conflicting-tx',
      'insufficient fee',
      'too many potential replacements',
    ]);
    for (const name of ['dust', 'toString', '__proto__']) expect(refusalWords(name)).toBe(name);
  });
});
