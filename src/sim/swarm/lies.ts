/** What a stranger may do to honest nodes; how is in hostile.ts. */
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

export type Lie = (typeof LIES)[number];
