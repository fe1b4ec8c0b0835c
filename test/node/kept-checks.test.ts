import { describe, expect, it } from 'vitest';
import { decodeTx } from '../../src/bitcoin/tx.ts';
import { signatureChecks } from '../../src/consensus/validate/spend.ts';
import { PoolRig, send } from './mempool-rig.ts';

describe('the signature checks of a payment that waits for its block', () => {
  it('are kept, the same as made anew', () => {
    const rig = new PoolRig();
    const tx = send([rig.coin('alice'), rig.coin('bob')], 'carol', 1_000);
    const coins = tx.inputs.map(({ prevout }) => rig.chain.coinsView().get(prevout)!);
    const first = signatureChecks(tx, coins);
    // Not kept for whoever only asks.
    expect(first.ok && signatureChecks(tx, coins)).not.toBe(first);
    rig.take(tx);
    const kept = signatureChecks(tx, coins);
    const again = signatureChecks(tx, coins);
    expect(kept.ok && again.ok && kept.value === again.value).toBe(true);
    expect(kept).toEqual(first);
    // The same bytes read anew are another object, which nothing is known of.
    const copy = decodeTx(tx.bytes.slice());
    const anew = copy.ok ? signatureChecks(copy.value, coins) : undefined;
    expect(anew).toEqual(first);
    expect(anew?.ok === true && kept.ok && anew.value !== kept.value).toBe(true);
  });
});
