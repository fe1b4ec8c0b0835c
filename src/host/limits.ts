/** Bounds of the HTTP server of a node and of a launcher; tests take smaller ones. Times are milliseconds, sizes bytes. */
export const httpLimits = {
  /** A block of 4 million weight units is 8 MB of hex; twice that leaves room for a batch. */
  bodyBytes: 16 * 1024 * 1024,
  /** Requests that are being read and answers that are not sent yet, of all calls together. */
  heldBytes: 128 * 1024 * 1024,
  /** Beyond them the oldest idle connections without the cookie are closed (host/http/places.ts). */
  connections: 512,
  newcomers: 1_024,
  /** Calls at work at the same time; Core answers 503 beyond its work queue too. */
  calls: 64,
  streams: 32,
  /** Headers must be whole so soon after the connection or the request begins, and the body so soon. */
  headersMs: 5_000,
  requestMs: 30_000,
  /** How often those two are looked at. */
  checkMs: 1_000,
  keepAliveMs: 60_000,
  /** A client that takes nothing of its answer for so long loses the connection. */
  replyMs: 60_000,
  /** How long `close` lets running calls finish before it cuts them off. */
  closeGraceMs: 2_000,
} as const;

/** Bounds of one answer. */
export const rpcLimits = {
  /** Requests in one batch; Core has no bound, but a batch holds the server for as long as it runs. */
  batch: 1_000,
  /** Characters of all answers of one batch together; what comes after gets an error instead. */
  batchReply: 64 * 1024 * 1024,
} as const;

/** Bounds of one event stream. */
export const streamLimits = {
  /** A reader that lets this much pile up is cut off; it may come back with Last-Event-ID. */
  backlogBytes: 2 * 1024 * 1024,
  /** What is replayed waits for the reader when this much is unsent. */
  replayBytes: 256 * 1024,
  /** Events of the log that are replayed in one go. */
  replayEvents: 500,
  /** A comment line in silent times, so that both ends notice a dead connection. */
  heartbeatMs: 15_000,
  /** A reader that takes nothing for so long is cut off. */
  deafMs: 60_000,
} as const;

/** Bounds of the host: what grows because of outside data and is kept outside the node (its own are in node/limits.ts). */
export const hostLimits = {
  /**
   * Signatures remembered as valid, about 100 bytes each. Sixteen full blocks' worth of spends: a mempool's signatures
   * are still there when its transactions come in a block.
   */
  signatureCacheEntries: 65_536,

  // ---- store ----
  /** LevelDB's cache of uncompressed blocks of records. */
  storeCacheBytes: 16_000_000,
  /** What LevelDB gathers in memory (up to twice) and in its log before it sorts it into a table. */
  storeWriteBufferBytes: 8_000_000,
  /** Records, and about how many bytes, that a range read brings at a time. */
  storeReadRows: 1_000,
  storeReadBytes: 1_000_000,

  /** Bytes of LevelDB's tables that are read whole before it opens, a fifth of a second; of others the index alone. */
  openingTableBytes: 64_000_000,
  /** Coins that an opening reads to compare them with their sums, besides what is left of a shard: a quarter of a second. */
  openingCoins: 100_000,

  /** Records handed to LevelDB at a time: a few milliseconds. */
  storeWriteRows: 2_000,

  // ---- driver ----
  /** Frames of one peer that wait for their step; above it the peer's stream is not read. */
  queuedFramesPerPeer: 32,
  /** Gossip messages of one peer that wait for their step; more are ignored unread (net/limits.ts stops reading long before). */
  queuedGossipPerPeer: 2_000,
  /** Commands that wait for their step; more are refused. */
  queuedCommands: 1_000,
  /** Signature checks verified ahead of one piece of connecting: a little more than a piece of payments holds. */
  warmChecks: 400,
  /** The time after which the other inputs get a turn. */
  warmMs: 5,

  /** Steps that a closing driver still makes to tell a tip that is on disk: full blocks take some dozens. */
  closingSteps: 200,

  // ---- helpers that check signatures ----
  /** Threads, however many cores there are: one main thread cannot feed more. */
  helperThreads: 3,
  /** Slots of checks that are offered to them at a time: a little more than the node looks ahead. */
  helperSlots: 128,
  /** Unknown signatures from which on helpers are worth their start (25 ms, 8 MB each). */
  helperChecks: 200,
  /** Helpers that have nothing to do for so long are let go. */
  helperIdleMs: 10_000,
  /** A helper that dies so often is not replaced. */
  helperDeaths: 3,

  // ---- miners that share a thread ----
  /** Hashes a second up to which a miner shares its thread with others of the process. */
  crewSeatRate: 200_000,
  /** All miners of a thread together may ask for this part of what it hashes. */
  crewShare: 1 / 4,

  // ---- recordings ----
  /** A recording ends at this size; said when it begins. */
  recordingBytes: 512_000_000,
  /** Records of which the recorder remembers that the file has them. */
  recordingKeys: 200_000,

  // ---- event log ----
  /** Events kept in memory. */
  logRing: 20_000,
  /** A log file is put aside at this size; one older file is kept. */
  logFileBytes: 64_000_000,
  /** Lines wait so long for others, to go to the file together: a node in sync tells thousands a second. */
  logGatherMs: 20,
  /** Lines that wait for a slow disk; beyond it the oldest are given up, with a note. */
  logBacklogBytes: 16_000_000,
  /** Events read from the file in one call. */
  logReadEvents: 5_000,
} as const;
