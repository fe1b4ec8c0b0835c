import { formatAmount } from '../../bitcoin/amount.ts';
import type { Effect } from '../../node/types.ts';
import { tail } from '../../observe/words/words.ts';
import { assert } from '../../util/assert.ts';
import { hashOfId } from '../../util/bytes.ts';
import { plural } from '../../util/plural.ts';
import { wellKnownKey } from '../../wallet/keys.ts';
import { twoPayments, USUAL_FEE_RATE } from '../../wallet/payment.ts';
import { sharedCoins } from '../purse.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { World } from '../world/world.ts';
import { Attack, type Move, NEAR_TIP, type SeenBlock } from './attack.ts';
import { CHEAT, MERCHANT, type PaidTwice, PRICE } from './paid-twice.ts';
import type { Play } from './shipped.ts';

/**
 * A strategy played by a node of a simulated world. The node itself becomes the gate; its power goes to a lair, a node that
 * nobody is linked with. Both are unchanged nodes: all that is done to them are commands that anybody may give a node.
 * What is shown is shown at the `mouths`, too: more nodes of the attacker's, elsewhere in the network.
 */
export class WorldAttack {
  readonly gate: SimNode;
  readonly lair: SimNode;
  readonly #world: World;
  readonly #attack: Attack;
  readonly #mouths: readonly SimNode[];
  readonly #discarded = new Set<string>();
  readonly #paid: PaidTwice | undefined;
  #leave: (() => void) | undefined;
  /** Blocks found, and those that were shown. */
  found = 0;
  shown = 0;

