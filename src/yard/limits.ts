/** The bounds of what a person may ask of a yard; the same on every face. */

/** As far as a node lets its clock be set off (RPC setclock). */
export const MAX_CLOCK_MS = 100 * 86_400_000;
/** Blocks that one `mine` mines. */
export const MAX_MINED = 100_000;
/** Blocks that a `reorg` of every node undoes; further back nodes do not fetch a branch. */
export const MAX_UNDONE = 100;
/** Depth of a `reorg` between two sides, and the lead of any. */
export const MAX_REORG = 1_000;
export const MAX_THREADS = 256;
