import type { Block } from '../../bitcoin/block.ts';
import { Reader, Writer } from '../../bitcoin/codec.ts';
import { encodeHeader } from '../../bitcoin/header.ts';
import { makeTx, type Tx } from '../../bitcoin/tx.ts';
import type { PeerId, Topic } from '../../node/types.ts';
import { encodeCompact, shortIdHash, shortIdsOf } from '../../node/wire/compact.ts';
import type { Message } from '../../node/wire/messages.ts';
import { concat, equal } from '../../util/bytes.ts';
import type { Random } from '../../util/random.ts';
import type { World } from '../world/world.ts';
import { type Material, pickBad } from './bad-blocks.ts';
import type { Forged } from './forge.ts';
import type { CompactLie } from './lies.ts';
import { payment } from './purse.ts';

/** What a stranger lends to those who tell its lies. */
export interface Voice {
  readonly world: World;
  readonly random: Random;
  readonly victims: readonly PeerId[];
  readonly forMs: number;
  readonly variant: number;
  gossip(to: PeerId, topic: Topic, bytes: Uint8Array): void;
  send(to: PeerId, message: Message): void;
  /** Answers who asks for the whole block; undefined: says that it has none. */
  keep(block: Block, has: boolean): void;
  /** What answers getblocktxs, each so long after it was asked. */
  onAsked(answer: (hash: Uint8Array, indexes: readonly number[]) => readonly Late[]): void;
  forged(forged: Forged, rule: string): void;
}

export interface Late {
  readonly afterMs: number;
  readonly message: Message;
}

const NONCE_SIZE = 8;
const TWO32 = 0x1_0000_0000;
const TWO48 = TWO32 * 0x1_0000;
/** More than any block has (`limits.compactTxs`), in a message that gossip still carries. */
const FAR_TOO_MANY = 20_001;
/** How often the tips of the victims are looked at, to speak of a block before their neighbours have it. */
const WATCH_MS = 40;
const ASKED_TIMES = 30;

export function tellCompactLie(lie: CompactLie, m: Material, voice: Voice): void {
  TELLERS[lie](m, voice);
}

const TELLERS: { readonly [L in CompactLie]: (m: Material, voice: Voice) => void } = {
  'short-ids': (m, voice) => {
    const block = payingBlock(m, voice);
    const { ids } = rightForm(block, nonceOf(voice));
    if (odds(voice, 2)) deliverTxs(voice, block);
    else deliverOthers(voice, block);
    const form = { ...rightForm(block, nonceOf(voice)), ids: wrongIds(voice.random, ids) };
    voice.keep(block, odds(voice, 2));
    toAll(voice, announcement(form));
    honestCopy(voice, block);
  },
  'missing-txs': (m, voice) => {
    const block = payingBlock(m, voice);
    deliverOthers(voice, block);
    voice.keep(block, odds(voice, 2));
    toAll(voice, encodeCompact(block, nonceOf(voice)));
    honestCopy(voice, block);
  },
  'bad-compact': (m, voice) => {
    const bad = pickBad(m, voice.variant);
    if (bad?.block === undefined || bad.block.txs.length === 0) return;
    if (bad.forged !== undefined) voice.forged(bad.forged, bad.rule);
    deliverTxs(voice, bad.block);
    voice.keep(bad.block, true);
    toAll(voice, encodeCompact(bad.block, nonceOf(voice)));
  },
  'two-nonces': (m, voice) => {
    const block = payingBlock(m, voice);
    deliverTxs(voice, block);
    voice.keep(block, odds(voice, 2));
    const right = () => encodeCompact(block, nonceOf(voice));
    const wrong = () => {
      const form = rightForm(block, nonceOf(voice));
      return announcement({ ...form, ids: wrongIds(voice.random, form.ids) });
    };
    const told = [right(), wrong(), right(), wrong(), ...(odds(voice, 2) ? [block.bytes] : [])];
    for (const victim of voice.victims)
      for (const bytes of shuffled(voice.random, told)) voice.gossip(victim, 'block', bytes);
  },
  'cut-short': (m, voice) => {
    const block = payingBlock(m, voice);
    const whole = encodeCompact(block, nonceOf(voice));
    for (let n = 0; n < 4; n++) {
      const length = voice.random.below(whole.length);
      const bytes = odds(voice, 4) ? concat(whole, new Uint8Array(length)) : whole.slice(0, length);
      toAll(voice, bytes);
    }
    honestCopy(voice, block);
  },
  'known-header': (m, voice) => {
    const { world, victims, forMs, random } = voice;
    const known = new Map<PeerId, string>(victims.map((victim) => [victim, m.parent.id]));
    const end = world.now + forMs * 1_000;
    const look = () => {
      for (const victim of victims) {
        const node = world.node(victim);
        if (!node.up || node.tip.id === known.get(victim)) continue;
        known.set(victim, node.tip.id);
        const head = encodeHeader(node.tip.header);
        const ids = Array.from({ length: random.below(4) }, () => random.below(TWO32));
        const form = { head, nonce: nonceOf(voice), ids, prefilled: [] };
        const bytes = announcement(form);
        voice.gossip(victim, 'block', odds(voice, 2) ? bytes : bytes.slice(0, -1));
      }
      if (world.now < end) world.after(WATCH_MS, look);
    };
    look();
  },
  prefilled: (m, voice) => {
    const block = payingBlock(m, voice);
    deliverTxs(voice, block);
    voice.keep(block, true);
    toAll(voice, announcement(misplaced(voice.random, block, nonceOf(voice))));
    honestCopy(voice, block);
  },
  'txs-asked': (m, voice) => {
    for (const victim of voice.victims) {
      for (let n = 0; n < ASKED_TIMES; n++) {
        const hash = odds(voice, 3) ? new Uint8Array(32).fill(n) : (m.parent.parent ?? m.parent).hash;
        const from = voice.random.below(3);
        voice.send(victim, { kind: 'getblocktxs', hash, indexes: [from, from + 1 + voice.random.below(9)] });
      }
      voice.send(victim, { kind: 'blocktxs', hash: m.parent.hash, count: 1, bytes: new Uint8Array(10) });
    }
  },
};

