/**
 * SHA-256's constants and compression function (FIPS 180-4), rolled and plain: what the kernels precompute per job
 * and check their candidates with. The hot loops are generated elsewhere (double-sha.ts).
 */

const K_ROWS = `
428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5
d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe 9bdc06a7 c19bf174
e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da
983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967
27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85
a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070
19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3
748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2`;

const words = (rows: string): readonly number[] =>
  rows
    .trim()
    .split(/\s+/)
    .map((hex) => Number.parseInt(hex, 16) | 0);

/** The 64 round constants as int32. */
export const K = words(K_ROWS);
/** The eight initial state words as int32. */
export const IV = words('6a09e667 bb67ae85 3c6ef372 a54ff53a 510e527f 9b05688c 1f83d9ab 5be0cd19');

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** σ0, the message schedule's first mixing function; int32 in and out, as the three below. */
export const sigma0 = (x: number): number => rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3);
export const sigma1 = (x: number): number => rotr(x, 17) ^ rotr(x, 19) ^ (x >>> 10);
/** Σ0, the round's mixing function of `a`. */
export const bigSigma0 = (x: number): number => rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
export const bigSigma1 = (x: number): number => rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);

/** Reverses the four bytes of a word: a header's fields are little endian, SHA-256 reads big endian. */
export const swap32 = (x: number): number =>
  ((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);

/** Mixes one 16-word block into `state` (8 words). `schedule` has room for 64 words, the first 16 being the block. */
function compress(state: Int32Array, schedule: Int32Array): void {
  for (let i = 16; i < 64; i++) {
    schedule[i] = sigma1(schedule[i - 2]!) + schedule[i - 7]! + sigma0(schedule[i - 15]!) + schedule[i - 16]!;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const t1 = (h + bigSigma1(e) + (g ^ (e & (f ^ g))) + K[i]! + schedule[i]!) | 0;
    const t2 = (bigSigma0(a) + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
  state[5] = state[5]! + f;
  state[6] = state[6]! + g;
  state[7] = state[7]! + h;
}

/**
 * One job, taken apart: the midstate after the header's first 64 bytes, the three words before the nonce, and an exact
 * check of single nonces. The fast kernels look at the hash's last word only; what passes there is judged here.
 */
export class HeaderJob {
  /** State after the first block of the first hash, 8 int32. */
  readonly midstate = Int32Array.from(IV);
  /** Merkle root's tail, time, bits: words 0..2 of the second block. */
  readonly tail = new Int32Array(3);
  /** The target as words, most significant first, unsigned. */
  readonly #target = new Uint32Array(8);
  readonly #state = new Int32Array(8);
  readonly #schedule = new Int32Array(64);

  /** `header`: the first 76 bytes (more are ignored); `target`: 32 bytes, big endian. */
  constructor(header: Uint8Array, target: Uint8Array) {
    if (header.length < 76 || target.length !== 32) {
      throw new Error(
        `a job needs 76 header bytes and 32 target bytes, got ${header.length} and ${target.length}`,
      );
    }
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    for (let i = 0; i < 16; i++) this.#schedule[i] = view.getInt32(i * 4);
    compress(this.midstate, this.#schedule);
    for (let i = 0; i < 3; i++) this.tail[i] = view.getInt32(64 + i * 4);
    const goal = new DataView(target.buffer, target.byteOffset, 32);
    for (let i = 0; i < 8; i++) this.#target[i] = goal.getUint32(i * 4);
  }

  /** The target's most significant 32 bits, unsigned: a hash whose own are greater fails whatever follows. */
  get topTarget(): number {
    return this.#target[0]!;
  }

  /** Whether SHA-256d of the header with this nonce, read as a little-endian number, is ≤ the target. */
  meets(nonce: number): boolean {
    const schedule = this.#schedule;
    const state = this.#state;
    state.set(this.midstate);
    schedule.fill(0, 0, 16);
    schedule.set(this.tail);
    schedule[3] = swap32(nonce);
    schedule[4] = 0x80000000;
    schedule[15] = 640;
    compress(state, schedule);
    schedule.fill(0, 0, 16);
    schedule.set(state);
    schedule[8] = 0x80000000;
    schedule[15] = 256;
    state.set(IV);
    compress(state, schedule);
    for (let i = 0; i < 8; i++) {
      const word = swap32(state[7 - i]!) >>> 0;
      if (word !== this.#target[i]!) return word < this.#target[i]!;
    }
    return true;
  }
}
