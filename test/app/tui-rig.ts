import { frame } from '../../src/app/tui/frame.ts';
import { applyEvent, hop, newState, second } from '../../src/app/tui/reduce.ts';
import type { TuiState } from '../../src/app/tui/state.ts';
import type { HostNews, LogEvent, News } from '../../src/events/events.ts';
import type { NodeInfo } from '../../src/lab/client/client.ts';
import type { YardFile } from '../../src/lab/yard/check.ts';
import { newForest } from '../../src/observe/state/forest.ts';

/** A yard told by hand: blocks are named by what they should be labelled, ids are made from the name. */

/** 12:40:00 on the reader's clock, wherever that is. */
const NOON = new Date(2026, 0, 5, 12, 40, 0).getTime();

export function yardOf(letters: string, change: Partial<YardFile> = {}): YardFile {
  return {
    v: 1,
    label: 'lab-test',
    network: 'lab',
    spacingMs: 2_000,
    delayMs: 400,
    nodes: [...letters].map((letter, i) => ({
      letter,
      dir: `node-${letter}`,
      rpcPort: 18_543 + i,
      p2pPort: 18_643 + i,
      peerId: `peer-${letter}`,
      address: `/ip4/127.0.0.1/tcp/${18_643 + i}/p2p/peer-${letter}`,
      hashrate: 50_000,
      miner: true,
      payout: `miner-${letter.toLowerCase()}`,
    })),
    ...change,
  };
}

export function infoOf(state: TuiState, letter: string, peers: string, mined: number): NodeInfo {
  const id = state.forest.tips.get(letter) ?? '';
  const tip = state.forest.blocks.get(id);
  return {
    name: letter,
    pid: 1,
    peerId: `peer-${letter}`,
    addresses: [],
    network: 'lab',
    tip: {
      id,
      height: tip?.height ?? 0,
      miner: tip?.miner ?? '',
      work: (tip?.work ?? 0n).toString(16),
      since: 0,
    },
    pool: { size: 0, bytes: 0 },
    peers: [...peers].map((name) => ({ peer: `peer-${name}`, name, inbound: false, sent: 0, heard: 0 })),
    mining: {
      on: true,
      held: false,
      rate: 50_000,
      cap: 50_000,
      rates: [50_000],
      threads: 1,
      kernelOption: 'auto',
    },
    mined,
    lastSeq: 0,
    held: 0,
    clockOffsetMs: 0,
    busy: false,
  };
}

export class Story {
  readonly state: TuiState;
  #seq = 0;
  readonly #height = new Map<string, number>([['g', 0]]);
  readonly #work = new Map<string, number>([['g', 0]]);
  readonly #tip = new Map<string, string>();

  constructor(yard: YardFile, owner = true) {
    this.state = newState({ yard, owner, forest: newForest(), now: NOON });
    for (const { letter } of yard.nodes) {
      this.#tip.set(letter, 'g');
      const start = { genesis: id('g'), network: 'lab', id: id('g'), height: 0, work: '0', pid: 1, peer: '' };
      this.tell(letter, { kind: 'start', ...start });
    }
  }

