import type { PeerId } from '../../node/types.ts';
import type { Described } from '../../node/wire/describe.ts';
import { netLimits } from './limits.ts';

export interface HeldMessage extends Described {
  /** Who sent it. */
  readonly peer: PeerId;
  readonly bytes: number;
  /** How long it has been held, in milliseconds. */
  readonly heldMs: number;
}

interface Waiting extends Described {
  readonly bytes: number;
  readonly since: number;
  readonly give: () => void | Promise<void>;
}

interface Door {
  readonly waiting: Waiting[];
  bytes: number;
  /** A message is being taken in; the next one waits for that. */
  busy: boolean;
  /** Told when nothing waits any more. */
  empty: (() => void)[];
}

export interface DoorsOptions {
  readonly now: () => number;
  /** More is held from this peer than there is room for: its connection has to end. */
  readonly overflow: (peer: PeerId) => void;
}

/**
 * Where messages come in. A door that is shut holds every message of its peer, in order and without loss, until it
 * is opened: a wire whose delay has no end. The connection below goes on (acknowledgements, pings, window updates),
 * because a stream that is cut in one direction only is a stream that both ends soon give up. This is the receiving
 * end, above encryption and multiplexing, where a message is a message: so they can be counted by kind and let in
 * one by one, and what another peer relays is not taken for a duplicate of what is held.
 */
export class Doors {
  readonly #o: DoorsOptions;
  readonly #doors = new Map<PeerId, Door>();
  #hold = false;
  #deaf: ReadonlySet<PeerId> = new Set();

  constructor(o: DoorsOptions) {
    this.#o = o;
  }

  /** `hold` shuts all doors, `deaf` those of some peers (a one-way cut). What no longer holds a message lets it in. */
  set(hold: boolean, deaf: Iterable<PeerId>): void {
    this.#hold = hold;
    this.#deaf = new Set(deaf);
    for (const [peer, door] of [...this.#doors]) this.#pump(peer, door);
  }

  isShut(peer: PeerId): boolean {
    return this.#hold || this.#deaf.has(peer);
  }

  /**
   * Lets a message in, now or when its door opens. The promise, if there is one, pushes back on the sender; a shut
   * door does not, so that keep-alives behind are still read, and is bounded by `overflow` instead.
   * `look` is called only for a message that has to wait; undefined = let it through in any case.
   */
  pass(
    peer: PeerId,
    bytes: number,
    look: () => Described | undefined,
    give: () => void | Promise<void>,
  ): void | Promise<void> {
    let door = this.#doors.get(peer);
    const shut = this.isShut(peer);
    if (door === undefined && !shut) return give();
    const what = look();
    if (shut && what === undefined) return give();
    if (door === undefined) {
      door = { waiting: [], bytes: 0, busy: false, empty: [] };
      this.#doors.set(peer, door);
    }
    door.waiting.push({
      kind: what?.kind ?? '',
      about: what?.about ?? '',
      bytes,
      since: this.#o.now(),
      give,
    });
    door.bytes += bytes;
    if (door.bytes > netLimits.heldBytes || door.waiting.length > netLimits.heldMessages) {
      this.left(peer);
      // Never from within the call of a stream.
      queueMicrotask(() => this.#o.overflow(peer));
      return undefined;
    }
    if (shut) return undefined;
    const open = door;
    return new Promise((resolve) => open.empty.push(resolve));
  }

  /** The connection ended: what was held is lost, as on a wire that is torn out. */
  left(peer: PeerId): void {
    const door = this.#doors.get(peer);
    if (door === undefined) return;
    this.#doors.delete(peer);
    door.waiting.length = 0;
    for (const told of door.empty) told();
  }

  /** Messages that `hold` holds (those of a one-way cut are not on offer), oldest first. */
  held(): HeldMessage[] {
    if (!this.#hold) return [];
    const all: HeldMessage[] = [];
    const now = this.#o.now();
    for (const [peer, door] of this.#doors) {
      if (this.#deaf.has(peer)) continue;
      for (const { kind, about, bytes, since } of door.waiting)
        all.push({ peer, kind, about, bytes, heldMs: now - since });
    }
    return all.sort((a, b) => b.heldMs - a.heldMs);
  }

  /** How many messages a one-way cut holds, by peer. */
  heldByCut(): ReadonlyMap<PeerId, number> {
    return new Map(
      [...this.#doors].filter(([peer]) => this.#deaf.has(peer)).map(([peer, d]) => [peer, d.waiting.length]),
    );
  }

  /** Lets in the oldest held message (of this peer). Undefined when none is held. */
  deliver(from?: PeerId): HeldMessage | undefined {
    const next = this.held().find((m) => from === undefined || m.peer === from);
    if (next === undefined) return undefined;
    const door = this.#doors.get(next.peer)!;
    const message = door.waiting.shift()!;
    door.bytes -= message.bytes;
    // One message asks for no back-pressure: whoever steps is slower than the node.
    void message.give();
    return next;
  }

  #pump(peer: PeerId, door: Door): void {
    while (!door.busy && !this.isShut(peer) && this.#doors.get(peer) === door) {
      const message = door.waiting.shift();
      if (message === undefined) {
        this.left(peer);
        return;
      }
      door.bytes -= message.bytes;
      const taken = message.give();
      if (taken === undefined) continue;
      door.busy = true;
      // A rejection is a bug of the receiver and stays unhandled on purpose, so that it is seen.
      void taken.then(() => {
        door.busy = false;
        this.#pump(peer, door);
      });
    }
  }
}
