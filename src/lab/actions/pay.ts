import { formatAmount, formatAmountFull } from '../../bitcoin/amount.ts';
import { outpointKey, type Tx, type TxOut } from '../../bitcoin/tx.ts';
import type { Params } from '../../consensus/params/params.ts';
import type { LogEvent } from '../../events/events.ts';
import { spentTwiceNote, spentTwicePlan } from '../../observe/state/payment-words.ts';
import { refusalWords } from '../../observe/words/refusals.ts';
import { formatMs } from '../../observe/words/units.ts';
import { idOf, toHex } from '../../util/bytes.ts';
import { plural } from '../../util/plural.ts';
import type { FeeRate } from '../../wallet/fee.ts';
import { fundsFor, makePayment, type Payment, twoPayments, USUAL_FEE_RATE } from '../../wallet/payment.ts';
import type { Spendable } from '../../wallet/select.ts';
import { type Action, type RunContext, sleep } from '../action.ts';
import type { YardClient } from '../client/client.ts';
import { reachableFrom } from '../client/links.ts';
import { readParams } from '../launcher/create.ts';
import { listLetters, tailOf } from '../names.ts';
import { failed, misuse, Problem } from '../problem.ts';
import { allKeys, findKey, findPayee, type NamedKey } from '../yard/keyring.ts';
import { type Holdings, holdings, total } from './coins.ts';

/** Builds and signs; a fault is one sentence with the figures. */
function paymentOf(
  key: NamedKey,
  recipients: readonly TxOut[],
  coins: readonly Spendable[],
  feeRate: number,
  hint?: string,
): Payment {
  const made = makePayment(key.key, { recipients, coins, feeRate });
  if (!made.ok) throw failed(`${key.name}: ${made.error}`, hint);
  return made.value;
}

/** Why a miner with many blocks may have no coin. */
function youngHint(held: Holdings, params: Params): string | undefined {
  if (held.immature === 0) return undefined;
  return `${formatAmount(held.immature)} more are too young: a block's reward can be spent ${params.maturity} blocks later.`;
}

export interface SendWishes {
  readonly from: string;
  readonly to: string;
  /** Satoshis. */
  readonly amount: number;
  /** Node that gets it first; default: the first that is up. */
  readonly node?: string;
  readonly feeRate?: FeeRate;
}

export interface Sent {
  readonly txid: string;
  readonly from: string;
  readonly to: string;
  readonly amount: string;
  readonly fee: string;
  readonly seen: readonly string[];
  readonly of: number;
}

export function send(client: YardClient, wishes: SendWishes): Action<Sent> {
  const params = readParams(client.dir);
  const from = findKey(client.dir, wishes.from, params);
  const to = findPayee(client.dir, wishes.to, params);
  const { amount, feeRate = USUAL_FEE_RATE } = wishes;
  const given = wishes.node === undefined ? undefined : client.node(wishes.node).letter;
  return {
    plan: `${from.name} pays ${to.name} ${formatAmount(amount)} coins at ${given ?? 'the first node that is up'}, signed with ${from.name}'s key`,
    async run(context) {
      const up = await client.up();
      const letter = given ?? up[0]!;
      const held = (await holdings(client, letter, [from], params)).get(from.name)!;
      const recipients = [{ value: amount, script: to.script }];
      const hint = youngHint(held, params);
      const payment = paymentOf(from, recipients, fundsFor(held, amount), feeRate, hint);
      context.step(
        `signed ${tailOf(payment.tx.id)}: ${plural(payment.inputs.length, 'coin')} of ${from.name}, ${payment.tx.vsize} vbytes`,
      );
      const seen = await broadcast(client, letter, payment.tx, context);
      const data: Sent = {
        txid: payment.tx.id,
        from: from.name,
        to: to.name,
        amount: formatAmountFull(amount),
        fee: formatAmountFull(payment.fee),
        seen: seen.nodes,
        of: client.letters.length,
      };
      await note(client, `payment ${named(data.txid, from.name, to.name, amount)}`);
      const spread = seen.nodes.length > 1 ? ` after ${formatMs(seen.ms)}` : '';
      const line = `${tailOf(data.txid)} ${from.name} → ${to.name} ${formatAmount(amount)}, fee ${data.fee} · seen by ${seen.nodes.length} of ${data.of}${spread}`;
      return { line, data };
    },
  };
}

