import { decodeAddress, encodeAddress } from '../../bitcoin/address.ts';
import type { Lock } from '../../bitcoin/lock.ts';
import { lockScript, parseLock, scriptAsm } from '../../bitcoin/lock.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import type { Json } from '../../host/http/json.ts';
import { fromHex, toHex } from '../../util/bytes.ts';
import { withChecksum } from './descriptor-checksum.ts';

/** The address that pays this lock; undefined where there is none. */
export function scriptAddress(script: Uint8Array, hrp: string): string | undefined {
  const lock = parseLock(script);
  return lock === undefined || lock.kind === 'data' ? undefined : encodeAddress(lock, hrp);
}

/** Core: ScriptToUniv with descriptor and address. */
export function scriptJson(script: Uint8Array, hrp: string): { [key: string]: Json | undefined } {
  const lock = parseLock(script);
  const address = scriptAddress(script, hrp);
  return {
    asm: scriptAsm(script),
    desc: withChecksum(inferDescriptor(script, lock, address)),
    hex: toHex(script),
    address,
    type: scriptType(script, lock),
  };
}

/** Core: InferDescriptor without keys at hand. */
function inferDescriptor(script: Uint8Array, lock: Lock | undefined, address: string | undefined): string {
  if (lock?.kind === 'p2tr') return `rawtr(${toHex(lock.key)})`;
  if (address !== undefined) return `addr(${address})`;
  const key = payToKey(script);
  if (key !== undefined) return `pk(${toHex(key)})`;
  return `raw(${toHex(script)})`;
}

/** Core: GetTxnOutputType. Beside our three locks only regtest's genesis output (pay to a bare key) can occur. */
function scriptType(script: Uint8Array, lock: Lock | undefined): string {
  if (lock?.kind === 'p2wpkh') return 'witness_v0_keyhash';
  if (lock?.kind === 'p2tr') return 'witness_v1_taproot';
  if (lock?.kind === 'data') return 'nulldata';
  return payToKey(script) === undefined ? 'nonstandard' : 'pubkey';
}

function payToKey(script: Uint8Array): Uint8Array | undefined {
  const size = script[0];
  if ((size !== 33 && size !== 65) || script.length !== size + 2 || script[size + 1] !== 0xac)
    return undefined;
  return script.subarray(1, size + 1);
}

/** The script that pays to an address of this network, or the refusal that says what is wrong with it. */
export function addressScript(address: string, hrp: string): Uint8Array {
  const lock = decodeAddress(address, hrp);
  if (!lock.ok) throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, `Invalid address: ${lock.error}`);
  return lockScript(lock.value);
}

/** Hex of something, or `-22` with Core's sentence. */
export function hexBytes(text: string, refusal: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new RpcError(RPC.DESERIALIZATION_ERROR, refusal);
  return bytes;
}