  /** Begins at once, from the node's present tip. Throws what the strategy throws, and `StrategyError` for a bad answer. */
  constructor(
    world: World,
    node: string,
    { strategy, paid }: Play,
    {
      mouths = [],
      name = 'a strategy',
    }: { readonly mouths?: readonly string[]; readonly name?: string } = {},
  ) {
    this.#world = world;
    this.#paid = paid;
    this.gate = world.node(node);
    world.tell({ kind: 'strategy', of: node, name, on: true });
    this.#mouths = mouths.map((name) => world.node(name));
    const { hashrate, payout } = this.gate.mining;
    this.gate.mine({ on: false });
    this.lair = world.add(`${node} (lair)`, { hashrate, payout, mines: false, tag: node, secret: true });
    const { chain } = this.gate.view;
    for (let height = 1; height <= chain.tip.height; height++)
      this.#hand(this.gate, this.lair, chain.atHeight(height)!.id);
    const { id, height, work, parent } = chain.tip;
    world.until(() => this.lair.tip.id === id, 1_000);
    assert(this.lair.tip.id === id, 'the lair has the whole chain');
    const near = [...chain.entries()]
      .filter((e) => e.hasBody && e.height >= height - NEAR_TIP)
      .sort((x, y) => x.height - y.height)
      .map((e) => ({ id: e.id, height: e.height, work: e.work, prev: e.parent?.id ?? '' }));
    this.#attack = new Attack(
      strategy,
      { id, height, work, prev: parent?.id ?? '' },
      near.filter((block) => block.work <= work),
    );
    this.#leave = world.onStep((of, _input, step) => {
      if (of !== this.gate && of !== this.lair) return;
      for (const effect of step.effects) this.#heard(of, effect);
    });
    // Came while the lair was given the rest.
    for (const block of near)
      if (block.work > work) for (const move of this.#attack.gate(block)) this.#perform(move);
    this.#payTwice();
    this.lair.mine({ on: true });
  }

  /** The node is honest again: what it has not shown is lost. */
  stop(): void {
    this.#paid?.over();
    this.#leave?.();
    if (this.#leave === undefined) return;
    this.#leave = undefined;
    this.lair.kill();
    this.#world.tell({ kind: 'strategy', of: this.gate.name, name: '', on: false });
    this.gate.mine({ on: true });
  }

  #heard(of: SimNode, effect: Effect): void {
    if (effect.kind !== 'tell') return;
    if (of === this.gate) this.#paid?.apply(effect.news);
    if (effect.news.kind === 'tip') this.#world.at(this.#world.now, () => this.#payTwice());
    if (of === this.lair && effect.news.kind === 'mined') {
      this.found++;
      this.gate.tell({ ...effect.news, hidden: true });
    }
    if (effect.news.kind !== 'block') return;
    const { id, prev, height, work } = effect.news;
    const block: SeenBlock = { id, prev, height, work: BigInt(`0x${work}`) };
    // After the step, whose writes are not on disk yet.
    this.#world.at(this.#world.now, () => {
      if (this.#leave === undefined) return;
      const moves = of === this.gate ? this.#attack.gate(block) : this.#attack.lair(block);
      for (const move of moves) this.#perform(move);
    });
  }

  /** A new race begins on the tip on which both stand: the merchant is paid, and the lair has the other payment. */
  #payTwice(): void {
    const { gate, lair } = this;
    const paid = this.#paid;
    if (paid === undefined || paid.open || !gate.up || gate.tip.id !== lair.tip.id) return;
    const { own, public: others } = this.#attack.race('public');
    if (this.#leave === undefined || own > 0 || others > 0) return;
    const key = wellKnownKey(CHEAT);
    const made = twoPayments(key, {
      coins: sharedCoins(gate, lair, key),
      to: [wellKnownKey(MERCHANT).script('p2wpkh'), key.script('p2wpkh')],
      amount: PRICE,
      feeRate: USUAL_FEE_RATE,
    });
    // Out of coins: the race goes on without a payment.
    if (!made.ok) return;
    const [payment, conflict] = made.value;
    const told = `${gate.name} pays ${MERCHANT} ${formatAmount(PRICE)} with ${tail(payment.tx.id)}`;
    this.#world.tell({ kind: 'action', text: `${told}; its lair spends the coin to ${CHEAT}` });
    paid.begin(payment.tx.id, conflict.tx.id, () => this.#attack.publicHeight);
    lair.command({ kind: 'send-tx', bytes: conflict.tx.bytes });
    gate.command({ kind: 'send-tx', bytes: payment.tx.bytes });
  }

  #perform(move: Move): void {
    if (move.ids.length > 0) this.#paid?.over();
    const last = move.ids.at(-1);
    if (move.kind === 'publish') {
      const { prefer } = move;
      const blocks = plural(move.ids.length, 'block');
      const tie = prefer === undefined ? '' : ': a tie';
      this.#world.tell({ kind: 'action', text: `${this.gate.name} shows ${blocks} that it had kept${tie}` });
      this.shown += move.ids.length;
      for (const id of move.ids) {
        this.#hand(this.lair, this.gate, id, () => {
          if (prefer !== undefined && id === last)
            this.gate.command({ kind: 'precious', hash: hashOfId(prefer)! });
        });
        for (const mouth of this.#mouths) this.#hand(this.lair, mouth, id);
      }
      return;
    }
    for (const id of move.ids) {
      if (this.#discarded.delete(id)) this.lair.command({ kind: 'reconsider', hash: hashOfId(id)! });
      this.#hand(this.gate, this.lair, id);
    }
    if (move.discard === undefined) return;
    this.#discarded.add(move.discard);
    this.lair.command({ kind: 'invalidate', hash: hashOfId(move.discard)! });
  }

  /** One block from node to node, as a person would with getblock and submitblock. */
  #hand(from: SimNode, to: SimNode, id: string, then: () => void = () => undefined): void {
    const entry = from.view.chain.entry(hashOfId(id)!);
    const block = entry === undefined ? undefined : from.view.chain.block(entry);
    assert(block !== undefined, 'a block that was heard of is on disk');
    to.command({ kind: 'submit-block', bytes: block.bytes }, then);
  }
}
