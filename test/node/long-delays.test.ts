import { expect, it } from 'vitest';
import { honestChain } from './blocks.ts';
import { labParams, Net } from './net.ts';

const params = labParams();
const chain = honestChain(params, 40);

/** Delays that a yard can be told to have. Whoever is far away is slow to answer, which is no fault. */
it.each([1, 8, 16, 30, 60])('two nodes %i seconds apart meet, sync, and stay together', (seconds) => {
  const net = new Net({ params, delayMs: 1_000 * seconds });
  const [a] = net.add('A');
  for (const { bytes } of chain) a!.ask({ kind: 'submit-block', bytes });
  net.run(200_000);
  const [late] = net.add('L');
  net.connect('A', 'L');
  net.untilAgreed(['A', 'L'], 600_000);
  // Long enough for pings and probes to go wrong.
  net.run(600_000);
  net.mine('A', 2, 1_000 * seconds + 1_000);
  expect(late!.tip.height).toBe(42);
  for (const node of [a!, late!]) {
    expect(node.told('fault')).toEqual([]);
    expect(node.drops).toEqual([]);
  }
});
