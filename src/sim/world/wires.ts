import type { Micros, PeerId } from '../../node/types.ts';
import type { Described } from '../../node/wire/describe.ts';
import { type LinkShape, Shaper, UNSHAPED } from '../../util/link-shape.ts';
import { simLimits } from './limits.ts';
import type { EventQueue } from './queue.ts';

/** One direction of a link. */
interface Wire {
  readonly shaper: Shaper;
  /** Set for this direction alone; else the default. */
  own: LinkShape | undefined;
  /** Delay alone, in microseconds; undefined: the shaper has to be asked. */
  plain: Micros | undefined;
  lastDue: Micros;
  /** Cut one way: what arrives waits here, for a stream cannot lose bytes. */
  cut: boolean;
  held: Held[];
}

interface Held {
  /** Order of arrival over all wires. */
  readonly seq: number;
  readonly since: Micros;
  readonly cargo: Cargo;
}

/** What is on its way over a wire. */
export interface Cargo {
  readonly bytes: number;
  readonly arrive: () => void;
  /** Undefined for what keeps a link alive or tells nothing: it is never held back. */
  readonly what: () => Described | undefined;
}

/** A message on a held wire. */
export interface HeldOnWire extends Described {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly bytes: number;
  readonly heldMs: number;
}

/** A pair that wants to be linked. */
interface Link {
  readonly dialler: PeerId;
  readonly other: PeerId;
  readonly there: Wire;
  readonly back: Wire;
  /** Counts connections: what was on its way over a broken one is lost. */
  life: number;
  up: boolean;
  /** Not dialled before this: one end has refused the other. */
  bannedUntil: Micros;
  dialling: boolean;
}

export interface WireOptions {
  readonly queue: EventQueue;
  readonly seed: string;
  readonly shape: LinkShape;
  /** Are both ends there to be connected? */
  readonly present: (id: PeerId) => boolean;
  /** A connection came, or broke. */
  readonly joined: (id: PeerId, peer: PeerId, inbound: boolean) => void;
  readonly left: (id: PeerId, peer: PeerId) => void;
}

/**
 * Links between parties: which are wanted, which stand, and when what is sent over one arrives. A wanted link that
 * breaks is dialled again. Each direction has its own shape; nothing overtakes on it.
 */
export class Wires {
  readonly #o: WireOptions;
  readonly #links = new Map<string, Link>();
  /** By end, in the order of the other end's name, so that no loop depends on who linked first. */
  readonly #of = new Map<PeerId, Map<PeerId, Link>>();
  #groups: readonly (readonly PeerId[])[] | undefined;
  #default: LinkShape;
  #heldAll = false;
  #holdSeq = 0;

  constructor(o: WireOptions) {
    this.#o = o;
    this.#default = o.shape;
  }

  get groups(): readonly (readonly PeerId[])[] | undefined {
    return this.#groups;
  }

  get defaultShape(): LinkShape {
    return this.#default;
  }

  /** Wants the two linked from now on. Inbound for `other`. */
  want(dialler: PeerId, other: PeerId): void {
    const key = linkKey(dialler, other);
    const known = this.#links.get(key);
    if (known === undefined) {
      const link: Link = {
        dialler,
        other,
        there: this.#wire(dialler, other),
        back: this.#wire(other, dialler),
        life: 0,
        up: false,
        bannedUntil: 0,
        dialling: false,
      };
      this.#links.set(key, link);
      this.#put(dialler, other, link);
      this.#put(other, dialler, link);
      this.#try(link);
      return;
    }
    this.#try(known);
  }

  /** The two are not to be linked any more. */
  unwant(a: PeerId, b: PeerId): void {
    const link = this.#links.get(linkKey(a, b));
    if (link === undefined) return;
    this.#break(link);
    this.#links.delete(linkKey(a, b));
    this.#of.get(a)?.delete(b);
    this.#of.get(b)?.delete(a);
  }