/** What an announcement says, true or not. */
interface Form {
  readonly head: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ids: readonly number[];
  /** `gap`: places since the last one (BIP152's differential index). */
  readonly prefilled: readonly { readonly gap: number; readonly tx: Tx }[];
}

function announcement({ head, nonce, ids, prefilled }: Form): Uint8Array {
  const w = new Writer().u32(0).bytes(head).bytes(nonce).compactSize(ids.length);
  for (const id of ids) w.u32(id % TWO32).u16(Math.floor(id / TWO32));
  w.compactSize(prefilled.length);
  for (const { gap, tx } of prefilled) w.compactSize(gap).bytes(tx.bytes);
  return w.finish();
}

function rightForm(block: Block, nonce: Uint8Array): Form {
  const head = encodeHeader(block.header);
  const [coinbase, ...rest] = block.txs;
  const reader = new Reader(shortIdsOf(rest, shortIdHash(head, nonce)));
  return {
    ...{ head, nonce, ids: rest.map(() => reader.u32() + reader.u16() * TWO32) },
    prefilled: [{ gap: 0, tx: coinbase! }],
  };
}

function nonceOf({ random }: Voice): Uint8Array {
  return Uint8Array.from({ length: NONCE_SIZE }, () => random.below(256));
}

const odds = ({ random }: Voice, one: number) => random.below(one) === 0;

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const left = [...list];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.below(left.length), 1));
  return drawn;
}

function toAll({ victims, gossip }: Voice, bytes: Uint8Array): void {
  for (const victim of victims) gossip(victim, 'block', bytes);
}

/** A valid block with a few payments, of which some nodes may have some. */
function payingBlock(m: Material, voice: Voice): Block {
  const { random } = voice;
  const txs: Tx[] = [];
  for (const coin of m.coins.slice(0, 2 + random.below(4))) {
    const tx = payment(coin, random.below(10), random.below(10), 1 + random.below(8));
    if (tx === undefined) continue;
    txs.push(tx);
    for (const victim of voice.victims) if (odds(voice, 2)) voice.gossip(victim, 'tx', tx.bytes);
  }
  return m.forge.block(m.parent, m.wallS, { txs, extraNonce: 3 }).block;
}

/** The same block from somebody honest, who may be linked with the victims: it must still be taken, whatever was said of it. */
function honestCopy(voice: Voice, block: Block): void {
  const { world, victims, random } = voice;
  if (odds(voice, 3)) return;
  world.after(random.below(3_000), () => {
    const up = [...world.nodes.values()].filter((node) => node.up && !node.frozen);
    const others = up.filter(({ name }) => !victims.includes(name));
    const [first] = others.length > 0 ? others : up;
    first?.command({ kind: 'submit-block', bytes: block.bytes });
  });
}

