import { type OutPoint, outpointKey, type Tx } from '../../bitcoin/tx.ts';
import { assert } from '../../util/assert.ts';
import { keyOf } from '../../util/bytes.ts';
import { Heap } from '../../util/heap.ts';
import { type NewEntry, PoolNode, parentsFirst } from './entry.ts';
import { PoolIds } from './ids.ts';

/** One line of the eviction heap; stale unless `revision` is still the node's own. */
interface Candidate {
  readonly node: PoolNode;
  readonly score: number;
  readonly revision: number;
}

/** Lowest score first; of equals the newest goes first (Core: CompareTxMemPoolEntryByDescendantScore). */
function worstFirst(a: Candidate, b: Candidate): number {
  return a.score - b.score || b.node.seq - a.node.seq || a.revision - b.revision;
}

/** What a miner would lose with it: its own rate, or that of its whole family of descendants if higher. */
function scoreOf(node: PoolNode): number {
  return Math.max(node.fee / node.tx.vsize, node.descendantFees / node.descendantVsize);
}

/**
 * The pool's transactions, who spends what, who depends on whom, and the running sums. It judges nothing. Since families
 * are bounded (25 ancestors, 25 descendants), adding and removing cost O(inputs + family + log n).
 *
 * Every input of a member is a coin of the active chain or an output of another member, and no coin is spent twice:
 * the caller sees to it (mempool.ts), `test/node/mempool-property.test.ts` holds it.
 */
export class PoolGraph {
  readonly #nodes = new Map<string, PoolNode>();
  readonly #spenders = new Map<string, PoolNode>();
  readonly #sensitive = new Map<string, PoolNode>();
  readonly ids = new PoolIds();
  #worst = new Heap<Candidate>(worstFirst);
  #vsize = 0;
  #usage = 0;
  /** Members that have left so far: whoever works on the pool in pieces looks whether one has left meanwhile. */
  removals = 0;

  get size(): number {
    return this.#nodes.size;
  }

  get vsize(): number {
    return this.#vsize;
  }

  get usage(): number {
    return this.#usage;
  }

  get(key: string): PoolNode | undefined {
    return this.#nodes.get(key);
  }

  spender(outpoint: OutPoint): PoolNode | undefined {
    return this.#spenders.get(outpointKey(outpoint));
  }

  /** A member that holds a coin of the transaction. */
  rivalOf(tx: Tx): PoolNode | undefined {
    for (const { prevout } of tx.inputs) {
      const rival = this.spender(prevout);
      if (rival !== undefined) return rival;
    }
    return undefined;
  }

  /** The members that spend an output of this transaction, which need not be one. */
  spendersOf({ txid, outputs }: Tx): PoolNode[] {
    if (this.size === 0) return [];
    return outputs.flatMap((_, index) => this.spender({ txid, index }) ?? []);
  }

  /** In order of arrival: a map keeps the order of insertion, and `seq` grows with it. */
  nodes(): Iterable<PoolNode> {
    return this.#nodes.values();
  }

  /** Those that a reorg could make unfit for the next block, in order of arrival. */
  sensitive(): Iterable<PoolNode> {
    return this.#sensitive.values();
  }

  parentsOf(tx: Tx): Set<PoolNode> {
    const parents = new Set<PoolNode>();
    for (const { prevout } of tx.inputs) {
      const parent = this.#nodes.get(keyOf(prevout.txid));
      if (parent !== undefined) parents.add(parent);
    }
    return parents;
  }

  /** The given nodes and all their ancestors. */
  withAncestors(nodes: Iterable<PoolNode>): Set<PoolNode> {
    const found = new Set(nodes);
    // A set's iteration reaches what is added meanwhile: a worklist without a second structure.
    for (const node of found) for (const parent of node.parents) found.add(parent);
    return found;
  }

  /** The given nodes and all their descendants. */
  withDescendants(nodes: Iterable<PoolNode>): Set<PoolNode> {
    const found = new Set(nodes);
    for (const node of found) for (const child of node.children) found.add(child);
    return found;
  }

