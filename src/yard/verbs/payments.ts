import { formatAmount, formatAmountFull } from '../../bitcoin/amount.ts';
import { outpointKey, type Tx } from '../../bitcoin/tx.ts';
import type { Params } from '../../consensus/params/params.ts';
import type { LogEvent } from '../../events/events.ts';
import { spentTwiceNote, spentTwicePlan } from '../../observe/state/payment-words.ts';
import { refusalWords } from '../../observe/words/refusals.ts';
import { formatMs } from '../../observe/words/units.ts';
import { byLetter } from '../../observe/words/words.ts';
import { idOf } from '../../util/bytes.ts';
import { defined } from '../../util/defined.ts';
import { plural } from '../../util/plural.ts';
import { parseFeeRate } from '../../wallet/fee.ts';
import { fundsFor, makePayment, twoPayments, USUAL_FEE_RATE } from '../../wallet/payment.ts';
import type { Spendable } from '../../wallet/select.ts';
import type { Action, Done, RunContext } from '../action.ts';
import * as fields from '../fields.ts';
import { listLetters, tailOf } from '../names.ts';
import type { Holdings, TxRefusal, Yard, YardKey } from '../port.ts';
import { failed, misuse } from '../problem.ts';
import { awake } from '../states.ts';
import { verb } from '../verb.ts';

/** `send` and `double-spend`: payments signed with the keys of the yard. */

/** Patience for a payment that no further node has seen, beyond a few delays of a link. */
const PATIENCE_MS = 1_000;

const FEE_RATE = fields.optional(
  fields.quantity('satoshis a vbyte, such as 2', parseFeeRate),
  USUAL_FEE_RATE,
);

export interface Sent {
  readonly txid: string;
  readonly from: string;
  readonly to: string;
  readonly amount: string;
  readonly fee: string;
  readonly seen: readonly string[];
  readonly of: number;
}

export const send = verb({
  name: 'send',
  says: 'pay, signed with a key of the yard',
  fields: {
    from: fields.text('whose key pays'),
    to: fields.text("a key's name, or an address"),
    amount: fields.amount,
    node: fields.optional(fields.node('which node gets it first (default: the first that is up)')),
    'fee-rate': FEE_RATE,
  },
  action(yard, { from: payer, to: whom, amount, node, 'fee-rate': feeRate }): Action<Sent> {
    const from = yard.keys.find(payer);
    const to = yard.keys.payee(whom);
    const where = node ?? 'the first node that is up';
    return {
      plan: `${from.name} pays ${to.name} ${formatAmount(amount)} coins at ${where}, signed with ${from.name}'s key`,
      async run(context) {
        const letter = node ?? (await awake(yard))[0]!;
        const held = (await yard.node(letter).holdings([from])).get(from.name)!;
        const recipients = [{ value: amount, script: to.script }];
        const made = makePayment(from.key, { recipients, coins: fundsFor(held, amount), feeRate });
        if (!made.ok) throw failed(`${from.name}: ${made.error}`, youngHint(held, yard.params));
        const { tx, fee, inputs } = made.value;
        context.step(
          `signed ${tailOf(tx.id)}: ${plural(inputs.length, 'coin')} of ${from.name}, ${tx.vsize} vbytes`,
        );
        const { seen, ms } = await broadcast(yard, letter, tx, context);
        const name = named(tx.id, from.name, to.name, amount);
        await yard.note(`payment ${name}`);
        const data: Sent = {
          txid: tx.id,
          from: from.name,
          to: to.name,
          amount: formatAmountFull(amount),
          fee: formatAmountFull(fee),
          seen,
          of: yard.letters.length,
        };
        const spread = seen.length > 1 ? ` after ${formatMs(ms)}` : '';
        return {
          line: `${name}, fee ${data.fee} · seen by ${seen.length} of ${data.of}${spread}`,
          data,
        };
      },
    };
  },
});

/** Why a miner with many blocks may have no coin. */
function youngHint(held: Holdings, params: Params): string | undefined {
  if (held.immature === 0) return undefined;
  return `${formatAmount(held.immature)} more are too young: a block's reward can be spent ${params.maturity} blocks later.`;
}

