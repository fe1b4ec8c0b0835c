import { netLimits } from './limits.ts';

/** A connection that somebody has opened to us and that is not a peer's yet. */
export interface Arrival {
  /** Where it comes from: the IP address. */
  readonly from: string;
  /** Bytes that came in. */
  readonly bytesReceived: number;
  abort(error: Error): void;
}

/**
 * The connections whose handshake is under way. When there are too many, one goes, from the address that has most: first
 * who has sent nothing yet, then who came first. (libp2p refuses the newcomer instead, so that 64 silent sockets lock
 * everybody out.)
 */
export class Pending {
  readonly #most: number;
  /** In order of arrival. */
  readonly #arrivals = new Map<Arrival, NodeJS.Timeout>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#arrivals.size;
  }

  /** Answers how to leave: called when the handshake has ended, either way. */
  enter(arrival: Arrival): () => void {
    const silent = setTimeout(() => {
      if (arrival.bytesReceived === 0) arrival.abort(new Error('it says nothing'));
    }, netLimits.firstByteMs);
    this.#arrivals.set(arrival, silent);
    if (this.#arrivals.size > this.#most) this.#evict(arrival);
    return () => this.#leave(arrival);
  }

  #leave(arrival: Arrival): void {
    clearTimeout(this.#arrivals.get(arrival));
    this.#arrivals.delete(arrival);
  }

  #evict(newcomer: Arrival): void {
    const counts = new Map<string, number>();
    for (const { from } of this.#arrivals.keys()) counts.set(from, (counts.get(from) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const crowd = [...this.#arrivals.keys()].filter((a) => a !== newcomer && counts.get(a.from) === most);
    const victim = crowd.find((a) => a.bytesReceived === 0) ?? crowd[0] ?? newcomer;
    this.#leave(victim);
    victim.abort(new Error('too many connections are being opened'));
  }
}
