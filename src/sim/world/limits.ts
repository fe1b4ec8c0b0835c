/** Bounds of an invented world: what it keeps beside its nodes, and the constants of its network. Times in microseconds. */
export const simLimits = {
  /** Signatures whose answer is remembered for all nodes. */
  signatures: 50_000,
  /** Blocks that are kept read and checked for all nodes: about what is on its way at one time. */
  readBlocks: 2_048,
  /** Gossip messages known by content, so that the same bytes from two publishers are one message. */
  gossipKnown: 4_096,
  /** Inputs that wait for a node that stands still; beyond it the sender's connection breaks, as a full TCP window does in the end. */
  frozenInputs: 20_000,
  /** Messages held on one direction of a link that is cut one way. */
  heldMessages: 20_000,
  /** Tries at a nonce before a job counts as used up: at an easy target never reached. */
  grindTries: 0x1_0000_0000,
  /** gossipsub's D and D_high: mesh links that a node looks for, and those that it keeps at most. */
  meshDegree: 8,
  meshHigh: 12,
  /** gossipsub's heartbeat, D_lazy, and how many heartbeats a message is told of by id. */
  heartbeat: 500_000,
  lazyPeers: 6,
  historyBeats: 3,
  /** Bytes of an id list's frame and of each id in it, for links with a bandwidth. */
  idFrameBytes: 24,
  idBytes: 32,
  /** A wanted link is dialled again so often (host/net/dialer.ts: twice a second). */
  redial: 500_000,
} as const;
