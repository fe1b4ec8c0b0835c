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
  /** How many come from each address. */
  readonly #counts = new Map<string, number>();

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
    this.#counts.set(arrival.from, (this.#counts.get(arrival.from) ?? 0) + 1);
    if (this.#arrivals.size > this.#most) this.#evict(arrival);
    return () => this.#leave(arrival);
  }

  #leave(arrival: Arrival): void {
    clearTimeout(this.#arrivals.get(arrival));
    if (!this.#arrivals.delete(arrival)) return;
    const left = this.#counts.get(arrival.from)! - 1;
    if (left === 0) this.#counts.delete(arrival.from);
    else this.#counts.set(arrival.from, left);
  }

  #evict(newcomer: Arrival): void {
    const victim = this.#victim(newcomer);
    this.#leave(victim);
    victim.abort(new Error('too many connections are being opened'));
  }

  #victim(newcomer: Arrival): Arrival {
    const most = Math.max(...this.#counts.values());
    let first: Arrival | undefined;
    for (const arrival of this.#arrivals.keys()) {
      if (arrival === newcomer || this.#counts.get(arrival.from) !== most) continue;
      if (arrival.bytesReceived === 0) return arrival;
      first ??= arrival;
    }
    return first ?? newcomer;
  }
}