/** `…a91f3c alice → bob 1.5`. */
function named(txid: string, from: string, to: string, amount: number): string {
  return `${tailOf(txid)} ${from} → ${to} ${formatAmount(amount)}`;
}

/** Gives it to one node and waits until all that can have it do, or until nothing more comes. */
async function broadcast(yard: Yard, letter: string, tx: Tx, context: RunContext) {
  const goal = (await yard.links.reachableFrom(letter)).length;
  const watch = new SeenWatch([tx.id]);
  const leave = await yard.events.listen((event) => watch.apply(event));
  try {
    const refusal = await yard.node(letter).send(tx.bytes);
    if (refusal !== undefined) throw failed(`${letter} refused it: ${inWords(refusal)}`);
    await watch.spread(yard, goal, context);
    const seen = watch.nodes(tx.id);
    return { seen: seen.length === 0 ? [letter] : seen, ms: watch.spreadMs(tx.id) };
  } finally {
    leave();
  }
}

/** Why a payment was refused: in plain words, or by the rule's name and its detail. */
function inWords({ rule, detail }: TxRefusal): string {
  const words = refusalWords(rule);
  return words === rule && detail !== '' ? `${rule}: ${detail}` : words;
}

/** Which nodes told that they have a payment, and when. */
class SeenWatch {
  readonly #at = new Map<string, Map<string, number>>();

  constructor(txids: readonly string[]) {
    for (const id of txids) this.#at.set(id, new Map());
  }

  apply(event: LogEvent): void {
    const ids = event.kind === 'tx-seen' ? [event.txid] : event.kind === 'connected' ? event.txids : [];
    for (const id of ids) {
      const seen = this.#at.get(id);
      if (seen !== undefined && !seen.has(event.node)) seen.set(event.node, event.t);
    }
  }