  add(entry: NewEntry): PoolNode {
    const node = new PoolNode(entry);
    assert(!this.#nodes.has(node.key), 'mempool: a transaction is added twice');
    for (const parent of this.parentsOf(entry.tx)) {
      node.parents.add(parent);
      parent.children.add(node);
    }
    for (const ancestor of this.withAncestors(node.parents)) {
      node.ancestorCount++;
      node.ancestorVsize += ancestor.tx.vsize;
      node.ancestorFees += ancestor.fee;
      ancestor.descendantCount++;
      ancestor.descendantVsize += node.tx.vsize;
      ancestor.descendantFees += node.fee;
      this.#rank(ancestor);
    }
    this.#nodes.set(node.key, node);
    this.ids.add(node);
    for (const { prevout } of entry.tx.inputs) {
      const key = outpointKey(prevout);
      assert(!this.#spenders.has(key), 'mempool: a coin is spent twice');
      this.#spenders.set(key, node);
    }
    if (node.sensitive !== undefined) this.#sensitive.set(node.key, node);
    this.#vsize += node.tx.vsize;
    this.#usage += node.usage;
    this.#rank(node);
    return node;
  }

  /** Takes out the given nodes with all their descendants; answers them parents first. */
  removeWithDescendants(nodes: Iterable<PoolNode>): PoolNode[] {
    const gone = this.withDescendants(nodes);
    // As they stood in the pool: once links are cut, the counts no longer tell who depends on whom.
    const ordered = [...gone].sort(parentsFirst);
    const touched = new Set<PoolNode>();
    for (const node of ordered) {
      for (const ancestor of this.withAncestors(node.parents)) {
        if (gone.has(ancestor)) continue;
        ancestor.descendantCount--;
        ancestor.descendantVsize -= node.tx.vsize;
        ancestor.descendantFees -= node.fee;
        touched.add(ancestor);
      }
    }
    for (const node of ordered) {
      for (const parent of node.parents) parent.children.delete(node);
      this.#forget(node);
    }
    for (const node of touched) this.#rank(node);
    return ordered;
  }

  /** Takes out a transaction that is now in the chain; its children stay. Its own parents must be out already. */
  removeConfirmed(node: PoolNode): void {
    assert(node.parents.size === 0, 'mempool: a transaction was confirmed before its parent');
    // Most have no children, and a full block confirms thousands.
    if (node.children.size > 0) {
      for (const descendant of this.withDescendants(node.children)) {
        descendant.ancestorCount--;
        descendant.ancestorVsize -= node.tx.vsize;
        descendant.ancestorFees -= node.fee;
      }
      for (const child of node.children) child.parents.delete(node);
    }
    this.#forget(node);
  }

  /** The root of the family that pays least for its place. */
  worst(): PoolNode | undefined {
    for (;;) {
      const top = this.#worst.peek();
      if (top === undefined) return undefined;
      if (this.#nodes.get(top.node.key) === top.node && top.node.revision === top.revision) return top.node;
      this.#worst.pop();
    }
  }

  /** A member that came by another way while it waited to come back from a block: it was in one. */
  noteUndone({ key, undone }: Pick<PoolNode, 'key' | 'undone'>): void {
    const node = this.#nodes.get(key);
    if (node !== undefined && undone) node.undone = true;
  }

  #forget(node: PoolNode): void {
    this.removals++;
    this.#nodes.delete(node.key);
    this.ids.remove(node);
    this.#sensitive.delete(node.key);
    for (const { prevout } of node.tx.inputs) this.#spenders.delete(outpointKey(prevout));
    this.#vsize -= node.tx.vsize;
    this.#usage -= node.usage;
  }

  /** A new line for a node whose sums changed; the old one goes stale. */
  #rank(node: PoolNode): void {
    node.revision++;
    this.#worst.push({ node, score: scoreOf(node), revision: node.revision });
    // Stale lines may outnumber live ones only so far: rebuilding costs O(n) once in n changes.
    if (this.#worst.size > 4 * this.#nodes.size + 1_000) {
      const lines: Candidate[] = [];
      for (const each of this.#nodes.values()) {
        lines.push({ node: each, score: scoreOf(each), revision: each.revision });
      }
      this.#worst = new Heap(worstFirst, lines);
    }
  }
}
