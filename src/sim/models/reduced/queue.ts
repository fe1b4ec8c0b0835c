const FIRST_ROOM = 64;

/**
 * What will arrive: a heap over typed arrays, earliest first, equal times in the order in which they were put in.
 * Times are whole microseconds below 2^53. Each entry carries one whole number and one object.
 */
export class ArrivalQueue<T> {
  #times = new Float64Array(FIRST_ROOM);
  #serials = new Float64Array(FIRST_ROOM);
  #wheres = new Int32Array(FIRST_ROOM);
  #items: (T | undefined)[] = [];
  #size = 0;
  #next = 0;
  /** Of the entry that `pop` has just taken out. */
  where = 0;

  get size(): number {
    return this.#size;
  }

  /** Time of the earliest; ∞ when nothing is on its way. */
  get earliest(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  push(time: number, where: number, item: T): void {
    if (this.#size === this.#times.length) this.#grow();
    const serial = this.#next++;
    let at = this.#size++;
    while (at > 0) {
      const up = (at - 1) >> 1;
      // A newer serial never goes before an equal time.
      if (this.#times[up]! <= time) break;
      this.#move(up, at);
      at = up;
    }
    this.#put(at, time, serial, where, item);
  }

  /** The earliest; only when there is one. Its `where` stays readable. */
  pop(): T {
    const top = this.#items[0]!;
    this.where = this.#wheres[0]!;
    const last = --this.#size;
    const time = this.#times[last]!;
    const serial = this.#serials[last]!;
    const where = this.#wheres[last]!;
    const item = this.#items[last]!;
    this.#items[last] = undefined;
    if (last === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(child + 1, child)) child++;
      const t = this.#times[child]!;
      if (t > time || (t === time && this.#serials[child]! > serial)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, serial, where, item);
    return top;
  }

  #before(a: number, b: number): boolean {
    const ta = this.#times[a]!;
    const tb = this.#times[b]!;
    return ta < tb || (ta === tb && this.#serials[a]! < this.#serials[b]!);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#serials[to] = this.#serials[from]!;
    this.#wheres[to] = this.#wheres[from]!;
    this.#items[to] = this.#items[from];
  }

  #put(at: number, time: number, serial: number, where: number, item: T): void {
    this.#times[at] = time;
    this.#serials[at] = serial;
    this.#wheres[at] = where;
    this.#items[at] = item;
  }

  #grow(): void {
    const room = this.#times.length * 2;
    const times = new Float64Array(room);
    times.set(this.#times);
    this.#times = times;
    const serials = new Float64Array(room);
    serials.set(this.#serials);
    this.#serials = serials;
    const wheres = new Int32Array(room);
    wheres.set(this.#wheres);
    this.#wheres = wheres;
  }
}
