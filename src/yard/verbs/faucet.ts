import { formatAmount } from '../../bitcoin/amount.ts';
import { WELL_KNOWN } from '../../consensus/params/genesis.ts';
import type { Action } from '../action.ts';
import * as fields from '../fields.ts';
import type { Holdings, Yard, YardKey } from '../port.ts';
import { failed } from '../problem.ts';
import { awake } from '../states.ts';
import { actionOf, verb } from '../verb.ts';
import { type Sent, send } from './payments.ts';

/** More than any fee of a payment with a few inputs, in satoshis. */
const FEE_ROOM = 100_000;

export const faucet = verb({
  name: 'faucet',
  says: 'give coins to anybody, from whichever key of the yard has them',
  fields: {
    to: fields.text("a key's name, or an address"),
    amount: fields.amount,
    node: fields.optional(fields.node('which node gets it first (default: the first that is up)')),
  },
  action(yard, { to, amount, node }): Action<Sent> {
    const payee = yard.keys.payee(to);
    return {
      plan: `Give ${formatAmount(amount)} coins to ${payee.name}, from the first key of this yard that has them`,
      async run(context) {
        const letter = node ?? (await awake(yard))[0]!;
        const keys = givers(yard);
        const held = await yard.node(letter).holdings(keys);
        const has = (key: YardKey) => total(held.get(key.name));
        const giver = keys.find((key) => key.name !== payee.name && has(key) >= amount + FEE_ROOM);
        if (giver === undefined) {
          const richest = keys.reduce((a, b) => (has(b) > has(a) ? b : a));
          const { maturity } = yard.params;
          throw failed(
            `no key of this yard has ${formatAmount(amount)} coins to give; ${richest.name} has most, ${formatAmount(has(richest))}`,
            `A block's reward can be spent ${maturity} blocks later: \`mine -N ${letter} --blocks ${maturity + 1} --uncapped\``,
          );
        }
        context.step(`${giver.name} gives`);
        return actionOf(send, yard, { from: giver.name, to, amount, node: letter }).run(context);
      },
    };
  },
});

/** The well-known people from the last on (so that alice and bob keep what lessons use), then the miners. */
function givers(yard: Yard): YardKey[] {
  const keys = yard.keys.all();
  const people: readonly string[] = [...WELL_KNOWN].reverse();
  return [
    ...people.flatMap((name) => keys.filter((key) => key.name === name)),
    ...keys.filter((key) => key.kind === 'miner'),
  ];
}

function total(held: Holdings | undefined): number {
  return held?.coins.reduce((sum, coin) => sum + coin.value, 0) ?? 0;
}
