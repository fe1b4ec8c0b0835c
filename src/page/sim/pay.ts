import { formatAmount, formatAmountFull, parseAmount } from '../../bitcoin/amount.ts';
import type { CommandResult } from '../../node/types.ts';
import { spentTwiceNote, spentTwicePlan } from '../../observe/state/payment-words.ts';
import { parseAt } from '../../observe/words/parse.ts';
import { refusalWords } from '../../observe/words/refusals.ts';
import { tail } from '../../observe/words/words.ts';
import { fundsOf, sharedCoins, simKey } from '../../sim/purse.ts';
import { fundsFor, makePayment, twoPayments, USUAL_FEE_RATE } from '../../wallet/payment.ts';
import { awake, type Fields, must, Refused, type SimAction, text } from './fields.ts';
import type { SimRun } from './run.ts';

/** Paying, honestly and twice, on a simulated yard: the wallet's own code, signed with the well-known keys. */

/** Simulated time in which a payment spreads, beyond a few delays. */
const SPREAD_MS = 1_000;

export function send(run: SimRun, fields: Fields): SimAction {
  const node = awake(run, fields);
  const [from, to] = [text(fields, 'from'), text(fields, 'to')];
  const amount = must(parseAmount(text(fields, 'amount')));
  const key = must(simKey(from, run.yard.letters));
  const script = must(simKey(to, run.yard.letters)).script('p2wpkh');
  return {
    plan: `${from} pays ${to} ${formatAmount(amount)} coins at ${node}, signed with ${from}'s key`,
    async run() {
      const sim = run.yard.node(node);
      const coins = fundsFor(fundsOf(sim, key), amount);
      const made = makePayment(key, {
        recipients: [{ value: amount, script }],
        coins,
        feeRate: USUAL_FEE_RATE,
      });
      if (!made.ok) throw new Refused(`${from}: ${made.error}`);
      const { tx, fee } = made.value;
      const result = sim.ask({ kind: 'send-tx', bytes: tx.bytes });
      if (result.kind === 'refused')
        throw new Refused(`${node} refused it: ${refusalWords(result.refusal.rule)}`);
      const name = `${tail(tx.id)} ${from} → ${to} ${formatAmount(amount)}`;
      run.yard.note(`payment ${name}`);
      const seen = await spread(run, tx.txid, run.yard.reachableFrom(node).length);
      return `${name}, fee ${formatAmountFull(fee)} · seen by ${seen.length} of ${run.yard.letters.length}`;
    },
  };
}

/** Waits until so many nodes have it, or no more will. */
async function spread(run: SimRun, txid: Uint8Array, goal: number): Promise<string[]> {
  const { yard } = run;
  const seen = () =>
    yard.letters.filter((l) => yard.node(l).up && yard.node(l).view.mempool.get(txid) !== undefined);
  await run.until(() => seen().length >= goal, SPREAD_MS + 6 * yard.delayMs);
  return seen();
}

export function doubleSpend(run: SimRun, fields: Fields): SimAction {
  const from = text(fields, 'from');
  const key = must(simKey(from, run.yard.letters));
  const payees = ['first', 'second'].map((name) => {
    const { name: to, node } = must(parseAt(text(fields, name)));
    return { to, script: must(simKey(to, run.yard.letters)).script('p2wpkh'), node: awake(run, { node }) };
  });
  const [first, second] = [payees[0]!, payees[1]!];
  if (first.node === second.node) throw new Refused('a double-spend needs two different nodes');
  const asked = fields['amount']?.trim() ?? '';
  const amount = asked === '' ? undefined : must(parseAmount(asked));
  const each = amount === undefined ? undefined : `${formatAmount(amount)} coins`;
  return {
    plan: `${spentTwicePlan(from, each)}: to ${first.to} at ${first.node} and to ${second.to} at ${second.node}`,
    async run() {
      const nodes = [run.yard.node(first.node), run.yard.node(second.node)] as const;
      const coins = sharedCoins(...nodes, key);
      if (coins.length === 0)
        throw new Refused(`${from} has no coin that ${first.node} and ${second.node} both hold for unspent`);
      const made = twoPayments(key, {
        coins,
        to: [first.script, second.script],
        amount,
        feeRate: USUAL_FEE_RATE,
      });
      if (!made.ok) throw new Refused(`${from}: ${made.error}`);
      const names = made.value.map(
        ({ tx }, i) => `${tail(tx.id)} ${from} → ${payees[i]!.to} ${formatAmount(tx.outputs[0]!.value)}`,
      );
      run.yard.note(spentTwiceNote(made.value[0].inputs.length, names));
      // Both at once: each node must judge before the other's gossip can reach it.
      const answers: (CommandResult | undefined)[] = [undefined, undefined];
      for (const [i, node] of nodes.entries()) {
        node.command({ kind: 'send-tx', bytes: made.value[i]!.tx.bytes }, (result) => {
          answers[i] = result;
        });
      }
      await run.until(() => answers.every((a) => a !== undefined), SPREAD_MS);
      const sides = made.value.map(({ tx }, i) =>
        spread(run, tx.txid, run.yard.reachableFrom(payees[i]!.node).length),
      );
      const seen = await Promise.all(sides);
      const said = seen.map((who, i) => {
        const answer = answers[i];
        const where =
          answer?.kind === 'refused'
            ? `refused: ${refusalWords(answer.refusal.rule)}`
            : `accepted by ${who.join(' ') || 'nobody now'}`;
        return `${names[i]} ${where}`;
      });
      return said.join('\n');
    },
  };
}
