import { encodeHeader } from '../../bitcoin/header.ts';
import { makeTx, type Tx, unsignedInput } from '../../bitcoin/tx.ts';
import type { BlockEntry } from '../../consensus/tree/tree.ts';
import type { PeerId, Topic } from '../../node/types.ts';
import { decodeMessage, encodeMessage, type Message } from '../../node/wire/messages.ts';
import { keyOf } from '../../util/bytes.ts';
import { type Random, seeded } from '../../util/random.ts';
import type { Party, World } from '../world/world.ts';
import { honestBlock, type Material, MUTATIONS, pickBad } from './bad-blocks.ts';
import { type Late, tellCompactLie } from './compact-lies.ts';
import { Forge, type Forged } from './forge.ts';
import type { Replay } from './ledger.ts';
import { type CompactLie, isCompactLie } from './lies.ts';
import type { PlannedEvent } from './plan.ts';
import { coinsOf, type Owned, payment, scriptOf, spend } from './purse.ts';

type LieEvent = Extract<PlannedEvent, { kind: 'lie' }>;

export interface StrangerOptions {
  readonly world: World;
  readonly replay: Replay;
  readonly event: LieEvent;
  readonly number: number;
  /** A block that no honest node may ever build on. */
  readonly onForged: (id: string, rule: string) => void;
}

/** Greeting and its answer have crossed even a slow link. */
const GREETED_MS = 500;
const ORPHANS = 40;
const GARBAGE = 25;

/**
 * One who speaks the protocol and keeps no rule: greets some nodes, tells them one lie, answers what they ask then (or
 * does not), and goes. Knows everything about the network, as the worst of strangers would.
 */
export class Stranger implements Party {
  readonly id: PeerId;
  readonly #o: StrangerOptions;
  readonly #random: Random;
  readonly #headers: Uint8Array[] = [];
  readonly #bodies = new Map<string, Uint8Array>();
  readonly #linked = new Set<PeerId>();
  /** How long it takes to hand out a body; undefined: for ever. */
  #bodyDelayMs: number | undefined = 0;
  /** What it says when it is asked for single transactions. */
  #txsOf: (hash: Uint8Array, indexes: readonly number[]) => readonly Late[] = () => [];

  constructor(o: StrangerOptions) {
    this.#o = o;
    this.id = `X${o.number}`;
    this.#random = seeded(`lie ${o.event.variant}`);
  }

