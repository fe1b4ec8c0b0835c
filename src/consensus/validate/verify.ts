/** One signature to check, already taken apart: everything that a back end could disagree about is decided before. */
export interface SigCheck {
  readonly scheme: 'ecdsa' | 'schnorr';
  /** ecdsa: 33 bytes, compressed (BIP141 policy made consensus here). schnorr: 32 bytes, x only (BIP340). */
  readonly key: Uint8Array;
  /** The 32-byte signature hash (BIP143, BIP341). */
  readonly message: Uint8Array;
  /** 64 bytes r ‖ s, big endian; for ecdsa r and s are in 1..n−1 and s is low. */
  readonly signature: Uint8Array;
}

/** Answers whether a signature is valid. Never throws on any bytes of the right length; a malformed key is `false`. */
export type Verify = (check: SigCheck) => boolean;
