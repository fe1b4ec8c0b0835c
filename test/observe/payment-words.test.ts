import { describe, expect, it } from 'vitest';
import { newForest } from '../../src/observe/state/forest.ts';
import { isSpentTwice, spentTwiceNote, spentTwicePlan } from '../../src/observe/state/payment-words.ts';
import { Story } from '../../src/observe/state/story.ts';
import { LogWriter } from './log-writer.ts';

describe('coins that are spent twice', () => {
  it('are counted, and only one where no amount is asked for', () => {
    const payments = ['…111111 alice → carol 150', '…222222 alice → dave 150'];
    expect(spentTwiceNote(1, payments)).toBe(`one coin, two payments: ${payments.join(' and ')}`);
    expect(spentTwiceNote(2, payments)).toBe(`the same 2 coins, two payments: ${payments.join(' and ')}`);
    expect(spentTwicePlan('alice', undefined)).toBe('alice spends one coin twice, whole');
    expect(spentTwicePlan('alice', '150')).toBe('alice spends the same coins twice, 150 each');
  });

  it.each([1, 2])('make rivals of both payments, as the log tells it of %i', (coins) => {
    const note = spentTwiceNote(coins, ['…111111 alice → carol 150', '…222222 alice → dave 150']);
    expect(isSpentTwice(note)).toBe(true);
    const [one, other] = ['1', '2'].map((digit) => digit.repeat(64));
    const { events } = new LogWriter()
      .at(1_000)
      .yard('AB')
      .tell('', { kind: 'action', text: note })
      .tell('A', { kind: 'tx-seen', txid: one!, fee: 0, vsize: 100, from: '' })
      .tell('B', { kind: 'tx-seen', txid: other!, fee: 0, vsize: 100, from: '' });
    const story = new Story();
    const forest = newForest();
    for (const event of events) {
      forest.apply(event);
      story.apply(event, forest);
    }
    expect(story.payments.get(one!)?.rival).toBe(other);
    expect(story.payments.get(other!)?.rival).toBe(one);
  });

  it('are no payment of another kind', () => {
    expect(isSpentTwice('payment …111111 alice → carol 150')).toBe(false);
  });
});
