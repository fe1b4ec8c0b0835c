import { limits } from '../../node/limits.ts';

/**
 * Every bound and every waiting time of the peer-to-peer host on one page (times in milliseconds, sizes in
 * bytes). A peer that exceeds one costs us that much and no more.
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

  /** A frame begun must be whole by then. */
  frameMs: 30_000,
  /** Unsent frames of one peer, of which the node makes no more above the window; beyond it the peer is dropped. */
  writeQueueBytes: limits.sendQueueBytes,
  writeQueueFrames: 20_000,
  /** Bytes that wait for one peer to read (net/outflow.ts): above it the node gives it no answers. */
  sendWindowBytes: 2 << 20,
  /** ... and for all peers. Above it only peers that have read everything get answers, and above twice as much nobody. */
  sendTotalBytes: 40 << 20,
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
  /**
   * yamux may grow its window to this (36 MB/s at 220 ms round trip); a paused stream holds at most two
   * windows.
   */
  streamWindowBytes: 8 << 20,

  /** Bytes under way in a delayed link before writers are told to wait. */
  delayedBytes: 16 << 20,
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
  unpublishedBytes: 16 << 20,
  /** Messages of one peer that wait for a verdict, and of all: beyond them its gossip is not read until half are judged. */
  waitingPerPeer: 16,
  waitingInAll: 1_000,
  /** One frame may bring so many at once; beyond it they are ignored unread. */
  unjudged: 2_000,
  unjudgedBytes: 32 << 20,
  judgeMs: 10_000,
  /** Gossip frames (RPCs) of one peer: lasting rate a second, and burst. */
  gossipRate: 2_000,
  gossipBurst: 20_000,
  /** A peer's gossip stream that holds so much unsent is reset by gossipsub, then hung up by us. */
  gossipBufferBytes: 4 << 20,

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