  nodes(txid: string): string[] {
    return [...(this.#at.get(txid)?.keys() ?? [])].sort(byLetter);
  }

  spreadMs(txid: string): number {
    const times = [...(this.#at.get(txid)?.values() ?? [])];
    return times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
  }

  get #count(): number {
    return [...this.#at.values()].reduce((sum, nodes) => sum + nodes.size, 0);
  }

  /** So many nodes have one of them; or no further one for a second and a few link delays. */
  async spread(yard: Yard, goal: number, { signal }: RunContext): Promise<void> {
    const patience = PATIENCE_MS + 6 * yard.links.facts().delayMs;
    let count = 0;
    let since = yard.clock.now();
    await yard.clock.until(
      () => {
        if (this.#count > count) {
          count = this.#count;
          since = yard.clock.now();
        }
        return count >= goal || yard.clock.now() - since >= patience ? true : undefined;
      },
      { timeoutMs: (goal + 2) * patience, signal },
      () => 'it does not spread',
    );
  }
}

export interface DoubleSpent {
  readonly txids: readonly [string, string];
  /** The first coin that both spend, `txid:index`. */
  readonly coin: string;
  /** All of them: an amount may take more than one. */
  readonly coins: readonly string[];
  readonly payments: readonly {
    readonly txid: string;
    readonly to: string;
    readonly node: string;
    readonly accepted: boolean;
    readonly why?: string;
    readonly seen: readonly string[];
  }[];
}

export const doubleSpend = verb({
  name: 'double-spend',
  says: 'one coin, two payments, at two nodes at once',
  fields: {
    from: fields.text('whose coin'),
    first: fields.paymentAt('whom to pay, and at which node: carol@A'),
    second: fields.paymentAt('the other one: dave@D'),
    amount: fields.optional(fields.amount),
    'fee-rate': FEE_RATE,
  },
  action(yard, { from: payer, first, second, amount, 'fee-rate': feeRate }): Action<DoubleSpent> {
    const from = yard.keys.find(payer);
    const payees = [first, second].map(({ to, node }) => ({ payee: yard.keys.payee(to), letter: node }));
    const [one, other] = [payees[0]!, payees[1]!];
    if (one.letter === other.letter) throw misuse('a double-spend needs two different nodes');
    if (one.payee.name === other.payee.name) throw misuse('paying the same person twice is the same payment');
    const each = amount === undefined ? undefined : formatAmount(amount);
    return {
      plan: `${spentTwicePlan(from.name, each)}: to ${one.payee.name} at ${one.letter} and to ${other.payee.name} at ${other.letter}`,
      async run(context) {
        const shared = await sharedCoins(yard, from, [one.letter, other.letter]);
        const to = [one.payee.script, other.payee.script] as const;
        const made = twoPayments(from.key, { coins: shared, to, amount, feeRate });
        if (!made.ok) throw failed(`${from.name}: ${made.error}`);
        const { inputs } = made.value[0];
        const offers = payees.map((payee, i) => ({ ...payee, tx: made.value[i]!.tx }));
        const names = inputs.map(
          (c) => `${tailOf(idOf(c.outpoint.txid))}:${c.outpoint.index} (${formatAmount(c.value)})`,
        );
        const what = names.length === 1 ? 'the coin, spent by both' : 'the coins, each spent by both';
        context.step(`${what}: ${names.join(', ')}`);
        const coins = inputs.map(({ outpoint }) => `${idOf(outpoint.txid)}:${outpoint.index}`);
        const twice = offers.map((o) => named(o.tx.id, from.name, o.payee.name, o.tx.outputs[0]!.value));
        await yard.note(spentTwiceNote(coins.length, twice));
        return offerBoth(yard, coins, offers, context);
      },
    };
  },
});

/** Coins that both nodes hold for confirmed and unspent. */
async function sharedCoins(yard: Yard, from: YardKey, letters: readonly string[]): Promise<Spendable[]> {
  const views = await Promise.all(letters.map((l) => yard.node(l).holdings([from])));
  const [here, there] = views.map((view) => view.get(from.name)!.coins);
  const known = new Set(there!.map((c) => outpointKey(c.outpoint)));
  const shared = here!.filter((c) => known.has(outpointKey(c.outpoint)));
  if (shared.length > 0) return shared;
  throw failed(
    `${from.name} has no coin that ${letters.join(' and ')} both hold for unspent`,
    'Let a block confirm what waits, or use another key: `balance`',
  );
}

interface Offer {
  readonly payee: { readonly name: string };
  readonly letter: string;
  readonly tx: Tx;
}

async function offerBoth(
  yard: Yard,
  coins: readonly string[],
  offers: readonly Offer[],
  context: RunContext,
): Promise<Done<DoubleSpent>> {
  const watch = new SeenWatch(offers.map((o) => o.tx.id));
  const leave = await yard.events.listen((event) => watch.apply(event));
  try {
    const reach = await Promise.all(offers.map((o) => yard.links.reachableFrom(o.letter)));
    // Both at once: each node must validate its payment before the other's gossip reaches it.
    const answers = await Promise.all(offers.map((o) => yard.node(o.letter).send(o.tx.bytes)));
    const linked = reach[0]!.includes(offers[1]!.letter);
    // Where the two race, no node will have both: wait for each to have one.
    const goal = linked ? reach[0]!.length : reach[0]!.length + reach[1]!.length;
    await watch.spread(yard, goal, context);
    const payments = offers.map((o, i) => {
      const refusal = answers[i];
      return {
        txid: o.tx.id,
        to: o.payee.name,
        node: o.letter,
        accepted: refusal === undefined,
        ...defined({ why: refusal === undefined ? undefined : inWords(refusal) }),
        seen: watch.nodes(o.tx.id),
      };
    });
    const lines = payments.map((p) => `${tailOf(p.txid)} to ${p.to}: ${outcome(p)}`);
    const both = payments.every((p) => p.accepted);
    if (!both && linked)
      lines.push('They are linked, so the second knew of the first. Cut them apart: `partition AB/CD`');
    else if (linked) lines.push('They are linked: the two payments race, and the next block decides.');
    const txids = [offers[0]!.tx.id, offers[1]!.tx.id] as const;
    return { line: lines.join('\n'), data: { txids, coin: coins[0]!, coins, payments }, no: !both };
  } finally {
    leave();
  }
}

function outcome({ accepted, node, seen, why }: DoubleSpent['payments'][number]): string {
  if (!accepted) return `${node} refused it: ${why}`;
  return `accepted by ${listLetters(seen.length === 0 ? [node] : seen)}`;
}