  begin(): void {
    const { world, event } = this.#o;
    world.party(this);
    for (const victim of event.victims) world.connect(this.id, victim);
    world.after(GREETED_MS, () => this.#act());
    world.after(GREETED_MS + event.forMs, () => {
      for (const victim of event.victims) world.disconnect(this.id, victim);
    });
  }

  joined(peer: PeerId): void {
    this.#linked.add(peer);
    const { params } = this.#o.world;
    const claims = this.#o.event.lie === 'work-claim';
    this.#send(peer, {
      ...{ kind: 'hello', version: 1, genesis: params.genesisHash, name: this.id },
      height: claims ? 1_000_000 : 0,
      work: claims ? 1n << 80n : 1n,
      tip: claims ? new Uint8Array(32).fill(9) : params.genesisHash,
    });
  }

  left(peer: PeerId): void {
    this.#linked.delete(peer);
  }

  message(peer: PeerId, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, this.#o.world.node(peer).view.limits);
    if (!decoded.ok) return;
    const message = decoded.value;
    if (message.kind === 'ping') this.#send(peer, { kind: 'pong', nonce: message.nonce });
    if (message.kind === 'getheaders' && this.#o.event.lie !== 'work-claim')
      this.#send(peer, { kind: 'headers', id: message.id, headers: this.#headers });
    if (message.kind === 'getblocktxs')
      for (const { afterMs, message: late } of this.#txsOf(message.hash, message.indexes))
        this.#o.world.after(afterMs, () => this.#send(peer, late));
    if (message.kind !== 'getblocks' || this.#bodyDelayMs === undefined) return;
    const found = message.ids.map((id) => this.#bodies.get(keyOf(id))).filter((b) => b !== undefined);
    this.#o.world.after(this.#bodyDelayMs, () => {
      for (const body of found) this.#send(peer, { kind: 'block', bytes: body });
    });
  }

  #send(to: PeerId, message: Message): void {
    if (this.#linked.has(to)) this.#o.world.send(this.id, to, encodeMessage(message));
  }

  #gossip(to: PeerId, topic: Topic, bytes: Uint8Array): void {
    if (this.#linked.has(to)) this.#o.world.sendGossip(this.id, to, topic, bytes);
  }

  #toAll(topic: Topic, bytes: Uint8Array): void {
    for (const victim of this.#o.event.victims) this.#gossip(victim, topic, bytes);
  }

  /** The state of the first victim that is up, to build on. */
  #material(): Material | undefined {
    const { world, replay, event } = this.#o;
    const victim = event.victims.map((name) => world.node(name)).find((node) => node.up);
    if (victim === undefined) return undefined;
    const { chain, wallS } = victim.view;
    const ledger = replay.at(chain, chain.tip);
    if (!ledger.ok) return undefined;
    const height = chain.tip.height + 1;
    const mature: Owned[] = [];
    let immature: Owned | undefined;
    for (let person = 0; person < 10; person++) {
      for (const owned of coinsOf(ledger.value, person)) {
        if (!owned.coin.coinbase || height - owned.coin.height >= world.params.maturity) mature.push(owned);
        // The one that only just may not be spent: an off-by-one lets it through.
        else if (immature === undefined || owned.coin.height < immature.coin.height) immature = owned;
      }
    }
    // Coins that not everybody goes for at once.
    for (let i = mature.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1);
      [mature[i], mature[j]] = [mature[j]!, mature[i]!];
    }
    if (mature.length < 2) return undefined;
    const forge = new Forge(world.params, scriptOf(8), this.id);
    return { forge, parent: chain.tip, wallS, coins: mature, immature };
  }

  #act(): void {
    const material = this.#material();
    if (material === undefined) return;
    const { lie } = this.#o.event;
    if (isCompactLie(lie)) this.#tellCompact(lie, material);
    else this.#tell(lie, material);
  }

  #tellCompact(lie: CompactLie, material: Material): void {
    const { event, world, onForged } = this.#o;
    tellCompactLie(lie, material, {
      ...{
        world,
        random: this.#random,
        victims: event.victims,
        forMs: event.forMs,
        variant: event.variant,
      },
      gossip: (to, topic, bytes) => this.#gossip(to, topic, bytes),
      send: (to, message) => this.#send(to, message),
      keep: ({ hash, bytes }, has) => {
        if (has) this.#bodies.set(keyOf(hash), bytes);
      },
      onAsked: (answer) => {
        this.#txsOf = answer;
      },
      forged: ({ block }, rule) => onForged(block.id, rule),
    });
  }

  #tell(lie: Exclude<LieEvent['lie'], CompactLie>, material: Material): void {
    switch (lie) {
      case 'bad-block':
      case 'bad-sync':
        this.#badBlock(material);
        return;
      case 'bad-branch':
        this.#badBranch(material);
        return;
      case 'mutated-body':
        this.#mutated(material);
        return;
      case 'equivocate':
        this.#equivocate(material);
        return;
      case 'withhold':
        this.#withhold(material);
        return;
      case 'no-body':
      case 'late-body':
        this.#bodyDelayMs = lie === 'no-body' ? undefined : 8_000 + this.#random.below(8_000);
        this.#offer(material.forge.block(material.parent, material.wallS, { extraNonce: 1 }));
        return;
      case 'future-time':
        this.#future(material);
        return;
      case 'orphan-blocks':
        this.#orphanBlocks(material);
        return;
      case 'double-spend':
        this.#doubleSpend(material);
        return;
      case 'bad-tx':
        this.#badTx(material);
        return;
      case 'orphan-txs':
        this.#orphanTxs();
        return;
      case 'garbage':
      case 'flood':
      case 'requests':
        this.#noise(material);
        return;
      case 'work-claim':
        // The hello has said it.
        return;
    }
  }

  /** Keeps the block for whoever asks, and says that it is its tip. */
  #offer(...branch: readonly Forged[]): void {
    for (const { block } of branch) {
      this.#headers.push(encodeHeader(block.header));
      this.#bodies.set(keyOf(block.hash), block.bytes);
    }
    const { block, entry } = branch.at(-1)!;
    const header = encodeHeader(block.header);
    const tip: Message = { kind: 'tip', header, height: entry.height, work: entry.work, gossiped: false };
    for (const victim of this.#o.event.victims) this.#send(victim, tip);
  }

  #badBlock(material: Material): void {
    const { event, onForged } = this.#o;
    const bad = pickBad(material, event.variant);
    if (bad === undefined) return;
    const { rule, bytes, forged } = bad;
    if (forged !== undefined) onForged(forged.block.id, rule);
    if (event.lie === 'bad-block' || forged === undefined) this.#toAll('block', bytes);
    else this.#offer(forged);
  }

  /** Headers of a branch with more work; its first block fails when its coins are looked at. */
  #badBranch(m: Material): void {
    const first = m.forge.block(m.parent, m.wallS, { fees: 1 + this.#random.below(1_000) });
    const branch = [first];
    for (let n = 1 + this.#random.below(3); n > 0; n--) {
      branch.push(m.forge.block(branch.at(-1)!.entry, m.wallS));
    }
    for (const { block } of branch) this.#o.onForged(block.id, 'bad-cb-amount below it');
    this.#offer(...branch);
    // Some children come before their parent is judged, some after.
    if (this.#random.below(2) === 0) for (const { block } of branch) this.#toAll('block', block.bytes);
    const { world } = this.#o;
    world.after(2_000, () => {
      const last = m.forge.block(branch.at(-1)!.entry, m.wallS);
      this.#o.onForged(last.block.id, 'bad-cb-amount below it');
      this.#offer(last);
      this.#toAll('block', last.block.bytes);
    });
  }

  #mutated(m: Material): void {
    const block = honestBlock(m);
    const [, mutate] = MUTATIONS[this.#random.below(MUTATIONS.length)]!;
    const spoilt = mutate(block);
    if (this.#random.below(2) === 0) this.#toAll('block', spoilt);
    else {
      this.#headers.push(encodeHeader(block.header));
      this.#bodies.set(keyOf(block.hash), spoilt);
      const entry = m.parent;
      for (const victim of this.#o.event.victims)
        this.#send(victim, {
          ...{ kind: 'tip', header: encodeHeader(block.header), height: entry.height + 1 },
          ...{ work: entry.work + 1n, gossiped: false },
        });
    }
    // The honest body, from somebody else: it must still be taken.
    const { world } = this.#o;
    world.after(3_000, () => {
      for (const node of world.nodes.values())
        if (node.up) node.command({ kind: 'submit-block', bytes: block.bytes });
    });
  }

  #equivocate(m: Material): void {
    const pair = [1, 2].map((extraNonce) => m.forge.block(m.parent, m.wallS, { extraNonce }));
    const { victims } = this.#o.event;
    for (const [i, victim] of victims.entries()) {
      this.#gossip(victim, 'block', pair[i % 2]!.block.bytes);
      if (victims.length === 1) this.#gossip(victim, 'block', pair[1]!.block.bytes);
    }
  }

  #withhold(m: Material): void {
    const branch = [m.forge.block(m.parent, m.wallS, { extraNonce: 1 })];
    for (let n = this.#random.below(4); n > 0; n--) branch.push(m.forge.block(branch.at(-1)!.entry, m.wallS));
    const { world, event } = this.#o;
    world.after(event.forMs * 0.7, () => {
      if (this.#random.below(2) === 0) for (const { block } of branch) this.#toAll('block', block.bytes);
      else this.#offer(...branch);
    });
  }

  #future(m: Material): void {
    const { futureBoundS } = m.forge.params;
    const time = m.wallS + futureBoundS - 20 + this.#random.below(60);
    this.#toAll('block', m.forge.block(m.parent, m.wallS, { time }).block.bytes);
  }

  #orphanBlocks(m: Material): void {
    let at: Forged = m.forge.block(m.parent, m.wallS, { extraNonce: 7 });
    for (let n = 0; n < ORPHANS / 2; n++) {
      at = m.forge.block(at.entry, m.wallS, { extraNonce: n });
      this.#toAll('block', at.block.bytes);
    }
  }

  #doubleSpend(m: Material): void {
    const [coin] = m.coins;
    const txs = [1, 2].map((to) => payment(coin!, 0, to, 2 + to));
    for (const [i, victim] of this.#o.event.victims.entries()) {
      const tx = txs[i % 2];
      if (tx !== undefined) this.#gossip(victim, 'tx', tx.bytes);
    }
  }

  #badTx(m: Material): void {
    const [coin] = m.coins;
    const { value } = coin!.coin;
    const whole = (more: number, o = {}) => spend([coin!], [{ value: value + more, script: scriptOf(3) }], o);
    const bad: readonly (Tx | undefined)[] = [
      whole(1),
      whole(-20_000, { lockTime: m.parent.height + 1_000, sequence: 0 }),
      m.immature === undefined
        ? undefined
        : spend([m.immature], [{ value: m.immature.coin.value - 20_000, script: scriptOf(3) }]),
      whole(0),
      spoiltSignature(whole(-20_000)),
    ];
    const tx = bad[this.#random.below(bad.length)];
    if (tx !== undefined) this.#toAll('tx', tx.bytes);
  }

  #orphanTxs(): void {
    for (let n = 0; n < ORPHANS; n++) {
      const txid = Uint8Array.from({ length: 32 }, () => this.#random.below(256));
      const input = {
        ...unsignedInput({ txid, index: 0 }, 0),
        witness: [new Uint8Array(71), new Uint8Array(33)],
      };
      const outputs = [{ value: 10_000, script: scriptOf(1) }];
      this.#toAll('tx', makeTx({ version: 2, inputs: [input], outputs, lockTime: 0 }).bytes);
    }
  }

  #noise(m: Material): void {
    const { world, event } = this.#o;
    for (const victim of event.victims) {
      const node = world.node(victim);
      if (!node.up) continue;
      if (event.lie === 'garbage') {
        for (let n = 0; n < GARBAGE; n++) {
          const length = this.#random.below(120);
          const bytes = Uint8Array.from({ length }, () => this.#random.below(256));
          if (this.#linked.has(victim)) world.send(this.id, victim, bytes);
        }
      } else if (event.lie === 'flood') {
        const frames = Math.min(600, node.view.limits.framesBurst + 50);
        for (let n = 0; n < frames; n++) this.#send(victim, { kind: 'ping', nonce: new Uint8Array(8) });
      } else {
        const ids: Uint8Array[] = [];
        for (let at: BlockEntry | undefined = m.parent; at !== undefined && ids.length < 16; at = at.parent)
          ids.push(at.hash);
        for (let n = 0; n < 30; n++) {
          this.#send(victim, { kind: 'getblocks', ids });
          this.#send(victim, {
            kind: 'getheaders',
            id: n,
            locator: [m.forge.params.genesisHash],
            stop: new Uint8Array(32),
          });
        }
      }
    }
  }
}

function spoiltSignature(tx: Tx): Tx {
  const inputs = tx.inputs.map((input) => {
    const [signature, key] = input.witness;
    const copy = signature!.slice();
    copy[10]! ^= 1;
    return { ...input, witness: [copy, key!] };
  });
  return makeTx({ ...tx, inputs });
}
