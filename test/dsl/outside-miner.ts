import { createHash } from 'node:crypto';
import type { JsonInput, JsonObject } from '../../src/host/http/json.ts';

/**
 * A miner as strangers write them: from the JSON of getblocktemplate and node's own SHA-256 alone, with nothing of ours.
 * As stock miners do, it writes its coinbase without a witness and leaves completing the block to the node.
 */

export interface MakeOptions {
  /** The script that is paid, in hex. */
  readonly payout: string;
  /** Satoshis above what the template allows. */
  readonly greed?: number;
  /** Puts the 32 zero bytes into the coinbase, as a proposal needs it. */
  readonly witness?: boolean;
  /** Leaves the commitment output away. */
  readonly uncommitted?: boolean;
  /** Without proof of work. */
  readonly lazy?: boolean;
  readonly extraNonce?: number;
}

/** The bytes of a block in hex. */
export function makeBlockOf(template: JsonObject, o: MakeOptions): string {
  const txs = template['transactions'] as { readonly data: string; readonly txid: string }[];
  const bare = coinbaseOf(template, o);
  const root = merkleRootOf([sha256d(bare), ...txs.map(({ txid }) => Buffer.from(txid, 'hex').reverse())]);
  const header = Buffer.concat([
    u32(template['version'] as number),
    Buffer.from(template['previousblockhash'] as string, 'hex').reverse(),
    root,
    u32(template['curtime'] as number),
    Buffer.from(template['bits'] as string, 'hex').reverse(),
    u32(0),
  ]);
  if (o.lazy !== true) grind(header, template['target'] as string);
  const coinbase = o.witness === true ? witnessed(bare) : bare;
  const body = [coinbase, ...txs.map(({ data }) => Buffer.from(data, 'hex'))];
  return Buffer.concat([header, compact(body.length), ...body]).toString('hex');
}

/** Mines like `minerd`: asks, grinds, submits, and waits with `longpollid` for other work. */
export async function mineLoop(
  call: (method: string, ...params: JsonInput[]) => Promise<JsonInput>,
  payout: string,
  blocks: number,
): Promise<JsonInput[]> {
  const answers: JsonInput[] = [];
  const asked: JsonObject = { capabilities: ['coinbasevalue', 'longpoll', 'workid'], rules: ['segwit'] };
  let template = (await call('getblocktemplate', asked)) as JsonObject;
  while (answers.length < blocks) {
    const { longpollid } = template as { longpollid: string };
    // It waits while it works, as stock miners do: its own block is what ends the wait.
    const next = call('getblocktemplate', { ...asked, longpollid });
    const block = makeBlockOf(template, { payout, extraNonce: answers.length });
    answers.push(await call('submitblock', block));
    template = (await next) as JsonObject;
  }
  return answers;
}

function coinbaseOf(template: JsonObject, o: MakeOptions): Buffer {
  const extra = Buffer.alloc(8);
  extra.writeUInt32LE(o.extraNonce ?? 0);
  const script = Buffer.concat([heightPush(template['height'] as number), Buffer.from([8]), extra]);
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt((template['coinbasevalue'] as number) + (o.greed ?? 0)));
  const outputs = [Buffer.concat([value, sized(Buffer.from(o.payout, 'hex'))])];
  const commitment = template['default_witness_commitment'] as string;
  if (o.uncommitted !== true)
    outputs.push(Buffer.concat([Buffer.alloc(8), sized(Buffer.from(commitment, 'hex'))]));
  return Buffer.concat([
    u32(1),
    Buffer.from([1]),
    Buffer.alloc(32),
    u32(0xffffffff),
    sized(script),
    u32(0xffffffff),
    Buffer.from([outputs.length]),
    ...outputs,
    u32(0),
  ]);
}

/** BIP144: marker and flag behind the version, the witness before the lock time. */
function witnessed(bare: Buffer): Buffer {
  const end = bare.length - 4;
  const item = Buffer.concat([Buffer.from([1, 32]), Buffer.alloc(32)]);
  return Buffer.concat([
    bare.subarray(0, 4),
    Buffer.from([0, 1]),
    bare.subarray(4, end),
    item,
    bare.subarray(end),
  ]);
}

/** BIP34, with the small numbers as operations of their own. */
function heightPush(height: number): Buffer {
  if (height <= 16) return Buffer.from([0x50 + height]);
  const bytes: number[] = [];
  for (let n = height; n > 0; n >>= 8) bytes.push(n & 0xff);
  if (bytes.at(-1)! >= 0x80) bytes.push(0);
  return Buffer.from([bytes.length, ...bytes]);
}

function merkleRootOf(leaves: readonly Buffer[]): Buffer {
  let level = [...leaves];
  while (level.length > 1) {
    const next: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2)
      next.push(sha256d(Buffer.concat([level[i]!, level[i + 1] ?? level[i]!])));
    level = next;
  }
  return level[0]!;
}

function grind(header: Buffer, target: string): void {
  for (let nonce = 0; nonce <= 0xffffffff; nonce++) {
    header.writeUInt32LE(nonce, 76);
    if (sha256d(header).reverse().toString('hex') <= target) return;
  }
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const sha256d = (bytes: Buffer): Buffer => sha256(sha256(bytes));
const sized = (bytes: Buffer): Buffer => Buffer.concat([compact(bytes.length), bytes]);

function compact(n: number): Buffer {
  return n < 0xfd ? Buffer.from([n]) : Buffer.from([0xfd, n & 0xff, n >> 8]);
}

function u32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n >>> 0);
  return bytes;
}
