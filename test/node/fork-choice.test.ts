import { expect, it } from 'vitest';
import type { ForkChoiceName } from '../../src/consensus/tree/fork-choice-rules.ts';
import { Net } from './net.ts';

/** Two nodes that mined one block each while they were apart, then hear of each other's and mine no more. */
function halves(forkChoice?: ForkChoiceName): Net {
  const net = new Net(forkChoice === undefined ? {} : { forkChoice });
  net.add('A', 'B');
  net.connect('A', 'B');
  net.mine('A', 2);
  net.untilAgreed();
  net.partition(['A'], ['B']);
  net.mine('A');
  net.mine('B');
  net.connectAll();
  net.run(60_000);
  return net;
}

it('without new blocks a tie lasts for ever under first-seen, and never under lowest-id', () => {
  const raw = halves();
  expect(raw.node('A').node.view.chain.forkChoice).toBe('first-seen');
  expect(raw.agreed()).toBe(false);
  expect(raw.node('A').told('reorg')).toHaveLength(0);

  const tied = halves('lowest-id');
  expect(tied.agreed()).toBe(true);
  const reorgs = [...tied.node('A').told('reorg'), ...tied.node('B').told('reorg')];
  expect(reorgs.map(({ depth, length, because }) => ({ depth, length, because }))).toEqual([
    { depth: 1, length: 1, because: 'work' },
  ]);
});
