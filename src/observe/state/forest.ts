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
  const nodes = new Map<string, Node>();
  const blocks = new Map<string, SeenBlock>();
  const children = new Map<string, string[]>();
  const tips = new Map<string, string>();
  const left = new Map<string, string>();
  /** Blocks that a node has and has not connected yet. */
  const coming = new Map<string, Set<string>>();
  const reorgs: SeenReorg[] = [];
  const labels = new Map<string, number>();
  /** Highest height drawn on each track: a track is free again behind its last block. */
  const trackEnd: number[] = [];
  let cut: readonly (readonly string[])[] | undefined;
  let genesisId: string | undefined;
  let highest = 0;
  let lowestKept = 0;

  function put(id: string, change: Partial<SeenBlock>): void {
    const node = nodes.get(id);
    if (node === undefined) return;
    node.block = { ...node.block, ...change };
    blocks.set(id, node.block);
  }

  function labelFor(height: number, miner: string): string {
    const base = `${height}${miner === '' ? '?' : miner}`;
    const count = labels.get(base) ?? 0;
    labels.set(base, count + 1);
    return base + "'".repeat(count);
  }

  function trackFor(prev: string, height: number): number {
    const parent = blocks.get(prev);
    const siblings = children.get(prev) ?? [];
    if (parent !== undefined && !siblings.some((id) => blocks.get(id)?.track === parent.track)) {
      // The parent's own track goes on, unless a later fork has taken the cells in front of it.
      if ((trackEnd[parent.track] ?? -1) < height) return parent.track;
    }
    // The nearest free row, above rather than below: else a tree that forks for hours would sink row by row.
    const isFree = (track: number) => (trackEnd[track] ?? -2) < height - 1;
    const from = parent?.track ?? 0;
    for (let far = parent === undefined ? 0 : 1; far < trackEnd.length; far++) {
      if (far <= from && isFree(from - far)) return from - far;
      if (from + far < trackEnd.length && isFree(from + far)) return from + far;
    }
    return trackEnd.length;
  }

  /** Parents are one height below: whatever a log says, no walk down a branch comes back to where it was. */
  function parentFor(id: string, given: string, height: number): string {
    for (const child of children.get(id) ?? []) {
      if (blocks.get(child)?.height !== height + 1) put(child, { prev: '' });
    }
    const parent = blocks.get(given);
    return given === id || (parent !== undefined && parent.height !== height - 1) ? '' : given;
  }

  function add(id: string, given: string, height: number, work: bigint, miner: string): void {
    if (nodes.has(id) || height < lowestKept) return;
    const prev = parentFor(id, given, height);
    const track = trackFor(prev, height);
    trackEnd[track] = Math.max(trackEnd[track] ?? -1, height);
    const seenBy = new Map<string, number>();
    const block: SeenBlock = {
      id,
      prev,
      height,
      work,
      miner,
      label: labelFor(height, miner),
      track,
      seenBy,
      txids: [],
    };
    nodes.set(id, { block, seenBy });
    blocks.set(id, block);
    const siblings = children.get(prev);
    if (siblings === undefined) children.set(prev, [id]);
    else siblings.push(id);
    highest = Math.max(highest, height);
    // In sweeps, so that the cost is spread: a block is looked at once every tenth of the kept span.
    if (highest - lowestKept > keptHeights * 1.1) prune(highest - keptHeights);
  }

  function prune(floor: number): void {
    lowestKept = floor;
    for (const [id, block] of blocks) {
      if (block.height >= floor) continue;
      blocks.delete(id);
      nodes.delete(id);
      children.delete(block.prev);
      labels.delete(block.label);
      for (const ids of coming.values()) ids.delete(id);
    }
  }

  /** The node has the body, and connects it if its branch has most work. */
  function awaits(node: string, id: string): void {
    const ids = coming.get(node);
    if (ids === undefined) coming.set(node, new Set([id]));
    else ids.add(id);
  }

  function moveTip(node: string, id: string): void {
    left.delete(node);
    tips.set(node, id);
    coming.get(node)?.delete(id);
    const work = blocks.get(id)?.work ?? 0n;
    for (const [other, last] of left) if ((blocks.get(last)?.work ?? 0n) < work) left.delete(other);
  }

  /** A node that is gone holds no opinion, but its branch is still on its disk. */
  function gone(node: string): void {
    const tip = tips.get(node);
    if (tip !== undefined) left.set(node, tip);
    tips.delete(node);
  }

  function seen(id: string, node: string, t: number): void {
    const known = nodes.get(id);
    if (known !== undefined && !known.seenBy.has(node)) known.seenBy.set(node, t);
  }

  function apply(event: LogEvent): void {
    switch (event.kind) {
      case 'start':
        if (genesisId === undefined) {
          genesisId = event.genesis;
          add(event.genesis, '', 0, 0n, '');
          put(event.genesis, { label: '0' });
        }
        moveTip(event.node, event.id);
        break;
      case 'block':
        add(event.id, event.prev, event.height, BigInt(`0x${event.work}`), event.miner);
        seen(event.id, event.node, event.t);
        if (blocks.has(event.id)) awaits(event.node, event.id);
        break;
      case 'mined':
        seen(event.id, event.node, event.t);
        put(event.id, { mined: { node: event.node, t: event.t, tries: event.tries, ms: event.ms } });
        break;
      case 'connected':
        put(event.id, { txids: event.txids });
        coming.get(event.node)?.delete(event.id);
        break;
      case 'tip':
        moveTip(event.node, event.id);
        break;
      case 'refused':
        coming.get(event.node)?.delete(event.id);
        break;
      case 'reorg':
        reorgs.push({
          t: event.t,
          node: event.node,
          fork: event.fork,
          depth: event.depth,
          length: event.length,
          out: event.out,
          in: event.in,
        });
        if (reorgs.length > KEPT_REORGS) reorgs.shift();
        break;
      case 'process':
        if (event.what !== 'started') gone(event.of);
        break;
      case 'stop':
        gone(event.node);
        break;
      case 'yard':
        // A launcher begins: what was before it is over, even if no line says so.
        cut = undefined;
        for (const node of [...tips.keys()]) gone(node);
        break;
      case 'partition':
        cut = event.groups;
        break;
      case 'heal':
        cut = undefined;
        break;
      default:
        break;
    }
  }

  function branch(tip: string): readonly SeenBlock[] {
    const path: SeenBlock[] = [];
    for (let block = blocks.get(tip); block !== undefined; block = blocks.get(block.prev)) path.push(block);
    return path;
  }

  function forkPoint(a: string, b: string): SeenBlock | undefined {
    let left = blocks.get(a);
    let right = blocks.get(b);
    while (left !== undefined && right !== undefined && left.id !== right.id) {
      if (left.height >= right.height) left = blocks.get(left.prev);
      else right = blocks.get(right.prev);
    }
    return left !== undefined && right !== undefined ? left : undefined;
  }

  function isOnBranch(ancestor: string, tip: string): boolean {
    const wanted = blocks.get(ancestor);
    let at = blocks.get(tip);
    while (wanted !== undefined && at !== undefined && at.height > wanted.height) at = blocks.get(at.prev);
    return wanted !== undefined && at === wanted;
  }

  function pending(): string[] {
    const found: string[] = [];
    for (const [node, tip] of tips) {
      for (const queue = [...(children.get(tip) ?? [])]; ; ) {
        const id = queue.pop();
        if (id === undefined) break;
        if (coming.get(node)?.has(id) !== true) continue;
        found.push(id);
        queue.push(...(children.get(id) ?? []));
      }
    }
    return found;
  }

  function agreed(names: readonly string[]): string | undefined {
    const first = tips.get(names[0] ?? '');
    return first !== undefined && names.every((name) => tips.get(name) === first) ? first : undefined;
  }

  return {
    blocks,
    children,
    tips,
    left,
    reorgs,
    get cut() {
      return cut;
    },
    get genesisId() {
      return genesisId;
    },
    apply,
    pending,
    isOnBranch,
    branch,
    forkPoint,
    agreed,
    nameOf: (id) => blocks.get(id)?.label ?? `…${id.slice(-6)}`,
  };
}
