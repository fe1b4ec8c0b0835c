import { type Block, decodeBlock } from '../../bitcoin/block.ts';
import { decodeHeader, HEADER_SIZE } from '../../bitcoin/header.ts';
import type { Refusal } from '../../consensus/params/rules.ts';
import { RPC, RpcError } from '../../host/http/errors.ts';
import { fromHex, idOf } from '../../util/bytes.ts';
import type { NodeContext } from './context.ts';
import { parseHash } from './context.ts';
import { bitsHex } from './render.ts';
import { hexBytes } from './script.ts';

/** A block in hex, or `-22`. */
export function blockArgument(hex: string): Block {
  const block = decodeBlock(hexBytes(hex, 'Block decode failed'));
  if (!block.ok) throw new RpcError(RPC.DESERIALIZATION_ERROR, 'Block decode failed');
  return block.value;
}

/** Core: submitblock with its BIP22 answers. */
export async function submit(context: NodeContext, block: Block): Promise<string | null> {
  const result = await context.command({ kind: 'submit-block', bytes: block.bytes });
  if (result.kind === 'refused') return rejectReason(block, result.refusal);
  if (result.kind !== 'block') throw new TypeError(`submit-block answered ${result.kind}`);
  const entry = context.view.chain.entry(parseHash(result.id, 'block'));
  if (!result.isNew) return entry?.condemned === undefined ? 'duplicate' : 'duplicate-invalid';
  if (entry !== undefined && context.view.chain.isActive(entry)) return null;
  return 'inconclusive';
}

/** Core: BIP22ValidationResult. Null if the block would be valid, otherwise why not. */
export async function propose(context: NodeContext, block: Block): Promise<string | null> {
  const entry = context.view.chain.entry(block.hash);
  if (entry?.condemned !== undefined) return 'duplicate-invalid';
  if (entry !== undefined) return entry.connectedOnce ? 'duplicate' : 'duplicate-inconclusive';
  const result = await context.command({ kind: 'propose-block', bytes: block.bytes });
  if (result.kind === 'refused') return rejectReason(block, result.refusal);
  if (result.kind !== 'done') throw new TypeError(`propose-block answered ${result.kind}`);
  return null;
}

/** Core names the version that it refuses. */
function rejectReason({ header }: Block, { rule }: Refusal): string {
  return rule === 'bad-version' ? `bad-version(0x${bitsHex(header.version >>> 0)})` : rule;
}

/** Core: submitheader. Null, or an error that names the rule. */
export async function submitHeader(context: NodeContext, hex: string): Promise<null> {
  const bytes = fromHex(hex);
  const header = bytes === undefined ? undefined : decodeHeader(bytes);
  if (bytes?.length !== HEADER_SIZE || header?.ok !== true)
    throw new RpcError(RPC.DESERIALIZATION_ERROR, 'Block header decode failed');
  const result = await context.command({ kind: 'submit-header', bytes });
  if (result.kind === 'header') return null;
  if (result.kind !== 'refused') throw new TypeError(`submit-header answered ${result.kind}`);
  const { rule, detail } = result.refusal;
  if (rule === 'prev-blk-not-found')
    throw new RpcError(RPC.VERIFY_ERROR, `Must submit previous header (${idOf(header.value.prev)}) first`);
  throw new RpcError(RPC.VERIFY_ERROR, `${rule}, ${detail}`);
}
