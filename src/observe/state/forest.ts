import type { BlockRef, LogEvent } from '../../events/events.ts';

/**
 * The block tree and every node's place in it, reduced from an event log and nothing else: what the faces draw.
 * Feed events in the order of their time; `apply` is the only way in.
 */
export interface SeenBlock {
  readonly id: string;
  readonly prev: string;
  readonly height: number;
  /** Total work behind this block, from the log. */
  readonly work: bigint;
  readonly miner: string;
  /** Height and miner, `8A`; `8A'` for a second block by that miner at that height. */
  readonly label: string;
  /** The row it is drawn on; final once given. */
  readonly track: number;
  /** Log time (ms) at which each node had the body. */
  readonly seenBy: ReadonlyMap<string, number>;
  readonly txids: readonly string[];
  readonly mined?: { readonly node: string; readonly t: number; readonly tries: number; readonly ms: number };
}

export interface SeenReorg {
  readonly t: number;
  readonly node: string;
  readonly fork: BlockRef;
  readonly depth: number;
  readonly length: number;
  readonly out: readonly BlockRef[];
  readonly in: readonly BlockRef[];
}

export interface Forest {
  readonly blocks: ReadonlyMap<string, SeenBlock>;
  /** Children in order of first sight. */
  readonly children: ReadonlyMap<string, readonly string[]>;
  /** Current tip id by node letter; nodes that are down have none. */
  readonly tips: ReadonlyMap<string, string>;
  /** Last tips of nodes that are down, each until a node that is up has more work. */
  readonly left: ReadonlyMap<string, string>;
  readonly reorgs: readonly SeenReorg[];
  /** Groups of the open partition, or undefined. */
  readonly cut: readonly (readonly string[])[] | undefined;
  readonly genesisId: string | undefined;
  apply(event: LogEvent): void;
  /** Blocks that some node has on top of its tip and is about to connect: its tip line follows. */
  pending(): readonly string[];
  /** Is `ancestor` on the branch that ends in `tip`? */
  isOnBranch(ancestor: string, tip: string): boolean;
  /** The path from `tip` down to the oldest block kept. */
  branch(tip: string): readonly SeenBlock[];
  forkPoint(a: string, b: string): SeenBlock | undefined;
  /** Every node in `nodes` on one tip? Its id, or undefined. */
  agreed(nodes: readonly string[]): string | undefined;
  /** Short human name: the label, or the last six digits of an id that was never seen. */
  nameOf(id: string): string;
}

/** Heights kept below the highest one; a yard that runs for weeks must not grow without end. */
const KEPT_HEIGHTS = 5_000;
const KEPT_REORGS = 1_000;

interface Node {
  block: SeenBlock;
  seenBy: Map<string, number>;
}

export function newForest(keptHeights: number = KEPT_HEIGHTS): Forest {
  return new BlockForest(keptHeights);
}

class BlockForest implements Forest {
  readonly blocks = new Map<string, SeenBlock>();
  readonly children = new Map<string, string[]>();
  readonly tips = new Map<string, string>();
  readonly left = new Map<string, string>();
  readonly reorgs: SeenReorg[] = [];
  readonly #keptHeights: number;
  readonly #nodes = new Map<string, Node>();
  /** Blocks that a node has and has not connected yet. */
  readonly #coming = new Map<string, Set<string>>();
  readonly #labels = new Map<string, number>();
  /** Highest height drawn on each track: a track is free again behind its last block. */
  readonly #trackEnd: number[] = [];
  #cut: readonly (readonly string[])[] | undefined;
  #genesisId: string | undefined;
  #highest = 0;
  #lowestKept = 0;

  constructor(keptHeights: number) {
    this.#keptHeights = keptHeights;
  }

  get cut(): readonly (readonly string[])[] | undefined {
    return this.#cut;
  }

  get genesisId(): string | undefined {
    return this.#genesisId;
  }

