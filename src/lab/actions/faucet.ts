import { formatAmount } from '../../bitcoin/amount.ts';
import { WELL_KNOWN } from '../../consensus/params/genesis.ts';
import type { Action } from '../action.ts';
import type { YardClient } from '../client/client.ts';
import { readParams } from '../launcher/create.ts';
import { failed } from '../problem.ts';
import { allKeys, findPayee } from '../yard/keyring.ts';
import { holdings, total } from './coins.ts';
import { type Sent, send } from './pay.ts';

/** More than any fee of a payment with a few inputs, in satoshis. */
const FEE_ROOM = 100_000;

/**
 * Pays an address from a key that has enough: the well-known people from the last on (so that alice and bob keep what
 * lessons use), then the miners.
 */
export function faucet(
  client: YardClient,
  wishes: { readonly to: string; readonly amount: number; readonly node?: string },
): Action<Sent> {
  const params = readParams(client.dir);
  const payee = findPayee(client.dir, wishes.to, params);
  const given = wishes.node === undefined ? undefined : client.node(wishes.node).letter;
  return {
    plan: `Give ${formatAmount(wishes.amount)} coins to ${payee.name}, from the first key of this yard that has them`,
    async run(context) {
      const letter = given ?? (await client.up())[0]!;
      const people: readonly string[] = [...WELL_KNOWN].reverse();
      const keys = allKeys(client.dir, params).filter((k) => k.kind !== 'own');
      const order = [
        ...people.flatMap((name) => keys.filter((k) => k.name === name)),
        ...keys.filter((k) => k.kind === 'miner'),
      ];
      const held = await holdings(client, letter, order, params);
      const has = (name: string) => total(held.get(name)?.coins ?? []);
      const giver = order.find((k) => k.name !== wishes.to && has(k.name) >= wishes.amount + FEE_ROOM);
      if (giver === undefined) {
        const richest = order.reduce((a, b) => (has(b.name) > has(a.name) ? b : a));
        throw failed(
          `no key of this yard has ${formatAmount(wishes.amount)} coins to give; ${richest.name} has most, ${formatAmount(has(richest.name))}`,
          `A block's reward can be spent ${params.maturity} blocks later: forkyard mine -N ${letter} --blocks ${params.maturity + 1} --uncapped`,
        );
      }
      context.step(`${giver.name} gives`);
      return send(client, { from: giver.name, to: wishes.to, amount: wishes.amount, node: letter }).run(
        context,
      );
    },
  };
}