  #put(of: PeerId, other: PeerId, link: Link): void {
    const all = [...(this.#of.get(of) ?? new Map<PeerId, Link>())];
    all.push([other, link]);
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    this.#of.set(of, new Map(all));
  }

  #wire(from: PeerId, to: PeerId): Wire {
    const wire: Wire = {
      shaper: new Shaper(`${this.#o.seed}|${from}>${to}`),
      own: undefined,
      plain: 0,
      lastDue: 0,
      cut: false,
      held: [],
    };
    this.#apply(wire);
    return wire;
  }

  #apply(wire: Wire): void {
    const shape = wire.own ?? this.#default;
    wire.shaper.set(shape);
    const { jitterMs, loss, bitsPerSecond, delayMs } = shape;
    wire.plain =
      jitterMs === 0 && loss === 0 && bitsPerSecond === 0 ? Math.round(delayMs * 1_000) : undefined;
  }

  #of2(from: PeerId, to: PeerId): Wire | undefined {
    const link = this.#of.get(from)?.get(to);
    return link === undefined ? undefined : wireOf(link, from);
  }

  /** What one direction does from now on; undefined: as the default again. */
  shape(from: PeerId, to: PeerId, shape: LinkShape | undefined): void {
    const wire = this.#of2(from, to);
    if (wire === undefined) return;
    wire.own = shape;
    this.#apply(wire);
  }

  shapeOf(from: PeerId, to: PeerId): LinkShape {
    return this.#of2(from, to)?.own ?? this.#default;
  }

  /** The shape of every direction without one of its own. */
  setDefault(shape: LinkShape): void {
    this.#default = shape;
    for (const link of this.#links.values()) {
      this.#apply(link.there);
      this.#apply(link.back);
    }
  }

  up(a: PeerId, b: PeerId): boolean {
    return this.#of.get(a)?.get(b)?.up === true;
  }

  /** Who is connected with it now, in the order of their names. */
  peersOf(id: PeerId): PeerId[] {
    const peers: PeerId[] = [];
    for (const [other, link] of this.#of.get(id) ?? []) if (link.up) peers.push(other);
    return peers;
  }

  /** All pairs that want to be linked, each once. */
  wanted(): (readonly [PeerId, PeerId])[] {
    return [...this.#links.values()].map(({ dialler, other }) => [dialler, other] as const);
  }

  /** The cargo arrives at the far end after what the wire does to so many bytes, if the connection lasts so long. */
  carry(from: PeerId, to: PeerId, cargo: Cargo): void {
    const link = this.#of.get(from)?.get(to);
    if (link === undefined || !link.up) return;
    const wire = wireOf(link, from);
    if (wire.shaper.drops() && cargo.what() !== undefined) return;
    const { queue } = this.#o;
    const due =
      wire.plain === undefined
        ? Math.round(wire.shaper.due(queue.now / 1_000, cargo.bytes) * 1_000)
        : queue.now + wire.plain;
    if (due > wire.lastDue) wire.lastDue = due;
    const { life } = link;
    queue.at(wire.lastDue, () => {
      if (link.life !== life) return;
      if ((wire.cut || this.#heldAll) && cargo.what() !== undefined) this.#hold(link, wire, cargo);
      else cargo.arrive();
    });
  }

  #hold(link: Link, wire: Wire, cargo: Cargo): void {
    const { held } = wire;
    if (held.length >= simLimits.heldMessages) this.sever(link.dialler, link.other);
    else held.push({ seq: this.#holdSeq++, since: this.#o.queue.now, cargo });
  }

  /** What `from` sends does not reach `to`; it waits on the wire. */
  cut(from: PeerId, to: PeerId, cut: boolean): void {
    const wire = this.#of2(from, to);
    if (wire === undefined) return;
    wire.cut = cut;
    if (!cut && !this.#heldAll) this.#release(wire);
  }

  /** Every wire holds what it carries. */
  holdAll(held: boolean): void {
    this.#heldAll = held;
    if (held) return;
    for (const link of this.#links.values())
      for (const wire of [link.there, link.back]) if (!wire.cut) this.#release(wire);
  }

  /** Messages on wires that are all held (those of a one-way cut are not on offer), oldest first. */
  held(): HeldOnWire[] {
    if (!this.#heldAll) return [];
    const now = this.#o.queue.now;
    return this.#heldWires()
      .flatMap(({ wire, from, to }) => wire.held.map((held) => ({ ...held, from, to })))
      .sort((a, b) => a.seq - b.seq)
      .map(({ cargo, since, from, to }) => {
        const { kind, about } = cargo.what()!;
        return { from, to, kind, about, bytes: cargo.bytes, heldMs: (now - since) / 1_000 };
      });
  }

  /** Every direction that holds something back, but those that are cut. */
  #heldWires() {
    return [...this.#links.values()].flatMap(({ there, back, dialler, other }) =>
      [
        { wire: there, from: dialler, to: other },
        { wire: back, from: other, to: dialler },
      ].filter(({ wire }) => wire.held.length > 0 && !wire.cut),
    );
  }

  #release(wire: Wire): void {
    const held = wire.held;
    wire.held = [];
    for (const { cargo } of held) this.#o.queue.at(this.#o.queue.now, cargo.arrive);
  }

  /** The oldest message that is held between two nodes arrives; false: none is held. */
  deliverHeld(from: PeerId, to: PeerId): boolean {
    const wire = this.#heldWires().find((held) => held.from === from && held.to === to)?.wire;
    const next = wire?.held.shift();
    if (next === undefined) return false;
    this.#o.queue.at(this.#o.queue.now, next.cargo.arrive);
    return true;
  }

  /** Nothing crosses between the groups from now on; undefined: everything may. */
  partition(groups: readonly (readonly PeerId[])[] | undefined): void {
    this.#groups = groups;
    for (const link of this.#links.values()) {
      if (!this.#allowed(link)) this.#break(link);
      else this.#try(link);
    }
  }

  #allowed({ dialler, other }: Link): boolean {
    const groups = this.#groups;
    if (groups === undefined) return true;
    const side = groups.findIndex((group) => group.includes(dialler));
    return side === groups.findIndex((group) => group.includes(other));
  }

  /** Breaks one connection, as a reset does; it is dialled again. */
  sever(a: PeerId, b: PeerId, banMs = 0): void {
    const link = this.#of.get(a)?.get(b);
    if (link === undefined) return;
    if (banMs > 0) link.bannedUntil = Math.max(link.bannedUntil, this.#o.queue.now + banMs * 1_000);
    this.#break(link);
    this.#redial(link);
  }

  /** Its machine is gone: all its connections break. */
  gone(id: PeerId): void {
    for (const link of this.#of.get(id)?.values() ?? []) this.#break(link);
  }

  /** It is there again: whoever wants a link with it gets one. */
  back(id: PeerId): void {
    for (const link of this.#of.get(id)?.values() ?? []) this.#try(link);
  }

  #break(link: Link): void {
    if (!link.up) return;
    link.up = false;
    link.life++;
    for (const wire of [link.there, link.back]) {
      wire.held = [];
      wire.lastDue = 0;
    }
    const { present, left } = this.#o;
    if (present(link.dialler)) left(link.dialler, link.other);
    if (present(link.other)) left(link.other, link.dialler);
  }

  #redial(link: Link): void {
    if (link.dialling) return;
    link.dialling = true;
    const { queue } = this.#o;
    queue.at(Math.max(queue.now + simLimits.redial, link.bannedUntil), () => {
      link.dialling = false;
      this.#try(link);
    });
  }

  #try(link: Link): void {
    const { queue, present, joined } = this.#o;
    if (link.up || !this.#allowed(link) || !present(link.dialler) || !present(link.other)) return;
    if (this.#links.get(linkKey(link.dialler, link.other)) !== link) return;
    if (link.bannedUntil > queue.now) {
      this.#redial(link);
      return;
    }
    link.up = true;
    link.life++;
    joined(link.dialler, link.other, false);
    joined(link.other, link.dialler, true);
  }
}

function wireOf(link: Link, from: PeerId): Wire {
  return from === link.dialler ? link.there : link.back;
}

function linkKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}

/** A whole shape from what somebody says of it. */
export function shapeFrom(partial: Partial<LinkShape>, base: LinkShape = UNSHAPED): LinkShape {
  return { ...base, ...partial };
}
