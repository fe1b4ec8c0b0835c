/** What a stranger may do to honest nodes; how is in stranger.ts. */
export const LIES = [
  /** A block that breaks one rule of the table, by gossip. */
  'bad-block',
  /** The same, offered as its tip and handed out when asked. */
  'bad-sync',
  /** Headers with more work, the first of them a block that fails when its coins are looked at. */
  'bad-branch',
  /** Another body under an honest header, before the honest one. */
  'mutated-body',
  /** Two blocks at one height, each to one half. */
  'equivocate',
  /** A private branch, shown all at once. */
  'withhold',
  /** A valid header whose body never comes. */
  'no-body',
  /** A body that comes only when everybody has given up waiting. */
  'late-body',
  /** A hello that claims immense work, and nothing behind it. */
  'work-claim',
  /** A valid block with a time near the future bound, or beyond it. */
  'future-time',
  /** Frames of any bytes. */
  'garbage',
  /** Well-formed frames, far too many. */
  'flood',
  /** Requests without end. */
  'requests',
  /** Blocks whose parent nobody has. */
  'orphan-blocks',
  /** Payments whose coins nobody has. */
  'orphan-txs',
  /** One coin spent twice, to different nodes. */
  'double-spend',
  /** Payments that break a rule. */
  'bad-tx',
] as const;

/** Lies about blocks that are announced by short transaction ids; how is in compact-lies.ts. Drawn apart from the others. */
export const COMPACT_LIES = [
  /** An honest header over ids that are not those of its transactions: others, twice one, too few, far too many. */
  'short-ids',
  /** Right ids of transactions that nobody has, which are then not delivered, or too late, or other ones. */
  'missing-txs',
  /** A block that breaks a rule, announced in due form. */
  'bad-compact',
  /** One block announced again and again with other nonces, right and wrong, and whole. */
  'two-nonces',
  /** An announcement that breaks off, or goes on after its end. */
  'cut-short',
  /** Under the header of a block that is here already, others do not have it yet. */
  'known-header',
  /** Transactions sent along that are not the block's, or at places that there are not. */
  'prefilled',
  /** Transactions of blocks asked for without end, and sent without being asked for. */
  'txs-asked',
] as const;

export type CompactLie = (typeof COMPACT_LIES)[number];
export type Lie = (typeof LIES)[number] | CompactLie;

export function isCompactLie(lie: Lie): lie is CompactLie {
  return (COMPACT_LIES as readonly string[]).includes(lie);
}
