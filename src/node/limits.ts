/**
 * Every bound of the node on one page. Times are microseconds, sizes bytes, unless a name says otherwise.
 * A test may pass smaller ones through `NodeOptions.limits`; nothing else in the node carries a number of its own.
 */
const millisecond = 1_000;
const second = 1_000 * millisecond;
const minute = 60 * second;
const hour = 60 * minute;

export const limits = {
  // ---- one step ----
  /** Block weight connected or disconnected in one step: about 350 payments, 20 ms with native signatures. */
  connectWeightPerStep: 200_000,
  /** Weight of blocks whose payments leave the mempool (or come back to it) in one step, after the tip has moved. */
  settleWeightPerStep: 1_000_000,
  /** ... and bytes of blocks for which that happens in the very step that moves it. */
  settleBytesAtOnce: 100_000,
  /** Rows from which on the batch of a longer chain is written before the tip is shown: tens of milliseconds. */
  batchAheadRows: 4_000,
  /** Weight of returned transactions that pass admission again in one step. */
  readmitWeightPerStep: 100_000,
  /** Signature checks handed to the host ahead: those of the next piece, and as many for other threads meanwhile. */
  prefetchChecks: 800,
  /** Transactions whose checks are made ready ahead in one go: 2 ms, four times that while the code is cold. */
  prefetchPrepared: 200,
  /** Bytes of blocks read from disk and sent in one step, over all peers (one block is always sent). */
  serveBytesPerStep: 2_000_000,
  /** Headers judged in one step: about 3 ms, four times that while the code is cold. */
  headersPerStep: 150,
  /** Bytes of a block read or hashed in one step, by a node that has more to do: a 1 MB block takes about a dozen. */
  checkBytesPerStep: 150_000,
  /** Bytes of blocks that are being checked; what comes beyond it is checked in the step that brings it. */
  checkingBytes: 24_000_000,
  /** Headers or blocks whose time has come, judged again in one step. */
  rejudgePerStep: 4,

  // ---- wire ----
  protocolVersion: 1,
  /** A block of 4,000,000 weight units is at most 4,000,000 bytes; the rest is the frame's type byte. */
  maxFrameBytes: 4_000_100,
  /** gossipsub itself refuses 4 MiB; above this a block is announced by its header and pulled. */
  maxGossipBytes: 1_048_576,
  /** Largest transaction we take from a peer (Core: MAX_STANDARD_TX_WEIGHT is 400,000). */
  maxTxBytes: 400_000,
  maxNameBytes: 32,
  maxLocator: 64,
  maxHeadersPerMessage: 2_000,
  maxBlocksPerRequest: 16,
  maxTxsPerRequest: 64,
  maxInv: 1_000,
  /** Transactions in a compact announcement: no valid block has as many (the smallest transaction weighs 252). */
  compactTxs: 20_000,
  /** Of these, sent whole: an honest node sends the coinbase. */
  compactPrefilled: 64,

  // ---- peers ----
  maxPeers: 125,
  /** A peer starts with this score; faults take points, time gives them back. */
  scoreFull: 100,
  /** Points given back per minute. */
  scoreRefillPerMinute: 5,
  banMs: 10 * 60 * 1000,
  /** Hello must come within this time of joining: a link may be told to delay by a minute. */
  helloTimeout: 75 * second,
  /** An answer may take so much longer than its time as the peer is far away, by hello and pings, up to this. */
  maxRoundTrip: 150 * second,
  /** Frames: a token bucket. Beyond it a frame is dropped unread and costs points. */
  framesBurst: 4_000,
  framesPerSecond: 1_000,
  /** Gossip messages of one peer, likewise; beyond it they are ignored unread. */
  gossipBurst: 20_000,
  gossipPerSecond: 5_000,
  pingEvery: 20 * second,
  /** Nothing heard for so long after a ping: the peer is dropped, not banned. */
  pingTimeout: 60 * second,
  /** Tip probes: each `probeEvery` ± `probeJitter` one peer hears our tip. */
  probeEvery: 30 * second,
  probeJitter: 10 * second,
  /** Blocks of one peer that passed `context` and failed `connect`, before its blocks are judged after connect. */
  badConnectBudget: 4,
  /** Getheaders of one peer that wait for their turn to be served. */
  servedRequestsPerPeer: 8,
  /** Block and transaction ids of one peer that wait to be served. */
  servedBlocksPerPeer: 256,
  servedTxsPerPeer: 1_024,
  /** Bytes of bodies sent to one peer: a token bucket, so that one peer cannot have our disk to itself. */
  serveBytesPerSecond: 64_000_000,

  // ---- header sync ----
  /** Headers of one peer kept outside the tree until their branch has enough work. */
  headerBufferPerPeer: 50_000,
  /** ... and over all peers, before a new one is given up (250 bytes each). */
  headerBufferTotal: 100_000,
  /** A longer branch is measured first: 32 bytes kept for each of so many answers (10 million headers). */
  presyncAnswers: 5_000,
  /** Header syncs begun with one peer: a token bucket, so that unknown parents cannot make us ask without end. */
  syncStartsBurst: 8,
  syncStartsPerSecond: 1,
  /** A branch within this many blocks' work of our tip may enter the tree; a fork within as many blocks may be fetched. */
  nearTipBlocks: 144,
  /** New headers that do not beat our tip and enter the tree: per peer, a token bucket. */
  sideHeadersBurst: 1_000,
  sideHeadersPerMinute: 60,
  /** ... and over all peers, as many as in a ration that grows with each block of the active chain. */
  sideHeadersTotal: 2_000,
  sideHeadersPerBlock: 14,
  /** Bytes of their bodies, likewise: fifty full blocks, then half of one for each block of the active chain. */
  sideBytesTotal: 200_000_000,
  sideBytesPerBlock: 2_000_000,
  headersTimeout: 15 * second,
  /** `time-too-new` headers that wait for their time, over all peers. */
  futureHeaders: 64,
  /** ... and how many of them may come from one peer. */
  futureHeadersPerPeer: 8,
  /** The wall clock moved by so much against the monotonic one: it is news, and every peer's tip is looked at again. */
  clockStep: 1 * second,
  /** Further ahead than this a header is not worth keeping. */
  futureHorizonSeconds: 4 * 3_600,
  /** Bodies kept with them, over all peers; without room only the header is kept. */
  futureBlockBytes: 8_000_000,

  // ---- GHOST, which is for experiments (consensus/tree/fork-choice-rules.ts) ----
  /** Headers of all branches are told from so many blocks below the fork on. */
  ghostBelowFork: 24,
  /** Blocks that one peer has told of and whose bodies are not here. */
  ghostTold: 20_000,

  // ---- body download ----
  /** Bodies from the first missing one on that may be asked for. */
  downloadWindow: 1_024,
  /** Bodies asked of one peer and not yet here: at 400 ms one way still 160 blocks a second from each peer. */
  inFlightPerPeer: 128,
  /** No body at all for so long: the peer loses points, and its part is asked of others. */
  blockTimeout: 10 * second,
  /** A window held up for so long by one peer: another one that is idle is asked too. */
  stealAfter: 2 * second,
  /** Peers that said `notfound` for a body, or sent a bad one, are not asked for it again for this long. */
  notFoundPause: 10 * second,
  /** An announced block that gossip carries is not asked for before this time. */
  gossipGrace: 250 * millisecond,
  graceBlocks: 64,

  // ---- gossip ----
  /** `accept` a block whose work is at least the tip's minus so many blocks' work. */
  gossipAcceptDepth: 6,
  /** Gossip verdicts held back until connect (peers over their budget). */
  heldVerdicts: 16,
  /** gossipsub forgets a message soon after: a verdict that comes later than this helps nobody. */
  heldVerdictTimeout: 2 * second,
  /** A block below this travels whole: short ids would save little, and may cost a round trip. */
  compactFromBytes: 10_000,
  /** Compact announcements on their way to a block at a time; further ones are fetched as whole blocks. */
  compactPending: 8,
  /** Missing transactions must be here by then (beside the round trip), or the whole block is asked for. */
  compactTimeout: 2 * second,
  /** ... of which so much may be counted: whoever is further away would be better asked for the whole block at once. */
  compactRoundTrip: 2 * second,
  /** Announced blocks that could not be put together: they are fetched whole. */
  compactFailed: 256,
  /** Single transactions of blocks are served for so many blocks below the tip (Core: MAX_BLOCKTXN_DEPTH). */
  compactServeDepth: 10,
  /** Block ids remembered with who brought them, and what gossip carries. */
  blockOrigins: 4_096,
  /** Refusals in connect remembered for local callers. */
  keptRefusals: 64,
  /** Initial sync: the best header is more than so many blocks above the tip. */
  initialSyncBlocks: 24,
  /** ... its blocks are connected together, so long after the last ones or when there are so many: a batch, a disk sync. */
  syncGather: 50 * millisecond,
  syncGatherBlocks: 500,

  // ---- mempool and orphans ----
  /** Memory that the pool may use (Core: -maxmempool, 300 MB). */
  mempoolBytes: 50_000_000,
  mempoolExpiry: 336 * hour,
  /** Core: DEFAULT_ANCESTOR_LIMIT, DEFAULT_DESCENDANT_LIMIT, and their sizes in vbytes. */
  mempoolAncestors: 25,
  mempoolAncestorVbytes: 101_000,
  mempoolDescendants: 25,
  mempoolDescendantVbytes: 101_000,
  /** Transactions that one replacement may evict (BIP125 rule 5). */
  mempoolReplacements: 100,
  /** Satoshis per 1,000 vbytes (Core: DEFAULT_MIN_RELAY_TX_FEE, DEFAULT_INCREMENTAL_RELAY_FEE, DUST_RELAY_TX_FEE). */
  minRelayFeeRate: 1_000,
  incrementalFeeRate: 1_000,
  dustRelayFeeRate: 3_000,
  /** Transactions of disconnected blocks that wait for readmission, in bytes; the deepest children are given up first. */
  returnedBytes: 20_000_000,
  /** Rows of transactions that nobody was promised gather for so long, or until there are so many: one batch for all. */
  poolRowsGather: 100 * millisecond,
  poolRows: 500,
  /** What all orphans may cost, and those of one peer: one each, and one more for every ten inputs (node/mempool/orphans.ts). */
  orphanTxs: 100,
  orphanTxsPerPeer: 50,
  orphanTxBytes: 100_000,
  orphanExpiry: 5 * minute,
  /** Refused transaction ids that we remember not to judge again until the tip changes. */
  recentRejects: 10_000,
  /** Orphans whose parent came, judged in one step. */
  orphansPerStep: 16,
  /** How often expired transactions and orphans are looked for. */
  expireEvery: 1 * minute,
  /** Transactions asked of one peer, per second (burst: `maxInv`), and ids asked for over all. */
  invFetchPerSecond: 500,
  txsAsked: 10_000,
  /** ... and of one peer: an answer to any of them, however late, is no offence. */
  txsAskedPerPeer: 4_000,
  /** A transaction asked for and not come may be asked of another peer. */
  txTimeout: 5 * second,
  /** A peer is told the mempool by id: `maxInv` at first, then so many, as fast as it may ask for them. */
  poolTellIds: 500,
  poolTellEvery: 1 * second,
  /** Our own transactions are told again by inv after this time: gossip should have carried them by then. */
  invDelay: 1 * second,

  // ---- mining ----
  /** Jobs kept so that a nonce found late still makes its block. */
  keptJobs: 4,
  /** A pool of so many is looked through for a block in one step; a larger one in pieces. */
  templateAtOnce: 1_000,
  /** ... unless members left it meanwhile so many times in a row. */
  templateTries: 3,
  /** The mempool changed: a new job at most this often. */
  jobRefresh: 1 * second,
  /** Nothing changed: the job's time moves on this often. */
  jobTimeRefresh: 5 * second,
  /** Weight kept free in a template for header and coinbase (Core: DEFAULT_BLOCK_RESERVED_WEIGHT). */
  templateWeight: 3_992_000,

  // ---- news ----
  /** Block references in one `reorg` news; its depth and length are exact. */
  newsRefs: 64,
  /** Transaction ids in one `connected` news. */
  newsTxids: 5_000,
  /** `tx-refused` and `fault` news are told at most so many times a second (burst: ten times as many). */
  newsRefusalsPerSecond: 20,

  // ---- the host's queues towards the node ----
  /** Inputs that wait for their step, over all peers; above it the peers' streams are not read. */
  queuedInputs: 2_000,
  queuedInputBytes: 64_000_000,
  /** What waits in memory to go out to one peer, before the peer is dropped as too slow. */
  sendQueueBytes: 12_000_000,
} as const;

export type Limits = { readonly [K in keyof typeof limits]: number };
