/** Bugs that were planted on purpose: each a change of one place of the source, and within how many lives it is found. */
export interface Planted {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Seeds 1 … `within` are enough. */
  readonly within: number;
}

export const PLANTED: readonly Planted[] = [
  {
    name: 'a body need not match the merkle root of its header',
    file: 'consensus/validate/check.ts',
    from: 'if (root[i] !== header.merkleRoot[i]) {',
    to: 'if (root[i] !== header.merkleRoot[i] && root.length === 0) {',
    within: 50,
  },
  {
    name: 'a reorg does not give all coins back that its blocks had spent',
    file: 'consensus/chain/connect-task.ts',
    from: 'this.overlay.add(outpointKey(tx.inputs[i]!.prevout), coin);',
    to: 'if (t !== 1) this.overlay.add(outpointKey(tx.inputs[i]!.prevout), coin);',
    within: 50,
  },
  {
    name: 'at equal work the later block wins',
    file: 'consensus/tree/fork-choice-rules.ts',
    from: 'if (aIsTip !== bIsTip) return aIsTip ? 1 : -1;',
    to: 'if (aIsTip !== bIsTip) return aIsTip ? -1 : 1;',
    within: 50,
  },
  {
    name: 'payments of blocks that a reorg undid are forgotten',
    file: 'node/mempool/mempool.ts',
    from: 'this.#return(waiting, now, wallS, returned, lost, removed);',
    to: "if (waiting.from !== 'block') this.#return(waiting, now, wallS, returned, lost, removed);",
    within: 50,
  },
  {
    name: 'what was asked of a peer that left is never asked of another',
    file: 'node/sync/download.ts',
    from: 'if (this.#asked.get(key) === peer) this.#asked.delete(key);\n    peer.bodies.inFlight.clear();',
    to: 'this.#asked.has(key);',
    within: 120,
  },
  {
    name: 'orphan payments have no bound',
    file: 'node/mempool/orphans.ts',
    from: 'while (this.#cost > orphanTxs) this.#giveUpOldest',
    to: 'while (this.#cost < 0) this.#giveUpOldest',
    within: 120,
  },
  {
    name: 'an answer that comes too late is an offence',
    file: 'node/sync/headers.ts',
    from: 'if (message.id >= state.nextId || message.id === 0) {',
    to: 'if (message.id >= 0) {',
    within: 60,
  },
  {
    name: 'children of a condemned block are not condemned with it',
    file: 'consensus/tree/tree.ts',
    from: 'if (below !== entry) below.badAncestor = true;',
    to: 'if (below === entry) below.badAncestor = false;',
    within: 60,
  },
  {
    name: 'effects come before the batch is durable',
    file: 'node/fullnode.ts',
    from: 'durable: context.own || chain.durable }',
    to: 'durable: false && (context.own || chain.durable) }',
    within: 50,
  },
  {
    name: 'a coinbase may be spent one block too early',
    file: 'consensus/validate/spend.ts',
    from: 'at.height - coin.height < at.maturity',
    to: 'at.height - coin.height + 1 < at.maturity',
    within: 50,
  },
  {
    name: 'chance that is not of the seed',
    file: 'node/fullnode.ts',
    from: 'random: seeded(o.seed),',
    to: 'random: seeded(((globalThis as any).lives = ((globalThis as any).lives ?? 0) + 1)),',
    within: 80,
  },
  {
    name: 'a mutated body condemns the honest block',
    file: 'consensus/params/rules.ts',
    from: "condemns: condemns === 'condemns',",
    to: "condemns: condemns === 'condemns' || rung === 'check',",
    within: 400,
  },
  {
    name: 'a coinbase may claim what it likes',
    file: 'consensus/validate/connect-block.ts',
    from: 'if (claimed <= allowed) return undefined;',
    to: 'if (claimed <= allowed + 2_000) return undefined;',
    within: 50,
  },
  {
    name: 'signatures in blocks are not looked at',
    file: 'consensus/validate/connect-block.ts',
    from: 'if (invalid !== undefined)\n    return { rule: scriptRule',
    to: "if (invalid === 'never')\n    return { rule: scriptRule",
    within: 400,
  },
  {
    name: 'an announcement that waits for its transactions is never judged',
    file: 'node/blocks/compact-relay.ts',
    from: 'if (pending.judgeBy <= now) this.#judgeIgnore(pending);',
    to: 'if (pending.judgeBy <= now) pending.ticket = undefined;',
    within: 50,
  },
  {
    name: 'who announces a block and never delivers keeps it from us for good',
    file: 'node/sync/download.ts',
    from: '(this.#grace.get(key) ?? 0) > now) continue;',
    to: 'this.#grace.has(key)) continue;',
    within: 50,
  },
  {
    name: 'what comes under the header of a block that is here is passed on unread',
    file: 'node/blocks/compact-relay.ts',
    from: "this.#context.effect({ kind: 'judge', ticket, verdict: 'ignore' });\n      return;",
    to: "this.#context.effect({ kind: 'judge', ticket, verdict: 'accept' });\n      return;",
    within: 80,
  },
  {
    name: 'the transactions of an announced block are not counted when they come',
    file: 'node/blocks/compact-relay.ts',
    from: 'if (message.count !== pending.asked) {',
    to: 'if (message.count > pending.asked) {',
    within: 60,
  },
  {
    name: 'a body that does not fit its header counts as one that is still being looked at',
    file: 'node/blocks/intake.ts',
    from: 'this.#download.checking(hash, false);',
    to: 'this.#download.checking(hash, !sane.ok);',
    within: 400,
  },
];