  apply(event: LogEvent): void {
    switch (event.kind) {
      case 'start':
        if (this.#genesisId === undefined) {
          this.#genesisId = event.genesis;
          this.#add(event.genesis, '', 0, 0n, '');
          this.#put(event.genesis, { label: '0' });
        }
        this.#moveTip(event.node, event.id);
        break;
      case 'block':
        this.#add(event.id, event.prev, event.height, BigInt(`0x${event.work}`), event.miner);
        this.#seen(event.id, event.node, event.t);
        if (this.blocks.has(event.id)) this.#awaits(event.node, event.id);
        break;
      case 'mined':
        this.#seen(event.id, event.node, event.t);
        this.#put(event.id, { mined: { node: event.node, t: event.t, tries: event.tries, ms: event.ms } });
        break;
      case 'connected':
        this.#put(event.id, { txids: event.txids });
        this.#coming.get(event.node)?.delete(event.id);
        break;
      case 'tip':
        this.#moveTip(event.node, event.id);
        break;
      case 'refused':
        this.#coming.get(event.node)?.delete(event.id);
        break;
      case 'reorg':
        this.#keepReorg(event);
        break;
      case 'process':
        if (event.what !== 'started') this.#gone(event.of);
        break;
      case 'stop':
        this.#gone(event.node);
        break;
      case 'yard':
        // A launcher begins: what was before it is over, even if no line says so.
        this.#cut = undefined;
        for (const node of [...this.tips.keys()]) this.#gone(node);
        break;
      case 'partition':
        this.#cut = event.groups;
        break;
      case 'heal':
        this.#cut = undefined;
        break;
      default:
        break;
    }
  }

  pending(): string[] {
    const found: string[] = [];
    for (const [node, tip] of this.tips) {
      for (const queue = [...(this.children.get(tip) ?? [])]; ; ) {
        const id = queue.pop();
        if (id === undefined) break;
        if (this.#coming.get(node)?.has(id) !== true) continue;
        found.push(id);
        queue.push(...(this.children.get(id) ?? []));
      }
    }
    return found;
  }

  isOnBranch(ancestor: string, tip: string): boolean {
    const wanted = this.blocks.get(ancestor);
    let at = this.blocks.get(tip);
    while (wanted !== undefined && at !== undefined && at.height > wanted.height)
      at = this.blocks.get(at.prev);
    return wanted !== undefined && at === wanted;
  }

  branch(tip: string): readonly SeenBlock[] {
    const path: SeenBlock[] = [];
    for (let block = this.blocks.get(tip); block !== undefined; block = this.blocks.get(block.prev))
      path.push(block);
    return path;
  }

  forkPoint(a: string, b: string): SeenBlock | undefined {
    let left = this.blocks.get(a);
    let right = this.blocks.get(b);
    while (left !== undefined && right !== undefined && left.id !== right.id) {
      if (left.height >= right.height) left = this.blocks.get(left.prev);
      else right = this.blocks.get(right.prev);
    }
    return left !== undefined && right !== undefined ? left : undefined;
  }

  agreed(names: readonly string[]): string | undefined {
    const first = this.tips.get(names[0] ?? '');
    return first !== undefined && names.every((name) => this.tips.get(name) === first) ? first : undefined;
  }

  nameOf(id: string): string {
    return this.blocks.get(id)?.label ?? `…${id.slice(-6)}`;
  }

  #put(id: string, change: Partial<SeenBlock>): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    node.block = { ...node.block, ...change };
    this.blocks.set(id, node.block);
  }