  tell(node: string, news: News | HostNews): void {
    applyEvent(this.state, { v: 1, seq: ++this.#seq, t: this.state.now, node, ...news } as LogEvent);
  }

  /** So many milliseconds later; flags have arrived. */
  wait(ms: number): void {
    while (hop(this.state));
    for (let left = ms; left > 0; left -= 1_000) {
      this.state.now += Math.min(1_000, left);
      second(this.state);
    }
  }

  /** Found by its letter, then seen by the others, `delay` later. */
  block(name: string, prev: string, on: string, txids: readonly string[] = [], delay = 0): void {
    const height = (this.#height.get(prev) ?? 0) + 1;
    const work = (this.#work.get(prev) ?? 0) + 400_000;
    this.#height.set(name, height);
    this.#work.set(name, work);
    const miner = /[A-Z]/.exec(name)?.[0] ?? '';
    const place = { id: id(name), height, miner };
    const hex = work.toString(16);
    const body = {
      ...place,
      prev: id(prev),
      work: hex,
      time: 0,
      txs: 1 + txids.length,
      size: 1,
      from: 'self',
    };
    for (const node of on) {
      if (node !== miner && delay > 0) {
        this.state.now += delay;
        delay = 0;
      }
      this.tell(node, { kind: 'block', ...body });
      this.tell(node, { kind: 'connected', ...place, txids: [id(`coinbase ${name}`), ...txids.map(id)] });
      if (node === miner) this.tell(node, { kind: 'mined', ...place, tries: 300_000 + height, ms: 900 });
      this.tell(node, {
        kind: 'tip',
        ...place,
        work: hex,
        old: id(this.#tip.get(node) ?? 'g'),
        because: 'work',
      });
      this.#tip.set(node, name);
    }
  }

  /** The node leaves `out` (old tip first) for `into` (from the fork point up). */
  reorg(node: string, fork: string, out: readonly string[], into: readonly string[]): void {
    const ref = (name: string) => ({
      id: id(name),
      height: this.#height.get(name) ?? 0,
      miner: /[A-Z]/.exec(name)?.[0] ?? '',
    });
    const last = into.at(-1) ?? '';
    const place = { id: id(last), height: this.#height.get(last) ?? 0, miner: ref(last).miner };
    const work = (this.#work.get(last) ?? 0).toString(16);
    this.tell(node, { kind: 'tip', ...place, work, old: id(out[0] ?? ''), because: 'work' });
    this.#tip.set(node, last);
    const refs = { out: out.map(ref), in: into.map(ref) };
    const sizes = { depth: out.length, length: into.length, because: 'work' } as const;
    this.tell(node, { kind: 'reorg', fork: ref(fork), ...refs, ...sizes });
  }

  screen(columns: number, rows: number, ascii = false): string[] {
    return frame(this.state, { columns, rows, ascii }).map((line) => line.text);
  }
}

/** A name as an id: its last digits are readable. */
export function id(name: string): string {
  const hex = [...name]
    .map((c) => (/[0-9a-f]/i.test(c) ? c.toLowerCase() : c.charCodeAt(0).toString(16)))
    .join('');
  return hex.padStart(64, '0').slice(-64);
}

/** The yard of four, cut in two at height 7, one payment spent twice: two branches, nobody wrong. */
export function cutStory(yard: YardFile = yardOf('ABCD')): Story {
  const s = new Story(yard);
  const chain = ['g', '1B', '2A', '3D', '4C', '5A', '6C', '7B'];
  chain.slice(1).forEach((name, i) => {
    s.wait(2_000);
    s.block(name, chain[i]!, name === '6C' ? 'CAB' : 'ABCD');
    if (name === '6C') s.block('6D', '5A', 'D');
  });
  s.state.log.length = 0;
  s.tell('', {
    kind: 'partition',
    groups: [
      ['A', 'B'],
      ['C', 'D'],
    ],
  });
  const coins = [`${id('coin')}:0`];
  s.state.names.set(id('ca401'), { from: 'alice', to: 'carol', amount: '20', coins });
  s.state.names.set(id('a91f3c'), { from: 'alice', to: 'dave', amount: '20', coins });
  s.tell('A', { kind: 'tx-seen', txid: id('ca401'), fee: 282, vsize: 141, from: 'self' });
  s.tell('D', { kind: 'tx-seen', txid: id('a91f3c'), fee: 282, vsize: 141, from: 'self' });
  s.wait(4_000);
  s.block('8A', '7B', 'AB', ['ca401']);
  s.block('8D', '7B', 'DC', ['a91f3c']);
  s.wait(4_000);
  s.block('9B', '8A', 'BA');
  s.block('9C', '8D', 'CD', [], 402);
  s.wait(2_598);
  s.block('10A', '9B', 'AB', [], 403);
  s.wait(997);
  const { state } = s;
  const infos = [
    infoOf(state, 'A', 'B', 5),
    infoOf(state, 'B', 'A', 3),
    infoOf(state, 'C', 'D', 3),
    infoOf(state, 'D', 'C', 2),
  ];
  state.infos = new Map(infos.map((info) => [info.name, info]));
  return s;
}
