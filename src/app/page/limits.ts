/** Bounds of the page's server. */
export const pageLimits = {
  /** An action with its fields is far below this. */
  bodyBytes: 16 * 1024,
  /** Actions at work at the same time. */
  actions: 8,
  streams: 16,
  connections: 64,
  headersMs: 10_000,
  requestMs: 30_000,
  /** What of the log's end a page is given at first: about 100,000 events. */
  logBytes: 24 * 1024 * 1024,
  /** How long one answer about the nodes is good for all pages. */
  nodesMs: 700,
  /** Reorganisations mine blocks and wait for agreement. */
  actionMs: 600_000,
} as const;
