import { describe, expect, it } from 'vitest';
import { wellKnownScript } from '../../src/consensus/params/genesis.ts';
import { spend } from '../dsl/keys.ts';
import { PoolRig } from '../node/mempool-rig.ts';

describe('rows that are being made in pieces', () => {
  it('are given up when what they lead away from is pardoned', () => {
    const rig = new PoolRig();
    const next = new PoolRig();
    const script = wellKnownScript('judy');
    // More changed coins than one step makes rows of.
    rig.take(
      spend(
        [rig.coin('alice')],
        Array.from({ length: 3_000 }, () => ({ value: 1_000, script })),
      ),
    );
    const { block } = rig.mine();
    next.receive(block.bytes);
    next.wallS = rig.wallS;
    const above = next.mine().block;
    const first = rig.chain.entry(block.hash)!;
    rig.chain.invalidate(first);
    expect(rig.chain.connectPiece(10_000_000).kind).toBe('more');
    rig.chain.reconsider(first);
    rig.receive(above.bytes);
    expect(rig.chain.tip.id).toBe(above.id);
  });
});