function wrongIds(random: Random, ids: readonly number[]): number[] {
  const any = () => random.below(TWO32) + random.below(0x1_0000) * TWO32;
  const wrong = [...ids];
  const at = random.below(Math.max(1, wrong.length));
  switch (random.below(7)) {
    case 0:
      return wrong.map(any);
    case 1:
      wrong[at] = any();
      return wrong;
    case 2:
      // Two places, one id: only the whole block can tell.
      wrong.push(wrong[at] ?? any());
      return wrong;
    case 3:
      return wrong.slice(0, -1);
    case 4:
      return [...wrong, any()];
    case 5:
      return wrong.reverse();
    default:
      return [...wrong, ...Array.from({ length: FAR_TOO_MANY }, (_, i) => (i * 0x9e37_79b1) % TWO48)];
  }
}

function misplaced(random: Random, block: Block, nonce: Uint8Array): Form {
  const form = rightForm(block, nonce);
  const [coinbase, ...rest] = block.txs;
  const other = makeTx({ ...coinbase!, lockTime: 7 });
  switch (random.below(6)) {
    case 0:
      return { ...form, prefilled: [] };
    case 1:
      return { ...form, prefilled: [{ gap: 0, tx: other }] };
    case 2:
      return { ...form, ids: [], prefilled: block.txs.map((tx) => ({ gap: 0, tx })) };
    case 3:
      return { ...form, prefilled: [{ gap: form.ids.length + 1 + random.below(70_000), tx: coinbase! }] };
    case 4:
      return { ...form, prefilled: [...form.prefilled, { gap: 0, tx: rest[0] ?? other }] };
    default:
      return { ...form, ids: form.ids.slice(1), prefilled: [...form.prefilled, { gap: 0, tx: other }] };
  }
}

/** As an honest announcer would. */
function deliverTxs(voice: Voice, block: Block): void {
  voice.onAsked((hash, indexes) =>
    equal(hash, block.hash) ? [{ afterMs: 0, message: txsOf(block, hash, indexes) }] : [],
  );
}

function txsOf(block: Block, hash: Uint8Array, indexes: readonly number[]): Message & { kind: 'blocktxs' } {
  const parts = indexes.flatMap((index) => block.txs[index]?.bytes ?? []);
  return { kind: 'blocktxs', hash, count: parts.length, bytes: concat(...parts) };
}

/** Not at all, too late, or not what was asked for. */
function deliverOthers(voice: Voice, block: Block): void {
  const way = voice.random.below(12);
  voice.onAsked((hash, indexes) => answersOf(way, voice.random, block, hash, indexes));
}

function answersOf(
  way: number,
  random: Random,
  block: Block,
  hash: Uint8Array,
  indexes: readonly number[],
): readonly Late[] {
  const right = txsOf(block, hash, indexes);
  const first = block.txs[1] ?? block.txs[0]!;
  const at = (afterMs: number, message: Message): Late => ({ afterMs, message });
  switch (way) {
    case 0:
    case 1:
      return [];
    case 2:
      return [at(1_000 + random.below(8_000), right)];
    case 3:
      return [at(0, { ...right, count: 0, bytes: new Uint8Array(0) })];
    case 4:
      return [at(0, { ...right, count: right.count + 1, bytes: concat(right.bytes, first.bytes) })];
    case 5:
      return [at(0, txsOf(block, hash, indexes.slice(0, -1)))];
    case 6:
    case 7:
      // As many as were asked for, and none of them the right one.
      return [at(0, { ...right, bytes: concat(...indexes.map(() => block.txs[0]!.bytes)) })];
    case 8:
      return [at(0, { ...right, bytes: concat(...indexes.map((i) => unsigned(block, i))) })];
    case 9:
      return [
        at(0, { ...right, bytes: right.bytes.slice(0, random.below(Math.max(1, right.bytes.length))) }),
      ];
    default:
      return [at(0, right), at(0, right), at(3_000, right)];
  }
}

/** The same txid, another wtxid: only the witness commitment tells. */
function unsigned(block: Block, index: number): Uint8Array {
  const tx = block.txs[index] ?? block.txs[0]!;
  const inputs = tx.inputs.map((input) => ({
    ...input,
    witness: input.witness.map((item) => new Uint8Array(item.length)),
  }));
  return makeTx({ ...tx, inputs }).bytes;
}
