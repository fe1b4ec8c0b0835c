import { limits } from '../../node/limits.ts';

/**
 * Every bound and every waiting time of the peer-to-peer host on one page (times in milliseconds, sizes in
 * bytes). A peer that exceeds one costs us that much and no more.
 *
 * What all peers together can make the receiving side keep, if each bound were reached at once: 444 MB
 * (test/host/network-bounds.test.ts computes it). An attack reaches some: test/long/besieged.test.ts measures them.
 */
export const netLimits = {
  /** A wanted peer is dialled this often, for ever; never more often. */
  retryMs: 500,
  dialTimeoutMs: 5_000,
  parallelDials: 8,
  /** An address is called unreachable in the log after so long, once per outage. */
  unreachableAfterMs: 5_000,
  /** Of two connections to one peer the older counts as dead once it is this old (see net/gate.ts). */
  duplicateMs: 2_000,

  /** The sync stream must be open this soon after the connection. */
  syncOpenMs: 10_000,
  /** `joined` waits this long for gossip to be ready too, then goes without. */
  gossipReadyMs: 1_500,
  /** A connection whose gossip stream is missing for so long is hung up, so that a redial makes a new one. */
  gossipDeadMs: 8_000,
  /**
   * How long both sides may learn that they are of different networks before the connection is cut. A machine that is
   * busy with many nodes stands still for longer than a moment, and who was hung up on learns nothing.
   */
  foreignGraceMs: 3_000,
  foreignBanMs: 60_000,
  /**
   * yamux pings so often: it learns the round trip, on which the growth of its window hangs, and proves
   * life.
   */
  pingMs: 5_000,
  /** A peer silent for so long is gone. */
  silenceMs: 45_000,
  sweepMs: 500,

  /**
   * A frame begun this long ago must have come in at this pace (the slowest link has 125 bytes a second), and not have
   * stopped for so long.
   */
  frameMs: 30_000,
  frameBytesPerSecond: 20,
  /** A peer that was asked for no block sends no larger frame than a transaction. */
  unaskedFrameBytes: limits.maxTxBytes + 100,
  /** Half frames of all peers: beyond it the one that makes least progress is hung up on ... */
  halfFrameBytes: 16 << 20,
  /** ... unless it is smaller than this. */
  smallFrameBytes: 64 << 10,
  /** Unsent frames of one peer, of which the node makes no more above the window; beyond it the peer is dropped. */
  writeQueueBytes: limits.sendQueueBytes,
  writeQueueFrames: 20_000,
  /** Bytes that wait for one peer to read (net/outflow.ts): above it the node gives it no answers. */
  sendWindowBytes: 1 << 20,
  /** ... and for all peers. Above it only peers that have read everything get answers, and above twice as much nobody. */
  sendTotalBytes: 8 << 20,
  /** What a frame in a queue costs besides its bytes. */
  frameCost: 256,
  /** A peer may read nothing for so long, though something waits for it: usually, and when all hold too much. */
  writeStallMs: 120_000,
  crowdedStallMs: 5_000,
  /** A link whose peer does not read what nobody can hold back (answers of yamux to its pings) ends at this. */
  linkBufferBytes: 16 << 20,
  /**
   * More than this is not given to the stream at once: a stream's 'drain' comes while 100 MB still wait in
   * it.
   */
  streamBufferBytes: 1 << 20,
  /** Small frames are put together up to this size: yamux and noise cost per call. */
  coalesceBytes: 64 << 10,
  /** yamux begins with this window, and the specification allows no smaller one. */
  firstWindowBytes: 256 << 10,
  /** ... and may grow it to this (36 MB/s at 220 ms round trip), as far as the pool for all streams goes. */
  streamWindowBytes: 8 << 20,
  windowPoolBytes: 16 << 20,
  /** What comes in on all links takes the thread for so long at once. */
  receiveTurnMs: 10,
  /** Streams that a peer may open, and we. */
  streamsPerPeer: 16,
  /** ... and how often: a token bucket, beyond which the connection ends. */
  opensBurst: 64,
  opensPerSecond: 8,
  /** What libp2p keeps of a stream between its opening and its first reader. */
  readBufferBytes: 512 << 10,
  /** What a peer may send on a stream before its protocol is chosen, or where nobody reads: bytes, frames. */
  idleStreamBytes: 4 << 10,
  idleStreamFrames: 128,
  /** ... and as its answer to identify. */
  identifyBytes: 96 << 10,
  identifyFrames: 400,
  /** yamux frames of a peer, of whatever size: a token bucket, beyond which the connection ends. */
  framesBurst: 30_000,
  framesPerSecond: 10_000,
  /** yamux pings of a peer that are answered: a token bucket. */
  pingsBurst: 20,
  pingsPerSecond: 2,

  /** Bytes under way in a delayed link before writers are told to wait. */
  delayedBytes: 16 << 20,
  /** A slow link hands on what comes in so long, or one segment. */
  pieceMs: 250,
  maxDelayMs: 60_000,
  /** Slower than a telegraph is no network; faster than this a timer cannot shape. */
  minBitsPerSecond: 1_000,
  maxBitsPerSecond: 10_000_000_000,
  /** Messages of one peer that a held link or a one-way cut keeps; beyond it the connection ends. */
  heldMessages: 20_000,
  heldBytes: 64 << 20,
  /** One measurement of a link, and probes in it. */
  probeMs: 20_000,
  probeEveryMs: 20,
  probesPerStream: 64,

  /** Gossip that could be published to nobody yet. */
  unpublished: 64,
  unpublishedBytes: 4 << 20,
  /** Messages of one peer that wait for a verdict, and of all: beyond them its gossip is not read until half have one. */
  waitingPerPeer: 16,
  waitingInAll: 1_000,
  /** ... and their bytes. */
  waitingBytesPerPeer: 1 << 20,
  waitingBytesInAll: 16 << 20,
  judgeMs: 10_000,
  /** Messages in one frame; a frame with more is malformed. */
  gossipMessagesPerFrame: 1_000,
  /** Message ids in the IHAVE and in the IWANT lists of a frame that are looked at. */
  gossipIdsPerFrame: 200,
  /** Bytes of messages that gossipsub gets at once (one message is always given). */
  gossipPartBytes: 256 << 10,
  /** Gossip of one peer in messages (gossip-inbound.ts says what counts as one): lasting rate a second, and burst. */
  gossipRate: 5_000,
  gossipBurst: 20_000,
  /** Who has sent more is not read for so long at least. */
  holdBackMs: 20,
  /** Held back for so long by that rate, with no message that was accepted: a flood. */
  floodMs: 5_000,
  /** Reading gossip takes the thread for so long at once, then leaves it for as long. */
  gossipTurnMs: 5,
  /** Message ids that gossipsub remembers, about 0.7 kB each, and messages that it keeps to pass them on. */
  gossipIds: 40_000,
  gossipCacheBytes: 16 << 20,
  /** IDONTWANT ids of one peer in a heartbeat; gossipsub keeps them for `mcacheLength` heartbeats. */
  idontwantPerBeat: 64,
  /** A PRUNE counts for so long at most. */
  pruneBackoffSeconds: 60,
  /** A peer's gossip stream that holds so much unsent is reset by gossipsub, then hung up by us. */
  gossipBufferBytes: 8 << 20,
  /** ... and all together: beyond it the worst is hung up on. */
  gossipUnsentBytes: 64 << 20,

  /** Connections whose handshake is under way, how soon the first byte must come, and the whole of it. */
  pendingConnections: 1_024,
  firstByteMs: 3_000,
  handshakeMs: 10_000,
  /** What may come in before the handshake has ended, in bytes and in pieces. */
  handshakeBytes: 64 << 10,
  handshakePieces: 256,
  /** Places that only named peers and those that we dial may take (of a small network a quarter). */
  reservedPlaces: 8,
  /** Peers that may be named to have a place though we do not dial them. */
  namedPeers: 1_000,
  /** Who keeps a place when another peer needs one (net/eviction.ts; Core protects 8, 4 and 4 + 8). */
  keepNear: 8,
  keepTx: 4,
  keepBlock: 8,
  graceMs: 5_000,
  /** What libp2p keeps of peers, connected or not. */
  peerRows: 256,
  peerRowBytes: 4 << 20,

  /** Demerits fade by half in this time; at `banAt` a peer is banned. */
  demeritHalfLifeMs: 300_000,
  banAt: 100,
  banMs: 600_000,
  /** Peers remembered, banned or with demerits. */
  remembered: 1_000,
} as const;

/** Points on the scale of `banAt`; gossipsub's `appSpecificScore` is their negative sum. */
export const demerits = {
  rejectedMessage: 20,
  malformedGossip: 50,
  brokenFraming: 100,
  /** It asks and does not read: the second time within minutes it is banned. */
  deaf: 60,
  flood: 100,
} as const;