/** Nodes tell ids; who paid whom only we know, so it goes into the log too. */
async function note(client: YardClient, text: string): Promise<void> {
  await client.control('note', { text });
}

/** `…a91f3c alice → bob 1.5`. */
function named(txid: string, from: string, to: string, amount: number): string {
  return `${tailOf(txid)} ${from} → ${to} ${formatAmount(amount)}`;
}

/** Gives it to one node and waits until all have it, or until nothing more comes. */
async function broadcast(client: YardClient, letter: string, tx: Tx, context: RunContext) {
  const nodes = (await reachableFrom(client, letter)).length;
  const watch = new SeenWatch([tx.id]);
  const follower = client.follow((event) => watch.apply(event), await client.mark());
  try {
    await client.call(letter, 'sendrawtransaction', [toHex(tx.bytes)]);
    await watch.spread([tx.id], nodes, client.yard.delayMs, context);
    const nodesSeen = watch.nodes(tx.id);
    return { nodes: nodesSeen.length === 0 ? [letter] : nodesSeen, ms: watch.spreadMs(tx.id) };
  } finally {
    follower.close();
  }
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
    return [...(this.#at.get(txid)?.keys() ?? [])].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  }

  spreadMs(txid: string): number {
    const times = [...(this.#at.get(txid)?.values() ?? [])];
    return times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
  }

  /** So many nodes have one of them; or none was added for a second and a few link delays. */
  async spread(txids: readonly string[], nodes: number, delayMs: number, context: RunContext): Promise<void> {
    const patience = 1_000 + 6 * delayMs;
    let count = 0;
    let since = Date.now();
    while (count < nodes && Date.now() - since < patience) {
      await sleep(20, context.signal);
      const now = txids.reduce((sum, id) => sum + this.nodes(id).length, 0);
      if (now > count) {
        count = now;
        since = Date.now();
      }
    }
  }
}

export interface DoubleSpendWishes {
  readonly from: string;
  /** Whom, and at which node: two of them. */
  readonly payments: readonly { readonly to: string; readonly node: string }[];
  /** Satoshis each; default: one whole coin, less the fee. */
  readonly amount?: number;
  readonly feeRate?: FeeRate;
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

export function doubleSpend(client: YardClient, wishes: DoubleSpendWishes): Action<DoubleSpent> {
  const params = readParams(client.dir);
  const from = findKey(client.dir, wishes.from, params);
  const { amount, feeRate = USUAL_FEE_RATE } = wishes;
  const [first, second, ...rest] = wishes.payments.map((p) => ({
    payee: findPayee(client.dir, p.to, params),
    letter: client.node(p.node).letter,
  }));
  if (first === undefined || second === undefined || rest.length > 0)
    throw misuse('a double-spend is two payments');
  if (first.letter === second.letter) throw misuse('a double-spend needs two different nodes');
  if (first.payee.name === second.payee.name)
    throw misuse('paying the same person twice is the same payment');
  const each = amount === undefined ? undefined : formatAmount(amount);
  return {
    plan: `${spentTwicePlan(from.name, each)}: to ${first.payee.name} at ${first.letter} and to ${second.payee.name} at ${second.letter}`,
    async run(context) {
      const shared = await sharedCoins(client, from, [first.letter, second.letter], params);
      const to = [first.payee.script, second.payee.script] as const;
      const made = twoPayments(from.key, { coins: shared, to, amount, feeRate });
      if (!made.ok) throw failed(`${from.name}: ${made.error}`);
      const { inputs } = made.value[0];
      const offers = [first, second].map((payee, i) => ({ ...payee, tx: made.value[i]!.tx }));
      const names = inputs.map(
        (c) => `${tailOf(idOf(c.outpoint.txid))}:${c.outpoint.index} (${formatAmount(c.value)})`,
      );
      const what = names.length === 1 ? 'the coin, spent by both' : 'the coins, each spent by both';
      context.step(`${what}: ${names.join(', ')}`);
      const coins = inputs.map(({ outpoint }) => `${idOf(outpoint.txid)}:${outpoint.index}`);
      const twice = offers.map((o) => named(o.tx.id, from.name, o.payee.name, o.tx.outputs[0]!.value));
      await note(client, spentTwiceNote(coins.length, twice));
      return offer(client, coins, offers, context);
    },
  };
}

/** Coins that both nodes hold for confirmed and unspent. */
async function sharedCoins(
  client: YardClient,
  from: NamedKey,
  letters: readonly string[],
  params: Params,
): Promise<Spendable[]> {
  const views = await Promise.all(letters.map((l) => holdings(client, l, [from], params)));
  const [here, there] = views.map((v) => v.get(from.name)!.coins);
  const known = new Set(there!.map((c) => outpointKey(c.outpoint)));
  const shared = here!.filter((c) => known.has(outpointKey(c.outpoint)));
  if (shared.length > 0) return shared;
  throw failed(
    `${from.name} has no coin that ${letters.join(' and ')} both hold for unspent`,
    'Let a block confirm what waits, or use another key: forkyard balance',
  );
}

interface Offer {
  readonly payee: { readonly name: string };
  readonly letter: string;
  readonly tx: Tx;
}

async function offer(
  client: YardClient,
  coins: readonly string[],
  offers: readonly Offer[],
  context: RunContext,
) {
  const watch = new SeenWatch(offers.map((o) => o.tx.id));
  const follower = client.follow((event) => watch.apply(event), await client.mark());
  try {
    const reach = await Promise.all(offers.map((o) => reachableFrom(client, o.letter)));
    // Both at once: each node must judge before the other's gossip can reach it.
    const answers = await Promise.all(
      offers.map(async (o) => {
        try {
          await client.call(o.letter, 'sendrawtransaction', [toHex(o.tx.bytes)]);
          return undefined;
        } catch (error) {
          if (error instanceof Problem && error.exit === 1) return error.message;
          throw error;
        }
      }),
    );
    const linked = reach[0]!.includes(offers[1]!.letter);
    // Where the two race, no node will have both: wait for each to have one.
    const goal = linked ? reach[0]!.length : reach[0]!.length + reach[1]!.length;
    await watch.spread(
      offers.map((o) => o.tx.id),
      goal,
      client.yard.delayMs,
      context,
    );
    const payments = offers.map((o, i) => ({
      txid: o.tx.id,
      to: o.payee.name,
      node: o.letter,
      accepted: answers[i] === undefined,
      ...(answers[i] === undefined ? {} : { why: answers[i] }),
      seen: watch.nodes(o.tx.id),
    }));
    const lines = payments.map((p) =>
      p.accepted
        ? `${tailOf(p.txid)} to ${p.to}: accepted by ${listLetters(p.seen.length === 0 ? [p.node] : p.seen)}`
        : `${tailOf(p.txid)} to ${p.to}: ${inWords(p.why ?? '')}`,
    );
    const both = payments.every((p) => p.accepted);
    if (!both && linked) {
      lines.push(
        'They are linked, so the second knew of the first. Cut them apart: forkyard partition AB/CD',
      );
    } else if (both && linked)
      lines.push('They are linked: the two payments race, and the next block decides.');
    const txids = [offers[0]!.tx.id, offers[1]!.tx.id] as const;
    return { line: lines.join('\n'), data: { txids, coin: coins[0]!, coins, payments }, no: !both };
  } finally {
    follower.close();
  }
}

/** `D refused sendrawtransaction: rule, detail` by what the rule means, where its name does not say it. */
function inWords(refusal: string): string {
  const [, node, rule = ''] = /^(\S+) refused sendrawtransaction: ([^,]+)/.exec(refusal) ?? [];
  const words = refusalWords(rule);
  return words === rule ? refusal : `${node} refused it: ${words}`;
}

export interface Balance {
  readonly name: string;
  readonly address: string;
  /** Satoshis, by node. */
  readonly byNode: ReadonlyMap<
    string,
    { readonly spendable: number; readonly waiting: number; readonly immature: number }
  >;
}

/** What each key has, on each node that is up. */
export async function balances(
  client: YardClient,
  names: readonly string[],
  on: string | undefined,
): Promise<Balance[]> {
  const params = readParams(client.dir);
  const keys =
    names.length === 0 ? allKeys(client.dir, params) : names.map((n) => findKey(client.dir, n, params));
  const letters = on === undefined ? await client.up() : [client.node(on).letter];
  const views = await Promise.all(letters.map((l) => holdings(client, l, keys, params)));
  return keys.map((key) => ({
    name: key.name,
    address: key.address,
    byNode: new Map(
      letters.map((letter, i) => {
        const held = views[i]!.get(key.name)!;
        return [
          letter,
          { spendable: total(held.coins), waiting: total(held.waiting), immature: held.immature },
        ];
      }),
    ),
  }));
}
