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
