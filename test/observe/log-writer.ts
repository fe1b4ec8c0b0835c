import type { HostNews, LogEvent, News } from '../../src/events/events.ts';

/** Writes an event log by hand: blocks have short names, ids are made from them, work is 1,000 a block. */
export class LogWriter {
  readonly events: LogEvent[] = [];
  readonly #blocks = new Map<string, { prev: string; height: number; miner: string }>([
    ['g', { prev: '', height: 0, miner: '' }],
  ]);
  readonly #tips = new Map<string, string>();
  t = 0;

  tell(node: string, news: News | HostNews): this {
    const event = { v: 1, seq: this.events.length + 1, t: this.t, node, ...news } as LogEvent;
    this.events.push(event);
    return this;
  }

  /** What follows happens at this time, in milliseconds. */
  at(t: number): this {
    this.t = t;
    return this;
  }

  id(name: string): string {
    return [...name]
      .map((c) => c.charCodeAt(0).toString(16).padStart(2, '0'))
      .join('')
      .padStart(64, '0');
  }

  work(height: number): string {
    return (1_000 * height).toString(16);
  }

  height(name: string): number {
    return this.#blocks.get(name)!.height;
  }

  yard(nodes: string, more: { retarget?: 'none' | 'ema'; topology?: 'full' | 'line' } = {}): this {
    const { retarget = 'none', topology = 'full' } = more;
    return this.tell('', {
      kind: 'yard',
      label: 'lab-1',
      network: 'lab',
      spacingMs: 1_000,
      retarget,
      topology,
      nodes: [...nodes],
    });
  }

  /** Nodes open on this block, all links with this delay, all mining at this rate. */
  start(nodes: string, tip = 'g', delayMs = 0, hashrate = 50_000): this {
    for (const node of nodes) {
      const height = this.height(tip);
      this.#tips.set(node, tip);
      this.tell(node, {
        kind: 'start',
        genesis: this.id('g'),
        network: 'lab',
        id: this.id(tip),
        height,
        work: this.work(height),
        pid: 1,
        peer: `peer-${node}`,
      });
      this.tell(node, { kind: 'links', refuse: [], delayMs, delayTo: {} });
      this.tell(node, { kind: 'power', on: true, held: false, hashrate });
    }
    return this;
  }

  /** Found by this node, on its present tip unless another is named; nobody's tip yet, not even its own. */
  find(node: string, name: string, prev = this.#tips.get(node)!): this {
    const height = this.height(prev) + 1;
    this.#blocks.set(name, { prev, height, miner: node });
    this.body(node, name, 'self');
    return this.tell(node, { kind: 'mined', id: this.id(name), height, miner: node, tries: 9, ms: 9 });
  }

  body(node: string, name: string, from = 'peer'): this {
    const { prev, height, miner } = this.#blocks.get(name)!;
    return this.tell(node, {
      kind: 'block',
      id: this.id(name),
      prev: this.id(prev),
      height,
      work: this.work(height),
      miner,
      time: 1,
      txs: 1,
      size: 300,
      from,
    });
  }

  tip(node: string, name: string, because: 'work' | 'invalidated' | 'precious' = 'work'): this {
    const { height, miner } = this.#blocks.get(name)!;
    const old = this.#tips.get(node) ?? 'g';
    this.#tips.set(node, name);
    return this.tell(node, {
      kind: 'tip',
      id: this.id(name),
      height,
      work: this.work(height),
      miner,
      old: this.id(old),
      because,
    });
  }

  /** Found by this node on its tip, and its tip at once. */
  mine(node: string, name: string, prev?: string): this {
    return this.find(node, name, prev).tip(node, name);
  }

  /** Arrives and becomes the tip at once. */
  take(node: string, name: string): this {
    return this.body(node, name).tip(node, name);
  }
}