  #labelFor(height: number, miner: string): string {
    const base = `${height}${miner === '' ? '?' : miner}`;
    const count = this.#labels.get(base) ?? 0;
    this.#labels.set(base, count + 1);
    return base + "'".repeat(count);
  }

  #trackFor(prev: string, height: number): number {
    const parent = this.blocks.get(prev);
    const siblings = this.children.get(prev) ?? [];
    if (parent !== undefined && !siblings.some((id) => this.blocks.get(id)?.track === parent.track)) {
      // The parent's own track goes on, unless a later fork has taken the cells in front of it.
      if ((this.#trackEnd[parent.track] ?? -1) < height) return parent.track;
    }
    // The nearest free row, above rather than below: else a tree that forks for hours would sink row by row.
    const isFree = (track: number) => (this.#trackEnd[track] ?? -2) < height - 1;
    const from = parent?.track ?? 0;
    for (let far = parent === undefined ? 0 : 1; far < this.#trackEnd.length; far++) {
      if (far <= from && isFree(from - far)) return from - far;
      if (from + far < this.#trackEnd.length && isFree(from + far)) return from + far;
    }
    return this.#trackEnd.length;
  }

  /** Parents are one height below: whatever a log says, no walk down a branch comes back to where it was. */
  #parentFor(id: string, given: string, height: number): string {
    for (const child of this.children.get(id) ?? []) {
      if (this.blocks.get(child)?.height !== height + 1) this.#put(child, { prev: '' });
    }
    const parent = this.blocks.get(given);
    return given === id || (parent !== undefined && parent.height !== height - 1) ? '' : given;
  }

  #add(id: string, given: string, height: number, work: bigint, miner: string): void {
    if (this.#nodes.has(id) || height < this.#lowestKept) return;
    const prev = this.#parentFor(id, given, height);
    const track = this.#trackFor(prev, height);
    this.#trackEnd[track] = Math.max(this.#trackEnd[track] ?? -1, height);
    const seenBy = new Map<string, number>();
    const block: SeenBlock = {
      id,
      prev,
      height,
      work,
      miner,
      label: this.#labelFor(height, miner),
      track,
      seenBy,
      txids: [],
    };
    this.#nodes.set(id, { block, seenBy });
    this.blocks.set(id, block);
    const siblings = this.children.get(prev);
    if (siblings === undefined) this.children.set(prev, [id]);
    else siblings.push(id);
    this.#highest = Math.max(this.#highest, height);
    // In sweeps, so that the cost is spread: a block is looked at once every tenth of the kept span.
    if (this.#highest - this.#lowestKept > this.#keptHeights * 1.1)
      this.#prune(this.#highest - this.#keptHeights);
  }

  #prune(floor: number): void {
    this.#lowestKept = floor;
    for (const [id, block] of this.blocks) {
      if (block.height >= floor) continue;
      this.blocks.delete(id);
      this.#nodes.delete(id);
      this.children.delete(block.prev);
      this.#labels.delete(block.label);
      for (const ids of this.#coming.values()) ids.delete(id);
    }
  }

  /** The node has the body, and connects it if its branch has most work. */
  #awaits(node: string, id: string): void {
    const ids = this.#coming.get(node);
    if (ids === undefined) this.#coming.set(node, new Set([id]));
    else ids.add(id);
  }

  #moveTip(node: string, id: string): void {
    this.left.delete(node);
    this.tips.set(node, id);
    this.#coming.get(node)?.delete(id);
    const work = this.blocks.get(id)?.work ?? 0n;
    for (const [other, last] of this.left)
      if ((this.blocks.get(last)?.work ?? 0n) < work) this.left.delete(other);
  }

  /** A node that is gone holds no opinion, but its branch is still on its disk. */
  #gone(node: string): void {
    const tip = this.tips.get(node);
    if (tip !== undefined) this.left.set(node, tip);
    this.tips.delete(node);
  }

  #keepReorg({ t, node, fork, depth, length, out, in: added }: SeenReorg): void {
    this.reorgs.push({ t, node, fork, depth, length, out, in: added });
    if (this.reorgs.length > KEPT_REORGS) this.reorgs.shift();
  }

  #seen(id: string, node: string, t: number): void {
    const known = this.#nodes.get(id);
    if (known !== undefined && !known.seenBy.has(node)) known.seenBy.set(node, t);
  }
}
