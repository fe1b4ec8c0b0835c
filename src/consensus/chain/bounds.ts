/** Memory, and how much one batch of a long sync holds. */
export interface ChainBounds {
  /** Coins in the read cache. */
  readonly coins: number;
  /** Wire bytes of recent bodies kept parsed; a parsed body takes about ten times as much. */
  readonly bodyBytes: number;
  /** Weight connected before a pure extension is written, though its goal is not reached. */
  readonly pieceWeight: number;
  /** Wire bytes of bodies that wait for the next durable batch. */
  readonly heldBytes: number;
}

export const CHAIN_BOUNDS: ChainBounds = {
  coins: 50_000,
  bodyBytes: 8_000_000,
  pieceWeight: 4_000_000,
  heldBytes: 4_000_000,
};
