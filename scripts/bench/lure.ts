import type { HostVerify } from '../../src/host/verify/verify.ts';

/** Calls the helpers with checks that are nobody's, and waits until they work: in a sync they are there. */
export async function lure(host: HostVerify): Promise<void> {
  const checks = Array.from({ length: 1000 }, (_, i) => ({
    scheme: 'ecdsa' as const,
    key: new Uint8Array(33).fill(2),
    message: new Uint8Array(32).fill(i),
    signature: new Uint8Array(64).fill(i),
  }));
  host.warm(checks);
  await new Promise((done) => setTimeout(done, 150));
}
