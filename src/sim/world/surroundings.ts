import type { ChainBounds } from '../../consensus/chain/bounds.ts';
import type { Params } from '../../consensus/params/params.ts';
import type { ForkChoiceName } from '../../consensus/tree/fork-choice-rules.ts';
import type { BlockReading } from '../../consensus/validate/check.ts';
import type { Verify } from '../../consensus/validate/verify.ts';
import type { Limits } from '../../node/limits.ts';
import type { Input, Micros, PeerId, Step } from '../../node/types.ts';
import type { Random } from '../../util/random.ts';
import type { GossipNet } from './gossip.ts';
import type { SimLog } from './log.ts';
import type { EventQueue } from './queue.ts';
import type { Wires } from './wires.ts';

/** What a simulated machine, a `Node`, needs of the world that it stands in. */
export interface Surroundings<Node> {
  readonly params: Params;
  readonly seed: string;
  readonly limits: Limits;
  readonly bounds: Partial<ChainBounds>;
  readonly verify: Verify;
  readonly reading: BlockReading;
  readonly queue: EventQueue;
  readonly wires: Wires;
  readonly gossip: GossipNet;
  readonly log: SimLog;
  /** For what is nobody's own: how much a power cut takes. */
  readonly chance: Random;
  readonly forkChoice: ForkChoiceName;
  readonly keepBodies: number;
  readonly hashScale: number;
  /** Wall clock at time 0. */
  readonly epochMicros: Micros;
  newLife(): number;
  send(from: PeerId, to: PeerId, bytes: Uint8Array): void;
  stepped(node: Node, input: Input, step: Step): void;
  /** Its machine is about to stop at a crash point. */
  crashed(node: Node): void;
  gone(id: PeerId): void;
  back(id: PeerId): void;
}
