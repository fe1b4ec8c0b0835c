import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface PlacesLimits {
  /** Connections that stay open together. */
  readonly connections: number;
  /** Connections above that, for the moment until the server has read what each of them sends first. */
  readonly newcomers: number;
}

interface Place {
  /** Requests of this connection that are not answered yet. */
  requests: number;
  trusted: boolean;
  /** The turn of the event loop in which it came. */
  readonly turn: number;
}

/**
 * The connections of an HTTP server. When there are too many, the server closes those that nobody needs: first the
 * oldest idle ones without a cookie, then the oldest idle ones with it, and newcomers last. So connections that do
 * nothing never keep a client out. A connection whose request is being answered is never closed.
 */
export class Places {
  readonly #limits: PlacesLimits;
  /** Oldest first; an answered request makes a connection the newest again. */
  readonly #places = new Map<Socket, Place>();
  #turn = 0;
  #looking = false;

  constructor(server: Server, limits: PlacesLimits) {
    this.#limits = limits;
    server.maxConnections = limits.connections + limits.newcomers;
    server.on('connection', (socket: Socket) => this.#came(socket));
    server.on('request', (request, response) => this.#asked(request, response));
  }

  /** This connection has shown that it is the user's. */
  trust(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined) place.trusted = true;
  }

  #came(socket: Socket): void {
    this.#places.set(socket, { requests: 0, trusted: false, turn: this.#turn });
    socket.once('close', () => this.#places.delete(socket));
    if (this.#places.size > this.#limits.connections) this.#look();
  }

  #asked({ socket }: IncomingMessage, response: ServerResponse): void {
    const place = this.#places.get(socket);
    if (place === undefined) return;
    place.requests++;
    response.once('close', () => {
      place.requests--;
      if (!this.#places.delete(socket)) return;
      this.#places.set(socket, place);
    });
  }

  /**
   * One accepted burst may hold more connections than the limit. Each is read once before any of them is closed: that
   * is two turns of the event loop later.
   */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#turn++;
      this.#looking = false;
      this.#evict();
      if (this.#places.size > this.#limits.connections) this.#look();
    });
  }

  #evict(): void {
    for (const trusted of [false, true]) {
      for (const [socket, place] of this.#places) {
        if (this.#places.size <= this.#limits.connections) return;
        if (place.requests > 0 || place.trusted !== trusted || this.#turn - place.turn < 2) continue;
        this.#places.delete(socket);
        socket.destroy();
      }
    }
  }
}
