/** Bounds of the page's server. */
export const pageLimits = {
  /** An action with its fields is far below this. */
  bodyBytes: 16 * 1024,
  /** Actions at work at the same time. */
  actions: 8,
  streams: 16,
  /** Beyond them the oldest idle connections are closed (host/http/places.ts). */
  connections: 256,
  newcomers: 1_024,
  /** Headers must be whole so soon after the connection or the request begins, and the body so soon. */
  headersMs: 5_000,
  requestMs: 30_000,
  /** How often those two are looked at. */
  checkMs: 1_000,
  /** A client that takes nothing of a file or of the log for so long loses the connection. */
  replyMs: 30_000,
  /** Logs that are being sent at the same time. */
  logs: 8,
  /** What of the log's end a page is given at first: about 100,000 events. */
  logBytes: 24 * 1024 * 1024,
  /** How long one answer about the nodes is good for all pages. */
  nodesMs: 700,
  /** Sign of life on every stream; a page that misses three calls the yard silent. */
  aliveMs: 2_000,
  /** Reorganisations mine blocks and wait for agreement. */
  actionMs: 600_000,
} as const;
