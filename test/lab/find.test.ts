import { describe, expect, it } from 'vitest';
import { describePlace, describeTx, type TxPlace } from '../../src/lab/client/find.ts';

const txid = 'ab'.repeat(32);
const block = { id: '0c'.repeat(32), height: 8, miner: 'A' };
const inBlock = (confirmations: number): TxPlace => ({ txid, state: 'block', block, confirmations });
const waiting: TxPlace = { txid, state: 'pool' };
const undone: TxPlace = { txid, state: 'conflict', by: 'cd'.repeat(32), byBlock: block };

function sentence(...places: (TxPlace | undefined)[]): string {
  return describeTx({ txid, places: new Map(places.map((p, i) => ['ABCD'[i]!, p])) });
}

describe('where a payment is', () => {
  it('is one line a node', () => {
    expect([undefined, waiting, inBlock(2), undone].map(describePlace)).toEqual([
      'unknown',
      'waiting',
      '8A depth 2',
      'conflict with …cdcdcd in 8A',
    ]);
  });

  it('is one sentence above them', () => {
    expect(sentence(waiting, waiting)).toContain('waits for a block, on every node');
    expect(sentence(inBlock(3), inBlock(2))).toContain('confirmed on every node, at least 2 deep');
    expect(sentence(inBlock(3), waiting)).toContain('do not agree');
    expect(sentence(inBlock(3), undefined)).toContain('do not agree');
    expect(sentence(undone, inBlock(1))).toContain('do not agree');
    expect(sentence(undone, undone)).toContain('is undone');
    expect(sentence(undefined, undone)).toContain('is undone');
  });
});
