import { expect, it } from 'vitest';
import { type BlockEntry, BlockTree, detachedEntry } from '../../src/consensus/tree/tree.ts';
import { checkHeaderContext } from '../../src/consensus/validate/context.ts';
import { type Ancestor, rivalBlock } from '../../src/yard/verbs/rival.ts';
import { ALICE, payTo } from '../dsl/keys.ts';
import { LAB, YARD } from '../dsl/networks.ts';

it.each([
  ['a fixed target', LAB, 500],
  ['a target that follows every block', YARD, 1000],
])(
  'a rival block has the least time that the rules allow when the clock is behind: %s',
  async (_, params, least) => {
    const { header } = params.genesis;
    let at: Ancestor = { block: params.genesis, header, height: 0, parent: undefined };
    let entry: BlockEntry = new BlockTree(header).genesis;
    for (const seconds of [1, 1000, 500]) {
      at = await rivalBlock(at, {
        params,
        payout: payTo(ALICE),
        tag: 'A',
        extraNonce: 0,
        txs: [],
        now: (header.time + seconds) * 1000,
        signal: new AbortController().signal,
      });
      expect(checkHeaderContext(at.header, entry, params, header.time + 1000)).toMatchObject({ ok: true });
      entry = detachedEntry(at.header, at.block.hash, entry);
    }
    expect(at.header.time - header.time).toBe(least);
  },
);
